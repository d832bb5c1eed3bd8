#include "model/lane.h"

#include "base/ids.h"

namespace reprise::runtime {

LaneId LaneBase(std::string_view pipeline, std::string_view step) {
  const Uuid id = Derived(Uuid{}, {"lane", pipeline, step});
  LaneId base = 0;
  for (int i = 0; i < 6; ++i) base = base << 8 | id.bytes[static_cast<std::size_t>(i)];
  return (base << 16 | kPartitionsMax) & INT64_MAX;  // never 0
}

std::uint32_t PartitionOfKey(std::string_view key, std::uint32_t partitions) {
  constexpr std::uint32_t kSeed = 0x9747b28c, kMix = 0x5bd1e995;
  const auto byte = [&](std::size_t i) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(key[i]));
  };
  std::uint32_t hash = kSeed ^ static_cast<std::uint32_t>(key.size());
  std::size_t at = 0;
  for (; at + 4 <= key.size(); at += 4) {
    std::uint32_t word = byte(at) | byte(at + 1) << 8 | byte(at + 2) << 16 | byte(at + 3) << 24;
    word *= kMix;
    word ^= word >> 24;
    word *= kMix;
    hash = hash * kMix ^ word;
  }
  switch (key.size() - at) {
    case 3:
      hash ^= byte(at + 2) << 16;
      [[fallthrough]];
    case 2:
      hash ^= byte(at + 1) << 8;
      [[fallthrough]];
    case 1:
      hash = (hash ^ byte(at)) * kMix;
      break;
    default:
      break;
  }
  hash ^= hash >> 13;
  hash *= kMix;
  hash ^= hash >> 15;
  return (hash & 0x7fffffff) % partitions;
}

}  // namespace reprise::runtime
