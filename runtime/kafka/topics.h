/// Topics: which step has which topic, that they are there with the partitions they must have, and
/// the topics of others that begin sagas.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <librdkafka/rdkafka.h>

#include "base/result.h"
#include "kafka/options.h"
#include "model/lane.h"
#include "model/pipeline.h"

namespace reprise::runtime::kafka {

class Topics {  // Threads: filled before the worker starts, then its thread's.
 public:
  struct Place {
    std::string topic, pipeline, step;
    LaneId lane = 0;  // partition 0
    bool mine = false;
    bool foreign = false;  // of others; `step` is its name, and there is no pipeline
    bool latest = false;   // where it begins when it is first seen: at its end
    std::uint32_t partitions = 0;

    std::string About() const { return foreign ? "topic " + topic : pipeline + "." + step; }
  };

  Topics(std::string prefix, std::uint32_t partitions)
      : prefix_(std::move(prefix)), partitions_(partitions) {}

  /// The topics of a pipeline's steps.  `mine`: whether this process works on a step; a step of
  /// several plans is one topic.
  template <class Mine>
  void Add(const Pipeline& pipeline, Mine mine) {
    for (const Step& step : pipeline.steps) Add(pipeline.name, step.name, mine(step));
  }
  void Add(const std::string& pipeline, const std::string& step, bool mine);

  /// A topic of others.  Named twice it is one: from its end only if both say so.  kInvalid: it is
  /// a step's.
  Status AddForeign(const std::string& topic, bool latest, bool mine);
  /// How many partitions a topic of others turned out to have.
  void SetPartitions(LaneId lane, std::uint32_t partitions);

  /// Where a lane's records go, or null: no step of a plan known here has it.
  const Place* Of(LaneId lane) const;
  const Place* Named(std::string_view topic) const;
  std::vector<const Place*> All() const;
  /// The topics that this process works on.
  std::vector<std::string> Mine() const;
  /// Every lane of those.
  std::vector<LaneId> MyLanes() const;
  /// "<topic>[3]", for people.
  std::string Name(LaneId lane) const;

  std::uint32_t partitions() const { return partitions_; }
  const std::string& prefix() const { return prefix_; }

 private:
  const std::string prefix_;
  const std::uint32_t partitions_;
  std::map<LaneId, Place> by_lane_;
  std::map<std::string, LaneId, std::less<>> by_name_;
};

/// Makes the topics that are missing, waits until they are there, and refuses (kInvalid) a topic of
/// ours that has another number of partitions: a key would no longer mean one lane.  Answers the
/// topics, with the partitions that those of others have.  Blocks; start-up only.  kUnavailable:
/// Kafka cannot be reached, or does not let us.
Result<Topics> EnsureTopics(const KafkaOptions& options, Topics topics);

/// What a partition has: its first offset, and the one that its next record will have.
struct Edges {
  std::int64_t first = 0, end = 0;
};
/// Blocks.  kUnavailable: Kafka does not say.
Result<Edges> EdgesOf(rd_kafka_t* client, const Topics::Place& place, std::int32_t partition);
/// The ends of each partition of a topic.  Blocks.
Result<std::vector<std::int64_t>> EndsOf(rd_kafka_t* client, const Topics::Place& place);

/// Makes a topic of others that a step sends to, if it is missing; one that is there is left as it
/// is.  Blocks for a few seconds at most.
Status EnsureTopic(const KafkaOptions& options, const std::string& name);

/// Removes every topic that is named "<prefix>.*", as a test or a measurement does at its end.  An
/// empty prefix: kInvalid.  Blocks for some seconds at most.  kUnavailable: Kafka cannot be
/// reached, or does not let us.
Status RemoveTopics(const KafkaOptions& options);

}  // namespace reprise::runtime::kafka
