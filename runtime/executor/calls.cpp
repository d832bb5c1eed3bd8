#include "executor/calls.h"

#include <iterator>

#include "base/failpoint.h"

namespace reprise::runtime {
namespace {

void Fill(Call& call, const CallJob& job, const std::string& saga_id, Time now,
          const std::atomic<bool>& cancelled) {
  call.step = &job.plan->step(job.step);
  call.phase = job.phase;
  call.saga = job.saga;
  call.saga_id = saga_id;
  call.key = job.key;
  call.memo = job.memo;
  call.idempotency_key = job.idempotency_key;
  call.do_key = job.do_key;
  call.others = job.others;
  call.trace = job.trace;
  call.item = job.item;
  call.attempt = job.attempt;
  call.payload = &job.payload;
  call.root = &job.root;
  call.last = job.last;
  call.now = now;
  call.deadline = job.deadline;
  call.cancelled = &cancelled;
}

/// Hands on what the plugin left: of a Reconcile that knew, then of the call that followed it.
void Take(Call& call, CallResult& result) {
  const auto move_to = [](auto& from, auto& to) {
    std::move(from.begin(), from.end(), std::back_inserter(to));
  };
  move_to(call.emitted, result.emitted);
  move_to(call.armed, result.armed);
  move_to(call.sent, result.sent);
  move_to(call.hints, result.hints);
}

}  // namespace

Calls::Calls(const Clock& clock, std::size_t threads, Deliver deliver, FlightRecorder* flight,
             Gate gate)
    : clock_(clock), deliver_(std::move(deliver)), gate_(std::move(gate)), flight_(flight) {
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { Loop(); });
}

Calls::~Calls() {
  Stop();
}

void Calls::Launch(CallJob job) {
  const std::lock_guard lock(mutex_);
  in_flight_.insert({job.saga, job.step, job.item});
  lanes_[{job.plan->number, job.step}].waiting.push_back(std::move(job));
  wake_.notify_one();
}

bool Calls::InFlight(const Uuid& saga, StepIndex step, std::int64_t item) const {
  const std::lock_guard lock(mutex_);
  return in_flight_.contains({saga, step, item});
}

bool Calls::Next(CallJob& job) {
  for (auto& [step, lane] : lanes_) {
    if (lane.waiting.empty()) continue;
    const Plan& plan = *lane.waiting.front().plan;
    if (lane.running >= plan.step(step.second).concurrency) continue;
    for (auto it = lane.waiting.begin(); it != lane.waiting.end(); ++it) {
      if (gate_ && !gate_(*it)) continue;
      if (!lane.busy_keys.insert(it->key).second) continue;
      job = std::move(*it);
      lane.waiting.erase(it);
      ++lane.running;
      return true;
    }
  }
  return false;
}

void Calls::Finish(const CallJob& job) {
  const std::lock_guard lock(mutex_);
  Lane& lane = lanes_[{job.plan->number, job.step}];
  lane.busy_keys.erase(job.key);
  --lane.running;
  in_flight_.erase(in_flight_.find({job.saga, job.step, job.item}));
  wake_.notify_one();
}

/// The provider's time, and as much again: then the thread is taken for lost.
void Calls::Run(const CallJob& job, Call& call) const {
  const Step& step = job.plan->step(job.step);
  const Flight flight{
      job.plan->pipeline->name, step.name, job.saga, job.item, job.phase, job.round};
  {
    const Aboard aboard(flight_, flight, step.plugin, step.action, step.timeout * 2 + Millis(1000));
    FAILPOINT_IN("call.before", Name(job.phase));
    job.plan->steps[job.step].action->Run(call);
    FAILPOINT_IN("call.after", Name(job.phase));
  }
  if (flight_) flight_->Landed();
}

CallResult Calls::Make(CallJob job) {
  CallResult result;
  result.job = std::move(job);
  CallJob& made = result.job;
  if (made.fault) {
    result.outcome = *made.fault;
    result.unknown = result.outcome.unknown;
    return result;
  }
  const Action& action = *made.plan->steps[made.step].action;
  const std::string saga_id = made.saga.ToString();
  if (made.reconcile_first) {
    Call asked;
    Fill(asked, made, saga_id, clock_.Now(), cancelled_);
    asked.reconcile = true;
    if (action.info().reconciles) Run(made, asked);
    if (asked.found == 0) {
      Take(asked, result);
      made.last = Last::kDone;
      made.memo = asked.outcome.memo;
      if (made.phase == Phase::kDo) {
        result.outcome = {Verdict::kDone, asked.outcome.memo, {}, {}, {}};
        return result;
      }
    } else if (asked.found == 1 && made.phase == Phase::kUndo) {
      Take(asked, result);
      result.never_done = true;
      result.outcome.verdict = Verdict::kDone;
      return result;
    } else if (asked.found == 2 && made.ask_only) {
      result.unknown = true;
      result.outcome = {Verdict::kFail,
                        {},
                        "unknown",
                        "the call was cut off and nobody can tell whether it happened",
                        {}};
      return result;
    }
  }
  Call call;
  Fill(call, made, saga_id, clock_.Now(), cancelled_);
  Run(made, call);
  result.outcome = std::move(call.outcome);
  Take(call, result);
  return result;
}

void Calls::Loop() {
  for (;;) {
    CallJob job;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return stopping_ || Next(job); });
      if (stopping_ && !job.plan) return;
    }
    CallResult result = Make(job);
    deliver_(std::move(
        result));  // before Finish: the call is in flight until the executor can know its end
    Finish(job);
  }
}

bool Calls::Drain() {
  bool any = false;
  for (;;) {
    CallJob job;
    {
      const std::lock_guard lock(mutex_);
      if (!Next(job)) return any;
    }
    any = true;
    CallResult result = Make(job);
    deliver_(std::move(
        result));  // before Finish: the call is in flight until the executor can know its end
    Finish(job);
  }
}

void Calls::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    cancelled_ = true;
    wake_.notify_all();
  }
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
  threads_.clear();
}

}  // namespace reprise::runtime
