#include "base/utf8.h"

#include <array>
#include <cstdint>
#include <cstring>

namespace reprise::runtime {

char32_t NextCodePoint(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(at++);
  if (lead < 0x80) return lead;
  const std::size_t more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
  if (lead < 0xC2 || lead > 0xF4 || at + more > text.size()) return kNoCodePoint;
  char32_t point = lead & (0x3FU >> more);
  for (std::size_t i = 0; i < more; ++i) {
    if ((byte(at + i) & 0xC0) != 0x80) return kNoCodePoint;
    point = point << 6 | (byte(at + i) & 0x3FU);
  }
  constexpr std::array<char32_t, 4> kLeast{0, 0x80, 0x800, 0x10000};
  if (point < kLeast[more] || point > 0x10FFFF || (point >= 0xD800 && point < 0xE000))
    return kNoCodePoint;
  at += more;
  return point;
}

bool IsUtf8(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    for (std::uint64_t word = 0; at + 8 <= text.size(); at += 8) {  // ASCII, eight at a time
      std::memcpy(&word, text.data() + at, 8);
      if ((word & 0x8080808080808080ULL) != 0) break;
    }
    if (at >= text.size()) break;
    const std::size_t from = at;
    if (NextCodePoint(text, at) == kNoCodePoint && at - from != 3)
      return false;  // U+FFFD itself takes three
  }
  return true;
}

std::size_t Utf8Length(std::string_view utf8) {
  std::size_t count = 0;
  for (const char c : utf8) count += (static_cast<unsigned char>(c) & 0xC0U) != 0x80U ? 1 : 0;
  return count;
}

std::string CleanUtf8(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max && IsUtf8(text)) return std::string(text);
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t from = at;
    const bool good = NextCodePoint(text, at) != kNoCodePoint;
    const std::string_view piece = good ? text.substr(from, at - from) : "\xEF\xBF\xBD";
    if (out.size() + piece.size() > bytes_max) break;
    out += piece;
  }
  return out;
}

}  // namespace reprise::runtime
