/// Producer: puts sealed outboxes on their way and counts every report, until Kafka has all of it.
///
/// A record is Kafka's when its report says so and at which offset, and only then; what fails
/// otherwise is produced again, in its old order, by a new producer (librdkafka's idempotent one is
/// dead after a fatal error, and its flush has answered "fine" for messages that were not).  What
/// Kafka will never take is a refusal: it stays part of its outbox until somebody has stored it
/// elsewhere.
#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/metrics.h"
#include "kafka/client.h"
#include "kafka/sealed.h"

namespace reprise::runtime::kafka {

class Producer {  // Threads: one; Overloaded from any.
 public:
  Producer(const KafkaOptions& options, Metrics& metrics) : options_(options), metrics_(metrics) {}
  ~Producer();

  /// `wake` is called, on librdkafka's thread, when a report is waited for and there.
  Status Open(std::function<void()> wake);

  /// On its way from now on.  `orphan`: the worker that left it; nil: this one.
  void Put(std::string records, std::vector<std::uint32_t> starts, const Uuid& orphan = {});

  /// Appends this worker's records that Kafka does not have all of, outbox by outbox.
  void AppendOutstanding(std::string& out) const;

  /// Waits for what is on its way, `close_within` at most; whether all of it is acknowledged.
  bool Finish();
  /// Takes reports; at once.
  void Count();
  /// And produces what is left, by a new producer where that is needed.
  void Serve();

  /// A record that Kafka will never take.
  struct Refusal {
    std::uint64_t where = 0;  // for Settle
    RecordView record;        // lives until Settle
    std::string reason;
  };
  std::vector<Refusal> TakeRefusals();
  /// It is kept elsewhere.
  void Settle(std::uint64_t where);

  /// Hears where each record landed that Kafka acknowledged.
  using Landed =
      std::function<void(const char* topic, std::int32_t partition, std::int64_t offset)>;
  void OnLanded(Landed listener) { landed_ = std::move(listener); }

  /// Orphans whose records Kafka has, each told once.
  std::vector<Uuid> TakePublished();

  std::size_t unacknowledged() const { return left_; }  // records
  int rebuilt() const { return rebuilt_; }
  rd_kafka_t* handle() const { return client_.get(); }

  std::optional<std::string> Overloaded() const;
  /// No broker can be reached.  Threads: any.
  bool away() const { return away_; }

 private:
  using Steady = std::chrono::steady_clock;
  enum class State : std::uint8_t { kWaiting, kSent, kThere, kRefused };
  struct Outbox {
    Uuid orphan;
    std::string records;
    std::vector<std::uint32_t> starts;
    std::vector<State> states;
    std::size_t left = 0;
    Steady::time_point since;
  };

  // `where` is an outbox's number and a record's in it; outbox `first_ + i` is outboxes_[i].
  static constexpr unsigned kIndexBits = 24;
  static constexpr std::uint64_t OutboxOf(std::uint64_t where) { return where >> kIndexBits; }
  static constexpr std::size_t IndexOf(std::uint64_t where) {
    return where & ((std::uint64_t{1} << kIndexBits) - 1);
  }

  static void OnReport(rd_kafka_t*, const rd_kafka_message_t* message, void* self);
  static void OnError(rd_kafka_t*, int error, const char* reason, void* self);
  void Report(std::uint64_t where, rd_kafka_resp_err_t error, std::int64_t offset);
  void There(Outbox& outbox, std::size_t index);
  void SendAgain(Outbox& outbox, std::uint64_t where);
  void Refuse(std::uint64_t where, const std::string& reason);
  void Produce();
  bool ProduceOne(Outbox& outbox, std::uint64_t where);
  rd_kafka_topic_t* TopicOf(std::string_view name);
  rd_kafka_resp_err_t Hand(const RecordView& record, std::uint64_t where);
  void Rebuild();
  Status Make();
  void Forget();
  void LookForBroker();
  void Note();
  Outbox* Of(std::uint64_t where);
  RecordView At(std::uint64_t where);

  const KafkaOptions& options_;
  Metrics& metrics_;
  std::function<void()> wake_;
  Landed landed_;
  Owned<rd_kafka_t> client_;
  Owned<rd_kafka_queue_t> reports_;  // client_'s; before it in going
  std::map<std::string, Owned<rd_kafka_topic_t>, std::less<>> topics_;  // so are these

  std::deque<Outbox> outboxes_;
  std::uint64_t first_ = 1;
  std::uint64_t next_ = 0;  // the first that may still have to be produced
  std::size_t left_ = 0, bytes_ = 0;
  std::vector<Refusal> refusals_;
  std::vector<Uuid> published_;
  std::string broken_;  // why this producer is of no use any more
  Steady::time_point made_{};
  int rebuilt_ = 0;

  Steady::time_point looked_{};  // for a broker, while none is there
  std::optional<Steady::time_point> finish_until_;

  std::atomic<bool> away_ = false;
  std::atomic<bool> reports_wanted_ = false;
  std::atomic<std::size_t> bytes_seen_ = 0;       // for Overloaded
  std::atomic<std::int64_t> oldest_seen_ms_ = 0;  // steady clock; 0: nothing is on its way
};

}  // namespace reprise::runtime::kafka
