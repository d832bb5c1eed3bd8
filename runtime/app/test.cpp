/// `reprise test`: the cases of *.test.yaml, without servers or on the cluster's.
#include <algorithm>
#include <filesystem>

#include <fmt/core.h>

#include "app/commands.h"
#include "app/loading.h"
#include "app/pipeline_test.h"
#include "base/log.h"
#include "config/report.h"

namespace reprise::runtime {
namespace {

void Print(const CaseResult& result, bool verbose) {
  const bool good = result.failures.empty();
  if (good && !verbose) return;
  fmt::print(
      "{} {}: {}{}\n", good ? "ok  " : "FAIL", result.pipeline, result.name,
      result.runs > 1 ? fmt::format(" (and a crash at each of {} commits)", result.runs - 1) : "");
  for (const std::string& failure : result.failures) fmt::print("     {}\n", failure);
}

json::object Json(const CaseResult& result) {
  json::array failures;
  for (const std::string& failure : result.failures) failures.emplace_back(failure);
  return {{"pipeline", result.pipeline},
          {"case", result.name},
          {"file", result.file},
          {"line", result.line},
          {"runs", result.runs},
          {"ok", result.failures.empty()},
          {"failures", std::move(failures)}};
}

/// Of the paths, those of test files: they alone are played.  Their pipelines are beside them, so
/// the folder stands in the file's place, once.
std::vector<std::filesystem::path> TestFilesAmong(std::vector<std::string>& paths) {
  std::vector<std::filesystem::path> wanted;
  std::vector<std::string> read;
  for (std::string& path : paths) {
    if (path.ends_with(".test.yaml")) {
      wanted.emplace_back(path);
      path = wanted.back().parent_path().string();
      if (path.empty()) path = ".";
    }
    if (std::ranges::find(read, path) == read.end()) read.push_back(path);
  }
  paths = std::move(read);
  return wanted;
}

bool IsWanted(const TestFile& file, const std::vector<std::filesystem::path>& wanted) {
  std::error_code error;
  return wanted.empty() || std::ranges::any_of(wanted, [&](const std::filesystem::path& path) {
           return std::filesystem::equivalent(path, file.file, error);
         });
}

}  // namespace

int RunTest(const Options& given) {
  SetLogLevel(LogLevel::kOff);  // failing steps are what is tested
  Options options = given;
  const auto wanted = TestFilesAmong(options.paths);
  for (const auto& path : wanted) {
    if (std::filesystem::exists(path)) continue;
    fmt::print(stderr, "reprise: there is no {}\n", path.string());
    return exit_code::kUsage;
  }
  World::Setup setup;
  setup.paths = options.paths;
  setup.config = options.config;
  setup.plugin_folders = options.plugins;
  const Loaded loaded = ReadFiles(options, setup.environment).loaded;
  if (HasErrors(loaded.findings)) {
    fmt::print(stderr, "{}", RenderText(loaded.findings));
    return exit_code::kProblems;
  }
  setup.loaded = std::make_shared<const Loaded>(loaded);
  if (options.engine.value_or("embedded") == "cluster") {
    Deployment deployment = loaded.deployment;
    (void)ApplyOverrides(deployment, setup.environment, {});  // they are in it already
    auto servers = WorldServers::Open(deployment);
    if (!servers) {
      fmt::print(stderr, "{}\n", servers.error().message);
      return exit_code::kUnreachable;
    }
    setup.servers = std::move(*servers);
  }
  int cases = 0, failed = 0, runs = 0;
  json::array all;
  for (const TestFile& file : loaded.tests) {
    if (!IsWanted(file, wanted)) continue;
    for (const TestCase& test : file.cases) {
      if (test.name.find(options.filter) == std::string::npos) continue;
      const CaseResult result = RunCase(file, test, setup);
      ++cases;
      runs += result.runs;
      failed += result.failures.empty() ? 0 : 1;
      if (options.json()) {
        all.push_back(Json(result));
      } else {
        Print(result, true);
      }
    }
  }
  if (options.json()) fmt::print("{}\n", json::serialize(all));
  if (cases == 0) {
    fmt::print(stderr, "no case was found; a test file's first key is `test:`\n");
    return exit_code::kProblems;
  }
  fmt::print(stderr, "{} passed, {} failed ({} runs)\n", cases - failed, failed, runs);
  return failed == 0 ? exit_code::kOk : exit_code::kProblems;
}

}  // namespace reprise::runtime
