/// What is still to come to a saga, besides its messages.
#pragma once

#include <cstdint>
#include <span>

#include "model/pipeline.h"
#include "model/saga.h"

namespace reprise::runtime {

/// Parked attempts, timers, waits and calls, steps that are held, and undos that wait for a call;
/// of main steps only.  A saga's `open` is this and its messages that are on their way.
std::int64_t StillToCome(const Pipeline& pipeline, std::span<const Due> due,
                         std::span<const StepRow> steps);

}  // namespace reprise::runtime
