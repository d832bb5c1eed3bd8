/// Instants and durations: milliseconds since the Unix epoch, by the journal's clock.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

namespace reprise {

using Millis = std::chrono::milliseconds;
using Time = std::chrono::sys_time<Millis>;

constexpr std::int64_t ToMillis(Time t) {
  return t.time_since_epoch().count();
}
constexpr Time FromMillis(std::int64_t ms) {
  return Time(Millis(ms));
}

/// RFC 3339 UTC with milliseconds: 2026-11-22T05:02:11.031Z.
inline std::string Rfc3339(Time t) {
  const auto day = std::chrono::floor<std::chrono::days>(t);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss<Millis> clock(t - day);
  std::array<char, 48> text{};
  const int n = std::snprintf(
      text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ",
      static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
      static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
      static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()),
      static_cast<int>(clock.subseconds().count()));
  return std::string(text.data(), static_cast<std::size_t>(n));
}

/// The inverse of Rfc3339; the fraction may be missing or have 1 to 9 digits (cut to milliseconds).
/// Nothing if the text is anything else.
inline std::optional<Time> ParseRfc3339(std::string_view text) {
  if (text.size() < 20 || text.back() != 'Z') return std::nullopt;
  bool good = true;
  const auto number = [&](std::size_t from, std::size_t digits) {
    int value = 0;
    for (const char c : text.substr(from, digits)) {
      good = good && c >= '0' && c <= '9';
      value = value * 10 + (c - '0');
    }
    return value;
  };
  const auto mark = [&](std::size_t at, char c) { good = good && text[at] == c; };
  const std::chrono::year_month_day date(std::chrono::year(number(0, 4)),
                                         std::chrono::month(static_cast<unsigned>(number(5, 2))),
                                         std::chrono::day(static_cast<unsigned>(number(8, 2))));
  const int hour = number(11, 2), minute = number(14, 2), second = number(17, 2);
  mark(4, '-'), mark(7, '-'), mark(10, 'T'), mark(13, ':'), mark(16, ':');
  int ms = 0;
  if (text.size() > 20) {
    const std::size_t digits = text.size() - 21;
    mark(19, '.');
    if (!good || digits < 1 || digits > 9) return std::nullopt;
    number(20, digits);
    for (std::size_t i = 0; i < 3; ++i) ms = ms * 10 + (i < digits ? number(20 + i, 1) : 0);
  }
  if (!good || !date.ok() || hour > 23 || minute > 59 || second > 59) return std::nullopt;
  return Time(std::chrono::sys_days(date)) + std::chrono::hours(hour) +
         std::chrono::minutes(minute) + std::chrono::seconds(second) + Millis(ms);
}

}  // namespace reprise
