/// Words for a shell.
#pragma once

#include <string>
#include <string_view>

namespace reprise::runtime {

/// What sh(1) takes as one word, whatever is in it.
inline std::string Quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

}  // namespace reprise::runtime
