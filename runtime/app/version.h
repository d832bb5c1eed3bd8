/// Which reprise this is.
#pragma once

#include <string_view>

namespace reprise::runtime {

inline constexpr std::string_view kVersion = "1.0.0";  // a test compares it with CMakeLists.txt
inline constexpr std::string_view kAbi = "1.0";        // of plugins

}  // namespace reprise::runtime
