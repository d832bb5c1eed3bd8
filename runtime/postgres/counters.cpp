#include "postgres/counters.h"

namespace reprise::runtime::postgres {

Result<std::int64_t> Counters::Count(std::string_view counter, std::int64_t delta,
                                     std::int64_t floor) {
  if (core_.in_transaction)
    return Error{Code::kInvalid, "a counter cannot be moved inside a transaction"};
  if (core_.options.count) return core_.options.count(counter, delta, floor);
  auto moved = core_.db.Write(
      "INSERT INTO rp_counter VALUES($1, GREATEST($2, $3)) ON CONFLICT (name) DO UPDATE"
      " SET mark = GREATEST(rp_counter.mark + $2, $3) RETURNING mark",
      Params::Of(Clean(counter), delta, floor));
  if (!moved) {
    if (moved.error().code != Code::kInvalid) return moved.error();
    return Error{Code::kExhausted, "the counter is at its end"};
  }
  return moved->Int(0, 0);
}

Result<std::int64_t> Counters::Reserve(std::string_view counter, std::int64_t at_least,
                                       std::int64_t block) {
  if (core_.in_transaction)
    return Error{Code::kInvalid, "a counter cannot be moved inside a transaction"};
  if (block < 1) return Error{Code::kInvalid, "a block has one value or more"};
  auto moved = core_.db.Write(
      "INSERT INTO rp_counter VALUES($1, GREATEST($2, 0) + $3) ON CONFLICT (name) DO UPDATE"
      " SET mark = GREATEST(rp_counter.mark, $2) + $3 RETURNING mark",
      Params::Of(Clean(counter), at_least, block));
  if (!moved) return moved.error();
  return moved->Int(0, 0) - block + 1;
}

}  // namespace reprise::runtime::postgres
