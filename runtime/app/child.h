/// A program that is run to its end.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"

namespace reprise::runtime {

/// Runs it, with what it says on stdout and stderr added to `log`, and answers its exit code (128 +
/// n if signal n ended it).  kNotFound: there is no such program.
Result<int> RunChild(const std::vector<std::string>& command, const std::filesystem::path& log);

}  // namespace reprise::runtime
