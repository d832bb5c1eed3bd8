#include "model/deciding.h"

namespace reprise::runtime {

std::string NoSuchEvent(const Step& step, std::string_view event) {
  std::string words = "step '" + step.name + "' has no event '" + std::string(event) + "'; it has ";
  if (step.events.empty()) return words + "none";
  for (const std::string& known : step.events)
    words += (&known == &step.events.front() ? "" : ", ") + known;
  return words;
}

/// A person's undo of the whole saga, or its timeout: the same machinery as a failure.
void Deciding::Cancel(const char* code) {
  const bool timeout = fact_.kind == Fact::Kind::kTimeout;
  if (saga_.state == SagaState::kUndone || saga_.state == SagaState::kStuck) return Refuse("ended");
  if (timeout && saga_.state == SagaState::kDone) return Refuse("ended");
  if (saga_.final) return Refuse("final");
  if (pipeline_.mains().SubsetOf(saga_.scope)) return Refuse("undoing");
  Widen(pipeline_.mains(), fact_.code.empty() ? std::string(code) : fact_.code);
}

void Deciding::Retry() {
  const StepIndex step = fact_.step;
  if (saga_.stuck.Has(step)) {
    const bool last = pipeline_.step(step).undo_last;
    saga_.stuck.Remove(step);
    (last ? saga_.last_settled : saga_.settled).Remove(step);
    Reopen(SagaState::kUndoing);
    return Send({Command{.step = step, .phase = Phase::kUndo, .undo_last = last, .retry = true}});
  }
  if (saga_.state == SagaState::kUndone || saga_.state == SagaState::kStuck) return Refuse("ended");
  if (saga_.scope.Has(step)) return Refuse("undoing");
  if (fact_.was == StepState::kFailed && saga_.failed.Has(step)) {
    if (saga_.state == SagaState::kUndoing) return Refuse("undoing");
    saga_.failed.Remove(step);
    Reopen(SagaState::kRunning);
  } else if (fact_.was != StepState::kHeld) {
    return Refuse("not_failed");
  }
  Send({Command{.step = step, .phase = Phase::kDo, .event = fact_.event, .retry = true}});
}

void Deciding::Skip() {
  const StepIndex step = fact_.step;
  if (saga_.state == SagaState::kUndone || saga_.state == SagaState::kStuck) return Refuse("ended");
  if (saga_.scope.Has(step)) return Refuse("undoing");
  if (fact_.was == StepState::kFailed && saga_.failed.Has(step)) {
    if (saga_.state == SagaState::kUndoing) return Refuse("undoing");
    saga_.failed.Remove(step);
    Reopen(SagaState::kRunning);
  } else if (fact_.was != StepState::kHeld && fact_.was != StepState::kRetrying) {
    return Refuse("not_failed");
  }
  Done();
}

void Deciding::Resolve() {
  const StepIndex step = fact_.step;
  if (!saga_.stuck.Has(step)) return Refuse("not_stuck");
  saga_.stuck.Remove(step);
  saga_.undone.Add(step);
  Reopen(SagaState::kUndoing);
  Through(step, pipeline_.step(step).undo_last);
}

}  // namespace reprise::runtime
