// reprise plugin new

#include <fmt/core.h>

#include "app/commands.h"
#include "app/scaffold.h"

namespace reprise::runtime {

int RunPluginNew(const Options& options) {
  const std::string folder = options.dir.empty() ? options.name : options.dir;
  if (Status fine = CheckNewPluginName(options.name); !fine) {
    fmt::print(stderr, "reprise: {}\n", fine.error().message);
    return exit_code::kUsage;
  }
  const auto written = WriteScaffold(options.name, folder);
  if (!written) {
    fmt::print(stderr, "reprise: {}\n", written.error().message);
    return exit_code::kProblems;
  }
  for (const std::string& file : *written) fmt::print("{}\n", file);
  std::fflush(stdout);
  fmt::print(stderr, "next: cd {} && reprise plugin test && reprise lint pipeline\n", folder);
  return exit_code::kOk;
}

}  // namespace reprise::runtime
