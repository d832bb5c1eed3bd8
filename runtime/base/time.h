/// Instants and durations: milliseconds since the Unix epoch, in the journal's clock.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace reprise::runtime {

using Millis = std::chrono::milliseconds;
using Time = std::chrono::sys_time<Millis>;

inline std::int64_t ToMillis(Time t) {
  return t.time_since_epoch().count();
}
inline Time FromMillis(std::int64_t ms) {
  return Time(Millis(ms));
}

/// RFC 3339 UTC with milliseconds: 2026-11-22T05:02:11.031Z.
std::string Rfc3339(Time t);

/// The inverse of Rfc3339; nothing if the text is not exactly of that form.
std::optional<Time> ParseRfc3339(std::string_view text);

/// "100ms", "5s", "5m", "1h30m", "7d".  Nothing for anything else, also negative and overflowing.
std::optional<Millis> ParseDuration(std::string_view text);

/// The shortest exact form: 90s -> "1m30s", 0 -> "0s".
std::string FormatDuration(Millis d);

}  // namespace reprise::runtime
