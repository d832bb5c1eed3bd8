#include "lanes.h"

#include <algorithm>

namespace reprise::runtime {

Uuid IdOf(const Sent& m) {
  Uuid id;
  id.bytes = {1,
              static_cast<std::uint8_t>(m.step),
              static_cast<std::uint8_t>(m.phase),
              m.undo_last,
              m.retry,
              m.round,
              m.emitter,
              m.event};
  return id;
}

Lanes::Lanes(const Flow& flow)
    : flow_(flow), truth_(flow.pipeline), meets_(truth_), decides_(truth_) {
  if (flow.mutant.all_see) {
    flow.mutant.all_see(meets_);
    decides_ = meets_;
  }
  if (flow.mutant.decide_sees) flow.mutant.decide_sees(decides_);
  events_.push_back("");
}

World Lanes::NewWorld() const {
  World world;
  world.saga.id.bytes[0] = 7;
  world.rows.resize(count());
  for (StepIndex i = 0; i < count(); ++i) {
    world.rows[i].saga = world.saga.id;
    world.rows[i].step = i;
  }
  world.effects.resize(count(), kNoEffect);
  world.told.resize(count());
  world.left = flow_.budget;
  world.timeout_armed = flow_.budget[kTimeouts] > 0;
  return world;
}

const Conduct& Lanes::conduct(StepIndex i) const {
  static const Conduct plain;
  const auto it = flow_.conduct.find(step(i).name);
  return it == flow_.conduct.end() ? plain : it->second;
}

EventIndex Lanes::Index(const std::string& event) {
  const auto at =
      static_cast<std::size_t>(std::find(events_.begin(), events_.end(), event) - events_.begin());
  if (at == events_.size()) events_.push_back(event);
  return static_cast<EventIndex>(at);
}

void Lanes::Wrong(const std::string& what) {
  if (wrong_.empty()) wrong_ = what;
}

// -------------------------------------------------------------- what happens

void Lanes::Begin(World& w) {
  Fact fact;
  fact.kind = Fact::Kind::kBegan;
  fact.event = flow_.start;
  fact.delta = flow_.start.empty() ? 1 : 0;
  Happen(w, fact);
  if (!flow_.start.empty()) return;
  const std::vector<StepIndex>& run = truth_.routes.at(0).run;
  for (std::size_t i = 0; i < run.size(); ++i) {
    StepRow& row = w.rows[run[i]];
    row.do_id.bytes = {2, static_cast<std::uint8_t>(run[i])};
    RunDo(w, run[i], {"", Outcome{}, flow_.inline_emits.at(i)}, 0);
  }
  fact.kind = Fact::Kind::kConsumed;
  fact.delta = -1;
  Happen(w, fact);
}

/// Answers false if a verb was refused.
bool Lanes::Happen(World& w, Fact fact) {
  fact.now = kNow;
  const Saga before = w.saga;
  Decision d = Decide(decides_, before, fact);
  if (!d.refused.empty()) return false;
  if (!TouchesSaga(decides_, fact)) {
    if (d.saga.open != before.open || d.saga.state != before.state || !d.notices.empty() ||
        d.commands.size() != Follow(decides_, fact.event).size()) {
      Wrong("a fact that does not touch the saga changed it");
    }
  }
  if (before.final && !d.saga.scope.empty()) Wrong("something is undone after a final step");
  w.saga = std::move(d.saga);
  for (const Command& c : d.commands) {
    const auto emitter =
        static_cast<std::uint8_t>(fact.kind == Fact::Kind::kBegan ? 0xFF : fact.step);
    const std::uint32_t round = c.phase == Phase::kDo && fact.kind != Fact::Kind::kBegan
                                    ? w.rows[fact.step].round
                                : c.retry ? w.rows[c.step].round
                                          : 0;
    w.bus.push_back({c.step, c.phase, c.bit, c.undo_last, c.retry,
                     c.phase == Phase::kDo ? emitter : std::uint8_t{0xFE}, Index(c.event),
                     static_cast<std::uint8_t>(round)});
  }
  if (d.hold) Hold(w, fact.step);
  for (StepIndex i : d.incomplete) w.rows[i].state = StepState::kFailed;
  for (StepIndex i : d.incomplete_held) Hold(w, i);
  for (const Notice& n : d.notices) {
    if (n.event == "$done") ++w.done_told;
    if (n.event == "$undone") ++w.undone_told;
  }
  return true;
}

void Lanes::Hold(World& w, StepIndex i) {
  w.rows[i].state = StepState::kHeld;
  w.due.push_back({i, DueKind::kHold, 0});
}

void Lanes::Consumed(World& w, StepIndex i, int delta) {
  Fact fact;
  fact.step = i;
  fact.delta = delta;
  if (delta != 0) Happen(w, fact);
}

void Lanes::RunDo(World& w, StepIndex i, const Choice& choice, int delta) {
  Ruling ruling = Judge(step(i), w.rows[i], Phase::kDo, choice.outcome, kNow);
  w.rows[i] = ruling.row;
  if (choice.outcome.verdict == Verdict::kRetry && step(i).external && w.effects[i] == kNoEffect) {
    w.effects[i] = kMayStand;
  }
  if (choice.outcome.verdict == Verdict::kFail) w.effects[i] = kNoEffect;
  Fact fact;
  fact.step = i;
  fact.delta = delta;
  fact.whole = step(i).all;
  switch (ruling.next) {
    case Ruling::kDone:
      TakesEffect(w, i);
      fact.kind = Fact::Kind::kDone;
      if (!choice.event.empty()) fact.event = step(i).name + "." + choice.event;
      for (const std::string& timer : conduct(i).timers) {
        w.due.push_back({i, DueKind::kTimer, Index(step(i).name + "." + timer)});
        ++w.rows[i].timers;
        ++fact.delta;
      }
      Happen(w, fact);
      break;
    case Ruling::kFailed:
      fact.kind = Fact::Kind::kFailed;
      fact.code = choice.outcome.code;
      Happen(w, fact);
      break;
    default:
      w.due.push_back({i, DueKind::kRetryDo, 0});
      Consumed(w, i, delta + 1);
  }
}

void Lanes::TakesEffect(World& w, StepIndex i) {
  if (w.saga.settled.Has(i))
    Wrong("do:" + step(i).name + " took effect after the step was settled");
  step(i).causes.Each([&](StepIndex cause) {
    if (w.rows[cause].state == StepState::kUndone && !w.rows[cause].cancelled) {
      Wrong("do:" + step(i).name + " took effect after " + step(cause).name + " was undone");
    }
  });
  w.effects[i] = kStands;
}

int Lanes::DropTimers(World& w, StepIndex i) {
  if (flow_.mutant.timers_stay) return 0;
  const auto n = std::erase_if(
      w.due, [&](const Parked& p) { return p.step == i && p.kind == DueKind::kTimer; });
  w.rows[i].timers = 0;
  return static_cast<int>(n);
}

void Lanes::Settled(World& w, StepIndex i, bool last, int delta) {
  Fact fact;
  fact.kind = Fact::Kind::kSettled;
  fact.step = i;
  fact.settled = SettledAs(w.rows[i]);
  fact.last = last;
  fact.delta = delta - DropTimers(w, i);
  Happen(w, fact);
}

void Lanes::RunUndo(World& w, StepIndex i, const Choice& choice, bool last, int delta) {
  CheckTurn(w, i, last);
  Ruling ruling = Judge(step(i), w.rows[i], Phase::kUndo, choice.outcome, kNow);
  w.rows[i] = ruling.row;
  switch (ruling.next) {
    case Ruling::kUndone:
      if (!ruling.row.kept) w.effects[i] = kNoEffect;
      if (last) ++w.told[i];
      Settled(w, i, last, delta);
      break;
    case Ruling::kStuck: {
      Fact fact;
      fact.kind = Fact::Kind::kStuck;
      fact.step = i;
      fact.last = last;
      fact.delta = delta;
      if (!step(i).halt && !flow_.mutant.stuck_timers_stay) fact.delta -= DropTimers(w, i);
      Happen(w, fact);
      break;
    }
    default:
      w.due.push_back({i, DueKind::kRetryUndo, 0});
      Consumed(w, i, delta + 1);
  }
}

/// An Undo is about to take effect: everything that depends on the step, or for the last
/// everything, must be through.
void Lanes::CheckTurn(const World& w, StepIndex i, bool last) {
  const StepSet before = last ? w.saga.scope : step(i).closure;
  before.Each([&](StepIndex d) {
    if (step(d).undo_last || w.rows[d].kept || w.saga.stuck.Has(d) || w.spoken_for.Has(d)) {
      if (w.saga.stuck.Has(d) && step(d).halt)
        Wrong(step(i).name + " is undone although " + step(d).name + " halts");
      return;
    }
    if (w.effects[d] != kNoEffect) {
      Wrong(std::string(last ? "told by " : "undo:") + step(i).name + " while " + step(d).name +
            " still stands");
    }
  });
}

// -------------------------------------------------------------- messages, due rows, calls

void Lanes::Starts(World& w, StepIndex i, Phase phase, bool last, const Choice* choice, int delta) {
  if (phase == Phase::kDo && step(i).kind == StepKind::kWait) {
    if ((w.early >> i & 1) != 0) return EndWait(w, i, step(i).wait_for, delta);
    w.due.push_back({i, DueKind::kWait, 0});
    return Consumed(w, i, delta + 1);
  }
  if (step(i).external && step(i).kind == StepKind::kAction) {
    w.calls.push_back({i, phase, last});
    w.rows[i].state = phase == Phase::kDo ? StepState::kRunning : StepState::kUndoing;
    w.rows[i].undo_running = phase == Phase::kUndo;
    return Consumed(w, i, delta + 1);
  }
  if (phase == Phase::kDo) {
    RunDo(w, i, *choice, delta);
  } else {
    RunUndo(w, i, *choice, last, delta);
  }
}

void Lanes::EndWait(World& w, StepIndex i, const std::string& event, int delta) {
  w.rows[i].state = StepState::kDone;
  w.rows[i].done = kNow;
  TakesEffect(w, i);
  Fact fact;
  fact.kind = Fact::Kind::kDone;
  fact.step = i;
  fact.event = step(i).name + "." + event;
  fact.delta = delta;
  fact.whole = step(i).all;
  Happen(w, fact);
}

Meeting Lanes::Met(const World& w, const Sent& m) const {
  Message message;
  message.id = IdOf(m);
  message.saga = w.saga.id;
  message.step = m.step;
  message.phase = m.phase;
  message.bit = m.bit;
  message.undo_last = m.undo_last;
  message.retry = m.retry;
  message.round = m.round;
  return Meet(meets_, w.rows[m.step], message);
}

void Lanes::Deliver(World& w, const Sent& m, const Meeting& meeting, const Choice* choice) {
  const StepIndex i = m.step;
  if (meeting.act == Act::kDrop) {
    if (meeting.delta != 0) Wrong("a dropped message was counted");
    return;
  }
  if (meeting.act == Act::kSecondEvent) return Wrong("second event for " + step(i).name);
  w.rows[i] = meeting.row;
  if (meeting.drop_parked) DropParked(w, i);
  switch (meeting.act) {
    case Act::kConsume: {
      if (flow_.mutant.duplicates_count && !meeting.half) w.rows[i].do_id = Uuid{};
      Fact fact;
      fact.kind = meeting.half ? Fact::Kind::kHalf : Fact::Kind::kConsumed;
      fact.step = i;
      fact.delta = meeting.delta;
      Happen(w, fact);
      break;
    }
    case Act::kDefer:
      Consumed(w, i, meeting.delta);
      if (flow_.mutant.no_defer) {
        w.rows[i].undo_wanted = false;
        w.rows[i].state = StepState::kUndone;
        Settled(w, i, false, 0);
      }
      break;
    case Act::kSettle:
      SettlesUnrun(w, i, m.undo_last, meeting.delta);
      break;
    default:
      Starts(w, i, meeting.act == Act::kRunDo ? Phase::kDo : Phase::kUndo, m.undo_last, choice,
             meeting.delta);
  }
}

void Lanes::SettlesUnrun(World& w, StepIndex i, bool last, int delta) {
  if (!step(i).can_undo || step(i).kind != StepKind::kAction) w.effects[i] = kNoEffect;
  if (last) ++w.told[i];
  Settled(w, i, last, delta);
}

void Lanes::DropParked(World& w, StepIndex i) {
  std::erase_if(w.due, [&](const Parked& p) {
    return p.step == i &&
           (p.kind == DueKind::kRetryDo || p.kind == DueKind::kHold || p.kind == DueKind::kWait);
  });
}

void Lanes::Fire(World& w, const Parked& p, const Choice* choice) {
  StepRow& row = w.rows[p.step];
  Fact fact;
  fact.step = p.step;
  fact.delta = -1;
  switch (p.kind) {
    case DueKind::kRetryDo:
      return Starts(w, p.step, Phase::kDo, false, choice, -1);
    case DueKind::kRetryUndo:
      return Starts(w, p.step, Phase::kUndo, !row.last_id.nil(), choice, -1);
    case DueKind::kHold:
      row.state = StepState::kFailed;
      fact.kind = Fact::Kind::kHoldOver;
      break;
    case DueKind::kTimer:
      --row.timers;
      fact.kind = Fact::Kind::kEmitted;
      fact.event = events_[p.event];
      break;
    default:
      return EndWait(w, p.step, "late", -1);
  }
  Happen(w, fact);
}

void Lanes::EndCall(World& w, const InFlight& call, const Choice& choice) {
  const StepIndex i = call.step;
  if (call.phase == Phase::kUndo) return RunUndo(w, i, choice, call.last, -1);
  if (!w.rows[i].undo_wanted) return RunDo(w, i, choice, -1);
  EndDeferred(w, i, choice);
}

void Lanes::EndDeferred(World& w, StepIndex i, const Choice& choice) {
  Ruling ruling = Judge(step(i), w.rows[i], Phase::kDo, choice.outcome, kNow);
  w.rows[i] = ruling.row;
  const int first = flow_.mutant.call_ends_first ? -1 : 0;
  Fact fact;
  fact.step = i;
  fact.delta = first;
  if (ruling.next == Ruling::kDone) {
    TakesEffect(w, i);
    fact.kind = Fact::Kind::kDone;
    Happen(w, fact);
  } else if (ruling.next == Ruling::kFailed) {
    fact.kind = Fact::Kind::kFailed;
    Happen(w, fact);
  } else {
    Consumed(w, i, first);
  }
  if (choice.outcome.verdict == Verdict::kRetry && w.effects[i] == kNoEffect)
    w.effects[i] = kMayStand;
  if (choice.outcome.verdict == Verdict::kFail) w.effects[i] = kNoEffect;
  const Meeting meeting = MeetDeferred(meets_, w.rows[i]);
  w.rows[i] = meeting.row;
  const int delta = meeting.delta - 1 - first;
  if (meeting.act == Act::kRunUndo) return Starts(w, i, Phase::kUndo, false, nullptr, delta);
  if (meeting.act != Act::kSettle) Wrong("a deferred undo neither runs nor settles");
  SettlesUnrun(w, i, false, delta);
}

}  // namespace reprise::runtime
