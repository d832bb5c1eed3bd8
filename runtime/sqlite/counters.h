/// Counters that never repeat a value, at a commit per thousand.
///
/// The value lives in memory; the file holds a mark no value has passed.  Before a value above the
/// mark is given out, a mark 1,000 deltas further is committed.  After a crash counting goes on
/// from the mark: up to 1,000 deltas are skipped, none is given twice.  A clean stop writes the
/// value itself.
#pragma once

#include <map>
#include <string>

#include "sqlite/core.h"

namespace reprise::runtime::sqlite {

class Counters {
 public:
  explicit Counters(Core& core) : core_(core) {}
  Result<std::int64_t> Count(std::string_view counter, std::int64_t delta, std::int64_t floor);
  /// At a clean stop.
  Status Settle();

 private:
  struct Counter {
    std::int64_t value = 0, mark = 0;
  };
  Result<Counter*> Find(std::string_view counter);
  Status Commit(std::string_view counter, std::int64_t mark);

  Core& core_;
  std::map<std::string, Counter, std::less<>> counters_;
};

}  // namespace reprise::runtime::sqlite
