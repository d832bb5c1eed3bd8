#include "base/backoff.h"

#include <algorithm>
#include <cmath>

namespace reprise::runtime {

Millis BackoffDelay(const RetryPolicy& policy, std::uint32_t attempt, std::uint64_t salt) {
  if (attempt <= policy.immediate) return Millis(0);
  const double exponent = std::min(64.0, static_cast<double>(attempt - policy.immediate - 1));
  const double wanted =
      static_cast<double>(policy.first.count()) * std::pow(policy.factor, exponent);
  const double capped = std::min(wanted, static_cast<double>(policy.max.count()));
  const double unit =
      static_cast<double>((salt * 0x9E3779B97F4A7C15ULL) >> 11) / 9007199254740992.0;
  const double spread = 1 - policy.jitter + 2 * policy.jitter * unit;
  return Millis(static_cast<std::int64_t>(capped * spread));
}

}  // namespace reprise::runtime
