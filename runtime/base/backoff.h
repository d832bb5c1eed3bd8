/// When to try again.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace reprise::runtime {

struct RetryPolicy {
  std::uint32_t attempts = 8;   // tries in all, the immediate ones included
  std::uint32_t immediate = 2;  // of those, how many follow at once
  Millis first{200};            // the first parked delay
  double factor = 2;
  Millis max{30'000};
  double jitter = 0.2;  // a delay is taken from [d * (1 - jitter), d * (1 + jitter)]
};

/// Delay before the next attempt, once attempt number `attempt` (1, 2, ...) has failed.
///
/// Pure: `salt` decides the jitter.  Zero while immediate tries are left.  Never above
/// max * (1 + jitter), never overflows.
/// Source  "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
Millis BackoffDelay(const RetryPolicy& policy, std::uint32_t attempt, std::uint64_t salt);

}  // namespace reprise::runtime
