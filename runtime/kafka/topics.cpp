#include "kafka/topics.h"

#include <fmt/format.h>

namespace reprise::runtime::kafka {

void Topics::Add(const std::string& pipeline, const std::string& step, bool mine) {
  const LaneId lane = LaneBase(pipeline, step);
  Place& place = by_lane_[lane];
  if (place.lane == 0) {
    place.topic = fmt::format("{}.{}.{}", prefix_, pipeline, step);
    place.pipeline = pipeline;
    place.step = step;
    place.lane = lane;
    place.partitions = partitions_;
    by_name_[place.topic] = lane;
  }
  place.mine = place.mine || mine;
}

Status Topics::AddForeign(const std::string& topic, bool latest, bool mine) {
  const LaneId lane = LaneBase("", "topic " + topic);
  const auto [named, fresh] = by_name_.try_emplace(topic, lane);
  if (named->second != lane) {
    return Error{Code::kInvalid,
                 fmt::format("topics: '{}' is the topic of a step here; listen to its events with "
                             "`on: pipeline/step.event`",
                             topic)};
  }
  Place& place = by_lane_[lane];
  if (fresh) {
    place.topic = place.step = topic;
    place.lane = lane;
    place.foreign = true;
    place.latest = latest;
  }
  place.latest = place.latest && latest;
  place.mine = place.mine || mine;
  return {};
}

void Topics::SetPartitions(LaneId lane, std::uint32_t partitions) {
  by_lane_.at(lane).partitions = partitions;
}

/// Partitions may be added to a topic of others at any time.
const Topics::Place* Topics::Of(LaneId lane) const {
  const auto it = by_lane_.find(BaseOf(lane));
  if (it == by_lane_.end()) return nullptr;
  return it->second.foreign || PartitionOf(lane) < partitions_ ? &it->second : nullptr;
}

const Topics::Place* Topics::Named(std::string_view topic) const {
  const auto it = by_name_.find(topic);
  return it == by_name_.end() ? nullptr : Of(it->second);
}

std::vector<const Topics::Place*> Topics::All() const {
  std::vector<const Place*> out;
  for (const auto& [lane, place] : by_lane_) out.push_back(&place);
  return out;
}

std::vector<std::string> Topics::Mine() const {
  std::vector<std::string> out;
  for (const auto& [lane, place] : by_lane_) {
    if (place.mine) out.push_back(place.topic);
  }
  return out;
}

std::vector<LaneId> Topics::MyLanes() const {
  std::vector<LaneId> out;
  for (const auto& [lane, place] : by_lane_) {
    for (std::uint32_t p = 0; place.mine && p < place.partitions; ++p) out.push_back(lane | p);
  }
  return out;
}

std::string Topics::Name(LaneId lane) const {
  const Place* place = Of(lane);
  return place == nullptr ? fmt::format("lane {}", lane)
                          : fmt::format("{}[{}]", place->topic, PartitionOf(lane));
}

}  // namespace reprise::runtime::kafka
