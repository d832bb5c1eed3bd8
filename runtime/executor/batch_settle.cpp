/// What follows for sagas: facts go through Decide, its commands become messages.
#include <algorithm>

#include "base/log.h"
#include "executor/batch.h"

namespace reprise::runtime {
namespace {

bool IsDone(const Fact& fact) {
  return fact.kind == Fact::Kind::kDone || fact.kind == Fact::Kind::kEmitted ||
         fact.kind == Fact::Kind::kSkip || fact.kind == Fact::Kind::kBegan;
}

}  // namespace

std::string Batch::KeyOf(const Plan& plan, StepIndex step, const Payload& root,
                         const Uuid& saga) const {
  const std::string& field = plan.step(step).key_field;
  return field.empty() ? saga.ToString() : root.Text(field);
}

/// The lane of a step, for do and undo alike.  A step without a key of its own goes by the
/// pipeline's first key, so that a saga's steps meet in one worker and need no wire between them.
LaneId Batch::LaneOf(const Plan& plan, StepIndex step, const Payload& root,
                     const Uuid& saga) const {
  if (x_.options_.partitions == 0) return 0;
  const std::string& own = plan.step(step).key_field;
  const std::string& field = own.empty() ? plan.pipeline->affinity_field : own;
  const std::string key = field.empty() ? saga.ToString() : root.Text(field);
  return plan.steps[step].lane | PartitionOfKey(key, x_.options_.partitions);
}

Due Batch::DueOf(const Plan& plan, StepIndex step, const Saga& saga, DueKind kind, Time due) const {
  Due row;
  row.saga = saga.id;
  row.pipeline = saga.pipeline;
  row.plan = saga.plan;
  row.step = step;
  row.kind = kind;
  row.due = due;
  row.key = KeyOf(plan, step, saga.root, saga.id);
  row.lane = LaneOf(plan, step, saga.root, saga.id);
  if (kind == DueKind::kHold) row.line = LineOf(plan, step, row.key);
  return row;
}

Batch::Ran Batch::Settle() {
  if (!Write()) return Ran::kFailed;
  std::vector<Happened> happened = std::exchange(happened_, {});
  std::vector<Uuid> ids;
  for (const Happened& h : happened) {
    if (TouchesSaga(*h.plan->pipeline, h.fact)) ids.push_back(h.saga);
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  auto sagas = tx_.Lock(ids);
  if (!sagas) return Fail(sagas.error());
  for (Happened& h : happened) {
    trace_ = std::move(h.trace);
    const bool touches = TouchesSaga(*h.plan->pipeline, h.fact);
    Saga* saga = touches ? SagaAmong(*sagas, h.saga) : nullptr;
    Decision decision;
    if (touches && !saga) continue;  // purged meanwhile: nobody is left to tell
    if (touches) {
      decision = Decide(*h.plan->pipeline, *saga, h.fact);
      const SagaState before = saga->state;
      *saga = std::move(decision.saga);
      Apply(decision, h, *saga);
      if (Ended(saga->state) && !Ended(before)) {
        x_.metrics_.Count("reprise_sagas_finished_total",
                          {{"pipeline", h.plan->pipeline->name}, {"outcome", Name(saga->state)}});
        x_.metrics_.Observe("reprise_saga_duration_seconds", {{"pipeline", h.plan->pipeline->name}},
                            static_cast<double>((now_ - saga->created).count()) / 1000);
        if (saga->state == SagaState::kStuck) Tell(saga->id, *h.plan, "", "stuck", "");
        if (h.plan->pipeline->timeout && saga->state != SagaState::kStuck) {
          static constexpr DueKind kTimeout[] = {DueKind::kTimeout};
          if (auto n = tx_.Disarm({saga->id, kMaxMainSteps, 0}, kTimeout); !n)
            return Fail(n.error());
        }
      }
    } else {
      for (const Target& target : h.plan->pipeline->TargetsOf(h.fact.event)) {
        Send(h, {target.step, Phase::kDo, target.bit, false, h.fact.event}, nullptr);
      }
    }
    if (IsDone(h.fact) && !h.fact.event.empty()) {
      Publish(*h.plan, saga, h.saga, h.fact.event, h.payload, h.row.round);
    }
    // After what happened: `$done` is the last that is heard of a saga.
    for (const Notice& notice : decision.notices) Notify(h, notice, *saga);
    if (!error_.message.empty()) return Ran::kFailed;
  }
  if (!Check(tx_.Store(*sagas))) return Ran::kFailed;
  if (!Write()) return Ran::kFailed;
  return happened_.empty() ? Ran::kOk : Settle();  // sagas of other pipelines have begun
}

/// Turns what Decide wants into rows and messages.
void Batch::Apply(const Decision& decision, Happened& h, Saga& saga) {
  for (const Command& command : decision.commands) Send(h, command, &saga);
  if (decision.hold) {
    h.row.state = StepState::kHeld;
    rows_.push_back(h.row);
    const OnFailure& policy = h.plan->step(h.fact.step).on_failure;
    if (!policy.hold_forever || h.plan->step(h.fact.step).strict) {  // strict: it keeps its place
      const Time end = policy.hold_forever ? kNoTime : now_ + *policy.hold;
      armed_.push_back(DueOf(*h.plan, h.fact.step, saga, DueKind::kHold, end));
    }
    history_.push_back({saga.id, now_, h.plan->step(h.fact.step).name, "do", "held", h.fact.code,
                        h.fact.detail, "", 0});
    Tell(saga.id, *h.plan, h.plan->step(h.fact.step).name, "held", h.fact.code);
  }
  if (decision.dead) DeadBranch(*h.plan, saga, h.row);
  if (!decision.incomplete.empty()) Incomplete(*h.plan, saga, decision, now_);
}

void Batch::Incomplete(const Plan& plan, const Saga& saga, const Decision& decision, Time now) {
  for (StepIndex join : decision.incomplete) {
    const Transaction::StepKey key{saga.id, join, 0};
    auto claimed = tx_.Claim(std::span(&key, 1));
    if (!claimed) {
      error_ = claimed.error();
      return;
    }
    StepRow row = std::move(claimed->front().row);
    const bool held = std::find(decision.incomplete_held.begin(), decision.incomplete_held.end(),
                                join) != decision.incomplete_held.end();
    row.state = held ? StepState::kHeld : StepState::kFailed;
    row.code = "join_incomplete";
    row.detail = "an event this step waits for can no longer come";
    const OnFailure& policy = plan.step(join).on_failure;
    if (held && (!policy.hold_forever || plan.step(join).strict)) {
      const Time end = policy.hold_forever ? kNoTime : now + *policy.hold;
      armed_.push_back(DueOf(plan, join, saga, DueKind::kHold, end));
    }
    history_.push_back({saga.id, now, plan.step(join).name, "do", held ? "held" : "failed",
                        row.code, row.detail, "", 0});
    Tell(saga.id, plan, plan.step(join).name, "failed", row.code);
    const bool dead = std::find(decision.incomplete_dead.begin(), decision.incomplete_dead.end(),
                                join) != decision.incomplete_dead.end();
    if (dead) DeadBranch(plan, saga, row);
    rows_.push_back(std::move(row));
  }
}

/// A branch that ends here while its saga goes on.
void Batch::DeadBranch(const Plan& plan, const Saga& saga, const StepRow& row) {
  const Step& step = plan.step(row.step);
  DeadLetter letter;
  letter.message = Derived(saga.id, {"dead", step.name, "0", "do", std::to_string(row.round)});
  letter.saga = saga.id;
  letter.pipeline = saga.pipeline;
  letter.step = step.name;
  letter.phase = "do";
  letter.code = row.code;
  letter.detail = row.detail;
  letter.attempts = row.attempt;
  letter.payload = saga.root.With(row.added).Serialize();
  letter.key = KeyOf(plan, row.step, saga.root, saga.id);
  letter.at = now_;
  if (auto added = Bury(letter); !added) error_ = added.error();
}

/// `saga` is null on a linear hop, where the row is not read.
void Batch::Send(const Happened& h, const Command& command, const Saga* saga) {
  const Pipeline& pipeline = *h.plan->pipeline;
  const Step& target = pipeline.step(command.step);
  Message message;
  message.saga = h.saga;
  message.pipeline = pipeline.name;
  message.plan = pipeline.hash;
  message.step = command.step;
  message.phase = command.phase;
  message.bit = command.bit;
  message.undo_last = command.undo_last;
  message.event = command.event;
  message.at = now_;
  message.round = h.row.round;
  message.retry = command.retry;
  const Payload& root = saga ? saga->root : h.root.empty() ? h.payload : h.root;
  message.key = KeyOf(*h.plan, command.step, root, h.saga);
  message.lane = LaneOf(*h.plan, command.step, root, h.saga);
  if (command.phase == Phase::kDo) {
    message.payload = h.payload.empty() ? root : h.payload;
    message.added = h.added;
    message.root = saga ? saga->root : h.root;
    const std::string emitter =
        h.fact.kind == Fact::Kind::kBegan ? "" : pipeline.step(h.fact.step).name;
    message.id =
        Derived(h.saga, {emitter, target.name, "do", command.event, std::to_string(h.row.round)});
  } else {
    const std::string round = std::to_string(command.retry ? h.row.round : 0);
    message.id = Derived(
        h.saga, {"undo", target.name, command.undo_last ? "last" : Name(command.phase), round});
  }
  message.trace = HopTrace(trace_, h.saga, message.id);
  after_.outbox.push_back(std::move(message));
}

/// An event for side steps of this pipeline and for other pipelines that begin with it.
void Batch::Publish(const Plan& plan, const Saga* saga, const Uuid& id, const std::string& event,
                    const Payload& payload, std::uint32_t round) {
  const Pipeline& pipeline = *plan.pipeline;
  const Payload& root = saga ? saga->root : payload;
  Tell(id, plan, "", "event", event);
  const auto to_side = [&](StepIndex side, Phase phase) {
    Message message;
    message.saga = id;
    message.pipeline = pipeline.name;
    message.plan = pipeline.hash;
    message.step = side;
    message.phase = phase;
    message.event = event;
    message.at = now_;
    message.key = KeyOf(plan, side, root, id);
    message.lane = LaneOf(plan, side, root, id);
    message.payload = payload;
    message.root = root;
    message.added = saga ? payload.Since(root) : json::object();
    message.id =
        Derived(id, {"side", pipeline.step(side).name, Name(phase), event, std::to_string(round)});
    message.trace = HopTrace(trace_, id, message.id);
    after_.outbox.push_back(std::move(message));
  };
  if (const auto it = pipeline.listeners.find(event); it != pipeline.listeners.end()) {
    for (StepIndex side : it->second) to_side(side, Phase::kDo);
  }
  for (StepIndex side : pipeline.listen_to_all) to_side(side, Phase::kDo);
  const auto count = static_cast<StepIndex>(pipeline.steps.size());
  for (StepIndex side = pipeline.main_count; side < count; ++side) {
    if (pipeline.step(side).undo_on == event) to_side(side, Phase::kUndo);
  }
  for (const ForeignStart& start : x_.plans_.Foreign(pipeline.name, event)) {
    const Uuid born = DerivedAt(
        now_, {id.view(), pipeline.name, event, start.plan->pipeline->name, std::to_string(round)});
    bool created = false;
    if (Create(*start.plan, NewSaga(*start.plan, born, payload), pipeline.name + "/" + event,
               &created) != Ran::kOk)
      return;
  }
}

void Batch::Notify(const Happened& h, const Notice& notice, const Saga& saga) {
  const Pipeline& pipeline = *h.plan->pipeline;
  const bool of_step = notice.event == "$failed" || notice.event == "$stuck";
  json::object about{{"id", saga.id.ToString()},
                     {"pipeline", pipeline.name},
                     {"state", Name(saga.state)},
                     {"at", Rfc3339(now_)}};
  if (of_step) {
    about["step"] = pipeline.step(notice.step).name;
    about["phase"] = notice.event == "$failed" ? "do" : "undo";
    about["attempts"] = notice.event == "$failed" ? h.row.attempt : h.row.undo_attempt;
  }
  if (!notice.code.empty()) about["code"] = notice.code;
  if (!notice.code.empty() || of_step) about["detail"] = notice.detail;
  if (notice.code.empty() && !saga.code.empty()) about["code"] = saga.code;
  json::object added;
  added["$saga"] = std::move(about);
  if (!of_step) Tell(saga.id, *h.plan, "", notice.event == "$done" ? "done" : "undone", saga.code);
  // Two steps may fail in one saga: each is an event of its own.
  const std::uint32_t round = of_step                ? h.row.round * 64 + notice.step + 1
                              : saga.ended == Time{} ? 0
                                                     : h.row.round;
  Publish(*h.plan, &saga, saga.id, notice.event, saga.root.With(added), round);
}

}  // namespace reprise::runtime
