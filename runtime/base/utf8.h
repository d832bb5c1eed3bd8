/// UTF-8: is it, and what is in it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace reprise::runtime {

inline constexpr char32_t kNoCodePoint = 0xFFFD;

/// The code point of `text` at `at` < size, which moves past it.  kNoCodePoint, and one byte
/// further, where it is not UTF-8 (overlong forms and surrogates are not).
char32_t NextCodePoint(std::string_view text, std::size_t& at);

bool IsUtf8(std::string_view text);

/// How many code points well-formed UTF-8 has.
std::size_t Utf8Length(std::string_view utf8);

/// What is not UTF-8 becomes U+FFFD; no more than `bytes_max`, cut between code points.
std::string CleanUtf8(std::string_view text, std::size_t bytes_max);

}  // namespace reprise::runtime
