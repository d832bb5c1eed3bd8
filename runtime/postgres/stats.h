/// What the engine counts about itself.
#pragma once

#include <cstdint>

namespace reprise::runtime::postgres {

struct Stats {
  std::int64_t commits = 0, rollbacks = 0;
  std::int64_t fenced = 0, contended = 0, in_doubt = 0, connections = 0;
  std::int64_t round_trips = 0;
  double commit_s = 0;  // of all; the mean is commit_s / commits
};

}  // namespace reprise::runtime::postgres
