/// The YAML and the plugins that a command line names, for commands that run nothing.
#pragma once

#include <string>
#include <vector>

#include "app/cli.h"
#include "config/load.h"
#include "plugin/catalog.h"

namespace reprise::runtime {

struct Files {
  FoundPlugins found;
  Loaded loaded;
};

/// Reads everything; mistakes are findings.  Without paths, the current folder.
Files ReadFiles(const Options& options, const Environment& environment = SystemEnvironment());

/// The plugins alone: of --plugins, beside the binary, and of the deployment's plugin_path.
FoundPlugins ReadPlugins(const Options& options);

/// Prints the mistakes that keep a command from its work, if there are any.
bool PrintErrors(const Loaded& loaded);

}  // namespace reprise::runtime
