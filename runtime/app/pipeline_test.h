/// Runs the cases of `*.test.yaml` on a World and says what was not as expected.
#pragma once

#include <string>
#include <vector>

#include "app/world.h"
#include "config/tests.h"

namespace reprise::runtime {

struct CaseResult {
  std::string pipeline, name, file;
  int line = 0;
  int runs = 0;  // 1, and one more for every crash point
  std::vector<std::string> failures;
};

/// `setup` without faults: the case brings them.
CaseResult RunCase(const TestFile& file, const TestCase& test, World::Setup setup);

}  // namespace reprise::runtime
