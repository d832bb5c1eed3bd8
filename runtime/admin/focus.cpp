#include "admin/focus.h"

#include <algorithm>

namespace reprise::runtime {
namespace {

// What a person must act on comes first.
int Rank(const StepRow& row, bool due) {
  switch (row.state) {
    case StepState::kStuck:
      return 0;
    case StepState::kHeld:
      return 1;
    case StepState::kRetrying:
      return 2;
    case StepState::kUnknown:
      return 3;
    case StepState::kFailed:
      return 4;
    case StepState::kUndoing:
      return 5;
    case StepState::kRunning:
      return 6;
    default:
      return due ? 7 : 8;
  }
}

std::optional<Time> NextDue(const SagaDetail& detail, const StepRow& row) {
  std::optional<Time> next;
  for (const Due& due : detail.due) {
    if (due.kind == DueKind::kTimeout || due.step != row.step || due.item != row.item) continue;
    next = next ? std::min(*next, due.due) : due.due;
  }
  return next;
}

Time Latest(const StepRow& row) {
  return std::max({row.began, row.done, row.undone, row.intent});
}

}  // namespace

Focus FocusOf(const SagaDetail& detail, const Pipeline* pipeline) {
  Focus focus;
  int best = 0;
  for (const StepRow& row : detail.steps) {
    const bool side = pipeline != nullptr && row.step >= pipeline->main_count;
    if (side) continue;  // a side step never is why a saga waits
    const std::optional<Time> next = NextDue(detail, row);
    const int rank = Rank(row, next.has_value());
    const bool better =
        focus.row == nullptr || rank < best || (rank == best && Latest(row) > Latest(*focus.row));
    if (!better) continue;
    best = rank;
    focus.row = &row;
    focus.next = next;
  }
  if (focus.row == nullptr) return focus;
  const StepRow& row = *focus.row;
  focus.step = NameOfStep(pipeline, row.step);
  focus.phase = IsUndoing(row) ? Phase::kUndo : Phase::kDo;
  focus.attempt = focus.phase == Phase::kUndo ? row.undo_attempt : row.attempt;
  if (pipeline != nullptr && row.step < pipeline->steps.size()) {
    const Step& step = pipeline->steps[row.step];
    focus.attempts = focus.phase == Phase::kUndo ? step.undo_retry.attempts : step.retry.attempts;
  }
  return focus;
}

std::string ShownState(const Saga& saga, const Focus& focus) {
  const bool parked = focus.row != nullptr && (focus.row->state == StepState::kHeld ||
                                               focus.row->state == StepState::kRetrying);
  return std::string(!Ended(saga.state) && parked ? Name(focus.row->state) : Name(saga.state));
}

}  // namespace reprise::runtime
