// Walks through every interleaving, depth first, and says what must hold after each step.
#include <algorithm>
#include <cstddef>
#include <unordered_set>

#include "lanes.h"

namespace reprise::runtime {
namespace {

template <class T>
void Put(std::string& key, const T& value) {
  key.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

class Explorer {
 public:
  explicit Explorer(const Flow& flow) : lanes_(flow) {}

  Explored Run() {
    World world = lanes_.NewWorld();
    lanes_.Begin(world);
    Visit(world);
    return std::move(explored_);
  }

 private:
  // -------------------------------------------------------------- what may come next

  std::vector<Choice> Choices(const World& w, StepIndex i, Phase phase) const {
    const Conduct& c = lanes_.conduct(i);
    std::vector<Choice> choices;
    const auto add = [&](bool allowed, Trouble cost, const char* label, Verdict verdict) {
      if (allowed && w.left[cost] > 0)
        choices.push_back({label, Outcome{verdict, "", label, "", Millis(0)}, "", cost});
    };
    if (phase == Phase::kUndo) {
      choices.push_back({"undo", Outcome{}, ""});
      add(c.keeps, kKepts, "kept", Verdict::kKept);
      add(c.sticks, kStucks, "stuck", Verdict::kFail);
      add(c.retries_undo, kRetries, "retry", Verdict::kRetry);
      return choices;
    }
    if (lanes_.step(i).kind == StepKind::kFail)
      return {{"fail", Outcome{Verdict::kFail, "", lanes_.step(i).fail_code}, ""}};
    for (const std::string& event : c.emits) choices.push_back({"do " + event, Outcome{}, event});
    add(c.fails, kFails, "fail", Verdict::kFail);
    add(c.retries, kRetries, "retry", Verdict::kRetry);
    return choices;
  }

  /// Whether handling this runs a plugin at once, so that its answer is to be chosen.
  bool RunsAtOnce(StepIndex i, Phase phase) const {
    if (phase == Phase::kDo && lanes_.step(i).kind == StepKind::kWait) return false;
    return !(lanes_.step(i).external && lanes_.step(i).kind == StepKind::kAction);
  }

  template <class F>
  void ForChoices(const World& w, bool runs, StepIndex i, Phase phase, F visit) {
    if (!runs) return visit(nullptr);
    for (const Choice& choice : Choices(w, i, phase)) visit(&choice);
  }

  void Next(World next, const Choice* choice, const std::string& label) {
    if (choice != nullptr && choice->cost != kTroubles) --next.left[choice->cost];
    path_.push_back(choice == nullptr ? label : label + " -> " + choice->label);
    Visit(next);
    path_.pop_back();
  }

  std::string LabelOf(const Sent& m) const {
    return std::string(m.undo_last ? "last" : Name(m.phase)) + (m.retry ? " again:" : ":") +
           lanes_.step(m.step).name + (m.phase == Phase::kDo ? " on " + lanes_.event(m.event) : "");
  }

  void Messages(const World& w) {
    for (std::size_t n = 0; n < w.bus.size(); ++n) {
      const Sent m = w.bus[n];
      if (n > 0 && w.bus[n - 1] == m) continue;
      const Meeting meeting = lanes_.Met(w, m);
      if (meeting.act != Act::kDrop) {
        explored_.met.insert(std::string(m.undo_last ? "last" : Name(m.phase)) +
                             (m.retry ? " again" : "") + " meets " +
                             std::string(Name(w.rows[m.step].state)));
      }
      const bool runs =
          (meeting.act == Act::kRunDo || meeting.act == Act::kRunUndo) &&
          !(meeting.act == Act::kRunDo && lanes_.step(m.step).kind == StepKind::kWait);
      const Phase phase = meeting.act == Act::kRunDo ? Phase::kDo : Phase::kUndo;
      ForChoices(w, runs && RunsAtOnce(m.step, phase), m.step, phase, [&](const Choice* choice) {
        for (int copies = 0; copies <= (w.left[kDups] > 0 && meeting.act != Act::kDrop ? 1 : 0);
             ++copies) {
          World next = w;
          if (copies == 0) next.bus.erase(next.bus.begin() + static_cast<std::ptrdiff_t>(n));
          if (copies == 1) --next.left[kDups];
          lanes_.Deliver(next, m, meeting, choice);
          Next(std::move(next), choice, LabelOf(m) + (copies == 1 ? " (comes again)" : ""));
        }
      });
    }
  }

  void DueRows(const World& w) {
    for (std::size_t n = 0; n < w.due.size(); ++n) {
      const Parked p = w.due[n];
      const Phase phase = p.kind == DueKind::kRetryUndo ? Phase::kUndo : Phase::kDo;
      const bool runs = p.kind == DueKind::kRetryDo || p.kind == DueKind::kRetryUndo;
      ForChoices(w, runs && RunsAtOnce(p.step, phase), p.step, phase, [&](const Choice* choice) {
        World next = w;
        next.due.erase(next.due.begin() + static_cast<std::ptrdiff_t>(n));
        lanes_.Fire(next, p, choice);
        Next(std::move(next), choice,
             "due " + std::to_string(static_cast<int>(p.kind)) + ":" + lanes_.step(p.step).name);
      });
    }
    if (!w.timeout_armed) return;
    World next = w;
    next.timeout_armed = false;
    Fact fact;
    fact.kind = Fact::Kind::kTimeout;
    if (lanes_.Happen(next, fact)) Next(std::move(next), nullptr, "timeout");
  }

  void Calls(const World& w) {
    for (std::size_t n = 0; n < w.calls.size(); ++n) {
      const InFlight call = w.calls[n];
      for (const Choice& choice : Choices(w, call.step, call.phase)) {
        World next = w;
        next.calls.erase(next.calls.begin() + static_cast<std::ptrdiff_t>(n));
        next.rows[call.step].undo_running = false;
        lanes_.EndCall(next, call, choice);
        Next(std::move(next), &choice, "call ends:" + lanes_.step(call.step).name);
      }
    }
  }

  void People(const World& w) {
    if (w.left[kCancels] > 0) {
      World next = w;
      --next.left[kCancels];
      Fact fact;
      fact.kind = Fact::Kind::kCancel;
      if (lanes_.Happen(next, fact)) Next(std::move(next), nullptr, "cancel");
    }
    for (StepIndex i = 0; i < lanes_.count(); ++i) {
      if (lanes_.step(i).kind == StepKind::kWait) Signal(w, i);
      if (w.left[kVerbs] == 0) continue;
      if (lanes_.flow().retry_verb) Verb(w, i, Fact::Kind::kRetry, "retry:");
      if (lanes_.flow().skip_verb) Verb(w, i, Fact::Kind::kSkip, "skip:");
      if (lanes_.flow().resolve_verb) Verb(w, i, Fact::Kind::kResolve, "resolve:");
    }
  }

  void Signal(const World& w, StepIndex i) {
    const bool waits = w.rows[i].state == StepState::kRunning;
    if ((w.early >> i & 1) != 0 || Ended(w.saga.state) ||
        (!waits && w.rows[i].state != StepState::kWaiting))
      return;
    World next = w;
    next.early |= std::uint64_t{1} << i;
    if (waits) {
      lanes_.DropParked(next, i);
      lanes_.EndWait(next, i, lanes_.step(i).wait_for, -1);
    }
    Next(std::move(next), nullptr, "signal:" + lanes_.step(i).name);
  }

  void Verb(const World& w, StepIndex i, Fact::Kind kind, const std::string& label) {
    const StepRow& row = w.rows[i];
    Fact fact;
    fact.kind = kind;
    fact.step = i;
    fact.was = row.state;
    fact.last = !row.last_id.nil();
    fact.delta = row.state == StepState::kHeld || row.state == StepState::kRetrying ? -1 : 0;
    if (kind == Fact::Kind::kRetry && !lanes_.step(i).on.empty())
      fact.event = lanes_.step(i).on.front();
    if (kind == Fact::Kind::kSkip && !lanes_.conduct(i).emits.front().empty()) {
      fact.event = lanes_.step(i).name + "." + lanes_.conduct(i).emits.front();
    }
    World next = w;
    --next.left[kVerbs];
    next.rows[i] = ByVerb(row, kind, kNow);
    // What it depends on may be on its way back already: a stuck step does not hold it up unless it
    // halts.
    if (row.state == StepState::kStuck && !lanes_.step(i).halt) next.spoken_for.Add(i);
    if (kind == Fact::Kind::kResolve) fact.delta -= lanes_.DropTimers(next, i);
    if (!lanes_.Happen(next, fact)) return;
    if (kind == Fact::Kind::kResolve) {
      next.effects[i] = kNoEffect;
      next.spoken_for.Add(i);
      if (lanes_.step(i).undo_last) ++next.told[i];
    }
    if (lanes_.flow().mutant.forgets_first && kind == Fact::Kind::kRetry &&
        row.state != StepState::kStuck) {
      next.rows[i].do_id = Uuid{};
      for (Sent& m : next.bus) {
        if (m.step == i && m.retry) m.retry = false;
      }
    }
    lanes_.DropParked(next, i);
    Next(std::move(next), nullptr, label + lanes_.step(i).name);
  }

  // -------------------------------------------------------------- what must hold

  std::string KeyOf(const World& w) const {
    std::string key;
    const Saga& s = w.saga;
    for (StepSet set : {s.scope, s.sent, s.settled, s.last_sent, s.last_settled, s.stuck, s.kept,
                        s.undone, s.failed, s.half, w.spoken_for}) {
      Put(key, static_cast<std::uint16_t>(set.bits()));
    }
    Put(key, s.state);
    Put(key, static_cast<std::int8_t>(s.open));
    key += {static_cast<char>(s.final),         static_cast<char>(s.done_told),
            static_cast<char>(w.timeout_armed), static_cast<char>(w.done_told),
            static_cast<char>(w.undone_told),   static_cast<char>(w.early)};
    for (StepIndex i = 0; i < w.rows.size(); ++i) {
      const StepRow& r = w.rows[i];
      key += {static_cast<char>(r.state),
              static_cast<char>(r.attempt),
              static_cast<char>(r.undo_attempt),
              static_cast<char>(r.round),
              static_cast<char>(r.bits),
              static_cast<char>(r.arrivals.size()),
              static_cast<char>(r.cancelled | r.kept << 1 | r.unknown << 2 | r.undo_wanted << 3 |
                                r.undo_running << 4 | (r.done != Time{}) << 5),
              static_cast<char>(r.timers),
              static_cast<char>(w.effects[i]),
              static_cast<char>(w.told[i]),
              static_cast<char>((r.undo_id.nil() ? 0 : 1) | (r.last_id.nil() ? 0 : 2))};
      key.append(r.do_id.view().substr(0, 8));
    }
    Put(key, w.left);
    for (const Sent& m : w.bus)
      key.append(IdOf(m).view().substr(0, 8)).push_back(static_cast<char>(m.bit));
    key += '|';
    for (const Parked& p : w.due)
      key += {static_cast<char>(p.step), static_cast<char>(p.kind), static_cast<char>(p.event)};
    key += '|';
    for (const InFlight& c : w.calls)
      key += {static_cast<char>(c.step), static_cast<char>(c.phase), static_cast<char>(c.last)};
    return key;
  }

  void Visit(World& w) {
    if (!explored_.violation.empty()) return;
    std::sort(w.bus.begin(), w.bus.end());
    std::sort(w.due.begin(), w.due.end());
    std::sort(w.calls.begin(), w.calls.end());
    if (lanes_.wrong().empty() && !seen_.insert(std::hash<std::string>()(KeyOf(w))).second) return;
    ++explored_.states;
    if (lanes_.wrong().empty()) Check(w);
    if (!lanes_.wrong().empty()) {
      explored_.violation = lanes_.wrong() + "\n  after:";
      for (const std::string& label : path_) explored_.violation += "\n    " + label;
      return;
    }
    Messages(w);
    DueRows(w);
    Calls(w);
    People(w);
  }

  void Check(const World& w) {
    std::int64_t live = static_cast<std::int64_t>(w.due.size() + w.calls.size());
    for (std::size_t n = 0; n < w.bus.size(); ++n) {
      if ((n == 0 || w.bus[n - 1] != w.bus[n]) && lanes_.Met(w, w.bus[n]).act != Act::kDrop) ++live;
    }
    if (live != w.saga.open) {
      lanes_.Wrong("open is " + std::to_string(w.saga.open) + ", alive are " +
                   std::to_string(live));
    }
    for (const Parked& p : w.due) {
      if (p.kind == DueKind::kTimer && w.saga.settled.Has(p.step)) {
        lanes_.Wrong("a timer of " + lanes_.step(p.step).name + " outlives it");
      }
    }
    if (w.done_told > 1 || w.undone_told > 1) lanes_.Wrong("an end was told twice");
    for (std::uint8_t n : w.told) {
      if (n > 1) lanes_.Wrong("people were told twice");
    }
    if (w.saga.open == 0 && !Ended(w.saga.state))
      lanes_.Wrong("nothing is left, and the saga has not ended");
    if (Ended(w.saga.state)) CheckEnd(w);
  }

  void CheckEnd(const World& w) {
    if (w.saga.open != 0) lanes_.Wrong("ended with something still open");
    std::string end(Name(w.saga.state));
    if (w.done_told > 0) end += " $done";
    if (w.undone_told > 0) end += " $undone";
    ++explored_.ends[end];
    if (w.saga.state == SagaState::kDone) {
      CheckHalfJoins(w);
      if (!w.saga.scope.empty()) lanes_.Wrong("done with a scope");
      if (w.done_told != 1) lanes_.Wrong("done without $done");
      return;
    }
    if (w.saga.state == SagaState::kStuck) {
      if (w.saga.stuck.empty()) lanes_.Wrong("stuck without a stuck step");
      if (w.undone_told > 0) lanes_.Wrong("stuck and told undone");
      return;
    }
    if (w.undone_told != 1) lanes_.Wrong("undone without $undone");
    w.saga.scope.Each([&](StepIndex i) {
      if (lanes_.step(i).undo_last && w.told[i] != 1)
        lanes_.Wrong("nobody was told by " + lanes_.step(i).name);
      if (!w.rows[i].kept && !lanes_.step(i).undo_last && w.effects[i] != kNoEffect) {
        lanes_.Wrong("undone, but " + lanes_.step(i).name + " still stands");
      }
    });
  }

  /// A join may stay half only behind a step that failed.
  void CheckHalfJoins(const World& w) {
    for (StepIndex i = 0; i < lanes_.count(); ++i) {
      if (w.rows[i].bits == 0 || w.rows[i].state != StepState::kWaiting) continue;
      bool behind = false;
      w.saga.failed.Each([&](StepIndex f) { behind = behind || lanes_.step(f).closure.Has(i); });
      if (!behind) lanes_.Wrong("done, but " + lanes_.step(i).name + " still waits");
    }
  }

  Lanes lanes_;
  std::unordered_set<std::size_t> seen_;
  std::vector<std::string> path_;
  Explored explored_;
};

}  // namespace

Explored Explore(const Flow& flow) {
  return Explorer(flow).Run();
}

}  // namespace reprise::runtime
