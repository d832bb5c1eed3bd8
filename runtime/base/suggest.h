/// The nearest known name to a mistyped one: "did you mean 'hold_for'?".
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace reprise::runtime {

/// The closest of `known` by edit distance (with transpositions), or empty if none is near enough.
std::string Nearest(std::string_view word, std::span<const std::string> known);

/// "; did you mean 'x'?" or empty: to be appended to a message.
std::string DidYouMean(std::string_view word, std::span<const std::string> known);

}  // namespace reprise::runtime
