/// Many runs, each in a process of its own: a plugin that crashes, hangs or remembers spoils one
/// run and no other, and two run at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "app/simulated_run.h"

namespace reprise::runtime {

class SimulatedSet {  // Threads: one, and none else may run: it forks.
 public:
  SimulatedSet(SimulatedWorld::Setup setup, SimulationPlan plan)
      : setup_(std::move(setup)), plan_(std::move(plan)) {}

  /// Runs seeds until `more` has no further one; `ended` hears of each, in no order, and answers
  /// whether to go on.  Timelines are left out.
  void Play(int at_once, const std::function<std::optional<std::uint64_t>()>& more,
            const std::function<bool(SimulatedRun)>& ended) const;

  /// One run with its timeline; with `only`, of its faults only these.
  SimulatedRun Replay(std::uint64_t seed, const std::optional<std::set<std::string>>& only) const;

  /// The fewest of the run's faults that still break something, as far as `tries` runs find them.
  SimulatedRun Smallest(SimulatedRun run, int tries) const;

 private:
  struct Child {
    int process = 0, pipe = -1;
    std::uint64_t seed = 0;
    std::string text;
    std::int64_t began = 0;
  };
  Child Fork(std::uint64_t seed, const std::optional<std::set<std::string>>& only,
             bool timeline) const;
  static bool Read(Child& child, int wait_ms);
  static SimulatedRun End(Child& child);

  const SimulatedWorld::Setup setup_;
  const SimulationPlan plan_;
};

}  // namespace reprise::runtime
