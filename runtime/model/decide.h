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

// ---------------------------------------------------------------- 1. a message meets its step's row

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
  StepRow row;               // to be recorded, unless kDrop or kSecondEvent
  int delta = 0;             // change of `open` by what was consumed here: the message, cancelled retries and holds
  bool half = false;         // kConsume: a join that has some arrivals now
  bool whole = false;        // kRunDo: a join that was half and is complete now
  bool drop_parked = false;  // retries, holds and waits of this row are cancelled (already in delta)
  Last last = Last::kDone;   // kRunUndo
};

/// `row` is the row as found, or a fresh one (state kWaiting, nil ids).  Side steps meet by the same table.
Meeting Meet(const Pipeline& pipeline, const StepRow& row, const Message& message);

// ---------------------------------------------------------------- 2. an attempt has ended

enum class Verdict : std::uint8_t { kDone, kRetry, kLater, kKept, kFail };

struct Outcome {
  Verdict verdict = Verdict::kDone;
  std::string memo;  // kDone
  std::string code;  // kFail, kRetry
  std::string detail;  // also the reason of kKept
  Millis after{0};     // kLater; kRetry: 0 = the policy's backoff
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
/// An inline step's Later is a Retry, and it never parks: kAgain or kFailed.
Ruling Judge(const Step& step, const StepRow& row, Phase phase, const Outcome& outcome, Time now);

// ---------------------------------------------------------------- 3. what follows for the saga

struct Fact {
  enum class Kind : std::uint8_t {
    kBegan,     // a new saga: `event` starts it
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
  bool last = false;   // kSettled, kStuck: it was the Undo of an `undo: last` step
  bool whole = false;  // kDone, kFailed: a half join became complete
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
  bool hold = false;                   // kFailed: the step is held, its row becomes kHeld and a due row is made
  bool dead = false;                   // the failed branch ends here as a dead letter (undo: none, or final)
  std::vector<StepIndex> incomplete;   // joins that failed with join_incomplete; their rows become kFailed
  std::vector<StepIndex> incomplete_held;  //  ... and of these, the held ones (kHeld and a due row)
  std::string refused;  // kCancel, kTimeout, kRetry, kSkip, kResolve: a code ("final", "ended", "not_stuck"); nothing changed
};

Decision Decide(const Pipeline& pipeline, const Saga& saga, const Fact& fact);

/// Whether the fact changes the saga row at all.  False for a linear hop: one message consumed, one
/// created.  The executor then never locks the row.
bool TouchesSaga(const Pipeline& pipeline, const Fact& fact);

}  // namespace reprise::runtime
