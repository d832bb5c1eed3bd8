#include "app/simulation_sum.h"

#include <algorithm>

#include <boost/json.hpp>
#include <fmt/core.h>

namespace reprise::runtime {
namespace {

namespace json = boost::json;

json::object CountsOf(const std::map<std::string, std::uint64_t>& counts) {
  json::object out;
  for (const auto& [name, count] : counts) out[name] = count;
  return out;
}

}  // namespace

void SimulationSum::Add(const SimulatedRun& run) {
  ++runs;
  faults += run.faults.size();
  sagas += static_cast<std::uint64_t>(run.sagas);
  for (const std::string& name : run.seen) ++seen[name];
  for (const std::string& fault : run.faults) ++kinds[fault.substr(0, fault.find('#'))];
}

std::vector<std::string> SimulationSum::NeverSeen(const std::vector<std::string>& wanted) const {
  std::vector<std::string> out;
  std::ranges::copy_if(wanted, std::back_inserter(out),
                       [&](const std::string& name) { return !seen.contains(name); });
  return out;
}

void PrintSum(const SimulationSum& sum, const std::vector<std::string>& wanted) {
  fmt::print(stderr, "{} runs from seed {} in {:.1f} s: {} sagas, {} faults of {} kinds\n",
             sum.runs, sum.seed, sum.seconds, sum.sagas, sum.faults, sum.kinds.size());
  for (const std::string& name : wanted) {
    const auto found = sum.seen.find(name);
    if (found != sum.seen.end()) fmt::print(stderr, "seen in {:5} runs: {}\n", found->second, name);
  }
}

void PrintSumJson(const SimulationSum& sum, const std::vector<std::string>& wanted,
                  const std::string& broken) {
  const json::object out{{"runs", sum.runs},
                         {"seed", sum.seed},
                         {"seconds", sum.seconds},
                         {"sagas", sum.sagas},
                         {"faults", CountsOf(sum.kinds)},
                         {"seen", CountsOf(sum.seen)},
                         {"never_seen", json::value_from(sum.NeverSeen(wanted))},
                         {"broken", broken.empty() ? json::value() : json::value(broken)}};
  fmt::print("{}\n", json::serialize(out));
}

}  // namespace reprise::runtime
