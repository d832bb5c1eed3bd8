/// What an attempt that has ended leaves behind: its row, timers, records, a letter, what happened.
#include "base/log.h"
#include "executor/batch.h"

namespace reprise::runtime {

Batch::Ran Batch::Conclude(Attempt& attempt) {
  Touch(attempt);
  Land(attempt);
  const Ran ran = attempt.phase == Phase::kDo ? ConcludeDo(attempt) : ConcludeUndo(attempt);
  if (ran == Ran::kOk) rows_.push_back(std::move(attempt.row));
  return ran;
}

/// Records for topics of others and hints to streams, which leave with this commit.
/// `cause`: what an attempt without a saga comes from.
void Batch::SendRecords(Attempt& attempt, const Uuid& cause) {
  std::size_t n = 0;
  for (Call::Sent& sent : attempt.call.sent) {
    Transaction::Foreign record{std::move(sent.topic), std::move(sent.key), std::move(sent.bytes),
                                now_};
    if (x_.options_.partitions > 0) record.headers = HeadersOf(attempt, cause, record, n++);
    after_.sent.push_back(std::move(record));
  }
  for (std::string& hint : attempt.call.hints) after_.hints.push_back(std::move(hint));
}

/// A CloudEvent in binary mode.  The id is the same whenever this very record is sent again.
Headers Batch::HeadersOf(const Attempt& attempt, const Uuid& cause,
                         const Transaction::Foreign& record, std::size_t n) const {
  const StepRow& row = attempt.row;
  const std::string& pipeline = attempt.plan->pipeline->name;
  const std::string& step = attempt.spec().name;
  const std::string phase(Name(attempt.phase));
  const Uuid id =
      Derived(row.saga.nil() ? cause : row.saga, {"sent", step, std::to_string(row.item), phase,
                                                  std::to_string(row.round), std::to_string(n)});
  Headers out = EventHeaders(id.ToString(), pipeline + "." + step,
                             "/reprise/" + pipeline + "/" + step, record.at);
  if (!record.key.empty()) out.emplace_back("ce_subject", record.key);
  const std::size_t first = record.bytes.find_first_not_of(" \t\r\n");
  if (first != std::string::npos && (record.bytes[first] == '{' || record.bytes[first] == '['))
    out.emplace_back("content-type", "application/json");
  if (!attempt.trace.empty()) out.emplace_back("traceparent", attempt.trace);
  if (!row.saga.nil()) out.emplace_back("ce_sagaid", row.saga.ToString());
  out.emplace_back("ce_sagastep", step);
  out.emplace_back("ce_sagaphase", phase);
  return out;
}

/// Cancels the timers a step armed; answers how many were in `open`.
int Batch::Timers(Attempt& attempt) {
  if (attempt.row.timers == 0) return 0;
  static constexpr DueKind kTimers[] = {DueKind::kTimer};
  const auto n = tx_.Disarm({attempt.row.saga, attempt.step, attempt.row.item}, kTimers);
  attempt.row.timers = 0;
  return n ? *n : 0;
}

Batch::Ran Batch::ConcludeDo(Attempt& attempt) {
  const Plan& plan = *attempt.plan;
  const Step& step = attempt.spec();
  Call& call = attempt.call;
  Fact fact;
  fact.step = attempt.step;
  fact.whole = step.all;
  fact.delta = attempt.delta;
  switch (attempt.ruling.next) {
    case Ruling::kPark:
      armed_.push_back(DueOf(attempt, DueKind::kRetryDo, attempt.ruling.due));
      if (step.side) armed_.back().added = attempt.payload.object();
      fact.delta += 1;
      attempt.bound().retried->Add(1);
      if (call.outcome.verdict != Verdict::kLater)
        Remember(attempt, "retry", call.outcome.code, call.outcome.detail);
      Happen(attempt, std::move(fact));
      return Ran::kOk;
    case Ruling::kFailed:
      attempt.bound().failed->Add(1);
      Remember(attempt, "failed", attempt.row.code, attempt.row.detail);
      if (step.side) return SideFailed(attempt);
      fact.kind = Fact::Kind::kFailed;
      fact.code = attempt.row.code;
      fact.detail = attempt.row.detail;
      Happen(attempt, std::move(fact));
      return Ran::kOk;
    default:
      break;
  }
  attempt.bound().done->Add(1);
  if (x_.on_count_ && step.name == x_.counted_step_) ++counted_;
  for (Call::Armed& armed : call.armed) {
    armed_.push_back(DueOf(attempt, DueKind::kTimer, now_ + armed.delay));
    armed_.back().event = std::move(armed.event);
    armed_.back().added = std::move(armed.added);
    ++attempt.row.timers;
    ++fact.delta;
  }
  SendRecords(attempt, attempt.row.do_id);
  fact.kind = Fact::Kind::kDone;
  if (!call.emitted.empty()) {
    fact.event = step.name + "." + call.emitted[0].event;
    for (const auto& field : call.emitted[0].added) attempt.added[field.key()] = field.value();
    attempt.payload = attempt.payload.With(call.emitted[0].added);
  }
  Tell(attempt.row.saga, plan, step.name, "do", call.emitted.empty() ? "" : call.emitted[0].event);
  Happen(attempt, std::move(fact));
  return Ran::kOk;
}

Batch::Ran Batch::ConcludeUndo(Attempt& attempt) {
  const Plan& plan = *attempt.plan;
  Call& call = attempt.call;
  Fact fact;
  fact.step = attempt.step;
  fact.delta = attempt.delta;
  fact.last = attempt.undo_last;
  after_.undid = true;
  if (attempt.ruling.next == Ruling::kPark) {
    armed_.push_back(DueOf(attempt, DueKind::kRetryUndo, attempt.ruling.due));
    fact.delta += 1;
    if (call.outcome.verdict != Verdict::kLater)
      Remember(attempt, "retry", call.outcome.code, call.outcome.detail);
    Happen(attempt, std::move(fact));
    return Ran::kOk;
  }
  if (attempt.ruling.next == Ruling::kStuck) {
    Remember(attempt, "stuck", attempt.row.code, attempt.row.detail);
    after_.letter = true;
    if (attempt.spec().side) return SideFailed(attempt);
    if (!attempt.spec().halt) fact.delta -= Timers(attempt);  // it settles, stuck as it is
    fact.kind = Fact::Kind::kStuck;
    fact.code = attempt.row.code;
    fact.detail = attempt.row.detail;
    Happen(attempt, std::move(fact));
    return Ran::kOk;
  }
  fact.delta -= Timers(attempt);
  SendRecords(attempt, attempt.row.undo_id);
  attempt.bound().undone->Add(1);
  const bool kept = attempt.row.kept;
  fact.kind = Fact::Kind::kSettled;
  fact.settled = kept ? Fact::Settled::kKept : Fact::Settled::kUndone;
  if (kept) Remember(attempt, "kept", "", call.outcome.detail);
  if (!kept)
    Tell(attempt.row.saga, plan, attempt.spec().name, "undo", attempt.undo_last ? "told last" : "");
  Happen(attempt, std::move(fact));
  return Ran::kOk;
}

/// Something this attempt's lane will do later.
Due Batch::DueOf(const Attempt& attempt, DueKind kind, Time due) {
  Due row;
  row.saga = attempt.row.saga;
  row.pipeline = attempt.plan->pipeline->name;
  row.plan = attempt.plan->pipeline->hash;
  row.step = attempt.step;
  row.item = attempt.row.item;
  row.kind = kind;
  row.due = due;
  row.key = attempt.key;
  row.lane = attempt.lane;
  const bool of_do = kind == DueKind::kRetryDo || kind == DueKind::kHold ||
                     (kind == DueKind::kCall && attempt.phase == Phase::kDo);
  if (of_do) row.line = LineOf(*attempt.plan, attempt.step, attempt.key);
  return row;
}

/// A step that gave up, as a person finds it; one for each round.
DeadLetter Batch::LetterOf(const Attempt& attempt, const Outcome& why) const {
  DeadLetter letter;
  letter.message =
      Derived(attempt.row.saga, {"dead", attempt.spec().name, std::to_string(attempt.row.item),
                                 Name(attempt.phase), std::to_string(attempt.row.round)});
  letter.saga = attempt.row.saga;
  letter.pipeline = attempt.plan->pipeline->name;
  letter.step = attempt.spec().name;
  letter.event = attempt.event;
  letter.phase = Name(attempt.phase);
  letter.code = why.code;
  letter.detail = why.detail;
  letter.attempts = attempt.phase == Phase::kDo ? attempt.row.attempt : attempt.row.undo_attempt;
  letter.payload = attempt.payload.Serialize();
  letter.key = attempt.key;
  letter.side = attempt.spec().side;
  letter.at = now_;
  return letter;
}

Batch::Ran Batch::SideFailed(Attempt& attempt) {
  const DeadLetter letter =
      LetterOf(attempt, {Verdict::kFail, {}, attempt.row.code, attempt.row.detail, {}});
  if (auto added = Bury(letter); !added) return Fail(added.error());
  Log(LogLevel::kWarn, "a side step gave up",
      {{"pipeline", letter.pipeline},
       {"step", letter.step},
       {"saga", attempt.row.saga.ToString()},
       {"code", letter.code},
       {"detail", letter.detail}});
  return Ran::kOk;
}

}  // namespace reprise::runtime
