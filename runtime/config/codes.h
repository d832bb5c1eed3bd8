/// Every mistake that lint can find: its code, what it is, why it matters, and an example.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace reprise::runtime {

struct CodeInfo {
  std::string_view code, title;
  std::string_view why;      // what goes wrong, and the remedy
  std::string_view example;  // YAML that has the mistake
};

/// In the order of their codes.
std::span<const CodeInfo> AllCodes();

/// The entry of a code ("RPR021", "rpr021", "21"), or null.
const CodeInfo* FindCode(std::string_view code);

/// What `reprise explain CODE` prints.
std::string Explain(const CodeInfo& info);

}  // namespace reprise::runtime
