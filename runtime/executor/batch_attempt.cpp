/// Running plugins: one attempt, many at once, and those that are only intended.
#include <algorithm>

#include "base/failpoint.h"
#include "base/mutant.h"
#include "executor/batch.h"

namespace reprise::runtime {
namespace {

constexpr int kCarefulFor = 64;  // attempts that get a savepoint after one failed with writes

bool Good(const Outcome& outcome) {
  return outcome.verdict == Verdict::kDone || outcome.verdict == Verdict::kKept;
}

/// One key per (saga, step, phase), the same in every attempt.
std::string IdempotencyKey(const StepRow& row, const Step& step, Phase phase) {
  const std::string item = row.item == 0 ? "" : std::to_string(row.item);
  return Derived(row.saga, {"call", step.name, Name(phase), item}).ToString();
}

}  // namespace

Batch::Ran Batch::RunAttempts(std::vector<Attempt>& attempts) {
  std::vector<Attempt*> left;
  left.reserve(attempts.size());
  for (Attempt& attempt : attempts) left.push_back(&attempt);
  // Attempts of one step stay together, so that a plugin with DoAll sees them at once.
  std::stable_sort(left.begin(), left.end(), [](const Attempt* a, const Attempt* b) {
    return std::pair(a->plan->number, a->step) < std::pair(b->plan->number, b->step);
  });
  for (std::size_t from = 0; from < left.size();) {
    std::size_t to = from + 1;
    const auto same = [&](const Attempt* a) {
      return a->plan == left[from]->plan && a->step == left[from]->step && a->phase == Phase::kDo &&
             a->refusal.empty();
    };
    if (left[from]->spec().takes_all && same(left[from]) && !MayFault(left[from]->spec()) &&
        !MayCrash(*left[from])) {
      while (to < left.size() && same(left[to])) ++to;
    }
    const std::span<Attempt*> group(left.data() + from, to - from);
    if (const Ran ran = group.size() > 1 ? RunAll(group) : RunOne(*group[0]); ran != Ran::kOk)
      return ran;
    from = to;
  }
  for (Attempt& attempt : attempts) {
    if (const Ran ran = Conclude(attempt); ran != Ran::kOk) return ran;
  }
  return Ran::kOk;
}

void Batch::Prepare(Attempt& attempt) {
  const bool do_phase = attempt.phase == Phase::kDo;
  if (attempt.saga_text.empty()) {
    attempt.saga_text = attempt.row.saga.ToString();
    attempt.idempotency_key = IdempotencyKey(attempt.row, attempt.spec(), attempt.phase);
    attempt.do_key = do_phase ? attempt.idempotency_key
                              : IdempotencyKey(attempt.row, attempt.spec(), Phase::kDo);
  }
  attempt.call = Call{};
  Call& call = attempt.call;
  call.step = &attempt.spec();
  call.phase = attempt.phase;
  call.saga = attempt.row.saga;
  call.saga_id = attempt.saga_text;
  call.key = attempt.key;
  call.memo = attempt.row.memo;
  call.idempotency_key = attempt.idempotency_key;
  call.do_key = attempt.do_key;
  call.trace = attempt.trace;
  call.item = attempt.row.item;
  call.attempt = (do_phase ? attempt.row.attempt : attempt.row.undo_attempt) + 1;
  call.payload = &attempt.payload;
  call.root = attempt.root.empty() ? &attempt.payload : &attempt.root;
  call.last = attempt.last;
  call.others = attempt.others;
  call.now = now_;
  call.deadline = now_ + attempt.spec().timeout;
  call.sql = &tx_.sql();
}

bool Batch::MayFault(const Step& step) const {
  return std::any_of(x_.faults_.begin(), x_.faults_.end(),
                     [&](const Fault& fault) { return fault.step == step.name; });
}

/// How often this phase was tried, this time included; a person's retry goes on counting.
std::uint32_t Batch::TriesOf(const Attempt& attempt) {
  const Step& step = attempt.spec();
  const RetryPolicy& policy = attempt.phase == Phase::kDo ? step.retry : step.undo_retry;
  return attempt.row.round * policy.attempts + attempt.call.attempt;
}

bool Batch::Faulted(Attempt& attempt) {
  for (Fault& fault : x_.faults_) {
    if (fault.step != attempt.spec().name || fault.phase != attempt.phase) continue;
    if (!fault.pipeline.empty() && fault.pipeline != attempt.plan->pipeline->name) continue;
    if (!fault.saga_field.empty() &&
        attempt.root.With(attempt.payload).Text(fault.saga_field) != fault.saga_value)
      continue;
    switch (fault.kind) {
      case Fault::kRetry:
        if (fault.times >= 0 && TriesOf(attempt) > static_cast<std::uint32_t>(fault.times))
          continue;
        attempt.call.outcome = {Verdict::kRetry, {}, "fault", "injected by --fault", {}};
        return true;
      case Fault::kFail:
      case Fault::kUnknown:
        attempt.call.outcome = {Verdict::kFail, {}, "fault", "injected by --fault", {}};
        attempt.call.outcome.unknown = fault.kind == Fault::kUnknown && attempt.spec().external;
        return true;
      case Fault::kCrash:
        if (fault.times == 0) continue;
        if (fault.times > 0) --fault.times;
        x_.on_crash_();
        error_ = {Code::kCancelled, "crashed by --fault"};
        crashed_ = true;
        return true;
    }
  }
  return false;
}

/// What the outcome of its call does to its row.
void Batch::Rule(Attempt& attempt) {
  attempt.ruling =
      Judge(attempt.spec(), std::move(attempt.row), attempt.phase, attempt.call.outcome, now_);
  attempt.row = std::move(attempt.ruling.row);
}

Batch::Ran Batch::RunOne(Attempt& attempt) {
  const BoundStep& bound = attempt.bound();
  for (;;) {
    Prepare(attempt);
    if (!attempt.refusal.empty()) {
      attempt.call.outcome = {Verdict::kFail, {}, "refused", attempt.refusal, {}};
    } else if (attempt.spec().kind == StepKind::kFail) {
      attempt.call.outcome = {Verdict::kFail, {}, attempt.spec().fail_code, {}, {}};
      if (attempt.phase == Phase::kUndo) attempt.call.outcome = {};
    } else if (attempt.spec().kind == StepKind::kWait) {
      attempt.call.outcome = {};  // the undo of a wait that is over: nothing to take back
    } else if (!Convicted(attempt) && !Faulted(attempt)) {
      const bool savepoint = careful_ || bound.careful > 0;
      if (savepoint && !Check(tx_.Savepoint(true))) return Ran::kFailed;
      tx_.ResetWrote();
      const auto began = std::chrono::steady_clock::now();
      {
        const Aboard aboard(x_.options_.flight, FlightOf(attempt), attempt.spec().plugin,
                            attempt.spec().action, WithGrace(attempt.spec().timeout));
        FAILPOINT_IN("plugin.before", Name(attempt.phase));
        bound.action->Run(attempt.call);
        FAILPOINT_IN("plugin.after", Name(attempt.phase));
      }
      Survived(attempt);
      bound.seconds->Observe(
          std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
      if (const auto lost = tx_.lost()) return Fail(*lost);
      const bool good = Good(attempt.call.outcome);
      if (!savepoint && (tx_.spoiled() || (!good && tx_.wrote()))) {
        bound.careful = kCarefulFor;
        return Ran::kRerun;
      }
      if (savepoint) {
        if (bound.careful > 0) --bound.careful;
        if (!Check(good ? tx_.ReleaseSavepoint() : tx_.RollbackToSavepoint())) return Ran::kFailed;
      }
    }
    if (crashed_) return Ran::kFailed;
    Rule(attempt);
    if (attempt.ruling.next != Ruling::kAgain) return Ran::kOk;
    bound.retried->Add(1);
  }
}

Batch::Ran Batch::RunAll(std::span<Attempt*> group) {
  const BoundStep& bound = group[0]->bound();
  std::vector<Call*> calls;
  for (Attempt* attempt : group) {
    Prepare(*attempt);
    calls.push_back(&attempt->call);
  }
  if (!Check(tx_.Savepoint())) return Ran::kFailed;
  bool good = false;
  {
    const Step& step = group[0]->spec();
    const Flight any{group[0]->plan->pipeline->name, step.name};
    const Aboard aboard(x_.options_.flight, any, step.plugin, step.action, WithGrace(step.timeout));
    FAILPOINT_IN("plugin.before", "do");
    good = bound.action->RunAll(calls);
    FAILPOINT_IN("plugin.after", "do");
  }
  if (const auto lost = tx_.lost()) return Fail(*lost);
  good = good && !tx_.spoiled();
  for (const Call* call : calls) good = good && call->finished && Good(call->outcome);
  if (!Check(good ? tx_.ReleaseSavepoint() : tx_.RollbackToSavepoint())) return Ran::kFailed;
  for (Attempt* attempt : group) {
    if (!good) {
      if (const Ran ran = RunOne(*attempt); ran != Ran::kOk) return ran;
      continue;
    }
    Rule(*attempt);
  }
  return Ran::kOk;
}

/// An external step: the intent is committed with this batch, the call is made after.
Batch::Ran Batch::Intend(Attempt attempt, bool reconcile_first) {
  Prepare(attempt);
  const bool faulted = Convicted(attempt) || Faulted(attempt);
  if (crashed_) return Ran::kFailed;
  const bool do_phase = attempt.phase == Phase::kDo;
  attempt.row.intent = now_;
  attempt.row.state = do_phase ? StepState::kRunning : StepState::kUndoing;
  attempt.row.undo_running = !do_phase;
  CallJob job;
  if (faulted) job.fault = attempt.call.outcome;
  job.plan = attempt.plan;
  job.step = attempt.step;
  job.saga = attempt.row.saga;
  job.item = attempt.row.item;
  job.phase = attempt.phase;
  job.attempt = attempt.call.attempt;
  job.round = attempt.row.round;
  job.reconcile_first = reconcile_first;
  job.ask_only = do_phase && reconcile_first && !attempt.spec().idempotent;
  job.last = attempt.last;
  job.key = attempt.key;
  job.memo = attempt.row.memo;
  job.idempotency_key = attempt.idempotency_key;
  job.do_key = attempt.do_key;
  job.others = attempt.others;
  job.trace = attempt.trace;
  job.payload = attempt.payload;
  job.root = attempt.root;
  job.deadline = attempt.call.deadline;
  // Row 12: nobody comes back to a call that never ends.
  const Time ends = MUTANT(12) ? kNoTime : now_ + attempt.spec().timeout;
  armed_.push_back(DueOf(attempt, DueKind::kCall, ends));
  if (attempt.spec().side) armed_.back().added = attempt.payload.object();
  rows_.push_back(attempt.row);
  after_.calls.push_back(std::move(job));
  Fact fact;  // the message is consumed, the call is in flight instead
  fact.step = attempt.step;
  fact.delta = attempt.delta + 1;
  Happen(attempt, std::move(fact));
  return Ran::kOk;
}

}  // namespace reprise::runtime
