/// What the engine counts about itself.
#pragma once

#include <cstdint>

namespace reprise::runtime::sqlite {

struct Stats {
  std::int64_t commits = 0, rollbacks = 0;  // counters' and migrations' own commits too
  double last_commit_s = 0;
  double commit_s = 0;  // of all; the mean is commit_s / commits
  double mean_commit_s() const {
    return commits == 0 ? 0 : commit_s / static_cast<double>(commits);
  }
};

}  // namespace reprise::runtime::sqlite
