#include "model/open.h"

#include <algorithm>

namespace reprise::runtime {

std::int64_t StillToCome(const Pipeline& pipeline, std::span<const Due> due,
                         std::span<const StepRow> steps) {
  // A hold's end is a row of its own; what counts is the step that is held, also without an end.
  const auto parked = std::ranges::count_if(due, [&](const Due& d) {
    return d.step < pipeline.main_count && d.kind != DueKind::kTimeout && d.kind != DueKind::kHold;
  });
  const auto standing = std::ranges::count_if(steps, [&](const StepRow& row) {
    return row.step < pipeline.main_count && (row.state == StepState::kHeld || row.undo_wanted);
  });
  return parked + standing;
}

}  // namespace reprise::runtime
