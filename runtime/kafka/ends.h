/// Where the logs of lanes end.
#pragma once

#include <cstdint>
#include <map>

#include "model/lane.h"

namespace reprise::runtime {

/// By lane, the offset that its next record will have.
using LaneEnds = std::map<LaneId, std::int64_t>;

}  // namespace reprise::runtime
