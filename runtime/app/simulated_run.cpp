#include "app/simulated_run.h"

#include <algorithm>

#include <fmt/format.h>

#include "app/simulated_customers.h"

namespace reprise::runtime {
namespace {

constexpr int kMomentsMax = 20'000;  // of a phase; a run has a few hundred
constexpr int kLateUndos = 4;
constexpr int kHelpsMax = 200;  // how often the operator looks at what is left
constexpr Millis kLengths[] = {Millis(60'000), Millis(360'000), Millis(1'200'000),
                               Millis(7'200'000)};

class Run {
 public:
  Run(SimulatedWorld::Setup setup, const SimulationPlan& plan)
      : plan_(plan), world_(std::move(setup)) {}

  void Play() {
    if (Status started = world_.Start(); !started)
      return world_.audit().Break(started.error().message);
    SimulatedCustomers customers(world_, plan_.customers);
    Disturbed(customers);
    world_.Heal();
    Healed();
    for (const Uuid& saga : customers.accepted()) {
      if (!world_.audit().sagas().contains(saga))
        world_.audit().Break(fmt::format("saga {} was accepted and is lost", saga.ToString()));
    }
    for (const auto& owed : world_.audit().to_tell()) {
      const auto& saga = owed.first;
      const auto& event = owed.second;
      const bool told = std::ranges::any_of(world_.events(), [&](const auto& happened) {
        return happened.saga == saga && happened.name.ends_with("/" + event);
      });
      if (!told)
        world_.audit().Break(fmt::format("saga {}: nobody was told {}", saga.ToString(), event));
    }
    if (!broken()) world_.audit().CheckEnds(world_.journal());
    CheckInvariants(true);
    LookBack(customers);
  }

  SimulatedRun Report(std::uint64_t seed) {
    SimulatedRun report;
    report.seed = seed;
    report.broken = world_.audit().broken();
    report.faults = world_.dice().struck();
    report.timeline = world_.timeline();
    report.seen = world_.audit().seen();
    report.sagas = static_cast<int>(world_.audit().sagas().size());
    return report;
  }

 private:
  bool broken() { return !world_.audit().broken().empty(); }

  // -- first phase
  void Disturbed(SimulatedCustomers& customers) {
    const Time end =
        world_.clock().Now() + kLengths[world_.dice().Below("length", std::size(kLengths))];
    int late = 0;
    for (int moment = 0; !broken(); ++moment) {
      if (moment > kMomentsMax) return world_.audit().Break("it never comes to rest");
      if (world_.dice().Chance("customers first", 0.5) && customers.Act()) continue;
      if (world_.Turn() || customers.Act()) continue;
      CheckInvariants(false);
      if (customers.done() && world_.clock().Now() >= end) {
        if (late++ < kLateUndos && world_.dice().Strikes("an operator undoes a saga late", 0.4)) {
          UndoOne();
          continue;
        }
        return;
      }
      Operate();
      MoveOn(customers.Next(), end);
    }
  }

  void MoveOn(std::optional<Time> next, Time end) {
    const std::optional<Time> own = world_.Next();
    if (own && (!next || *own < *next)) next = own;
    if (world_.clock().Now() < end && (!next || end < *next)) next = end;
    world_.MoveTo(next.value_or(end));
  }

  /// A person who tries again what is held or stuck, and now and then takes a saga back.
  void Operate() {
    if (world_.dice().Strikes("an operator retries", 0.02)) Help();
    const auto& sagas = world_.audit().sagas();
    if (sagas.empty() || !world_.dice().Strikes("an operator undoes a saga", 0.03)) return;
    UndoOne();
  }

  /// What repairs after another saga was undone is not taken back itself: whoever does so has
  /// decided that it stays broken.
  bool Repairs(const std::string& pipeline) const {
    const PipelineRef plan = world_.loaded().Find(pipeline);
    return plan && std::ranges::any_of(plan->foreign, [](const auto& begins) {
             return begins.first.ends_with("/$undone");
           });
  }

  void UndoOne() {
    const auto& sagas = world_.audit().sagas();
    if (sagas.empty()) return;
    auto at = sagas.begin();
    std::advance(
        at, static_cast<std::ptrdiff_t>(world_.dice().Below("which saga is undone", sagas.size())));
    if (Repairs(at->second.pipeline)) return;
    world_.Note(
        fmt::format("operator: undo {} {}", at->second.pipeline, at->first.ToString().substr(24)));
    Verb verb;
    verb.what = "undo";
    verb.saga = at->first;
    world_.Submit(std::move(verb));
  }

  /// Answers whether there was something to retry.
  bool Help() {
    bool any = false;
    for (const auto& [id, last] : world_.audit().sagas()) {
      const auto detail = world_.journal().ShowSaga(id);
      if (!detail || !*detail) continue;
      for (const StepRow& row : (*detail)->steps) {
        const bool stuck = row.state == StepState::kStuck;
        if (row.state != StepState::kHeld && !stuck) continue;
        const PipelineRef plan = world_.loaded().Find(last.pipeline);
        if (!plan || row.step >= plan->main_count) continue;
        Verb verb;
        verb.what = "retry";
        verb.saga = id;
        verb.step = plan->step(row.step).name;
        world_.Note(fmt::format("operator: retry {}/{} {}", last.pipeline, verb.step,
                                id.ToString().substr(24)));
        world_.Submit(std::move(verb));
        any = true;
      }
    }
    return any;
  }

  // -- second phase
  void Healed() {
    int helps = 0;
    for (int moment = 0; !broken(); ++moment) {
      if (moment > kMomentsMax) return world_.audit().Break("healed, it never comes to rest");
      if (world_.Turn()) continue;
      CheckInvariants(false);
      if (const std::optional<Time> next = world_.Next()) {
        world_.MoveTo(*next);
      } else if (helps++ > kHelpsMax || !Help()) {
        return;
      }
    }
  }

  // -- what must hold
  bool AllEnded() {
    return std::ranges::all_of(world_.audit().sagas(),
                               [](const auto& saga) { return Ended(saga.second.state); });
  }

  void CheckInvariants(bool over) {
    Check(plan_.invariants, over);
    for (const PipelineRef& pipeline : world_.loaded().pipelines) Check(pipeline->invariants, over);
    for (const Sometimes& one : plan_.sometimes) {
      if (one.sql.empty() || world_.audit().seen().contains(one.name)) continue;
      const auto rows = world_.Ask(one.sql);
      if (!rows)
        world_.audit().Break(fmt::format("sometimes '{}': {}", one.name, rows.error().message));
      if (rows && *rows > 0) world_.audit().See(one.name);
    }
  }

  void Check(const std::vector<Invariant>& invariants, bool over) {
    for (const Invariant& invariant : invariants) {
      if (invariant.when == "ended" && !(over && AllEnded())) continue;
      const auto rows = world_.Ask(invariant.sql);
      if (!rows) {
        world_.audit().Break(
            fmt::format("invariant '{}': {}", invariant.name, rows.error().message));
      } else if (*rows > 0) {
        world_.audit().Break(fmt::format("invariant '{}' is broken by {} row{}", invariant.name,
                                         *rows, *rows == 1 ? "" : "s"));
      }
    }
  }

  // -- what was to be seen
  void LookBack(const SimulatedCustomers& customers) {
    if (world_.adopted() > 0) world_.audit().See("what a dead process left was published");
    if (world_.repeated() > 0) world_.audit().See("a message came again");
    for (const Sometimes& one : plan_.sometimes) {
      const bool answered = std::ranges::any_of(customers.refusals(), [&](const Refusal& refusal) {
        return refusal.route == one.route && refusal.code == one.code &&
               refusal.detail.find(one.detail) != std::string::npos;
      });
      if (answered || (!one.events.empty() && InOrder(one.events))) world_.audit().See(one.name);
    }
  }

  /// Whether these events came in this order about one subject.
  bool InOrder(const std::vector<std::string>& wanted) {
    std::map<std::string, std::size_t> come;
    for (const SimulatedWorld::Event& event : world_.events()) {
      const auto saga = world_.audit().sagas().find(event.saga);
      if (saga == world_.audit().sagas().end()) continue;
      std::size_t& next = come[saga->second.subject];
      if (wanted[next] == event.name && ++next == wanted.size()) return true;
    }
    return false;
  }

  const SimulationPlan& plan_;
  SimulatedWorld world_;
};

bool Undoes(const Loaded& loaded) {
  return std::ranges::any_of(loaded.pipelines, [](const PipelineRef& pipeline) {
    return std::any_of(pipeline->steps.begin(), pipeline->steps.begin() + pipeline->main_count,
                       [](const Step& step) { return !step.dependents.empty(); });
  });
}

bool Holds(const Loaded& loaded) {
  return std::ranges::any_of(loaded.pipelines, [](const PipelineRef& pipeline) {
    return std::ranges::any_of(pipeline->steps, [](const Step& step) {
      return step.on_failure.hold || step.on_failure.hold_forever;
    });
  });
}

}  // namespace

std::vector<std::string> MustBeSeen(const Loaded& loaded, const SimulationPlan& plan) {
  std::vector<std::string> out{"what a dead process left was published", "a message came again"};
  if (Undoes(loaded)) out.emplace_back("a late do was refused");
  if (Holds(loaded)) out.emplace_back("a step was retried after a hold");
  for (const Sometimes& one : plan.sometimes) out.push_back(one.name);
  return out;
}

SimulatedRun Simulate(SimulatedWorld::Setup setup, const SimulationPlan& plan) {
  const std::uint64_t seed = setup.seed;
  Run run(std::move(setup), plan);
  run.Play();
  return run.Report(seed);
}

}  // namespace reprise::runtime
