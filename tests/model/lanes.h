/// The executor's part around one saga, without a database: it takes a message, a due row or the
/// end of a call and does with Meet, Judge and Decide what the executor does.  It watches each Do
/// and Undo.
#pragma once

#include <string>
#include <vector>

#include "pipelines.h"
#include "world.h"

namespace reprise::runtime {

using EventIndex = std::uint8_t;

/// A message in flight.  Two are duplicates if they are equal.
struct Sent {
  StepIndex step = 0;
  Phase phase = Phase::kDo;
  std::uint8_t bit = 0;
  bool undo_last = false, retry = false;
  std::uint8_t emitter = 0;
  EventIndex event = 0;
  std::uint8_t round = 0;
  auto operator<=>(const Sent&) const = default;
};

struct Parked {
  StepIndex step = 0;
  DueKind kind = DueKind::kRetryDo;
  EventIndex event = 0;
  auto operator<=>(const Parked&) const = default;
};

struct InFlight {
  StepIndex step = 0;
  Phase phase = Phase::kDo;
  bool last = false;
  auto operator<=>(const InFlight&) const = default;
};

enum Effect : std::uint8_t { kNoEffect, kStands, kMayStand };

struct World {
  Saga saga;
  std::vector<StepRow> rows;
  std::vector<Sent> bus;
  std::vector<Parked> due;
  std::vector<InFlight> calls;
  std::vector<Effect> effects;
  std::vector<std::uint8_t> told;  // times the Undo of `undo: last` ended well
  std::uint64_t early = 0;         // waits whose signal came before
  StepSet spoken_for;              // steps a person has settled by a verb
  Budget left{};
  std::uint8_t done_told = 0, undone_told = 0;
  bool timeout_armed = false;
};

struct Choice {
  std::string label;
  Outcome outcome;
  std::string event;
  Trouble cost = kTroubles;
};

Uuid IdOf(const Sent& m);

class Lanes {
 public:
  explicit Lanes(const Flow& flow);

  World NewWorld() const;
  void Begin(World& w);
  bool Happen(World& w, Fact fact);
  void EndWait(World& w, StepIndex i, const std::string& event, int delta);
  Meeting Met(const World& w, const Sent& m) const;
  void Deliver(World& w, const Sent& m, const Meeting& meeting, const Choice* choice);
  void DropParked(World& w, StepIndex i);
  void Fire(World& w, const Parked& p, const Choice* choice);
  void EndCall(World& w, const InFlight& call, const Choice& choice);
  const Step& step(StepIndex i) const { return truth_.step(i); }
  const Conduct& conduct(StepIndex i) const;
  const Flow& flow() const { return flow_; }
  StepIndex count() const { return truth_.main_count; }
  const std::string& event(EventIndex i) const { return events_[i]; }

  /// The first thing that must not be; empty if all is well.
  const std::string& wrong() const { return wrong_; }
  void Wrong(const std::string& what);

  /// Cancels the timers of a step; answers how many there were.
  int DropTimers(World& w, StepIndex i);

 private:
  EventIndex Index(const std::string& event);
  void Hold(World& w, StepIndex i);
  void Consumed(World& w, StepIndex i, int delta);
  void RunDo(World& w, StepIndex i, const Choice& choice, int delta);
  void TakesEffect(World& w, StepIndex i);
  void Settled(World& w, StepIndex i, bool last, int delta);
  void RunUndo(World& w, StepIndex i, const Choice& choice, bool last, int delta);
  void CheckTurn(const World& w, StepIndex i, bool last);
  void Starts(World& w, StepIndex i, Phase phase, bool last, const Choice* choice, int delta);
  void SettlesUnrun(World& w, StepIndex i, bool last, int delta);
  void EndDeferred(World& w, StepIndex i, const Choice& choice);

  const Flow& flow_;
  const Pipeline truth_;
  Pipeline meets_, decides_;  // what the mutant makes of it
  std::vector<std::string> events_;
  std::string wrong_;
};

}  // namespace reprise::runtime
