/// Saga logic: what happens to a step and to its saga.  Pure: no I/O, no clock, no thread.
///
/// Three questions, in the order in which a message meets them:
///   Meet    a message meets its step's row: run Do, run Undo, or settle without running?
///   Judge   an attempt has ended: done, again, parked, failed, stuck?
///   Decide  something happened to a step: what follows for the saga?
/// Source  DESIGN.md section 4 (the state table), MECHANISMS.md 2-4; checked against model/*.py by
///         tests/model/decide_interleavings_test.cpp.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/pipeline.h"
#include "model/saga.h"

namespace reprise::runtime {

// ---------------------------------------------------------------- 1. a message meets its step's
// row

/// What an Undo knows of its Do.
enum class Last : std::uint8_t { kDone, kUnknown, kNever };

enum class Act {
  kDrop,         // a duplicate: nothing changes
  kConsume,      // counted, nothing runs: the step is a tombstone, or a join still waits for others
  kSecondEvent,  // dead letter `second_event`
  kRunDo,        // the row is claimed: run Do (or arm the wait, or fail)
  kRunUndo,      // run Undo, told `last`
  kSettle,       // the undo (or close) is through without running: `row.state` says how
  kDefer,        // a call is in flight: the undo waits for its result
};

struct Meeting {
  Act act = Act::kDrop;
  StepRow row;  // to be recorded, unless kDrop or kSecondEvent
  /// Change of `open` by what was consumed here: the message, and what `drop_parked` cancels.  With
  /// kSecondEvent it counts only if the dead letter is new.
  int delta = 0;
  bool half = false;   // kConsume: a join that has some arrivals now
  bool whole = false;  // kRunDo: a join that was half and is complete now
  bool drop_parked =
      false;                // retries, holds and waits of this row are cancelled (already in delta)
  Last last = Last::kDone;  // kRunUndo
};

/// `row` is the row as found, or a fresh one (state kWaiting, nil ids).  Side steps meet by the
/// same table (their delta is ignored).
///
/// kRunDo leaves the row kRunning; a step of kind kWait stays so until its signal or the end of the
/// wait (both then are Fact kDone with the event).  kRunUndo leaves it kUndoing.  Whenever a step
/// settles (kSettle, an Undo that is through, one that is stuck and does not halt, kResolve) the
/// executor disarms the step's timers and adds -1 each to the fact's delta.
Meeting Meet(const Pipeline& pipeline, const StepRow& row, const Message& message);

/// The undo or close that waited (kDefer), once the call is judged and `row` is as Judge left it:
/// its kAgain or kPark was not followed, what a Do emitted is dropped.  The end of the call is told
/// first, as Fact kDone without an event or kFailed, with delta 0: the call's -1 goes with what
/// follows from here, or `open` would be 0 in between.
Meeting MeetDeferred(const Pipeline& pipeline, const StepRow& row);

/// What an Undo is told when it runs again (parked, or after an operator's retry).
Last LastOf(const Step& step, const StepRow& row);

// ---------------------------------------------------------------- 2. an attempt has ended

enum class Verdict : std::uint8_t { kDone, kRetry, kLater, kKept, kFail };

struct Outcome {
  Verdict verdict = Verdict::kDone;
  std::string memo;      // kDone
  std::string code;      // kFail, kRetry
  std::string detail;    // also the reason of kKept
  Millis after{0};       // kLater; kRetry: 0 = the policy's backoff
  bool unknown = false;  // kFail of an external step by the runtime (crashed): an effect may exist
};

struct Ruling {
  enum Next {
    kDone,    // Do took effect
    kAgain,   // an immediate try is left
    kPark,    // a due row kRetryDo or kRetryUndo at `due`
    kFailed,  // Do failed for good
    kUndone,  // Undo is through (undone or kept)
    kStuck,   // Undo failed for good
  } next = kDone;
  StepRow row;
  Time due{};
};

/// `phase` is kDo or kUndo.  Counts the attempt, applies retry, undo_retry and patience.
/// An inline step's Later is a Retry, and its Do never parks: kAgain or kFailed after
/// `retry.immediate` tries. Later is asked one last time when the patience, counted from the first
/// Later, is over.  Kept is no answer of Do: it counts as Retry `bad_outcome`.
Ruling Judge(const Step& step, StepRow row, Phase phase, const Outcome& outcome, Time now);

// ---------------------------------------------------------------- 3. what follows for the saga

struct Fact {
  enum class Kind : std::uint8_t {
    /// A new saga: `event` starts it.  An inline route has no event: the executor gives delta +1
    /// for the
    /// request itself, a kDone for each inline step, then kConsumed with delta -1.
    kBegan,
    kConsumed,  // only counting: `delta`
    kHalf,      // a join has some arrivals
    kDone,      // Do is done; `event` is what it emitted, or empty
    kEmitted,   // a timer or a wait of the step emitted `event`
    kFailed,    // Do failed for good
    kHoldOver,  // a hold has ended without a person's word
    kSettled,   // undo, close or the Undo of `undo: last` is through; `settled` says how
    kStuck,     // Undo failed for good
    kCancel,    // a person's undo
    kTimeout,   // the saga's timeout
    kRetry,     // a person retries `step`: failed, held or stuck
    kSkip,      // a person declares `step` done, emitting `event`
    kResolve,   // a person declares the stuck undo of `step` done
  };
  enum class Settled : std::uint8_t { kUndone, kKept, kNothing };

  Kind kind = Kind::kConsumed;
  StepIndex step = 0;
  std::string event;  // with the step's name: "reserve.held"
  std::string code, detail;
  int delta = 0;  // created - consumed, except what Decide itself creates
  Settled settled = Settled::kNothing;
  bool last = false;                    // kSettled, kStuck: it was the Undo of an `undo: last` step
  bool whole = false;                   // kDone, kFailed: a half join became complete
  StepState was = StepState::kWaiting;  // kRetry, kSkip: the row's state before
  Time now{};
};

/// A message to be sent.
struct Command {
  StepIndex step = 0;
  Phase phase = Phase::kDo;
  std::uint8_t bit = 0;
  bool undo_last = false;
  std::string event;
  bool retry = false;  // by a person: runs the step although its row knows an earlier message
};

/// `$failed`, `$stuck`, `$done`, `$undone`: for side steps and for other pipelines.
struct Notice {
  std::string event;
  StepIndex step = 0;  // $failed, $stuck
  std::string code, detail;
};

struct Decision {
  Saga saga;
  std::vector<Command> commands;
  std::vector<Notice> notices;
  bool hold = false;  // kFailed: the step is held, its row becomes kHeld and a due row is made
  bool dead = false;  // the failed branch ends here as a dead letter (undo: none, or final)
  std::vector<StepIndex>
      incomplete;  // joins that failed with join_incomplete; their rows become kFailed
  std::vector<StepIndex> incomplete_held;  //  ... and of these, the held ones (kHeld and a due row)
  std::vector<StepIndex> incomplete_dead;  //  ... and those that end as a dead letter
  /// kCancel, kTimeout, kRetry, kSkip, kResolve: why not; nothing changed.
  ///   final       a final step is done (cancel, timeout)
  ///   ended       the saga is over (timeout: also when done; cancel, retry, skip: undone or stuck)
  ///   undoing     all of it is being undone already (cancel, timeout); the step is (retry, skip)
  ///   not_failed  the step is neither failed nor held (retry: nor stuck; skip: nor retrying)
  ///   not_stuck   resolve
  std::string refused;
};

/// `open` moves by fact.delta (what the executor consumed and created: messages, parked retries,
/// holds, calls, waits, armed timers) and by +1 for every command and hold decided here.
Decision Decide(const Pipeline& pipeline, const Saga& saga, const Fact& fact);

/// The commands that `event` causes.  For hops that do not touch the saga; else Decide has them.
std::vector<Command> Follow(const Pipeline& pipeline, std::string_view event);

/// How a step that is through was settled, for Fact::settled.
Fact::Settled SettledAs(const StepRow& row);

/// The row that a verb (kRetry, kSkip, kResolve) leaves, to be recorded if Decide did not refuse.
/// A skipped step is done without effects (`cancelled`): its undo settles without running.  Holds
/// and parked retries of the row are dropped by the executor, which counts them.
StepRow ByVerb(const StepRow& row, Fact::Kind verb, Time now);

/// Why a step cannot be skipped with this event: it has others, which are named.
std::string NoSuchEvent(const Step& step, std::string_view event);

/// Whether the fact changes the saga row at all.  False for a linear hop: one message consumed, one
/// created.  The executor then never locks the row.
bool TouchesSaga(const Pipeline& pipeline, const Fact& fact);

}  // namespace reprise::runtime
