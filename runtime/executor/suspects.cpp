/// After a crash in a plugin: what may crash again is run apart from all else, and what has crashed
/// three times is not run.  See flight.h.
#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/log.h"
#include "executor/batch.h"

namespace reprise::runtime {

bool Executor::IsSuspect(const Message& message) const {
  const Plan* plan = plans_.Find(message.plan);
  return plan && message.step < plan->steps.size() &&
         options_.flight->Suspect(plan->pipeline->name, plan->step(message.step).name);
}

/// After a crash in a plugin, messages of that step are not run together with anybody else's: if it
/// happens again, the others are through.  What follows one in its lane goes with it.
void Executor::PutSuspectsBack(Work& work) {
  if (!options_.flight || !options_.flight->suspicious()) return;
  std::vector<Message> suspects, others;
  std::set<LaneId> lanes;
  for (Message& message : work.messages) {
    const bool apart = lanes.contains(message.lane) || IsSuspect(message);
    if (apart && message.lane != 0) lanes.insert(message.lane);
    (apart ? suspects : others).push_back(std::move(message));
  }
  suspect_next_ = !suspects.empty();
  work.messages = std::move(others);
  if (suspect_next_) bus_.Return(std::move(suspects));
}

/// One message of a suspect step (or what stands before it in its lane), and nothing else.
Work Executor::CollectSuspect() {
  Work work;
  auto polled = bus_.Poll(limit_);
  if (!polled) return work;
  auto it = std::find_if(polled->begin(), polled->end(),
                         [this](const Message& m) { return IsSuspect(m); });
  if (it != polled->end()) {
    if (it->lane != 0) {
      it = std::find_if(polled->begin(), it,
                        [lane = it->lane](const Message& m) { return m.lane == lane; });
    }
    work.messages.push_back(std::move(*it));
    polled->erase(it);
  }
  bus_.Return(std::move(*polled));
  return work;
}

// ---------------------------------------------------------------- within a batch

/// What of the outbox is handled here and now; but not what may take the process with it: that is
/// committed first, so that whoever sent it is not lost as well.
std::vector<Message> Batch::TakeLocal() {
  std::vector<Message> suspects;
  if (x_.options_.flight && x_.options_.flight->suspicious()) {
    const auto first = std::stable_partition(after_.outbox.begin(), after_.outbox.end(),
                                             [&](const Message& m) { return !x_.IsSuspect(m); });
    suspects.assign(std::make_move_iterator(first), std::make_move_iterator(after_.outbox.end()));
    after_.outbox.erase(first, after_.outbox.end());
  }
  std::vector<Message> taken = tx_.TakeLocal(after_.outbox);
  std::move(suspects.begin(), suspects.end(), std::back_inserter(after_.outbox));
  return taken;
}

Flight Batch::FlightOf(const Attempt& attempt) {
  return {attempt.plan->pipeline->name,
          attempt.spec().name,
          attempt.row.saga,
          attempt.row.item,
          attempt.phase,
          attempt.row.round};
}

bool Batch::MayCrash(const Attempt& attempt) const {
  return x_.options_.flight &&
         x_.options_.flight->Suspect(attempt.plan->pipeline->name, attempt.spec().name);
}

/// Whether the process has died of this very attempt so often that it is not made again.  It fails,
/// and is a dead letter; of an external one nobody knows what it did.
bool Batch::Convicted(Attempt& attempt) {
  FlightRecorder* const flight = x_.options_.flight;
  if (!flight || attempt.row.saga.nil()) return false;
  const std::uint32_t crashes = flight->Crashes(FlightOf(attempt));
  if (crashes < FlightRecorder::kCrashesMax) return false;
  const Step& step = attempt.spec();
  Outcome& outcome = attempt.call.outcome;
  outcome = {Verdict::kFail,
             {},
             "crashed",
             fmt::format("the process ended {} times while plugin {}.{} had this message", crashes,
                         step.plugin, step.action),
             {}};
  outcome.unknown = step.external;
  if (!step.side) {
    if (auto added = Bury(LetterOf(attempt, outcome)); !added) {
      error_ = added.error();
      crashed_ = true;
    }
  }
  Log(LogLevel::kError, "a message crashed its plugin too often and is put aside",
      {{"pipeline", attempt.plan->pipeline->name},
       {"step", step.name},
       {"saga", attempt.row.saga.ToString()},
       {"phase", Name(attempt.phase)}});
  return true;
}

/// It came back, whatever it answered.
void Batch::Survived(const Attempt& attempt) {
  if (MayCrash(attempt))
    x_.options_.flight->Survived(attempt.plan->pipeline->name, attempt.spec().name);
}

/// Nothing of it is left to be done: once that is committed, nothing is held against it.
void Batch::Land(const Attempt& attempt) {
  FlightRecorder* const flight = x_.options_.flight;
  if (flight && flight->Crashes(FlightOf(attempt)) > 0) after_.landed.push_back(FlightOf(attempt));
}

Flight FlightOf(const Request& request, std::string_view part) {
  return {request.pipeline->name, part,
          Derived(Uuid{}, {request.route->name(), request.body_hash, request.bearer,
                           request.idempotency_key})};
}

}  // namespace reprise::runtime
