/// Topics: which step has which topic, and that they are there with the partitions they must have.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kafka/options.h"
#include "model/lane.h"
#include "model/pipeline.h"

namespace reprise::runtime::kafka {

class Topics {  // Threads: filled before the worker starts, then read by its thread.
 public:
  struct Place {
    std::string topic, pipeline, step;
    LaneId lane = 0;  // partition 0
    bool mine = false;
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

/// Makes the topics that are missing, waits until they are there, and refuses (kInvalid) a topic
/// that has another number of partitions: a key would no longer mean one lane.  Blocks; start-up
/// only. kUnavailable: Kafka cannot be reached, or does not let us.
Status EnsureTopics(const KafkaOptions& options, const Topics& topics);

/// Makes a topic of others that a step sends to, if it is missing; one that is there is left as it
/// is.  Blocks for a few seconds at most.
Status EnsureTopic(const KafkaOptions& options, const std::string& name);

}  // namespace reprise::runtime::kafka
