/// Which reprise this is.
#pragma once

#include <string_view>

namespace reprise::runtime {

inline constexpr std::string_view kVersion = "1.0.0";  // a test compares it with CMakeLists.txt
inline constexpr std::string_view kAbi = "1.0";        // of plugins

/// The commit it was built from: 12 hex digits, or "unknown" where there was no git.
std::string_view Commit();

}  // namespace reprise::runtime
