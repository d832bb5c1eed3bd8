/// What a set of simulated runs has shown: counts, kinds of faults, and what was seen at all.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "app/simulated_run.h"

namespace reprise::runtime {

struct SimulationSum {
  std::uint64_t seed = 0;  // of the first run
  double seconds = 0;
  std::uint64_t runs = 0, faults = 0, sagas = 0;
  std::map<std::string, std::uint64_t> kinds;  // of faults, how often each struck
  std::map<std::string, std::uint64_t> seen;   // in how many runs

  void Add(const SimulatedRun& run);
  /// Of these, what no run has shown.
  std::vector<std::string> NeverSeen(const std::vector<std::string>& wanted) const;
};

/// For people, on stderr.
void PrintSum(const SimulationSum& sum, const std::vector<std::string>& wanted);
/// One object on stdout; `broken` is null in it if that is empty.
void PrintSumJson(const SimulationSum& sum, const std::vector<std::string>& wanted,
                  const std::string& broken);

}  // namespace reprise::runtime
