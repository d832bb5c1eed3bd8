// reprise config print [PATH...]

#include <fmt/core.h>

#include "app/commands.h"
#include "app/loading.h"

namespace reprise::runtime {

int RunConfig(const Options& options) {
  const Files files = ReadFiles(options);
  const bool bad = PrintErrors(files.loaded);
  fmt::print("{}", Print(files.loaded.deployment, files.found.catalog()));
  std::fflush(stdout);
  if (files.loaded.deployment.file.empty()) {
    fmt::print(stderr, "there is no runtime file; all of this is default\n");
  }
  return bad ? exit_code::kProblems : exit_code::kOk;
}

}  // namespace reprise::runtime
