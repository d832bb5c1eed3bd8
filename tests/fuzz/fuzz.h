/// What every fuzz target needs: an input whose first byte chooses, and a claim that must hold.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace reprise::fuzz {

/// Ends the process, which libFuzzer takes for a finding.
inline void Must(bool holds, const char* claim) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", claim);
  std::abort();
}

struct Choice {
  unsigned which = 0;     // the first byte, as text `0`..: so that seeds can be written by hand
  std::string_view rest;  // empty, never null
};

inline Choice Choose(const std::uint8_t* data, std::size_t size, unsigned of) {
  if (size == 0) return {0, ""};
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  return {(data[0] + 256U - '0') % 256U % of, rest};
}

}  // namespace reprise::fuzz
