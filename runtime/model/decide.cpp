#include "model/deciding.h"

namespace reprise::runtime {

std::vector<Command> Follow(const Pipeline& pipeline, std::string_view event) {
  std::vector<Command> commands;
  if (event.empty()) return commands;
  const std::vector<Target>* targets = &pipeline.TargetsOf(event);
  if (targets->empty()) {
    const auto foreign = pipeline.foreign.find(event);
    if (foreign != pipeline.foreign.end()) targets = &foreign->second;
  }
  for (const Target& target : *targets) {
    commands.push_back(Command{
        .step = target.step, .phase = Phase::kDo, .bit = target.bit, .event = std::string(event)});
  }
  return commands;
}

bool TouchesSaga(const Pipeline& pipeline, const Fact& fact) {
  switch (fact.kind) {
    case Fact::Kind::kConsumed:
      return fact.delta != 0;
    case Fact::Kind::kDone:
    case Fact::Kind::kEmitted: {
      if (fact.whole || pipeline.step(fact.step).final) return true;
      return fact.delta + static_cast<int>(pipeline.TargetsOf(fact.event).size()) != 0;
    }
    default:
      return true;
  }
}

Decision Decide(const Pipeline& pipeline, const Saga& saga, const Fact& fact) {
  return Deciding(pipeline, saga, fact).Run();
}

Decision Deciding::Run() {
  using Kind = Fact::Kind;
  saga_.open += fact_.delta;
  switch (fact_.kind) {
    case Kind::kBegan:
      Send(Follow(pipeline_, fact_.event));
      break;
    case Kind::kConsumed:
      break;
    case Kind::kHalf:
      saga_.half.Add(fact_.step);
      break;
    case Kind::kDone:
      Done();
      break;
    case Kind::kEmitted:
      Send(Follow(pipeline_, fact_.event));
      break;
    case Kind::kFailed:
      Failed();
      break;
    case Kind::kHoldOver:
      decision_.dead = GiveUp(fact_.step, fact_.code) == Failure::kDead;
      break;
    case Kind::kSettled:
      Settled();
      break;
    case Kind::kStuck:
      Stuck();
      break;
    case Kind::kCancel:
      Cancel("cancelled");
      break;
    case Kind::kTimeout:
      Cancel("timeout");
      break;
    case Kind::kRetry:
      Retry();
      break;
    case Kind::kSkip:
      Skip();
      break;
    case Kind::kResolve:
      Resolve();
      break;
  }
  if (!decision_.refused.empty()) {
    Decision refusal;
    refusal.saga = before_;
    refusal.refused = std::move(decision_.refused);
    return refusal;
  }
  saga_.changed = fact_.now;
  // Where the journal has lost commits, what they sent comes before they are made again: the count
  // may have been through nought too early.
  if (saga_.state == SagaState::kDone && saga_.open > 0) Reopen(SagaState::kRunning);
  // The inline steps of a saga that began without an event are still to come.
  if (fact_.kind != Kind::kBegan || !fact_.event.empty()) Finish();
  return std::move(decision_);
}

void Deciding::Send(std::vector<Command> commands) {
  saga_.open += static_cast<std::int64_t>(commands.size());
  for (Command& command : commands) decision_.commands.push_back(std::move(command));
}

void Deciding::Done() {
  saga_.half.Remove(fact_.step);
  // Under an undo that is already on its way a final step is undone like any other.
  if (pipeline_.step(fact_.step).final && saga_.state == SagaState::kRunning) saga_.final = true;
  Send(Follow(pipeline_, fact_.event));
}

// ---------------------------------------------------------------- failure

void Deciding::Failed() {
  saga_.half.Remove(fact_.step);
  const Failure how = Fail(fact_.step, fact_.code, fact_.detail);
  decision_.hold = how == Failure::kHeld;
  decision_.dead = how == Failure::kDead;
}

Deciding::Failure Deciding::Fail(StepIndex index, const std::string& code,
                                 const std::string& detail) {
  const OnFailure& policy = pipeline_.step(index).on_failure;
  decision_.notices.push_back(Notice{"$failed", index, code, detail});
  if ((policy.hold || policy.hold_forever) && !saga_.scope.Has(index)) {
    ++saga_.open;
    return Failure::kHeld;
  }
  return GiveUp(index, code);
}

Deciding::Failure Deciding::GiveUp(StepIndex index, const std::string& code) {
  const OnFailure& policy = pipeline_.step(index).on_failure;
  if (policy.none || saga_.final) {
    saga_.failed.Add(index);
    return Failure::kDead;
  }
  Widen(policy.undo, code);
  // Out of its own scope: its branch ends here and joins behind it wait in vain.
  if (!saga_.scope.Has(index)) saga_.failed.Add(index);
  return Failure::kUndo;
}

// ---------------------------------------------------------------- undo

void Deciding::Widen(StepSet more, const std::string& code) {
  StepSet closed = more & pipeline_.mains();
  closed.Each([&](StepIndex i) { closed |= pipeline_.step(i).closure; });
  saga_.scope |= closed;
  if (saga_.scope.empty()) return;
  if (saga_.code.empty()) saga_.code = code;
  Reopen(SagaState::kUndoing);
  Wave();
}

void Deciding::Reopen(SagaState state) {
  saga_.state = state;
  saga_.ended = Time{};
}

StepSet Deciding::Lasts() const {
  StepSet lasts;
  saga_.scope.Each([&](StepIndex i) {
    if (pipeline_.step(i).undo_last) lasts.Add(i);
  });
  return lasts;
}

/// Sends undo (or close) to every step of the scope whose dependents in it are through; when all
/// are, the Undo of those that speak last.
void Deciding::Wave() {
  (saga_.scope - saga_.sent).Each([&](StepIndex i) {
    const Step& step = pipeline_.step(i);
    if (!(step.dependents & saga_.scope).SubsetOf(saga_.settled)) return;
    saga_.sent.Add(i);
    Send({Command{.step = i, .phase = step.undo_last ? Phase::kClose : Phase::kUndo}});
  });
  if (!saga_.scope.SubsetOf(saga_.settled)) return;
  (Lasts() - saga_.last_sent).Each([&](StepIndex i) {
    saga_.last_sent.Add(i);
    Send({Command{.step = i, .phase = Phase::kUndo, .undo_last = true}});
  });
}

void Deciding::Through(StepIndex step, bool last) {
  (last ? saga_.last_settled : saga_.settled).Add(step);
  saga_.half.Remove(step);
  Wave();
}

void Deciding::Settled() {
  if (fact_.settled == Fact::Settled::kUndone) saga_.undone.Add(fact_.step);
  if (fact_.settled == Fact::Settled::kKept) saga_.kept.Add(fact_.step);
  Through(fact_.step, fact_.last);
}

void Deciding::Stuck() {
  decision_.notices.push_back(Notice{"$stuck", fact_.step, fact_.code, fact_.detail});
  saga_.stuck.Add(fact_.step);
  if (!pipeline_.step(fact_.step).halt) Through(fact_.step, fact_.last);
}

// ---------------------------------------------------------------- the end

/// Whether this join waits for what a failed step would have sent.
bool Deciding::InVain(StepIndex join) const {
  bool in_vain = false;
  saga_.failed.Each([&](StepIndex i) { in_vain = in_vain || pipeline_.step(i).closure.Has(join); });
  return in_vain;
}

/// Nothing moves any more, so what a half join waits for will never come.  One that waits behind
/// another half join comes after it: the first may be the reason.
void Deciding::FailHalfJoins() {
  StepSet left = saga_.half - saga_.scope;
  while (!left.empty() && saga_.open == 0) {
    StepSet behind;
    left.Each([&](StepIndex i) { behind |= pipeline_.step(i).closure; });
    left.Each([&](StepIndex i) {
      if (behind.Has(i) || !left.Has(i)) return;
      left.Remove(i);
      if (saga_.scope.Has(i) || InVain(i)) return;
      saga_.half.Remove(i);
      decision_.incomplete.push_back(i);
      const Failure how = Fail(i, "join_incomplete", "nothing is left that could complete it");
      if (how == Failure::kHeld) decision_.incomplete_held.push_back(i);
      if (how == Failure::kDead) decision_.incomplete_dead.push_back(i);
    });
  }
}

void Deciding::Finish() {
  if (saga_.open != 0 || Ended(saga_.state)) return;
  FailHalfJoins();
  if (saga_.open != 0) return;
  const bool through = saga_.scope.SubsetOf(saga_.settled) && Lasts().SubsetOf(saga_.last_settled);
  if (!through && saga_.stuck.empty())
    return;  // only a wrong count leads here: better idle than wrong
  if (saga_.scope.empty()) {
    saga_.state = SagaState::kDone;
    if (!saga_.done_told) decision_.notices.push_back(Notice{.event = "$done"});
    saga_.done_told = true;
  } else if (saga_.stuck.empty()) {
    saga_.state = SagaState::kUndone;
    decision_.notices.push_back(Notice{.event = "$undone"});
  } else {
    saga_.state = SagaState::kStuck;
  }
  saga_.ended = fact_.now;
}

}  // namespace reprise::runtime
