/// Lanes: what the log of batches must show of each of them (I5, I6), as no end state can: what
/// came twice was dropped, so a fence that is missing leaves no other trace.
///
/// Pure: lines in, violations out.
#pragma once

#include <vector>

#include "admin/audit.h"
#include "ports/lanes.h"

namespace reprise::runtime {

/// I5  a lane's batches follow one another without a gap and none comes twice, as many records as
///     offsets, up to where the lane is now.
/// I6  epochs rise; each is of one worker, whose commits are counted up.
/// I7  what a worker that is gone had committed was published by another.
std::vector<Violation> AuditLanes(const LaneLog& log);

}  // namespace reprise::runtime
