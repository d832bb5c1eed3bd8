/// What the plugin folders hold: every plugin that loads, described, and every file that does not,
/// why.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "model/catalog.h"
#include "plugin/library.h"

namespace reprise::runtime {

struct FoundPlugin {
  PluginInfo info;
  Library library;
};

/// A file that was not taken.
struct RefusedFile {
  std::string path, why;  // why: a whole line that names the path
};

struct FoundPlugins {
  std::map<std::string, FoundPlugin> plugins;
  std::vector<RefusedFile> refused;
  std::vector<std::string> shadowed;  // lines: a plugin that an earlier folder also has
  std::vector<std::string> missing_folders;

  PluginCatalog catalog() const;

  /// Why a plugin cannot be had: the refused file of that name, or the nearest name.
  std::string WhyNot(const std::string& name) const;
};

/// Looks through `folders` in order; of two plugins of one name the first wins.  Files are taken in
/// the order of their names.  A file that does not load stops no other.
FoundPlugins FindPlugins(std::span<const std::string> folders);

/// Reads a plugin's tables.  Refuses names and types that YAML, metrics and SQL could not carry.
Result<PluginInfo> ReadPlugin(const reprise_plugin& plugin, const std::string& path);

}  // namespace reprise::runtime
