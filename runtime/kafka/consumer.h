/// Consumer: the lanes that Kafka assigns to this worker, each read from where the journal says.
///
/// Kafka proposes, the journal decides: an assigned partition becomes this worker's by
/// Lanes::Take, and is read from the offset that answers.  Reading begins one record earlier, and
/// that record must be the journal's last message: else the log is another one (truncated,
/// recreated), and the lane stands still with an alert.  Offsets are asserted contiguous.
///
/// Topics of others are lanes too.  They may be compacted, and Kafka's transactions take offsets:
/// there gaps are no mistake, and what Kafka has removed unread is told and passed over.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "kafka/client.h"
#include "kafka/ends.h"
#include "kafka/topics.h"
#include "model/saga.h"
#include "ports/bus.h"
#include "ports/lanes.h"

namespace reprise::runtime::kafka {

class Consumer {  // Threads: one; Stopped from any.
 public:
  Consumer(const KafkaOptions& options, const Topics& topics, Lanes& lanes, Metrics& metrics)
      : options_(options), topics_(topics), lanes_(lanes), metrics_(metrics) {}
  /// Leaves the group, and the lanes.
  ~Consumer();

  /// `wake` is called, on librdkafka's thread, when something has come.
  /// `alone`: nobody else reads these topics, so that no group is asked who has which lanes.
  Status Open(std::function<void()> wake, bool alone = false);

  /// At most `most` messages, in order per lane.  Never waits for Kafka; waits for the journal
  /// while lanes are assigned.
  std::vector<Message> Poll(std::size_t most);
  /// Those that were not committed; of lanes that are not this worker's any more they are dropped.
  void Return(std::vector<Message> messages);

  /// The journal has fenced this worker, and Lanes::Refresh was called: everything begins anew at
  /// what the journal says.  Lanes that another worker took are only asked for again after
  /// `retake_after`, if Kafka then still assigns them here.
  void Fenced();

  /// Every lane that is this process's was taken, and all before these ends was handed out.
  bool ReadUpTo(const LaneEnds& ends) const;
  /// As after kill -9: the lanes are not left, and whoever takes them next must see to that.
  void Abandon();

  /// What has to be done now and then; cheap.
  void Tend();

  /// Tells Kafka how far each lane is, for lag tools; and the metrics.  Between transactions.
  void Export();
  /// Messages known to wait in this worker's lanes.
  std::int64_t Lag() const;
  /// When the oldest of those that have come was emitted.
  std::optional<Time> Oldest() const { return OldestOf(waiting_); }

  /// Lanes that stand still, and why: "<topic>[3]: ...".
  std::vector<std::string> Stopped() const;
  std::vector<LaneId> held() const;

 private:
  using Steady = std::chrono::steady_clock;
  struct Held {
    std::int64_t give = 0;    // the next to be handed out
    std::int64_t expect = 0;  // the next to come from Kafka
    Uuid check;               // not nil: the record before `expect` comes first and must be this
    std::int64_t told = -1;   // to Kafka, by Export
    bool fresh = false;       // nothing was ever consumed here
    std::int64_t gap_at = -1;
    int gaps = 0;  // at gap_at
    Steady::time_point
        behind{};  // since when Kafka knows of more and nothing came; zero: it is not
    bool stopped = false;
  };

  static void OnRebalance(rd_kafka_t*, rd_kafka_resp_err_t what,
                          rd_kafka_topic_partition_list_t* partitions, void* self);
  Status Make();
  void Close();
  void Assigned(const rd_kafka_topic_partition_list_t& partitions);
  void Revoked(const rd_kafka_topic_partition_list_t& partitions);
  LaneId LaneOf(const char* topic, std::int32_t partition) const;
  void TakeMissing();
  bool Take(const std::vector<LaneId>& lanes);
  void Drop(LaneId lane);
  void Assign();
  void Drain(std::size_t most);
  void OnRecord(const rd_kafka_message_t& raw);
  void OnFailure(LaneId lane, const rd_kafka_message_t& raw);
  void OutOfRange(LaneId lane, Held& held);
  void Skip(LaneId lane, Held& held, std::int64_t low);
  void Gap(LaneId lane, std::int64_t offset);
  void Stop(LaneId lane, const std::string& why);
  void TellOfStopped();
  std::int64_t Known(LaneId lane) const;  // Kafka's end of the lane, or -1
  void Watch();

  const KafkaOptions& options_;
  const Topics& topics_;
  Lanes& lanes_;
  Metrics& metrics_;
  std::function<void()> wake_;
  bool alone_ = false;
  Owned<rd_kafka_t> client_;
  Owned<rd_kafka_queue_t> arrivals_;  // client_'s; before it in going

  std::set<LaneId> wanted_;  // as Kafka assigns
  std::map<LaneId, Held> held_;
  std::deque<Message> waiting_;
  bool assign_ = false;                     // librdkafka has to be told anew what to read
  std::map<LaneId, std::int64_t> no_more_;  // of others; where a new consumer found nothing either
  Steady::time_point take_at_{}, drained_{}, watched_{};
  bool take_failed_ = false;

  std::map<LaneId, std::string> untold_;  // why they stand still, as the journal is to be told

  mutable std::mutex mutex_;  // guards what follows
  std::map<LaneId, std::string> stopped_;
};

}  // namespace reprise::runtime::kafka
