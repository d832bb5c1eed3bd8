#include "plugin/library.h"

#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <vector>

#include <boost/dll/shared_library.hpp>
#include <elf.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <reprise/abi.h>

#include "base/utf8.h"
#include "plugin/values.h"

namespace reprise::runtime {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kListMax =
    256;  // of actions, fields, events..: more is a list without an end
constexpr std::size_t kStructBytesMax = 4096;  // a `size` beyond this is garbage

Error Bad(std::string message) {
  return Error{Code::kInvalid, std::move(message)};
}

template <class T>
bool Sane(const T* table) {
  return table->size <= kStructBytesMax;
}

std::string FaultOf(const reprise_action& action) {
  if (!Sane(&action) || !REPRISE_HAS(&action, run_do_all)) return "an action's table is too short";
  const std::string name = CleanUtf8(View(action.name), 64);
  if (action.create == nullptr || action.destroy == nullptr)
    return fmt::format("action '{}' has no create or destroy", name);
  if (action.run_do == nullptr) return fmt::format("action '{}' has no run_do", name);
  if (action.can_undo != 0 && action.run_undo == nullptr)
    return fmt::format("action '{}' has no run_undo", name);
  return {};
}

std::string FaultOf(const reprise_question& question) {
  if (!Sane(&question) || !REPRISE_HAS(&question, ask)) return "a question's table is too short";
  if (question.ask == nullptr)
    return fmt::format("question '{}' has no ask", CleanUtf8(View(question.name), 64));
  return {};
}

std::string FaultOf(const reprise_migration& migration) {
  return Sane(&migration) && REPRISE_HAS(&migration, postgres) ? ""
                                                               : "a migration's table is too short";
}

template <class Item>
std::string FaultOfEach(const Item* (*at)(std::size_t), const char* what) {
  if (at == nullptr) return {};
  for (std::size_t i = 0;; ++i) {
    const Item* const item = at(i);
    if (item == nullptr) return {};
    if (i >= kListMax) return fmt::format("its list of {} has no end", what);
    if (std::string fault = FaultOf(*item); !fault.empty()) return fault;
  }
}

std::string FaultOf(const reprise_plugin& plugin) {
  if (!Sane(&plugin) || !REPRISE_HAS(&plugin, start)) return "the plugin's table is too short";
  if (plugin.create == nullptr || plugin.destroy == nullptr)
    return "the plugin has no create or destroy";
  std::string fault = FaultOfEach(plugin.action_at, "actions");
  if (fault.empty()) fault = FaultOfEach(plugin.question_at, "questions");
  if (fault.empty()) fault = FaultOfEach(plugin.migration_at, "migrations");
  return fault;
}

/// Where the file really is, if it may be loaded.
Result<std::string> Admit(const std::string& folder, const std::string& file,
                          std::string& warning) {
  std::error_code error;
  const fs::path real = fs::canonical(file, error);
  if (error) return Bad(fmt::format("{}: {}.", file, error.message()));
  const fs::path real_folder = fs::canonical(folder, error);
  const fs::path inside = error ? fs::path("..") : real.lexically_relative(real_folder);
  if (inside.empty() || *inside.begin() == "..") {
    return Bad(fmt::format("{}: leads to {}, outside of {}. Put the file itself there.", file,
                           real.string(), folder));
  }
  struct stat of_file {
  }, of_folder{};
  if (::stat(real.c_str(), &of_file) != 0 || ::stat(real_folder.c_str(), &of_folder) != 0) {
    return Bad(fmt::format("{}: cannot be looked at.", file));
  }
  if (!S_ISREG(of_file.st_mode)) return Bad(fmt::format("{}: not a regular file.", file));
  if ((of_file.st_mode & S_IWOTH) != 0) {
    return Bad(fmt::format("{0}: everyone may write it, so it is not loaded. chmod o-w {0}", file));
  }
  if ((of_folder.st_mode & S_IWOTH) != 0 && (of_folder.st_mode & S_ISVTX) == 0) {
    return Bad(fmt::format("{}: everyone may write into {}, so it is not loaded. chmod o-w {}",
                           file, folder, folder));
  }
  if ((of_file.st_mode & S_IWGRP) != 0 && of_file.st_gid != ::getegid()) {
    warning =
        fmt::format("{}: its group may write it; whoever can write a plugin is the runtime", file);
  }
  return real.string();
}

/// What the linker said, out of Boost's sentence around it.
std::string LinkerWords(std::string_view what) {
  constexpr std::string_view kBefore = "dlerror system message: ";
  if (const std::size_t at = what.find(kBefore); at != std::string_view::npos)
    what.remove_prefix(at + kBefore.size());
  if (const std::size_t end = what.rfind("): "); end != std::string_view::npos)
    what = what.substr(0, end);
  return std::string(what);
}

/// Holds a library for as long as the process lives.
const boost::dll::shared_library& Keep(std::unique_ptr<boost::dll::shared_library> library) {
  static std::mutex mutex;
  static auto& kept = *new std::vector<std::unique_ptr<boost::dll::shared_library>>;
  const std::lock_guard lock(mutex);
  return *kept.emplace_back(std::move(library));
}

/// The ABI that a library without our symbol was built for, by the symbol it has; 0: none.
int OtherMajor(const boost::dll::shared_library& library) {
  for (int major = 0; major < 20; ++major) {
    if (major != REPRISE_ABI_MAJOR && library.has(fmt::format("reprise_entry_v{}", major)))
      return major;
  }
  return 0;
}

Error WrongMajor(const std::string& file, std::uint32_t major) {
  return Bad(fmt::format(
      "{}: built for plugin ABI {}; this runtime loads ABI {}. Rebuild it with sdk {}.x.", file,
      major, REPRISE_ABI_MAJOR, REPRISE_ABI_MAJOR));
}

}  // namespace

std::optional<std::string> FaultOf(const reprise_entry& entry) {
  try {
    if (!Sane(&entry) || !REPRISE_HAS(&entry, plugin)) return "the entry is too short";
    if (entry.plugin == nullptr) return "the entry names no plugin";
    std::string fault = FaultOf(*entry.plugin);
    if (fault.empty()) return std::nullopt;
    return fault;
  } catch (...) {  // a list function threw
    return "it threw while its tables were read";
  }
}

/// Whether the file holds all that its ELF header promises.  The loader maps what is missing and
/// the process dies of SIGBUS, so a copy that was cut off must be found before.
static bool Whole(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  const auto size = static_cast<std::uint64_t>(file.tellg());
  Elf64_Ehdr head{};
  file.seekg(0);
  if (!file.read(reinterpret_cast<char*>(&head), sizeof head))
    return true;  // NOLINT: the loader says it better
  if (std::memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 || head.e_ident[EI_CLASS] != ELFCLASS64)
    return true;
  if (head.e_shoff + std::uint64_t{head.e_shnum} * head.e_shentsize > size) return false;
  for (std::uint16_t i = 0; i < head.e_phnum; ++i) {
    Elf64_Phdr part{};
    file.seekg(static_cast<std::streamoff>(head.e_phoff + std::uint64_t{i} * head.e_phentsize));
    if (!file.read(reinterpret_cast<char*>(&part), sizeof part)) return false;  // NOLINT
    if (part.p_type == PT_LOAD && part.p_offset + part.p_filesz > size) return false;
  }
  return true;
}

Result<Library> OpenLibrary(const std::string& folder, const std::string& file) {
  Library library;
  Result<std::string> path = Admit(folder, file, library.warning);
  if (!path) return path.error();
  library.path = *path;
  if (!Whole(library.path)) {
    return Bad(
        fmt::format("{}: does not load: the file is cut off. Copy or build it again.", file));
  }

  auto opened = std::make_unique<boost::dll::shared_library>();
  const reprise_entry* entry = nullptr;
  try {
    opened->load(library.path, boost::dll::load_mode::rtld_now | boost::dll::load_mode::rtld_local);
    const boost::dll::shared_library& so = Keep(std::move(opened));
    if (!so.has("reprise_entry_v1")) {
      if (const int major = OtherMajor(so); major != 0)
        return WrongMajor(file, static_cast<std::uint32_t>(major));
      return Bad(
          fmt::format("{}: not a plugin: it exports no reprise_entry_v1. Name its actions in "
                      "REPRISE_PLUGIN(...) "
                      "and rebuild it.",
                      file));
    }
    entry = &so.get<const reprise_entry>("reprise_entry_v1");
  } catch (const std::exception& e) {
    return Bad(fmt::format("{}: does not load: {}. Rebuild it for this machine.", file,
                           LinkerWords(e.what())));
  }

  if (REPRISE_HAS(entry, abi_major) && entry->abi_major != REPRISE_ABI_MAJOR)
    return WrongMajor(file, entry->abi_major);
  if (const auto fault = FaultOf(*entry)) {
    return Bad(
        fmt::format("{}: its tables are broken (the plugin's fault): {}. Rebuild it with sdk {}.x.",
                    file, *fault, REPRISE_ABI_MAJOR));
  }
  library.plugin = entry->plugin;
  library.built_with = CleanUtf8(View(entry->built_with), 128);
  library.abi_minor = entry->abi_minor;
  return library;
}

}  // namespace reprise::runtime
