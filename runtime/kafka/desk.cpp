#include "kafka/desk.h"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

namespace reprise::runtime::kafka {

Result<std::vector<LaneDesk::Row>> Desk::List() {
  auto places = lanes_.Places();
  if (!places) return places.error();
  std::vector<Row> rows;
  for (Lanes::Where& lane : *places) {
    const Topics::Place* place = topics_.Of(lane.lane);
    if (place == nullptr) continue;  // of pipelines that this process does not know
    rows.push_back({place->topic, static_cast<std::int64_t>(PartitionOf(lane.lane)), lane.worker,
                    lane.epoch, lane.next_offset, std::move(lane.why)});
  }
  std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
    return std::tie(a.topic, a.partition) < std::tie(b.topic, b.partition);
  });
  return rows;
}

Result<std::int64_t> Desk::Resume(std::string_view topic, std::int64_t partition,
                                  std::optional<std::int64_t> from) {
  const Topics::Place* place = topics_.Named(topic);
  if (place == nullptr || partition < 0 || partition >= place->partitions)
    return Error{Code::kNotFound, fmt::format("no lane {}:{}", topic, partition)};
  const auto edges = EdgesOf(producer_.handle(), *place, static_cast<std::int32_t>(partition));
  if (!edges) return edges.error();
  const std::int64_t at = from.value_or(edges->first);
  if (at < edges->first || at > edges->end) {
    return Error{Code::kInvalid, fmt::format("{}:{} begins at offset {}, and {} comes next: not {}",
                                             topic, partition, edges->first, edges->end, at)};
  }
  if (auto done = lanes_.Resume(place->lane | partition, at); !done) return done.error();
  return at;
}

}  // namespace reprise::runtime::kafka
