/// Twenty planted bugs, of which a build for tests can wake one: see tests/mutants/README.md.
///
///   if (MUTANT(3)) return true;  // row 3: ...
///
/// Without the CMake option REPRISE_MUTANTS the condition is the constant false, and no code.
#pragma once

#ifdef REPRISE_MUTANTS

#include <cstdlib>

namespace reprise::runtime {

/// The bug that is awake: what REPRISE_MUTANT says, else the number this build was given, 0: none.
inline int Mutant() {
  static const int awake = [] {
    const char* const named = std::getenv("REPRISE_MUTANT");
    return named != nullptr ? std::atoi(named) : REPRISE_MUTANTS;
  }();
  return awake;
}

}  // namespace reprise::runtime

#define MUTANT(n) (::reprise::runtime::Mutant() == (n))

#else
#define MUTANT(n) false
#endif
