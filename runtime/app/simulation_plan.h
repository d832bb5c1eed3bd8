/// What `reprise simulate` is told beside the pipelines: a folder's simulation.yaml, if there is
/// one.
///
///   simulate: NAME
///   environment: { VARIABLE: value }     of the deployment file, as in demo.yaml
///   customers: 4                         at most, in a run
///   invariants: [{ name, sql, when }]    as in a pipeline; nobody skips a step by hand here
///   sometimes:                           what a set of runs must have shown at least once
///   - { name: TEXT, sql: SELECT ... }              it answered a row, between two moments
///   - { name: TEXT, events: [order/ship.late, bill/$undone] }   in this order, about one subject
///   - { name: TEXT, answer: { POST /bills: not_open }, detail: expired }   a refusal's code, and
///                                                  what its detail contains
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/pipeline.h"

namespace reprise::runtime {

struct Sometimes {
  std::string name, sql;
  std::vector<std::string> events;
  std::string route, code, detail;  // answer
};

struct SimulationPlan {
  std::map<std::string, std::string> environment;
  int customers = 4;
  std::vector<Invariant> invariants;
  std::vector<Sometimes> sometimes;
};

/// The first simulation.yaml among these folders; the defaults if there is none.  Mistakes come as
/// lines with their place.
Result<SimulationPlan> ReadSimulation(const std::vector<std::string>& paths);

}  // namespace reprise::runtime
