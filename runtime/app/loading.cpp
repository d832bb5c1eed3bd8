#include "app/loading.h"

#include <fmt/core.h>

#include "app/assembly.h"
#include "config/report.h"

namespace reprise::runtime {
namespace {

std::vector<std::string> PathsOf(const Options& options) {
  return options.paths.empty() ? std::vector<std::string>{"."} : options.paths;
}

LoadOptions LoadingOf(const Options& options) {
  LoadOptions load;
  load.config = options.config;
  return load;
}

}  // namespace

FoundPlugins ReadPlugins(const Options& options) {
  Deployment deployment;
  if (!options.paths.empty() || !options.config.empty()) {
    deployment = PeekDeployment(options.paths, SystemEnvironment(), LoadingOf(options));
  }
  return FindPlugins(PluginFolders(options.plugins, deployment));
}

Files ReadFiles(const Options& options, const Environment& environment) {
  const std::vector<std::string> paths = PathsOf(options);
  const LoadOptions load = LoadingOf(options);
  Files files;
  const Deployment deployment = PeekDeployment(paths, environment, load);
  files.found = FindPlugins(PluginFolders(options.plugins, deployment));
  files.loaded = Load(paths, files.found.catalog(), environment, load);
  return files;
}

bool PrintErrors(const Loaded& loaded) {
  if (!HasErrors(loaded.findings)) return false;
  fmt::print(stderr, "{}{}\n", RenderText(loaded.findings),
             Summary(loaded.findings, loaded.files.size()));
  return true;
}

}  // namespace reprise::runtime
