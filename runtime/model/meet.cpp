#include <utility>

#include "base/mutant.h"
#include "model/decide.h"

namespace reprise::runtime {
namespace {

/// A `retry` by a person was recorded and its message is on the way.
bool AwaitsRetry(const StepRow& row) {
  return row.state == StepState::kWaiting && !row.do_id.nil();
}

bool Fresh(const StepRow& row) {
  return row.state == StepState::kWaiting || row.state == StepState::kSkipped;
}

bool IsUndo(const Message& message) {
  return message.phase != Phase::kDo;
}

/// Whether an attempt that ended without a word may have left an effect outside.
bool MayExist(const Step& step, const StepRow& row) {
  if (MUTANT(13)) return false;  // row 13: the attempt's trace is gone, and its undo is skipped
  return step.external && (row.unknown || (row.state == StepState::kRetrying && row.attempt > 0));
}

// ---------------------------------------------------------------- do

void Claim(Meeting& m, const Uuid& message) {
  m.act = Act::kRunDo;
  m.row.do_id = message;
  m.row.state = StepState::kRunning;
}

/// The step was undone before it was done: what comes late is only counted.
bool Closed(const StepRow& row) {
  return !Fresh(row) && row.do_id.nil();
}

void MeetOnce(Meeting& m, const Message& message) {
  StepRow& row = m.row;
  if (row.do_id == message.id) {
    if (MUTANT(3)) Claim(m, message.id);  // row 3: a message that comes again runs again
    return;
  }
  m.delta = -1;
  if (Closed(row)) {
    m.act = Act::kConsume;
    row.do_id = message.id;
  } else if (Fresh(row) && row.do_id.nil()) {
    Claim(m, message.id);
  } else {
    m.act = Act::kSecondEvent;
  }
}

bool Arrived(const StepRow& row, const std::string& id) {
  for (const json::value& arrival : row.arrivals) {
    const json::array* a = arrival.if_array();
    if (a != nullptr && a->size() > 1 && (*a)[1].is_string() && (*a)[1].get_string() == id)
      return true;
  }
  return false;
}

void MeetJoin(const Step& step, Meeting& m, const Message& message) {
  StepRow& row = m.row;
  const std::string id = message.id.ToString();
  if (Arrived(row, id)) return;
  m.delta = -1;
  const std::uint64_t bit = std::uint64_t{1} << message.bit;
  if ((row.bits & bit) != 0) {
    m.act = Act::kSecondEvent;
    return;
  }
  const bool open = Fresh(row) && row.do_id.nil();
  const bool first = row.bits == 0;
  row.bits |= bit;
  row.arrivals.push_back(
      json::array{std::int64_t{message.bit}, id, open ? message.added : json::object()});
  const std::size_t count = step.on.size();
  const std::uint64_t all = count >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
  if (open && row.bits == all) {
    Claim(m, message.id);
    m.whole = !first;
  } else {
    m.act = Act::kConsume;
    m.half = open;
    if (open)
      row.state = StepState::kWaiting;  // it may have been skipped when the saga ended before
  }
}

void MeetDo(const Step& step, Meeting& m, const Message& message) {
  if (message.retry) {
    // Anything but the row the verb left means that this is a duplicate, or that an undo came first
    // and has counted this message.
    if (message.round != m.row.round || !AwaitsRetry(m.row)) return;
    m.act = Act::kRunDo;
    m.row.state = StepState::kRunning;
    m.delta = -1;
  } else if (step.all) {
    MeetJoin(step, m, message);
  } else {
    MeetOnce(m, message);
  }
}

// ---------------------------------------------------------------- undo and close

void Settle(Meeting& m, StepState state) {
  m.act = Act::kSettle;
  m.row.state = state;
}

/// `otherwise` is the row's state if the step has no Undo.
void RunUndo(const Step& step, Meeting& m, Last last, StepState otherwise) {
  if (!step.can_undo || step.kind != StepKind::kAction) return Settle(m, otherwise);
  m.act = Act::kRunUndo;
  m.last = last;
  if (last == Last::kUnknown) m.row.unknown = true;
  m.row.state = StepState::kUndoing;
  m.row.undo_attempt = 0;
  m.row.later_since = Time{};
}

/// A parked attempt, a hold or a wait ends here; `parked` if it is in `open`.
void CancelParked(const Step& step, Meeting& m, bool close, bool parked) {
  m.row.cancelled = true;
  m.drop_parked = parked;
  if (parked) --m.delta;
  m.row.unknown = MayExist(step, m.row);
  if (m.row.unknown && !close) return RunUndo(step, m, Last::kUnknown, StepState::kUndone);
  Settle(m, StepState::kUndone);
}

/// The table of DESIGN.md, "target's state when its turn comes".
void ByState(const Step& step, Meeting& m, bool close, bool parked) {
  StepRow& row = m.row;
  switch (row.state) {
    case StepState::kWaiting:
    case StepState::kSkipped:
      // Row 15: where there is nothing to undo, an undo is never through.
      if (MUTANT(15) && !AwaitsRetry(row)) return void(m.act = Act::kDefer);
      if (!AwaitsRetry(row)) return Settle(m, StepState::kTombstone);
      --m.delta;  // the retry's message, dropped when it comes
      row.cancelled = true;
      if (row.unknown && !close) return RunUndo(step, m, Last::kUnknown, StepState::kUndone);
      return Settle(m, StepState::kUndone);
    case StepState::kRetrying:
    case StepState::kHeld:
      return CancelParked(step, m, close, parked);
    case StepState::kRunning:
      if (step.kind == StepKind::kWait) return CancelParked(step, m, close, parked);
      // Row 14: the undo overtakes the do that is in flight.
      if (MUTANT(14)) return RunUndo(step, m, Last::kUnknown, StepState::kUndone);
      row.undo_wanted = true;
      m.act = Act::kDefer;
      return;
    case StepState::kDone:
      if (close) return Settle(m, StepState::kDone);
      if (!row.cancelled) return RunUndo(step, m, Last::kDone, StepState::kUndone);
      if (row.unknown) return RunUndo(step, m, Last::kUnknown, StepState::kUndone);
      return Settle(m, StepState::kUndone);
    case StepState::kFailed:
      if (row.unknown && !close) return RunUndo(step, m, Last::kUnknown, StepState::kFailed);
      return Settle(m, StepState::kFailed);
    case StepState::kUnknown:
      row.unknown = true;
      if (!close) return RunUndo(step, m, Last::kUnknown, StepState::kUnknown);
      return Settle(m, StepState::kUnknown);
    case StepState::kUndoing:
    case StepState::kUndone:
    case StepState::kTombstone:
    case StepState::kStuck:
      return Settle(m, row.state);
  }
}

/// The Undo of an `undo: last` step runs whatever the row says.
void MeetLast(const Step& step, Meeting& m, const Message& message) {
  if (m.row.last_id == message.id) return;
  m.delta = -1;
  if (!m.row.last_id.nil()) {
    m.act = Act::kConsume;
    return;
  }
  m.row.last_id = message.id;
  const Last last = LastOf(step, m.row);
  RunUndo(step, m, last, last == Last::kDone ? StepState::kUndone : m.row.state);
}

void MeetUndo(const Step& step, Meeting& m, const Message& message) {
  if (message.retry) {
    // The verb leaves the row stuck with its counter at zero; no ruling does.
    if (message.round != m.row.round || m.row.state != StepState::kStuck || m.row.undo_attempt != 0)
      return;
    m.delta = -1;
    return RunUndo(step, m, LastOf(step, m.row), StepState::kUndone);
  }
  if (message.undo_last) return MeetLast(step, m, message);
  if (m.row.undo_id == message.id) return;
  m.delta = -1;
  if (!m.row.undo_id.nil()) {
    m.act = Act::kConsume;
    return;
  }
  m.row.undo_id = message.id;
  ByState(step, m, message.phase == Phase::kClose, true);
}

}  // namespace

Meeting Meet(const Pipeline& pipeline, const StepRow& row, const Message& message) {
  const Step& step = pipeline.step(message.step);
  Meeting m;
  m.row = row;
  m.row.saga = message.saga;
  m.row.step = message.step;
  if (IsUndo(message)) {
    MeetUndo(step, m, message);
  } else {
    MeetDo(step, m, message);
  }
  return m;
}

Meeting MeetDeferred(const Pipeline& pipeline, const StepRow& row) {
  const Step& step = pipeline.step(row.step);
  Meeting m;
  m.row = row;
  m.row.undo_wanted = false;
  // An immediate try that is not made: as if it had been parked.
  if (row.state == StepState::kRunning && step.kind == StepKind::kAction)
    m.row.state = StepState::kRetrying;
  ByState(step, m, step.undo_last, false);
  return m;
}

Last LastOf(const Step& step, const StepRow& row) {
  const bool done = row.state == StepState::kDone || row.done != Time{};
  if (done && !row.cancelled) return Last::kDone;
  if (row.state == StepState::kUnknown || MayExist(step, row)) return Last::kUnknown;
  return Last::kNever;
}

Fact::Settled SettledAs(const StepRow& row) {
  if (row.kept) return Fact::Settled::kKept;
  const bool ran = row.undo_attempt > 0 || !row.cancelled;
  return row.state == StepState::kUndone && ran ? Fact::Settled::kUndone : Fact::Settled::kNothing;
}

StepRow ByVerb(const StepRow& row, Fact::Kind verb, Time now) {
  StepRow after = row;
  after.later_since = Time{};
  switch (verb) {
    case Fact::Kind::kRetry:
      ++after.round;
      after.undo_attempt = 0;
      if (row.state == StepState::kStuck) break;
      after.attempt = 0;
      after.state = StepState::kWaiting;
      if (after.do_id.nil())
        after.do_id = Derived(row.saga, {"retry"});  // a join that never was complete
      break;
    case Fact::Kind::kSkip:
      after.unknown = row.unknown || (row.state == StepState::kRetrying && row.attempt > 0);
      after.state = StepState::kDone;
      after.cancelled = true;
      after.done = now;
      break;
    case Fact::Kind::kResolve:
      after.state = StepState::kUndone;
      after.undone = now;
      break;
    default:
      break;
  }
  return after;
}

}  // namespace reprise::runtime
