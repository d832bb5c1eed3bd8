// Which function serves which verb.

#include <map>

#include <fmt/core.h>

#include "app/commands.h"

namespace reprise::runtime {
namespace {

using Runner = int (*)(const Options&);

const std::map<std::string, Runner>& Commands() {
  static const std::map<std::string, Runner> kCommands = {
      {"run", RunRun},         {"demo", RunDemo},         {"test", RunTest},
      {"bench", RunBench},     {"saga", RunSaga},         {"dlq", RunDlq},
      {"publish", RunPublish}, {"backup", RunBackup},     {"doctor", RunDoctor},
      {"version", RunVersion}, {"explain", RunExplain},   {"lint", RunLint},
      {"config", RunConfig},   {"graph", RunGraph},       {"schema", RunSchema},
      {"plugin", RunPlugin},   {"simulate", RunSimulate}, {"audit", RunAudit},
      {"lane", RunLane},
  };
  return kCommands;
}

}  // namespace

int Dispatch(const Options& options) {
  const auto command = Commands().find(options.verb);
  if (command != Commands().end()) return command->second(options);
  fmt::print(stderr, "reprise: '{}' is not in this build\n", options.verb);
  return exit_code::kUsage;
}

}  // namespace reprise::runtime
