/// Lane: one (step, partition), and the number it has in rows, messages and topics.
#pragma once

#include <cstdint>
#include <string_view>

namespace reprise::runtime {

/// Positive; 0 is "none": an engine without lanes.  The low 16 bits are the partition.
using LaneId = std::int64_t;

inline constexpr std::uint32_t kPartitionsMax = 0x10000;

/// Partition 0 of this step's lanes.  The same in every process, so that no one has to look it up.
LaneId LaneBase(std::string_view pipeline, std::string_view step);

inline std::uint32_t PartitionOf(LaneId lane) {
  return static_cast<std::uint32_t>(lane & (kPartitionsMax - 1));
}
inline LaneId BaseOf(LaneId lane) {
  return lane & ~static_cast<LaneId>(kPartitionsMax - 1);
}

/// The partition of a key: murmur2 as Kafka's own clients compute it, so that records of others
/// with equal keys meet ours.
///
/// Source  org.apache.kafka.common.utils.Utils.murmur2, toPositive.
std::uint32_t PartitionOfKey(std::string_view key, std::uint32_t partitions);

}  // namespace reprise::runtime
