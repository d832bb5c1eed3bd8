// reprise backup FILE

#include <filesystem>

#include <fmt/core.h>

#include "app/commands.h"
#include "app/remote.h"

namespace reprise::runtime {

int RunBackup(const Options& options) {
  std::error_code error;
  const std::filesystem::path to = std::filesystem::absolute(options.path, error);
  Answer failed;
  const std::unique_ptr<Remote> remote = OpenRemote(options, failed);
  if (!remote) return ExitOf(failed);
  const Answer answer = remote->Post({"backup"}, {{"file", error ? options.path : to.string()}});
  if (!answer.ok()) return ExitOf(answer);
  if (options.json()) {
    fmt::print("{}\n", json::serialize(answer.body));
  } else {
    fmt::print(stderr, "✓ everything is in {}   look at it: reprise saga list --file {}\n",
               to.string(), to.string());
  }
  return exit_code::kOk;
}

}  // namespace reprise::runtime
