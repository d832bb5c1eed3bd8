#include "kafka/topics.h"

#include <fmt/format.h>

namespace reprise::runtime::kafka {

void Topics::Add(const std::string& pipeline, const std::string& step, bool mine) {
  const LaneId lane = LaneBase(pipeline, step);
  Place& place = by_lane_[lane];
  if (place.lane == 0) {
    place = {fmt::format("{}.{}.{}", prefix_, pipeline, step), pipeline, step, lane, false};
    by_name_[place.topic] = lane;
  }
  place.mine = place.mine || mine;
}

const Topics::Place* Topics::Of(LaneId lane) const {
  const auto it = by_lane_.find(BaseOf(lane));
  return it == by_lane_.end() || PartitionOf(lane) >= partitions_ ? nullptr : &it->second;
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
    for (std::uint32_t p = 0; place.mine && p < partitions_; ++p) out.push_back(lane | p);
  }
  return out;
}

std::string Topics::Name(LaneId lane) const {
  const Place* place = Of(lane);
  return place == nullptr ? fmt::format("lane {}", lane)
                          : fmt::format("{}[{}]", place->topic, PartitionOf(lane));
}

}  // namespace reprise::runtime::kafka
