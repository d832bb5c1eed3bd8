/// The one step of a saga that a person should look at, and the state that is shown for the saga.
#pragma once

#include <optional>
#include <string>

#include "admin/view.h"
#include "ports/journal.h"

namespace reprise::runtime {

struct Focus {
  const StepRow* row = nullptr;  // of the detail; null: no step has begun
  std::string step;
  Phase phase = Phase::kDo;
  std::uint32_t attempt = 0;
  std::optional<std::uint32_t> attempts;  // the policy's; nothing: the plan is not known
  std::optional<Time> next;               // its earliest due row
};

/// Stuck before held, retrying, unknown, failed, undoing and running; then what waits for a timer;
/// then what was done last.
Focus FocusOf(const SagaDetail& detail, const Pipeline* pipeline);

/// The stored state, or "held" or "retrying" of an open saga whose focus is that.
std::string ShownState(const Saga& saga, const Focus& focus);

/// Whether the row is about its undo now.
inline bool IsUndoing(const StepRow& row) {
  return row.state == StepState::kUndoing || row.state == StepState::kUndone ||
         row.state == StepState::kStuck || row.undo_running;
}

}  // namespace reprise::runtime
