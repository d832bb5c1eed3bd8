#include "admin/audit.h"

#include <algorithm>

#include <fmt/format.h>

#include "model/open.h"

namespace reprise::runtime {
namespace {

constexpr Millis kOverdue{60'000};

class Auditor {
 public:
  Auditor(const Pipeline& pipeline, const SagaDetail& detail, std::span<const Message> waiting,
          Time now)
      : pipeline_(pipeline), detail_(detail), saga_(detail.saga), waiting_(waiting), now_(now) {}

  std::vector<Violation> Run() {
    Open();
    Kept();
    Order();
    Late();
    Moves();
    Told();
    Timers();
    return std::move(found_);
  }

 private:
  void Add(const char* invariant, std::string what) {
    found_.push_back({invariant, saga_.id, std::move(what)});
  }

  bool Main(StepIndex step) const { return step < pipeline_.main_count; }
  const std::string& NameOf(StepIndex step) const { return pipeline_.step(step).name; }
  const StepRow* Row(StepIndex step) const {
    for (const StepRow& row : detail_.steps) {
      if (row.step == step && row.item == 0) return &row;
    }
    return nullptr;
  }

  /// I1: `open` is what is still to come, and a saga has ended if nothing is.
  void Open() {
    std::int64_t live = StillToCome(pipeline_, detail_.due, detail_.steps);
    for (const Message& message : waiting_) live += Main(message.step);
    if (saga_.open != live)
      Add("I1", fmt::format("open is {}, but {} is still to come", saga_.open, live));
    if (saga_.open == 0 && !Ended(saga_.state))
      Add("I9", fmt::format("nothing is to come any more, and it is {}", Name(saga_.state)));
    if (saga_.open != 0 && Ended(saga_.state) && saga_.state != SagaState::kStuck)
      Add("I1", fmt::format("it is {}, but {} is still to come", Name(saga_.state), saga_.open));
    if (Ended(saga_.state) && saga_.ended == Time{} && saga_.state != SagaState::kStuck)
      Add("I1", fmt::format("it is {}, but nobody knows since when", Name(saga_.state)));
  }

  /// I2: of an undone saga no step's effects are left, but those that were kept on purpose.
  void Kept() {
    if (saga_.state != SagaState::kUndone) return;
    saga_.scope.Each([&](StepIndex step) {
      const StepRow* const row = Row(step);
      if (row && row->state == StepState::kDone && !row->kept && !pipeline_.step(step).undo_last)
        Add("I2", fmt::format("it is undone, and step '{}' is still done", NameOf(step)));
    });
  }

  /// I3: no undo before those that depend on it are settled, and `undo: last` after all.
  void Order() {
    for (const StepRow& row : detail_.steps) {
      if (!Main(row.step) || row.state != StepState::kUndone || row.undone == Time{}) continue;
      const bool last = pipeline_.step(row.step).undo_last;
      const StepSet before = last ? saga_.scope : pipeline_.step(row.step).dependents & saga_.scope;
      before.Each([&](StepIndex other) {
        if (other == row.step || !Main(other) || pipeline_.step(other).undo_last) return;
        const StepRow* const its = Row(other);
        const bool later = its && its->state == StepState::kUndone && its->undone > row.undone;
        const bool never = !saga_.settled.Has(other) && !last;
        if (later || never) {
          Add("I3", fmt::format("step '{}' was undone before '{}', which {}", NameOf(row.step),
                                NameOf(other), last ? "is not told last" : "depends on it"));
        }
      });
    }
  }

  /// I4: nothing takes effect after its step was undone, or what it depends on.
  void Late() {
    for (const StepRow& row : detail_.steps) {
      if (!Main(row.step) || row.undone == Time{} || row.kept) continue;
      if (row.state == StepState::kDone)
        Add("I4", fmt::format("step '{}' was undone, and is done again", NameOf(row.step)));
      if (row.done > row.undone)
        Add("I4", fmt::format("step '{}' was done after it was undone", NameOf(row.step)));
      pipeline_.step(row.step).closure.Each([&](StepIndex other) {
        const StepRow* const its = Row(other);
        if (its && its->state == StepState::kDone && !its->kept && its->done > row.undone) {
          Add("I4", fmt::format("step '{}' was done after '{}' was undone, which it needs",
                                NameOf(other), NameOf(row.step)));
        }
      });
    }
  }

  /// I9: what is due was taken.
  void Moves() {
    for (const Due& due : detail_.due) {
      if (due.due + kOverdue >= now_) continue;
      const std::string name =
          due.step < pipeline_.steps.size() ? NameOf(due.step) : std::string("the saga");
      Add("I9", fmt::format("something of '{}' is due since {}", name, Rfc3339(due.due)));
    }
  }

  /// I10: whatever is stuck is in the history, and its alarms were raised.
  void Told() {
    const auto remembered = [&](const std::string& step) {
      return std::ranges::any_of(detail_.history, [&](const History& line) {
        return line.what == "stuck" && line.step == step;
      });
    };
    bool stuck = false;
    for (const StepRow& row : detail_.steps) {
      if (!Main(row.step) || row.state != StepState::kStuck) continue;
      stuck = true;
      if (!remembered(NameOf(row.step)))
        Add("I10", fmt::format("step '{}' is stuck, and no line says so", NameOf(row.step)));
    }
    const auto listeners = pipeline_.listeners.find("$stuck");
    if (!stuck || listeners == pipeline_.listeners.end()) return;
    for (const StepIndex side : listeners->second) {
      const bool told =
          std::ranges::any_of(detail_.steps, [&](const StepRow& r) { return r.step == side; }) ||
          std::ranges::any_of(waiting_, [&](const Message& m) { return m.step == side; });
      if (!told) Add("I10", fmt::format("it is stuck, and '{}' was not told", NameOf(side)));
    }
  }

  /// I11: a timer is armed, fired or cancelled: the step knows how many are left.
  void Timers() {
    for (const StepRow& row : detail_.steps) {
      if (!Main(row.step)) continue;
      const auto armed = std::ranges::count_if(detail_.due, [&](const Due& d) {
        return d.kind == DueKind::kTimer && d.step == row.step && d.item == row.item;
      });
      if (armed != row.timers) {
        Add("I11", fmt::format("step '{}' has {} timers, {} are armed", NameOf(row.step),
                               row.timers, armed));
      }
    }
  }

  const Pipeline& pipeline_;
  const SagaDetail& detail_;
  const Saga& saga_;
  const std::span<const Message> waiting_;
  const Time now_;
  std::vector<Violation> found_;
};

void Search(const Uuid& saga, std::string_view where, std::string_view text,
            std::span<const std::string> secrets, std::vector<Violation>& found) {
  for (const std::string& secret : secrets) {
    if (secret.empty() || text.find(secret) == std::string_view::npos) continue;
    found.push_back({"I13", saga, fmt::format("a secret of the deployment is in {}", where)});
  }
}

}  // namespace

std::vector<Violation> AuditSaga(const Pipeline& pipeline, const SagaDetail& detail,
                                 std::span<const Message> waiting, Time now) {
  return Auditor(pipeline, detail, waiting, now).Run();
}

std::vector<Violation> AuditSecrets(const SagaDetail& detail,
                                    std::span<const std::string> secrets) {
  std::vector<Violation> found;
  for (const History& line : detail.history)
    Search(detail.saga.id, "its history", line.detail, secrets, found);
  for (const StepRow& row : detail.steps)
    Search(detail.saga.id, "a step's failure", row.detail, secrets, found);
  return found;
}

std::vector<Violation> AuditSecrets(const DeadLetter& letter,
                                    std::span<const std::string> secrets) {
  std::vector<Violation> found;
  const std::string where = fmt::format("dead letter {}", letter.id);
  Search(letter.saga, where, letter.detail, secrets, found);
  Search(letter.saga, where, letter.payload, secrets, found);
  return found;
}

}  // namespace reprise::runtime
