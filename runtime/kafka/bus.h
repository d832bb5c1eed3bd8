/// The cluster's wire: Kafka topics, one per step, read lane by lane.
///
/// Poll is also where everything else happens that the wire needs now and then, since it is called
/// at least once a second on the worker's thread: reports are counted, lanes taken, the lease is
/// renewed, orphans' outboxes are published and their workers buried, positions are exported.
///
/// A record that Kafka will never take comes back through Poll as a Message with `refused` and its
/// reason in `broken`.  It stays part of what Seal answers until the transaction that took it up
/// has committed, which the following Publish says: no crash loses it.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "kafka/consumer.h"
#include "kafka/desk.h"
#include "kafka/options.h"
#include "kafka/producer.h"
#include "kafka/topics.h"
#include "ports/bus.h"
#include "ports/lanes.h"

namespace reprise::runtime {

class KafkaBus : public Bus {  // Threads: the worker's; Overloaded, away and Stopped from any.
 public:
  /// Makes missing topics and joins the group.  A process without steps of its own only publishes.
  /// `lanes` and `metrics` outlive the bus.  Blocks; kUnavailable: no Kafka; kInvalid: options, or
  /// topics with another number of partitions.  `ends`: for tests, which take the same topics one
  /// after the other and must know when nothing is left to come: lanes begin at their ends, which
  /// are kept there from one bus to the next.
  static Result<std::unique_ptr<KafkaBus>> Open(KafkaOptions options, kafka::Topics topics,
                                                Lanes& lanes, Metrics& metrics,
                                                std::shared_ptr<LaneEnds> ends = nullptr);
  /// Waits for what is on its way, `close_within` at most.
  ~KafkaBus() override;

  Result<std::vector<Message>> Poll(std::size_t most) override;
  void Return(std::vector<Message> messages) override;
  std::string Seal(std::span<const Message> outbox,
                   std::span<const Transaction::Foreign> records) override;
  Status Publish(std::span<const Message> outbox) override;
  void OnArrival(std::function<void()> wake) override;
  std::optional<std::string> Overloaded() const override;
  /// No broker can be reached.  Threads: any.
  bool away() const { return producer_.away(); }
  Result<std::int64_t> Lag() override;
  std::optional<Time> Oldest() override;

  /// Of a bus that keeps the lanes' ends: nothing is on its way or waits.
  bool Quiet();
  /// As after kill -9: what is on its way is left to whoever finds it in the journal.
  void Abandon();

  /// Records can go to these steps too; the process that brought the pipeline has made the topics,
  /// and works on those steps that are new.
  void Learnt(const Pipeline& pipeline);

  /// For operators.
  LaneDesk& desk() { return desk_; }
  /// Lanes that stand still and why, for readiness; see kafka::Consumer.
  std::vector<std::string> Stopped() const;
  /// Steps that have lanes no living worker holds, "pipeline.step", as far as is known; nothing was
  /// looked up yet: nullopt.  Threads: any.
  std::optional<std::vector<std::string>> Unowned() const;
  /// Records on their way that Kafka has not acknowledged.
  std::size_t unacknowledged() const { return producer_.unacknowledged(); }
  std::vector<LaneId> held() const;

 private:
  using Steady = std::chrono::steady_clock;

  KafkaBus(KafkaOptions options, kafka::Topics topics, Lanes& lanes, Metrics& metrics,
           std::shared_ptr<LaneEnds> ends);
  Status Start();
  Status BeginLanes();
  void Wake();
  bool Tend();
  void LookForOwners();
  void Ensure(const std::string& topic);
  bool Due(Steady::time_point& last, Millis every);
  void Adopt();
  void Bury(bool again);
  void Unseal(const Lanes::Orphan& orphan);

  const KafkaOptions options_;
  kafka::Topics topics_;
  const std::shared_ptr<LaneEnds> ends_;  // null: not kept
  Lanes& lanes_;
  mutable std::mutex mutex_;  // guards what follows
  std::optional<std::vector<std::string>> unowned_;
  std::function<void()> wake_;

  kafka::Producer producer_;
  std::unique_ptr<kafka::Consumer> consumer_;  // null: no steps of its own
  kafka::Desk desk_;

  std::string sealed_;  // the newest outbox, until Publish
  std::vector<std::uint32_t> sealed_starts_;
  std::vector<kafka::Producer::Refusal> refusals_, told_;  // told: by the last Poll
  std::map<std::string, Steady::time_point> ensured_;      // topics of others; when to ask again
  std::set<Uuid> adopted_;                                 // their outboxes are on their way
  std::vector<Uuid> published_;                            // to be buried
  Steady::time_point renewed_{}, adopted_at_{}, exported_{}, owners_{};
};

}  // namespace reprise::runtime
