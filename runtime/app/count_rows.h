/// How many rows an invariant's SQL answers.
#pragma once

#include <string>

#include "ports/journal.h"

namespace reprise::runtime {

/// On what is committed; `$1` in it is `now`, in milliseconds.
inline Result<std::size_t> CountRows(Journal& journal, const std::string& sql, Time now) {
  SqlValue clock;
  clock.type = SqlValue::kInteger;
  clock.integer = ToMillis(now);
  const std::span<const SqlValue> args(&clock, sql.find("$1") == std::string::npos ? 0 : 1);
  std::size_t rows = 0;
  const auto ran = journal.reads().Run(sql, args, [&](std::span<const SqlValue>) { ++rows; });
  if (!ran) return ran.error();
  return rows;
}

}  // namespace reprise::runtime
