/// What operators ask.  Each verb is recorded with who, why, before and after.
///
/// Source  MECHANISMS.md 13 and 14.
#include "executor/batch.h"

namespace reprise::runtime {
namespace {

Reply Ok(const json::object& body) {
  Reply reply;
  reply.body = json::serialize(body);
  return reply;
}

}  // namespace

void Batch::ReplyLater(const Verb& verb, Reply reply) {
  after_.replies.push_back([answer = verb.reply, reply = std::move(reply)] { answer(reply); });
}

Batch::Ran Batch::Perform(const Verb& verb) {
  if (verb.what.starts_with("dlq-")) return PerformOnLetter(verb);
  auto sagas = tx_.Lock(std::span(&verb.saga, 1));
  if (!sagas) return Fail(sagas.error());
  const auto answer = [&](Reply reply) { ReplyLater(verb, std::move(reply)); };
  if (sagas->empty()) {
    answer(Refused(404, "saga.unknown", "no saga has this id"));
    return Ran::kOk;
  }
  const Saga& saga = sagas->front();
  const Plan* plan = x_.plans_.Find(saga.plan);
  if (!plan) {
    answer(Refused(503, "plan.unavailable", "the plan of this saga is not loaded"));
    return Ran::kOk;
  }
  if (verb.what == "signal") {
    Reply reply;
    if (const Ran ran = Signal(*plan, saga, verb.event, verb.fields, reply); ran != Ran::kOk)
      return ran;
    answer(std::move(reply));
    return Ran::kOk;
  }
  if (verb.what != "undo") return PerformOnStep(verb, *plan, saga);

  Happened happened;
  happened.plan = plan;
  happened.saga = saga.id;
  happened.root = happened.payload = saga.root;
  happened.fact.kind = Fact::Kind::kCancel;
  happened.fact.code = "cancelled";
  happened.fact.detail = verb.why;
  happened.fact.now = now_;
  const Decision decision = Decide(*plan->pipeline, saga, happened.fact);
  if (!decision.refused.empty()) {
    answer(Refused(409, decision.refused,
                   "this saga cannot be undone now; it is " + std::string(Name(saga.state))));
    return Ran::kOk;
  }
  history_.push_back({saga.id, now_, "", "", "verb undo",
                      std::string(Name(saga.state)) + " -> undoing", verb.why, verb.who, 0});
  happened_.push_back(std::move(happened));
  answer(Ok({{"sagaId", saga.id.ToString()}, {"state", "undoing"}}));
  return Settle();
}

Batch::Ran Batch::PerformOnStep(const Verb& verb, const Plan& plan, const Saga& saga) {
  const auto answer = [&](Reply reply) { ReplyLater(verb, std::move(reply)); };
  const auto index = plan.pipeline->Find(verb.step);
  if (!index || *index >= plan.pipeline->main_count) {
    answer(Refused(404, "step.unknown",
                   "pipeline " + saga.pipeline + " has no step '" + verb.step + "'"));
    return Ran::kOk;
  }
  const Transaction::StepKey key{saga.id, *index, 0};
  auto claimed = tx_.Claim(std::span(&key, 1));
  if (!claimed) return Fail(claimed.error());
  StepRow row = std::move(claimed->front().row);
  if (verb.seen_state && *verb.seen_state != Name(row.state)) {
    answer(Refused(409, "changed", "the step is " + std::string(Name(row.state)) + " now"));
    return Ran::kOk;
  }
  Attempt attempt =
      Resume(plan, row, saga, row.state == StepState::kStuck ? Phase::kUndo : Phase::kDo);
  Fact fact;
  fact.step = *index;
  fact.was = row.state;
  fact.last = !row.last_id.nil();
  fact.now = now_;
  fact.delta = row.state == StepState::kHeld || row.state == StepState::kRetrying ? -1 : 0;
  const StepState before = row.state;
  if (verb.what == "retry") {
    fact.kind = Fact::Kind::kRetry;
  } else if (verb.what == "skip") {
    fact.kind = Fact::Kind::kSkip;
    const Step& step = plan.step(*index);
    const bool known =
        std::find(step.events.begin(), step.events.end(), verb.event) != step.events.end();
    if (!verb.event.empty() && !known) {
      answer(Refused(404, "event.unknown", NoSuchEvent(step, verb.event)));
      return Ran::kOk;
    }
    if (known) fact.event = step.name + "." + verb.event;
  } else if (verb.what == "resolve") {
    fact.kind = Fact::Kind::kResolve;
  } else {
    answer(Refused(404, "verb.unknown", "no verb '" + verb.what + "'"));
    return Ran::kOk;
  }
  row = ByVerb(row, fact.kind, now_);
  const Decision decision = Decide(*plan.pipeline, saga, fact);
  if (!decision.refused.empty()) {
    answer(Refused(409, decision.refused,
                   "step '" + verb.step + "' is " + std::string(Name(before)) + ", the saga " +
                       std::string(Name(saga.state))));
    return Ran::kOk;
  }
  static constexpr DueKind kParked[] = {DueKind::kRetryDo, DueKind::kRetryUndo, DueKind::kHold};
  if (auto n = tx_.Disarm(key, kParked); !n) return Fail(n.error());
  // Who is retried by a person keeps the place that the hold had, until the message comes.
  if (before == StepState::kHeld && verb.what == "retry" && plan.step(*index).strict)
    armed_.push_back(DueOf(attempt, DueKind::kHold, kNoTime));
  history_.push_back({saga.id, now_, verb.step, "", "verb " + verb.what,
                      std::string(Name(before)) + " -> " + std::string(Name(row.state)), verb.why,
                      verb.who, 0});
  Tell(saga.id, plan, verb.step, "verb", verb.what);
  attempt.row = row;
  if (fact.kind == Fact::Kind::kResolve) fact.delta -= Timers(attempt);
  rows_.push_back(attempt.row);
  Happen(attempt, std::move(fact));
  answer(Ok({{"sagaId", saga.id.ToString()},
             {"step", verb.step},
             {"was", Name(before)},
             {"verb", verb.what}}));
  return Settle();
}

/// A signal reaches its wait, or is kept for it.
Batch::Ran Batch::Signal(const Plan& plan, const Saga& saga, const std::string& name,
                         const json::object& fields, Reply& reply) {
  if (Ended(saga.state)) {
    reply = Refused(409, "ended", "the saga has ended; it is " + std::string(Name(saga.state)));
    return Ran::kOk;
  }
  std::optional<StepIndex> wait;
  for (StepIndex i = 0; i < plan.pipeline->main_count; ++i) {
    if (plan.step(i).kind == StepKind::kWait && plan.step(i).wait_for == name) wait = i;
  }
  if (!wait) {
    reply =
        Refused(404, "signal.unknown", "no step of " + saga.pipeline + " waits for '" + name + "'");
    return Ran::kOk;
  }
  const Transaction::StepKey key{saga.id, *wait, 0};
  auto claimed = tx_.Claim(std::span(&key, 1));
  if (!claimed) return Fail(claimed.error());
  StepRow row = std::move(claimed->front().row);
  reply.status = 202;
  reply.body = json::serialize(json::object{{"sagaId", saga.id.ToString()}, {"signal", name}});
  if (row.state == StepState::kWaiting) {
    return Check(tx_.PutSignal({saga.id, name, fields})) ? Ran::kOk : Ran::kFailed;
  }
  if (row.state != StepState::kRunning)
    return Ran::kOk;  // it came before, or too late: the first one counted
  static constexpr DueKind kWait[] = {DueKind::kWait};
  if (auto n = tx_.Disarm(key, kWait); !n) return Fail(n.error());
  Attempt attempt = Resume(plan, row, saga, Phase::kDo);
  attempt.row.state = StepState::kDone;
  attempt.row.done = now_;
  for (const auto& field : fields) attempt.added[field.key()] = field.value();
  attempt.row.added = attempt.added;
  attempt.payload = saga.root.With(attempt.added);
  rows_.push_back(attempt.row);
  Fact fact;
  fact.kind = Fact::Kind::kDone;
  fact.step = *wait;
  fact.event = plan.step(*wait).name + "." + name;
  fact.delta = -1;
  fact.whole = plan.step(*wait).all;
  Tell(saga.id, plan, plan.step(*wait).name, "do", name);
  Happen(attempt, std::move(fact));
  return Settle();
}

/// A `wait` begins: the signal may have come before.
Batch::Ran Batch::Wait(Attempt& attempt) {
  const Step& step = attempt.spec();
  auto early = tx_.TakeSignal(attempt.row.saga, step.wait_for);
  if (!early) return Fail(early.error());
  Fact fact;
  fact.step = attempt.step;
  fact.delta = attempt.delta;
  if (*early) {
    attempt.row.state = StepState::kDone;
    attempt.row.done = now_;
    for (const auto& field : (*early)->fields) attempt.added[field.key()] = field.value();
    attempt.row.added = attempt.added;
    attempt.payload = attempt.payload.With((*early)->fields);
    fact.kind = Fact::Kind::kDone;
    fact.event = step.name + "." + step.wait_for;
    fact.whole = step.all;
  } else {
    attempt.row.state = StepState::kRunning;
    armed_.push_back(DueOf(attempt, DueKind::kWait, now_ + step.wait_at_most));
    fact.delta += 1;
    fact.whole = step.all;
  }
  rows_.push_back(attempt.row);
  Happen(attempt, std::move(fact));
  return Ran::kOk;
}

Batch::Ran Batch::PerformOnLetter(const Verb& verb) {
  const auto answer = [&](Reply reply) { ReplyLater(verb, std::move(reply)); };
  auto found = x_.journal_.FindDeadLetter(verb.letter);
  if (!found) return Fail(found.error());
  if (!*found) {
    answer(Refused(404, "letter.unknown", "no dead letter has this id"));
    return Ran::kOk;
  }
  const DeadLetter& letter = **found;
  if (letter.state != "new") {
    answer(Refused(409, letter.state, "this dead letter was " + letter.state + " before"));
    return Ran::kOk;
  }
  const bool replay = verb.what == "dlq-replay";
  if (replay && (letter.code == "second_event" || letter.code == "expired")) {
    answer(Refused(409, letter.code,
                   "a dead letter '" + letter.code + "' cannot be replayed; drop it"));
    return Ran::kOk;
  }
  if (replay && letter.record && letter.record->foreign) return Replay(verb, letter);
  if (!Check(tx_.SetDeadLetterState(letter.id, replay ? "replayed" : "dropped")))
    return Ran::kFailed;
  history_.push_back({letter.saga, now_, letter.step, letter.phase, "verb " + verb.what,
                      letter.code, verb.why, verb.who, 0});
  if (!replay) {
    answer(Ok({{"letter", letter.id}, {"state", "dropped"}}));
    return Ran::kOk;
  }
  if (!letter.side && !letter.saga.nil()) {  // a failed branch: its step runs again
    Verb retry = verb;
    retry.what = "retry";
    retry.saga = letter.saga;
    retry.step = letter.step;
    return Perform(retry);
  }
  auto sagas = letter.saga.nil() ? Result<std::vector<Saga>>(std::vector<Saga>{})
                                 : tx_.Lock(std::span(&letter.saga, 1));
  if (!sagas) return Fail(sagas.error());
  const Plan* plan =
      sagas->empty() ? x_.plans_.Current(letter.pipeline) : x_.plans_.Find(sagas->front().plan);
  const auto index = plan ? plan->pipeline->Find(letter.step) : std::nullopt;
  auto payload = Payload::Parse(letter.payload);
  if (!index || !payload) {
    answer(Refused(409, "not_replayable",
                   "the step or the payload of this dead letter is not usable any more"));
    return Ran::kOk;
  }
  if (!plan->step(*index).undo_on.empty() &&
      !letter.saga.nil()) {  // its row is not per event: it begins anew
    const Transaction::StepKey key{letter.saga, *index, 0};
    auto claimed = tx_.Claim(std::span(&key, 1));
    if (!claimed) return Fail(claimed.error());
    StepRow row = std::move(claimed->front().row);
    const bool do_phase = letter.phase == "do";
    row.state = do_phase             ? StepState::kWaiting
                : row.done != Time{} ? StepState::kDone
                                     : StepState::kUnknown;
    (do_phase ? row.do_id : row.undo_id) = Uuid{};
    (do_phase ? row.attempt : row.undo_attempt) = 0;
    ++row.round;
    rows_.push_back(std::move(row));
  }
  Message message;
  message.saga = letter.saga;
  message.pipeline = letter.pipeline;
  message.plan = plan->pipeline->hash;
  message.step = *index;
  message.phase = letter.phase == "do" ? Phase::kDo : Phase::kUndo;
  message.event = letter.event;
  message.key = letter.key;
  message.lane = LaneOf(*plan, *index, sagas->empty() ? *payload : sagas->front().root,
                        letter.saga.nil() ? letter.message : letter.saga);
  message.payload = *payload;
  message.root = sagas->empty() ? *payload : sagas->front().root;
  message.added = message.payload.Since(message.root);
  message.at = now_;
  message.retry = true;
  message.id = Derived(letter.message, {"replay", std::to_string(letter.id)});
  message.trace = HopTrace({}, letter.saga, message.id);
  after_.outbox.push_back(std::move(message));
  answer(Ok({{"letter", letter.id}, {"state", "replayed"}}));
  return Ran::kOk;
}

}  // namespace reprise::runtime
