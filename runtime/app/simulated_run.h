/// One simulated run: customers and operators in a world of faults, then the same world healed,
/// which must come to an end.  What must hold is checked all the way.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "app/simulated_world.h"
#include "app/simulation_plan.h"

namespace reprise::runtime {

struct SimulatedRun {
  std::uint64_t seed = 0;
  std::string broken;               // what did not hold; empty: everything did
  std::vector<std::string> faults;  // that struck, in order
  std::vector<std::string> timeline;
  std::set<std::string> seen;  // what happened at least once, of what must happen sometimes
  int sagas = 0;
};

/// What a set of runs must have shown at least once, whatever the pipelines are, and what the plan
/// adds.
std::vector<std::string> MustBeSeen(const Loaded& loaded, const SimulationPlan& plan);

SimulatedRun Simulate(SimulatedWorld::Setup setup, const SimulationPlan& plan);

}  // namespace reprise::runtime
