/// The rows of the journal as values: a saga, its steps, its due rows, and the messages between
/// them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "model/lane.h"
#include "model/pipeline.h"
#include "model/record.h"

namespace reprise::runtime {

enum class SagaState : std::uint8_t { kRunning, kUndoing, kDone, kUndone, kStuck };
enum class StepState : std::uint8_t {
  kWaiting,
  kRunning,
  kRetrying,
  kHeld,
  kDone,
  kFailed,
  kUnknown,
  kUndoing,
  kUndone,
  kTombstone,
  kStuck,
  kSkipped
};
std::string_view Name(SagaState state);  // "running", ...
std::string_view Name(StepState state);
std::optional<SagaState> ParseSagaState(std::string_view name);

inline bool Ended(SagaState s) {
  return s == SagaState::kDone || s == SagaState::kUndone || s == SagaState::kStuck;
}

/// What a command asks of a step.  kClose is the first of the two commands an `undo: last` step
/// gets.
enum class Phase : std::uint8_t { kDo, kUndo, kClose };
std::string_view Name(Phase phase);  // "do", "undo", "close"

/// One saga row.  Moved only by Decide, under its row lock.
struct Saga {
  Uuid id;
  std::string pipeline, plan;  // plan: the pipeline's hash
  SagaState state = SagaState::kRunning;

  std::int64_t open =
      0;  // unconsumed main messages + parked retries + holds + running calls + armed timers
  StepSet scope;         // to be undone, closed over dependents
  StepSet sent;          // of those, undo (or close) was sent
  StepSet settled;       // of those, undo (or close) is through
  StepSet last_sent;     // `undo: last` steps of the scope whose Undo was sent
  StepSet last_settled;  //   ... and is through
  StepSet stuck, kept,
      undone;              // outcomes among the settled, for `undo: last` and for the end state
  StepSet failed;          // steps that failed for good under `undo: none` (or after a final step)
  StepSet half;            // joins with some but not all arrivals
  bool final = false;      // a `final` step is done: nothing is undone any more
  bool done_told = false;  // $done was published

  std::string subject;  // the value of the pipeline's subject field
  std::string code;     // why it is being undone, or "" : the first failure's code
  Payload root;
  Time created{}, changed{}, ended{};
};

/// One step row; also of a side step (item = a hash of the event's id, unless it has `undo_on`).
struct StepRow {
  Uuid saga;
  StepIndex step = 0;
  std::int64_t item = 0;
  StepState state = StepState::kWaiting;
  std::uint32_t attempt = 0;       // of Do, counted from 1
  std::uint32_t undo_attempt = 0;  // of Undo
  std::uint32_t round = 0;         // an operator's retries of this step
  Uuid do_id, undo_id,
      last_id;  // messages that claimed do, undo (or close), and the Undo of `undo: last`
  std::uint64_t bits = 0;          // a join's arrivals
  json::array arrivals;            // a join: [bit, message id, added fields] in order of arrival
  json::object added;              // payload of Do, less the root payload
  std::string memo, code, detail;  // of Done; of the last failure
  bool cancelled = false, kept = false;
  bool unknown = false;       // failed, but an external effect may exist
  bool undo_wanted = false;   // an undo waits for the running call
  bool undo_running = false;  // the call in flight is an Undo
  std::uint32_t timers = 0;   // armed by this step and in `open`
  Time began{}, done{}, undone{}, intent{}, later_since{};
};

/// A message on the bus: a command for one step of one saga.
struct Message {
  Uuid id;
  Uuid saga;  // nil for `tell:` messages
  std::string pipeline, plan;
  StepIndex step = 0;  // the target
  Phase phase = Phase::kDo;
  std::uint8_t bit = 0;    // a join's arrival
  bool undo_last = false;  // phase kUndo: the final Undo of an `undo: last` step
  std::string event;       // what caused it: "reserve.held", "$done"
  std::string key;
  Payload payload;     // kDo: the whole payload; kUndo, kClose: empty
  json::object added;  // kDo: of these, the fields beyond (or other than in) the root payload
  Payload root;        // kDo: the root payload; in memory only, empty once it went over a wire
  std::uint32_t round = 0;
  Time at{};           // when it was emitted
  std::string trace;   // traceparent
  bool retry = false;  // an operator's: the step runs again (round = the row's); see Command::retry

  // In memory only: where it goes, or came from.
  LaneId lane = 0;
  std::int64_t offset = -1;  // in its lane's log; -1: it was never on a wire
  std::string broken;        // why it cannot be read; `raw` is then what came
  std::string raw;
  bool refused = false;  // the bus will never take it, as `broken` says: given back to its worker
  RecordRef record;      // of a topic of others, not read yet; of ours, where it is broken

  /// An input: neither a plan nor a step are known, its record says what it is.
  bool input() const { return record && record->foreign && broken.empty(); }
};

/// A due row: something its lane does at `due`.  (saga, step, item, kind, event) is unique.
enum class DueKind : std::uint8_t {
  kRetryDo,
  kRetryUndo,  // a parked attempt (also Later)
  kHold,       // the end of `hold:`
  kTimer,      // Context::After: emits `event` with `added`
  kWait,       // the end of a `wait:`
  kCall,       // an external call that never answered (intent + timeout)
  kTimeout,    // the saga's `timeout:`; not in `open`
};
struct Due {
  Uuid saga;
  std::string pipeline, plan;
  StepIndex step = 0;
  std::int64_t item = 0;
  DueKind kind = DueKind::kRetryDo;
  std::string event;
  Time due{};
  json::object added;  // kTimer: fields; kRetryDo of a side step: its payload
  std::string key;     // of the step, as its messages carry it
  LaneId lane = 0;     // whose owner does it
  std::string line;    // `ordering: strict`: the dos that must not pass each other; empty: none
};

/// `due` of what no clock ends: a hold without end.  A do that waits in its line has kNoTime plus
/// its place there, 1 ms each.  (The year 2200: far away, and within every clock's nanoseconds.)
inline constexpr Time kNoTime{Millis{7'258'118'400'000}};

/// A message or input that could not be handled, kept for a person.
struct DeadLetter {
  std::int64_t id = 0;  // given by the journal
  Uuid message;         // unique
  Uuid saga;            // may be nil
  std::string pipeline, step, event, phase;
  std::string code, detail;  // why: second_event, expired, crashed, or the failure's code
  std::uint32_t attempts = 0;
  std::string payload;  // JSON, or the original bytes of a foreign record
  std::string key;
  bool side = false;
  Time at{};
  std::string state = "new";  // new, replayed, dropped
  RecordRef record;           // the record it was, with its headers; null: it was none
};

/// A line of a saga's history: only what is not the plain happy path, which the step rows tell.
struct History {
  Uuid saga;
  Time at{};
  std::string step, phase, what, code, detail,
      who;  // what: retry, failed, hold, undo, kept, stuck, verb, timer...
  std::uint32_t attempt = 0;
};

/// Compact bytes for bus rows and outbox blobs; `root` is not written, and of `added` only names
/// that the payload has.  Decoding answers kInvalid for anything but such bytes.
std::string EncodeMessage(const Message& message);
Result<Message> DecodeMessage(std::string_view bytes);

}  // namespace reprise::runtime
