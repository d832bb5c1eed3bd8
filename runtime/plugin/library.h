/// One plugin's .so: found, checked and loaded, or one line that says why not.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"

struct reprise_plugin;  // abi.h, which only this folder needs to see
struct reprise_entry;

namespace reprise::runtime {

/// A loaded .so.  Never unloaded: a .so with thread-local destructors or unique symbols would come
/// back with its old statics.  A new version of a plugin is a new process.
struct Library {
  std::string path;  // resolved
  const reprise_plugin* plugin = nullptr;
  std::string built_with, warning;  // warning: a person should look, nothing is broken
  std::uint32_t abi_minor = 0;
};

/// Loads `file`, which must lie in `folder` (after links are resolved), be a regular file and not
/// be writable by everyone, as must its folder: whoever can write a plugin is the runtime. Writable
/// by its group is a warning.
///
/// The error's message is one line: path, what it is, what this runtime loads, remedy.
Result<Library> OpenLibrary(const std::string& folder, const std::string& file);

/// Whether the tables have every field of ABI 1.0 and every pointer a host calls; else what is
/// wrong.
std::optional<std::string> FaultOf(const reprise_entry& entry);

}  // namespace reprise::runtime
