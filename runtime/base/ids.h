/// Identifiers: UUIDv7 for sagas (time-ordered), UUIDv5 for everything derived (RFC 9562).
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace reprise::runtime {

struct Uuid {
  std::array<std::uint8_t, 16> bytes{};

  auto operator<=>(const Uuid&) const = default;
  bool nil() const { return *this == Uuid{}; }
  std::string_view view() const {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

  /// 8-4-4-4-12 lower-case hex.
  std::string ToString() const;
  static std::optional<Uuid> Parse(std::string_view text);

  /// From the 16 raw bytes of a database column.
  static std::optional<Uuid> FromBytes(std::string_view raw);
};

/// UUIDv7s that rise strictly, also within a millisecond and when the clock steps back.
class UuidV7 {  // Threads: one.
 public:
  explicit UuidV7(std::uint64_t seed);
  Uuid Next(Time now);

 private:
  std::uint64_t Random();

  std::uint64_t state_;
  std::int64_t last_ms_ = 0;
  std::uint32_t counter_ = 0;  // 26 bits
};

/// A UUIDv5 of `parts` joined by a zero byte, in the namespace of `space`.
Uuid Derived(const Uuid& space, std::initializer_list<std::string_view> parts);

/// A UUIDv7-shaped id whose time is `at` and whose other bits are a hash of `parts`.
Uuid DerivedAt(Time at, std::initializer_list<std::string_view> parts);

/// SHA-256 in lower-case hex.
std::string Sha256(std::string_view bytes);

/// Lower-case, two digits for each byte.
std::string Hex(std::string_view bytes);

}  // namespace reprise::runtime

template <>
struct std::hash<reprise::runtime::Uuid> {
  std::size_t operator()(const reprise::runtime::Uuid& id) const noexcept {
    std::uint64_t low = 0;
    std::memcpy(&low, id.bytes.data() + 8, 8);
    std::uint64_t high = 0;
    std::memcpy(&high, id.bytes.data(), 8);
    return static_cast<std::size_t>(low ^ (high * 0x9E3779B97F4A7C15ULL));
  }
};
