/// A message meets its step's row, and an attempt comes of it, or what the row says settles it.
#include <algorithm>

#include "base/log.h"
#include "executor/batch.h"

namespace reprise::runtime {
namespace {

bool Sent(const Saga* saga, const Message& message) {
  return saga && (message.undo_last ? saga->last_sent : saga->sent).Has(message.step);
}

/// A join's payload is its arrivals', merged in the order written.
json::object Joined(const Step& step, const StepRow& row) {
  json::object added;
  for (std::uint64_t bit = 0; bit < step.on.size(); ++bit) {
    for (const json::value& arrival : row.arrivals) {
      const json::array& a = arrival.get_array();
      if (json::value_to<std::uint64_t>(a.at(0)) != bit) continue;
      for (const auto& field : a.at(2).get_object()) added[field.key()] = field.value();
    }
  }
  return added;
}

}  // namespace

/// An undo that only its saga can have sent.  A database that has lost its last commits may know
/// nothing of it.
bool Batch::MustBeSent(const Step& step, const Message& message) {
  return !step.side && message.phase != Phase::kDo && !message.retry;
}

Saga* Batch::SagaAmong(std::span<Saga> sagas, const Uuid& id) {
  const auto it = std::lower_bound(sagas.begin(), sagas.end(), id,
                                   [](const Saga& s, const Uuid& i) { return s.id < i; });
  return it != sagas.end() && it->id == id ? &*it : nullptr;
}

/// What the message, and where it met its row, say of the attempt.
Batch::Attempt Batch::AttemptOf(const Plan& plan, Meeting& meeting, Message& message) {
  Attempt attempt;
  attempt.plan = &plan;
  attempt.step = message.step;
  attempt.phase = message.phase == Phase::kDo ? Phase::kDo : Phase::kUndo;
  attempt.last = meeting.last;
  attempt.undo_last = message.undo_last;
  attempt.row = std::move(meeting.row);
  attempt.key = std::move(message.key);
  attempt.lane = message.lane;
  attempt.event = std::move(message.event);
  attempt.trace = std::move(message.trace);
  attempt.payload = std::move(message.payload);
  attempt.root = std::move(message.root);
  attempt.added = std::move(message.added);
  attempt.delta = meeting.delta;
  attempt.refusal = message.broken;
  return attempt;
}

/// `undone`: the sagas of the wave's undos.
Batch::Ran Batch::MeetMessage(Message& message, Claimed& claimed, std::span<Saga> undone,
                              std::vector<Attempt>& attempts) {
  const Plan& plan = *x_.plans_.Find(message.plan);
  const Step& step = plan.step(message.step);
  // A database that has lost its last commits has forgotten sagas whose messages are in the log:
  // for such a one nothing runs, side steps neither.  A person may replay a side step's letter when
  // its saga was long purged.
  const bool asked = step.side && std::exchange(message.retry, false);
  if (!claimed.known && !asked) {
    DeadLetterOf(message, "expired", "the saga of this message is not known any more", false);
    return Ran::kOk;
  }
  if (MustBeSent(step, message) && !Sent(SagaAmong(undone, message.saga), message)) {
    Log(LogLevel::kWarn, "an undo that its saga has not sent is dropped: a lost commit sent it",
        {{"saga", message.saga.ToString()}, {"step", step.name}});
    return Ran::kOk;
  }
  Meeting meeting = Meet(*plan.pipeline, claimed.row, message);
  Attempt attempt = AttemptOf(plan, meeting, message);
  Fact fact;
  fact.step = message.step;
  fact.delta = meeting.delta;
  if (meeting.drop_parked) {
    static constexpr DueKind kParked[] = {DueKind::kRetryDo, DueKind::kHold, DueKind::kWait,
                                          DueKind::kCall};
    if (auto n = tx_.Disarm({attempt.row.saga, attempt.step, attempt.row.item}, kParked); !n)
      return Fail(n.error());
  }
  if (step.strict && (meeting.act == Act::kSettle || meeting.act == Act::kRunUndo)) {
    static constexpr DueKind kPlace[] = {DueKind::kHold};  // of a step that a person retries
    if (auto n = tx_.Disarm({attempt.row.saga, attempt.step, attempt.row.item}, kPlace); !n)
      return Fail(n.error());
  }
  switch (meeting.act) {
    case Act::kDrop:
      return Ran::kOk;
    case Act::kSecondEvent:
      message.event = attempt.event;
      message.payload = attempt.payload;
      DeadLetterOf(message, "second_event", "the step was already claimed by another message",
                   true);
      return Ran::kOk;
    case Act::kConsume:
      fact.kind = meeting.half ? Fact::Kind::kHalf : Fact::Kind::kConsumed;
      rows_.push_back(attempt.row);
      Happen(attempt, std::move(fact));
      return Ran::kOk;
    case Act::kDefer:
      rows_.push_back(attempt.row);
      Happen(attempt, std::move(fact));
      return Ran::kOk;
    case Act::kSettle:
      attempt.delta = meeting.delta - Timers(attempt);
      fact.kind = Fact::Kind::kSettled;
      fact.last = message.undo_last;
      fact.delta = attempt.delta;
      fact.settled = SettledAs(attempt.row);
      rows_.push_back(attempt.row);
      if (attempt.row.cancelled) Tell(attempt.row.saga, plan, step.name, "cancelled", "");
      Happen(attempt, std::move(fact));
      return Ran::kOk;
    case Act::kRunDo:
      if (step.all) attempt.added = Joined(step, attempt.row);
      return Begin(std::move(attempt), attempts);
    case Act::kRunUndo:
      return Begin(std::move(attempt), attempts);
  }
  return Ran::kOk;
}

/// Completes what an attempt needs, and starts it: at once, by an intent, or by waiting.
Batch::Ran Batch::Begin(Attempt attempt, std::vector<Attempt>& attempts) {
  const Step& step = attempt.spec();
  const bool do_phase = attempt.phase == Phase::kDo;
  if (attempt.root.empty() && (!do_phase || step.all || attempt.payload.empty())) {
    auto sagas = tx_.Lock(std::span(&attempt.row.saga, 1));
    if (!sagas) return Fail(sagas.error());
    if (!sagas->empty()) {
      attempt.root = sagas->front().root;
      if (attempt.undo_last) attempt.others = Others(*attempt.plan, sagas->front());
    }
  }
  if (do_phase) {
    if (step.all) attempt.payload = attempt.root.With(attempt.added);
    if (attempt.row.began == Time{}) attempt.row.began = now_;
    attempt.row.added = attempt.added;
  } else {
    attempt.payload = attempt.root.With(attempt.row.added);
  }
  if (!attempt.refusal.empty()) {
    attempts.push_back(std::move(attempt));
    return Ran::kOk;
  }
  if (step.kind == StepKind::kWait && do_phase) return Wait(attempt);
  if (step.strict && do_phase) {
    bool waits = false;
    if (const Ran ran = StandInLine(attempt, waits); ran != Ran::kOk || waits) return ran;
  }
  if (step.external && step.kind == StepKind::kAction) {
    const bool reconcile = !do_phase && attempt.last == Last::kUnknown && step.reconciles;
    return Intend(std::move(attempt), reconcile);
  }
  attempts.push_back(std::move(attempt));
  return Ran::kOk;
}

void Batch::Happen(Attempt& attempt, Fact fact) {
  Touch(attempt);
  if (attempt.spec().side) return;
  if (fact.kind == Fact::Kind::kConsumed && fact.delta == 0) return;
  fact.now = now_;
  Happened happened;
  happened.plan = attempt.plan;
  happened.saga = attempt.row.saga;
  happened.fact = std::move(fact);
  happened.payload = attempt.payload;
  happened.root = attempt.root;
  happened.added = attempt.added;
  happened.row = attempt.row;
  happened.key = attempt.key;
  happened.trace = attempt.trace;
  happened_.push_back(std::move(happened));
}

void Batch::Tell(const Uuid& saga, const Plan& plan, const std::string& step, const char* what,
                 const std::string& detail) {
  if (x_.on_line_) lines_.push_back({saga, plan.pipeline->name, step, what, detail, now_});
}

void Batch::Remember(const Attempt& attempt, const char* what, const std::string& code,
                     const std::string& detail) {
  const std::uint32_t n =
      attempt.phase == Phase::kDo ? attempt.row.attempt : attempt.row.undo_attempt;
  history_.push_back({attempt.row.saga, now_, attempt.spec().name, std::string(Name(attempt.phase)),
                      what, code, detail, "", n});
  Tell(attempt.row.saga, *attempt.plan, attempt.spec().name, what, code.empty() ? detail : code);
}

std::string Batch::Others(const Plan& plan, const Saga& saga) const {
  const auto names = [&](StepSet set) {
    json::array out;
    set.Each([&](StepIndex i) { out.emplace_back(plan.step(i).name); });
    return out;
  };
  return json::serialize(json::object{
      {"undone", names(saga.undone)}, {"kept", names(saga.kept)}, {"stuck", names(saga.stuck)}});
}

/// An attempt made from its rows alone: a retry, a timer, an undo after a deferred call.
Batch::Attempt Batch::Resume(const Plan& plan, const StepRow& row, const Saga& saga, Phase phase) {
  Attempt attempt;
  attempt.plan = &plan;
  attempt.step = row.step;
  attempt.phase = phase;
  attempt.row = row;
  attempt.key = KeyOf(plan, row.step, saga.root, row.saga);
  attempt.lane = LaneOf(plan, row.step, saga.root, row.saga);
  attempt.root = saga.root;
  attempt.added = row.added;
  attempt.payload = saga.root.With(row.added);
  attempt.undo_last = phase == Phase::kUndo && !row.last_id.nil();
  attempt.last = LastOf(plan.step(row.step), row);
  if (attempt.undo_last) attempt.others = Others(plan, saga);
  attempt.trace = HopTrace({}, saga.id, row.do_id);
  return attempt;
}

/// A `tell:` message: no saga, no row, best effort; what fails is a dead letter.
Batch::Ran Batch::Tell(const Message& message) {
  const Plan* plan = x_.plans_.Find(message.plan);
  if (!plan || message.step >= plan->steps.size() || plan->step(message.step).external) {
    DeadLetterOf(message, "unsupported", "an answer can only be told to a transactional side step",
                 false);
    return Ran::kOk;
  }
  Attempt attempt;
  attempt.plan = plan;
  attempt.step = message.step;
  attempt.payload = message.payload;
  attempt.root = message.payload;
  attempt.trace = message.trace;
  attempt.key = message.key;
  attempt.row.step = message.step;
  attempt.event = message.event;
  if (const Ran ran = RunOne(attempt); ran != Ran::kOk) return ran;
  if (attempt.ruling.next != Ruling::kDone) {
    DeadLetterOf(message, attempt.call.outcome.code.empty() ? "failed" : attempt.call.outcome.code,
                 attempt.call.outcome.detail, false);
    return Ran::kOk;
  }
  SendRecords(attempt, message.id);
  return Ran::kOk;
}

}  // namespace reprise::runtime
