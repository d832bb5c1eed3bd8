/// What `ctest --output-junit` wrote.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace reprise::runtime {

struct CtestCase {
  std::string name;
  bool passed = false;
};

/// The test cases, in order; what is no such report has none.
std::vector<CtestCase> ReadCtestReport(std::string_view xml);

}  // namespace reprise::runtime
