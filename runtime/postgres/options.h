/// How a worker of the cluster engine meets its database.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace reprise::runtime::postgres {

struct Options {
  std::string url;  // as libpq reads it: postgresql://user@host/shop?sslmode=verify-full
  Millis lease{
      5'000};       // how long a silent worker keeps what it has; ends its open transaction, too
  int rounds = 32;  // hops that one transaction may handle
  Millis lock_wait{2'000};        // for the first rows of a transaction; then it is kContended
  Millis take_wait{300};          // for a worker whose lanes are taken to end its transaction
  Millis statement_wait{15'000};  // for one statement, in the server
  Millis connect_wait{5'000};
  std::int64_t lane_log_lines = 200'000;  // that are kept for the audit, about
  /// Told the database's time at every Begin, so that a Clock can follow it.
  std::function<void(Time)> on_time;
  /// Answers Journal::Count in place of the table; see PostgresEngine::Reserve.
  std::function<Result<std::int64_t>(std::string_view counter, std::int64_t delta,
                                     std::int64_t floor)>
      count;
  /// Called now and then while the server is silent or away and there is nothing to do but wait:
  /// true gives it up.  A Commit whose answer was being sought then says kInDoubt.
  std::function<bool()> waiting;
  const Clock* clock = nullptr;  // outlives the engine; dates migrations; none: the machine's
};

}  // namespace reprise::runtime::postgres
