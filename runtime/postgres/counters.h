/// Counters that never repeat a value, whoever counts: the table is asked each time.
#pragma once

#include "postgres/core.h"

namespace reprise::runtime::postgres {

class Counters {
 public:
  explicit Counters(Core& core) : core_(core) {}
  Result<std::int64_t> Count(std::string_view counter, std::int64_t delta, std::int64_t floor);
  /// A block for one who counts elsewhere: answers a value such that it and the `block` - 1 that
  /// follow are above `at_least` and above all that was ever reserved or counted here.
  Result<std::int64_t> Reserve(std::string_view counter, std::int64_t at_least, std::int64_t block);

 private:
  Core& core_;
};

}  // namespace reprise::runtime::postgres
