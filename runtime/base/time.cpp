#include "base/time.h"

#include <array>
#include <cstdio>
#include <limits>

#include <fmt/format.h>

namespace reprise::runtime {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t ms;
};
constexpr std::array<Unit, 5> kUnits{
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}}};

std::optional<std::int64_t> UnitOf(std::string_view name) {
  for (const Unit& unit : kUnits) {
    if (unit.name == name) return unit.ms;
  }
  return std::nullopt;
}

bool Digit(char c) {
  return c >= '0' && c <= '9';
}

std::optional<int> Digits(std::string_view text, size_t at, size_t n) {
  int value = 0;
  for (size_t i = at; i < at + n; ++i) {
    if (!Digit(text[i])) return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

}  // namespace

std::string Rfc3339(Time t) {
  const auto day = std::chrono::floor<std::chrono::days>(t);
  const std::chrono::year_month_day ymd(day);
  const std::chrono::hh_mm_ss clock(t - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(ymd.year()),
                     static_cast<unsigned>(ymd.month()), static_cast<unsigned>(ymd.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

std::optional<Time> ParseRfc3339(std::string_view text) {
  constexpr std::string_view kShape = "dddd-dd-ddTdd:dd:dd.dddZ";
  if (text.size() != kShape.size()) return std::nullopt;
  for (size_t i = 0; i < kShape.size(); ++i) {
    if (kShape[i] == 'd' ? !Digit(text[i]) : text[i] != kShape[i]) return std::nullopt;
  }
  const std::chrono::year_month_day ymd{
      std::chrono::year(*Digits(text, 0, 4)),
      std::chrono::month(static_cast<unsigned>(*Digits(text, 5, 2))),
      std::chrono::day(static_cast<unsigned>(*Digits(text, 8, 2)))};
  const int hour = *Digits(text, 11, 2), minute = *Digits(text, 14, 2),
            second = *Digits(text, 17, 2);
  if (!ymd.ok() || hour > 23 || minute > 59 || second > 59) return std::nullopt;
  return Time(std::chrono::sys_days(ymd)) + std::chrono::hours(hour) +
         std::chrono::minutes(minute) + std::chrono::seconds(second) + Millis(*Digits(text, 20, 3));
}

std::optional<Millis> ParseDuration(std::string_view text) {
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max() / 4;
  if (text.empty()) return std::nullopt;
  std::int64_t total = 0;
  std::int64_t last_unit = kMax;
  size_t i = 0;
  while (i < text.size()) {
    if (!Digit(text[i])) return std::nullopt;
    std::int64_t number = 0;
    while (i < text.size() && Digit(text[i])) {
      number = number * 10 + (text[i++] - '0');
      if (number > 1'000'000'000'000) return std::nullopt;
    }
    const size_t from = i;
    while (i < text.size() && !Digit(text[i])) ++i;
    const auto unit = UnitOf(text.substr(from, i - from));
    if (!unit || *unit >= last_unit) return std::nullopt;
    last_unit = *unit;
    if (number > (kMax - total) / *unit) return std::nullopt;
    total += number * *unit;
  }
  return Millis(total);
}

std::string FormatDuration(Millis d) {
  std::int64_t left = d.count();
  if (left == 0) return "0s";
  std::string out = left < 0 ? "-" : "";
  left = left < 0 ? -left : left;
  for (const Unit& unit : kUnits) {
    if (left < unit.ms) continue;
    out += fmt::format("{}{}", left / unit.ms, unit.name);
    left %= unit.ms;
  }
  return out;
}

}  // namespace reprise::runtime
