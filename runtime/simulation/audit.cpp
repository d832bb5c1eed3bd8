#include "simulation/audit.h"

#include <algorithm>

#include <fmt/format.h>

#include "model/open.h"

namespace reprise::runtime::simulation {
namespace {

bool Closed(StepState state) {
  return state == StepState::kTombstone || state == StepState::kUndone;
}

bool Living(StepState state) {
  return state == StepState::kRunning || state == StepState::kRetrying ||
         state == StepState::kHeld || state == StepState::kDone;
}

}  // namespace

bool Audit::Main(const std::string& plan, StepIndex step) const {
  const PipelineRef pipeline = plan_of_(plan);
  return pipeline && step < pipeline->main_count;
}

std::string Audit::NameOf(const StepRow& row) const {
  const auto saga = sagas_.find(row.saga);
  const PipelineRef plan = saga == sagas_.end() ? nullptr : plan_of_(saga->second.plan);
  const std::string step = plan && row.step < plan->steps.size()
                               ? plan->name + "/" + plan->step(row.step).name
                               : std::to_string(row.step);
  return step + " of saga " + row.saga.ToString();
}

void Audit::Committed(const Written& written, Time now) {
  for (const Saga& saga : written.sagas) {
    sagas_[saga.id] = saga;
    touched_.insert(saga.id);
  }
  for (const Due& due : written.fired) {
    if (due.due > now) {
      Break(fmt::format("a timer fired early: it was due at {}, now is {}", Rfc3339(due.due),
                        Rfc3339(now)));
    }
  }
  for (const Message& message : written.outbox) {
    if (!message.saga.nil() && Main(message.plan, message.step))
      live_[message.saga].insert(message.id);
    if (!message.saga.nil()) touched_.insert(message.saga);
  }
  for (auto& [saga, ids] : live_) {
    for (const Uuid& id : written.consumed) {
      if (ids.erase(id) > 0) touched_.insert(saga);
    }
  }
  for (const StepRow& row : written.steps) {
    StepRow& known = steps_[{row.saga, row.step, row.item}];
    CheckStep(known, row);
    See(known, row);
    known = row;
    touched_.insert(row.saga);
  }
  for (const StepRow& row : written.steps) CheckOrder(row);
}

/// Nothing takes effect after it was undone, and nothing is done by two messages.
void Audit::CheckStep(const StepRow& before, const StepRow& after) {
  if (Closed(before.state) && Living(after.state) && before.round == after.round) {
    Break(fmt::format("{} was {} and is {}", NameOf(after), Name(before.state), Name(after.state)));
  }
  if (before.state == StepState::kDone && after.state == StepState::kDone &&
      before.do_id != after.do_id) {
    Break(fmt::format("{} was done by two messages", NameOf(after)));
  }
}

/// A step is undone only when all that depends on it is settled: stuck counts, also while a person
/// has it retried.
void Audit::CheckOrder(const StepRow& row) {
  const auto found = sagas_.find(row.saga);
  if (row.state != StepState::kUndone || row.cancelled || found == sagas_.end()) return;
  const Saga& saga = found->second;
  const PipelineRef plan = plan_of_(saga.plan);
  if (!plan || row.step >= plan->main_count) return;
  plan->step(row.step).dependents.Each([&](StepIndex dependent) {
    const auto known = steps_.find({row.saga, dependent, 0});
    const bool was_stuck = known != steps_.end() && known->second.round > 0;
    if (saga.scope.Has(dependent) && !saga.settled.Has(dependent) && !was_stuck) {
      Break(fmt::format("{} was undone before {}, which depends on it", NameOf(row),
                        plan->step(dependent).name));
    }
  });
}

void Audit::See(const StepRow& before, const StepRow& after) {
  if (Closed(before.state) && before.do_id.nil() && !after.do_id.nil())
    See("a late do was refused");
  if (before.state == StepState::kHeld && after.round > before.round)
    See("a step was retried after a hold");
  const auto saga = sagas_.find(after.saga);
  if (saga != sagas_.end() && Main(saga->second.plan, after.step)) {
    if (after.state == StepState::kStuck) to_tell_.emplace(after.saga, "$stuck");
    if (after.state == StepState::kFailed) to_tell_.emplace(after.saga, "$failed");
  }
  if (after.state == StepState::kStuck) See("an undo was stuck");
  if (after.undo_wanted) See("an undo waited for a call");
}

/// `open` is what will still come.
void Audit::CheckOpen(Journal& journal) {
  for (const Uuid& id : std::exchange(touched_, {})) {
    const auto detail = journal.ShowSaga(id);
    if (!detail || !*detail) continue;
    const Saga& saga = (*detail)->saga;
    const PipelineRef plan = plan_of_(saga.plan);
    if (!plan) continue;
    const auto messages = live_.find(id);
    const auto expected =
        static_cast<std::int64_t>(messages == live_.end() ? 0 : messages->second.size()) +
        StillToCome(*plan, (*detail)->due, (*detail)->steps);
    if (saga.open != expected) {
      Break(fmt::format("saga {} of {} has open {}, but {} things are to come", id.ToString(),
                        saga.pipeline, saga.open, expected));
    }
    if (saga.open == 0 && !Ended(saga.state))
      Break(
          fmt::format("saga {} of {} has open 0 and has not ended", id.ToString(), saga.pipeline));
  }
}

void Audit::CheckEnds(Journal& journal) {
  for (const auto& [id, last] : sagas_) {
    const auto detail = journal.ShowSaga(id);
    if (!detail || !*detail) {
      Break(fmt::format("saga {} of {} is gone", id.ToString(), last.pipeline));
      continue;
    }
    const Saga& saga = (*detail)->saga;
    if (saga.state != SagaState::kDone && saga.state != SagaState::kUndone) {
      Break(fmt::format("saga {} of {} is still {} after everything was healed", id.ToString(),
                        saga.pipeline, Name(saga.state)));
    }
    for (const StepRow& row : (*detail)->steps) {
      if (!Main(saga.plan, row.step)) continue;
      const bool moving = row.state == StepState::kRunning || row.state == StepState::kRetrying ||
                          row.state == StepState::kUndoing;
      const bool left = saga.state == SagaState::kUndone && row.state == StepState::kDone &&
                        saga.scope.Has(row.step) && !row.kept;
      if (moving || left)
        Break(fmt::format("{} is {} although its saga is {}", NameOf(row), Name(row.state),
                          Name(saga.state)));
    }
  }
}

void Audit::CallBegins(const Uuid& saga, const std::string& call,
                       std::string_view idempotency_key) {
  const auto [known, fresh] =
      calls_.emplace(saga.ToString() + " " + call, std::string(idempotency_key));
  if (!fresh) See("a call was made again");
  if (!fresh && known->second != idempotency_key)
    Break(
        fmt::format("{} of saga {} was called under two idempotency keys", call, saga.ToString()));
}

}  // namespace reprise::runtime::simulation
