/// The folder of a new plugin: code, tests, CMake, README and a pipeline, which build and pass as
/// they are.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace reprise::runtime {

/// A lower-case letter, then lower-case letters, digits and hyphens: 1 to 48 characters.  kInvalid
/// says what is wrong.
Status CheckNewPluginName(const std::string& name);

/// Path within the folder, and content.
std::vector<std::pair<std::string, std::string>> Scaffold(const std::string& name);

/// Writes the scaffold into `folder`, made with its parents.  kConflict: there is something in it;
/// nothing is written over.  Answers the paths written, in order.
Result<std::vector<std::string>> WriteScaffold(const std::string& name, const std::string& folder);

}  // namespace reprise::runtime
