/// Running plugins: one attempt, many at once, and what an attempt that has ended leaves behind.
#include <algorithm>

#include "base/failpoint.h"
#include "base/log.h"
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
