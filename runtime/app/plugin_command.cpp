// reprise plugin list|describe; new and test have files of their own

#include <fmt/core.h>
#include <fmt/ranges.h>

#include "app/commands.h"
#include "app/loading.h"
#include "app/terminal.h"
#include "plugin/describe.h"

namespace reprise::runtime {
namespace {

template <class Parts>
std::string Names(const Parts& parts) {
  std::vector<std::string> names;
  names.reserve(parts.size());
  for (const auto& part : parts) names.push_back(part.name);
  return names.empty() ? "–" : fmt::format("{}", fmt::join(names, " "));
}

int List(const Options& options, const FoundPlugins& found) {
  json::array all;
  Table table({"PLUGIN", "VERSION", "ACTIONS", "QUESTIONS", "PATH"});
  for (const auto& [name, plugin] : found.plugins) {
    all.push_back(json::object{{"name", name},
                               {"version", plugin.info.version},
                               {"about", plugin.info.summary},
                               {"path", plugin.info.path}});
    table.Add({name, plugin.info.version, Names(plugin.info.actions), Names(plugin.info.questions),
               plugin.info.path});
  }
  if (options.json()) {
    fmt::print("{}\n", json::serialize(json::object{{"plugins", std::move(all)}}));
  } else if (!found.plugins.empty()) {
    fmt::print("{}", table.Text(StdoutLook()));
  }
  std::fflush(stdout);
  for (const RefusedFile& refused : found.refused) fmt::print(stderr, "✗ {}\n", refused.why);
  for (const std::string& line : found.shadowed) fmt::print(stderr, "! {}\n", line);
  for (const std::string& folder : found.missing_folders) {
    fmt::print(stderr, "! there is no folder {}\n", folder);
  }
  if (found.plugins.empty()) {
    fmt::print(stderr, "no plugins; name a folder with --plugins\n");
  } else {
    fmt::print(stderr, "next: reprise plugin describe {}\n", found.plugins.begin()->first);
  }
  return found.refused.empty() ? exit_code::kOk : exit_code::kProblems;
}

int Describe(const Options& options, const FoundPlugins& found) {
  const auto plugin = found.plugins.find(options.name);
  if (plugin == found.plugins.end()) {
    fmt::print(stderr, "reprise: {}\n", found.WhyNot(options.name));
    return exit_code::kNotFound;
  }
  if (options.json()) {
    fmt::print("{}\n", json::serialize(JsonOf(plugin->second.info)));
  } else {
    fmt::print("{}", MarkdownOf(plugin->second.info));
  }
  return exit_code::kOk;
}

}  // namespace

int RunPlugin(const Options& options) {
  if (options.action == "list") return List(options, ReadPlugins(options));
  if (options.action == "describe") return Describe(options, ReadPlugins(options));
  return options.action == "new" ? RunPluginNew(options) : RunPluginTest(options);
}

}  // namespace reprise::runtime
