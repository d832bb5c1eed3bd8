/// `${VAR}`, `${VAR:default}`, `${VAR:}`, `${file:/path}` and `${{literal}}` in parsed scalars.
///
/// Never in bytes: what a variable holds cannot change a file's structure.  An empty variable
/// counts as unset, as an empty line of an environment file does.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "config/finding.h"

namespace reprise::runtime {

using Environment = std::function<std::optional<std::string>(const std::string& name)>;

/// The process's environment.
Environment SystemEnvironment();

/// Replaces in every value below `node` (keys stay as they are) and reports what cannot be.
void Interpolate(Node& node, const Environment& environment, Sink& sink);

}  // namespace reprise::runtime
