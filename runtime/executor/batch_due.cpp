/// What comes by itself: parked attempts, timers, the ends of holds and waits, and calls that have
/// ended.
#include <set>
#include <tuple>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/mutant.h"
#include "executor/batch.h"

namespace reprise::runtime {
namespace {

/// Row 11: memory says that it has fired, whatever became of the transaction.
bool FiredBefore(const Due& due) {
  static std::set<std::tuple<Uuid, StepIndex, std::int64_t, DueKind, Time>> fired;
  return !fired.insert({due.saga, due.step, due.item, due.kind, due.due}).second;
}

}  // namespace

Batch::Ran Batch::TakeDue() {
  FAILPOINT("due.before");
  // Row 9: taken by one look at the clock, looked at again by another.
  const Time by = MUTANT(9) ? std::max(now_, x_.next_due_.value_or(now_)) : now_;
  auto taken = tx_.TakeDue(by, x_.options_.batch);
  if (!taken) return Fail(taken.error());
  if (taken->empty()) return Ran::kOk;
  FAILPOINT("due.after");
  std::vector<Transaction::StepKey> keys;
  std::vector<Uuid> ids;
  for (const Due& due : *taken) {
    keys.push_back({due.saga, due.step, due.item});
    ids.push_back(due.saga);
  }
  auto claimed = tx_.Claim(keys);
  if (!claimed) return Fail(claimed.error());
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  auto sagas = tx_.Lock(ids);
  if (!sagas) return Fail(sagas.error());
  std::vector<Attempt> attempts;
  for (std::size_t i = 0; i < taken->size(); ++i) {
    const Saga* saga = nullptr;
    for (const Saga& s : *sagas) {
      if (s.id == (*taken)[i].saga) saga = &s;
    }
    if (!saga) continue;  // purged
    if (const Ran ran = Fire((*taken)[i], (*claimed)[i], saga, attempts); ran != Ran::kOk)
      return ran;
  }
  if (const Ran ran = RunAttempts(attempts); ran != Ran::kOk) return ran;
  return Settle();
}

Batch::Ran Batch::Fire(const Due& due, Claimed& claimed, const Saga* saga,
                       std::vector<Attempt>& attempts) {
  if (MUTANT(9) && due.due > now_) return Ran::kOk;  // row 9: the clock was set back: dropped
  if (MUTANT(11) && FiredBefore(due)) return Ran::kOk;
  const Plan* plan = x_.plans_.Find(due.plan);
  if (!plan) {
    Log(LogLevel::kError, "a due row waits for a plan that is not loaded",
        {{"pipeline", due.pipeline}});
    armed_.push_back(due);  // it comes again
    armed_.back().due = now_ + std::chrono::minutes(1);
    return Ran::kOk;
  }
  x_.metrics_.Observe("reprise_timer_lateness_seconds", {},
                      static_cast<double>((now_ - due.due).count()) / 1000);
  if (due.kind == DueKind::kTimeout) {
    Happened happened;
    happened.plan = plan;
    happened.saga = saga->id;
    happened.root = saga->root;
    happened.payload = saga->root;
    happened.fact.kind = Fact::Kind::kTimeout;
    happened.fact.code = "timeout";
    happened.fact.now = now_;
    Tell(saga->id, *plan, "", "timeout", "");
    happened_.push_back(std::move(happened));
    return Ran::kOk;
  }
  StepRow& row = claimed.row;
  const Step& step = plan->step(due.step);
  const Phase phase =
      due.kind == DueKind::kRetryUndo || row.undo_running ? Phase::kUndo : Phase::kDo;
  Attempt attempt = Resume(*plan, row, *saga, phase);
  if (step.side && !due.added.empty()) attempt.payload = Payload(due.added);
  attempt.delta = -1;
  Fact fact;
  fact.step = due.step;
  fact.delta = -1;
  switch (due.kind) {
    case DueKind::kRetryDo:
    case DueKind::kRetryUndo:
      if (attempt.row.began == Time{}) attempt.row.began = now_;  // it had waited in its line
      if (step.external) {
        const bool ask = phase == Phase::kUndo && attempt.last == Last::kUnknown && step.reconciles;
        return Intend(std::move(attempt), ask);
      }
      attempts.push_back(std::move(attempt));
      return Ran::kOk;
    case DueKind::kHold:
      row.state = StepState::kFailed;
      attempt.row = row;
      rows_.push_back(row);
      fact.kind = Fact::Kind::kHoldOver;
      fact.code = row.code;
      fact.detail = row.detail;
      break;
    case DueKind::kTimer:
      if (attempt.row.timers > 0) --attempt.row.timers;
      rows_.push_back(attempt.row);
      fact.kind = Fact::Kind::kEmitted;
      fact.event = step.name + "." + due.event;
      for (const auto& field : due.added) attempt.added[field.key()] = field.value();
      attempt.payload = saga->root.With(attempt.added);
      Tell(saga->id, *plan, step.name, "timer", due.event);
      break;
    case DueKind::kWait:
      attempt.row.state = StepState::kDone;
      attempt.row.done = now_;
      rows_.push_back(attempt.row);
      fact.kind = Fact::Kind::kDone;
      fact.event = step.name + ".late";
      fact.whole = step.all;
      Tell(saga->id, *plan, step.name, "do", "late");
      break;
    case DueKind::kCall: {
      const bool running = row.state == StepState::kRunning ||
                           (row.state == StepState::kUndoing && row.undo_running);
      if (!running) return Ran::kOk;
      if (x_.calls_->InFlight(row.saga, row.step,
                              row.item)) {  // it hangs past its deadline; never overlap
        armed_.push_back(due);
        armed_.back().due = now_ + std::chrono::seconds(1);
        return Ran::kOk;
      }
      std::uint32_t& attempt_no =
          phase == Phase::kDo ? attempt.row.attempt : attempt.row.undo_attempt;
      const RetryPolicy& policy = phase == Phase::kDo ? step.retry : step.undo_retry;
      if (++attempt_no < policy.attempts) {
        if (phase == Phase::kUndo && attempt.last == Last::kNever) attempt.last = Last::kUnknown;
        Remember(attempt, "unknown", "no_answer",
                 "the call never answered; asking what became of it");
        return Intend(std::move(attempt), true);
      }
      CallResult lost;
      lost.job.plan = plan;
      lost.job.step = due.step;
      lost.job.saga = row.saga;
      lost.job.item = row.item;
      lost.job.phase = phase;
      lost.job.attempt = row.attempt + 1;
      if (phase == Phase::kUndo) lost.job.attempt = row.undo_attempt + 1;
      lost.job.payload = attempt.payload;  // a side step's is in no other row
      lost.outcome = {Verdict::kFail, {}, "no_answer", "the call never answered", {}};
      lost.unknown = true;
      return CallEnded(lost);
    }
    case DueKind::kTimeout:
      break;
  }
  Happen(attempt, std::move(fact));
  return Ran::kOk;
}

/// A call has ended: as if it had run in this transaction.
Batch::Ran Batch::CallEnded(const CallResult& result) {
  const CallJob& job = result.job;
  const Transaction::StepKey key{job.saga, job.step, job.item};
  auto claimed = tx_.Claim(std::span(&key, 1));
  if (!claimed) return Fail(claimed.error());
  auto sagas = tx_.Lock(std::span(&job.saga, 1));
  if (!sagas) return Fail(sagas.error());
  if (sagas->empty()) return Ran::kOk;
  StepRow row = std::move(claimed->front().row);
  const bool do_phase = job.phase == Phase::kDo;
  const bool expected = do_phase
                            ? row.state == StepState::kRunning && row.attempt + 1 == job.attempt
                            : row.state == StepState::kUndoing && row.undo_running &&
                                  row.undo_attempt + 1 == job.attempt;
  if (!expected) {
    Log(LogLevel::kInfo, "a call answered late and was ignored",
        {{"saga", job.saga.ToString()}, {"step", job.plan->step(job.step).name}});
    return Ran::kOk;
  }
  static constexpr DueKind kCall[] = {DueKind::kCall};
  if (auto n = tx_.Disarm(key, kCall); !n) return Fail(n.error());
  row.undo_running = false;
  Attempt attempt = Resume(*job.plan, row, sagas->front(), job.phase);
  if (attempt.spec().side) attempt.payload = job.payload;
  attempt.trace = job.trace;
  attempt.undo_last = !do_phase && !row.last_id.nil();
  attempt.delta = -1;
  attempt.call.outcome = result.outcome;
  attempt.call.outcome.unknown = result.unknown;
  attempt.call.emitted = result.emitted;
  attempt.call.armed = result.armed;
  attempt.call.sent = result.sent;
  attempt.call.hints = result.hints;
  Rule(attempt);
  if (attempt.row.undo_wanted) return AfterDeferred(attempt);
  if (attempt.ruling.next == Ruling::kAgain) return Intend(std::move(attempt), false);
  return Conclude(attempt);
}

/// The call that an undo (or close) waited for has ended: first what the call was, then the undo.
Batch::Ran Batch::AfterDeferred(Attempt& attempt) {
  Fact fact;
  fact.step = attempt.step;
  fact.delta = attempt.delta;
  fact.whole = attempt.spec().all;
  if (attempt.ruling.next == Ruling::kDone) {
    fact.kind = Fact::Kind::kDone;  // without its event: what depends on it is a tombstone already
    SendRecords(attempt, attempt.row.do_id);
  } else if (attempt.ruling.next == Ruling::kFailed) {
    fact.kind = Fact::Kind::kFailed;
    fact.code = attempt.row.code;
    fact.detail = attempt.row.detail;
  }
  Tell(attempt.row.saga, *attempt.plan, attempt.spec().name,
       attempt.ruling.next == Ruling::kDone ? "do" : "failed", attempt.row.code);
  Happen(attempt, std::move(fact));

  Meeting meeting = MeetDeferred(*attempt.plan->pipeline, attempt.row);
  attempt.row = std::move(meeting.row);
  attempt.delta = meeting.delta;
  if (meeting.act == Act::kRunUndo) {
    attempt.phase = Phase::kUndo;
    attempt.last = meeting.last;
    attempt.saga_text.clear();
    const bool ask = attempt.last == Last::kUnknown && attempt.spec().reconciles;
    return Intend(std::move(attempt), ask);
  }
  attempt.delta -= Timers(attempt);
  rows_.push_back(attempt.row);
  Fact settled;
  settled.kind = Fact::Kind::kSettled;
  settled.step = attempt.step;
  settled.delta = attempt.delta;
  settled.settled = SettledAs(attempt.row);
  Happen(attempt, std::move(settled));
  return Ran::kOk;
}

}  // namespace reprise::runtime
