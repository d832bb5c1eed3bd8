#include "plugin/catalog.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include <fmt/format.h>

#include <reprise/abi.h>

#include "base/suggest.h"
#include "base/utf8.h"
#include "plugin/names.h"
#include "plugin/values.h"

namespace reprise::runtime {
namespace {

namespace fs = std::filesystem;

/// What is wrong with a plugin's own description of itself.  Thrown and caught in this file only.
struct Fault {
  std::string what;
};

std::string Text(reprise_str text) {
  return CleanUtf8(View(text), 16 * 1024);
}

std::string SqlText(reprise_str text) {
  if (!IsUtf8(View(text)) || View(text).find('\0') != std::string_view::npos)
    throw Fault{"a migration is not text"};
  return std::string(View(text));
}

std::optional<std::string> Maybe(reprise_str text) {
  if (text.data == nullptr) return std::nullopt;
  return Text(text);
}

/// Each name once, and one that may be.
class Names {
 public:
  Names(std::string what, bool (*allowed)(std::string_view))
      : what_(std::move(what)), allowed_(allowed) {}

  std::string Take(reprise_str name) {
    if (!allowed_(View(name)))
      throw Fault{fmt::format("{} may not be named '{}'", what_, CleanUtf8(View(name), 80))};
    if (!seen_.insert(std::string(View(name))).second)
      throw Fault{fmt::format("{} '{}' comes twice", what_, View(name))};
    return std::string(View(name));
  }

 private:
  const std::string what_;
  bool (*const allowed_)(std::string_view);
  std::set<std::string> seen_;
};

FieldType TypeOf(const reprise_field_spec& spec) {
  switch (spec.type) {
    case REPRISE_TEXT:
      return FieldType::kText;
    case REPRISE_INT:
      return FieldType::kInteger;
    case REPRISE_REAL:
      return FieldType::kReal;
    case REPRISE_BOOL:
      return FieldType::kBoolean;
    case REPRISE_DURATION:
      return FieldType::kDuration;
    case REPRISE_FIELD_NAME:
      return FieldType::kFieldName;
    case REPRISE_JSON:
    case REPRISE_OBJECT:
      return FieldType::kObject;
    case REPRISE_ARRAY:
      return FieldType::kArray;
    default:
      throw Fault{fmt::format("field '{}' has an unknown type, {}", Text(spec.name), spec.type)};
  }
}

/// Calls f(item) for each of a list that ends with null.
template <class Item, class F>
void Each(const Item* (*at)(std::size_t), const char* what, F f) {
  if (at == nullptr) return;
  for (std::size_t i = 0; const Item* const item = at(i); ++i) {
    if (i >= 256) throw Fault{fmt::format("its list of {} has no end", what)};
    f(*item);
  }
}

std::vector<FieldInfo> ReadFields(reprise_fields_fn at, const std::string& of) {
  std::vector<FieldInfo> fields;
  Names names("a field of " + of, IsFieldName);
  Each(at, "fields", [&](const reprise_field_spec& spec) {
    if (!REPRISE_HAS(&spec, max_text))
      throw Fault{"the table of a field of " + of + " is too short"};
    fields.push_back({names.Take(spec.name), Text(spec.doc), TypeOf(spec), spec.optional != 0,
                      spec.secret != 0, Maybe(spec.default_text), Maybe(spec.min_text),
                      Maybe(spec.max_text)});
  });
  return fields;
}

std::vector<ProblemInfo> ReadErrors(reprise_problems_fn at, const std::string& of) {
  std::vector<ProblemInfo> errors;
  Names names("an error of " + of, IsCode);
  Each(at, "errors", [&](const reprise_problem_spec& spec) {
    if (!REPRISE_HAS(&spec, http)) throw Fault{"the table of an error of " + of + " is too short"};
    if (spec.http < 400 || spec.http > 599) {
      throw Fault{
          fmt::format("error '{}' of {} has HTTP status {}", Text(spec.code), of, spec.http)};
    }
    errors.push_back({names.Take(spec.code), Text(spec.doc), spec.http});
  });
  return errors;
}

ActionInfo ReadAction(const reprise_action& action, std::string name) {
  ActionInfo info;
  const std::string of = "action '" + name + "'";
  info.name = std::move(name);
  info.summary = Text(action.summary);
  info.external = action.external != 0;
  info.idempotent = action.idempotent != 0;
  info.can_undo = action.can_undo != 0;
  info.reconciles = action.run_reconcile != nullptr;
  info.takes_all = action.run_do_all != nullptr && !info.external;
  info.in = ReadFields(action.in, of);
  info.with = ReadFields(action.with, of);
  info.errors = ReadErrors(action.error_at, of);
  Names events("an event of " + of, IsWord);
  Each(action.event_at, "events", [&](const reprise_event_spec& spec) {
    if (!REPRISE_HAS(&spec, added)) throw Fault{"the table of an event of " + of + " is too short"};
    const std::string event = events.Take(spec.name);
    info.events.push_back(
        {event, Text(spec.doc), spec.timer != 0, ReadFields(spec.added, "event '" + event + "'")});
  });
  return info;
}

QuestionInfo ReadQuestion(const reprise_question& question, std::string name) {
  const std::string of = "question '" + name + "'";
  return {std::move(name), Text(question.summary), ReadFields(question.in, of),
          ReadFields(question.out, of), ReadErrors(question.error_at, of)};
}

PluginInfo Read(const reprise_plugin& plugin, const std::string& path) {
  PluginInfo info;
  info.name = Names("a plugin", IsPluginName).Take(plugin.name);
  info.version = Text(plugin.version);
  info.summary = Text(plugin.summary);
  info.path = path;
  info.settings = ReadFields(plugin.setting_at, "the plugin");
  Names actions("an action", IsWord);
  Each(plugin.action_at, "actions", [&](const reprise_action& action) {
    info.actions.push_back(ReadAction(action, actions.Take(action.name)));
  });
  Names questions("a question", IsWord);
  Each(plugin.question_at, "questions", [&](const reprise_question& question) {
    info.questions.push_back(ReadQuestion(question, questions.Take(question.name)));
  });
  Each(plugin.migration_at, "migrations", [&](const reprise_migration& migration) {
    const int last = info.migrations.empty() ? 0 : info.migrations.back().number;
    if (migration.number <= last)
      throw Fault{fmt::format("migration {} does not follow {}", migration.number, last)};
    if (View(migration.sql).empty())
      throw Fault{fmt::format("migration {} is empty", migration.number)};
    info.migrations.push_back(
        {migration.number, SqlText(migration.sql), SqlText(migration.postgres)});
  });
  return info;
}

std::vector<std::string> LibrariesIn(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const fs::path& path = it->path();
    if (path.extension() == ".so" && path.filename().string().front() != '.')
      files.push_back(path.string());
  }
  std::ranges::sort(files);
  return files;
}

std::string StemOf(const std::string& path) {
  std::string stem = fs::path(path).stem().string();
  return stem.starts_with("lib") ? stem.substr(3) : stem;
}

}  // namespace

Result<PluginInfo> ReadPlugin(const reprise_plugin& plugin, const std::string& path) {
  const auto refuse = [&](std::string_view what) {
    return Error{
        Code::kInvalid,
        fmt::format(
            "{}: describes itself wrongly (the plugin's fault): {}. Correct and rebuild it.", path,
            what)};
  };
  try {
    return Read(plugin, path);
  } catch (const Fault& fault) {
    return refuse(fault.what);
  } catch (...) {
    return refuse("it threw while its tables were read");
  }
}

PluginCatalog FoundPlugins::catalog() const {
  PluginCatalog catalog;
  for (const auto& [name, found] : plugins) catalog.emplace(name, found.info);
  return catalog;
}

std::string FoundPlugins::WhyNot(const std::string& name) const {
  if (plugins.contains(name))
    return fmt::format("plugin '{}' is installed, but no pipeline of this start names it", name);
  for (const RefusedFile& file : refused) {
    const std::string stem = StemOf(file.path);
    if (stem == name || fs::path(file.path).stem() == name) return file.why;
  }
  std::vector<std::string> known;
  for (const auto& [plugin, found] : plugins) known.push_back(plugin);
  return fmt::format("there is no plugin '{}'{}", name, DidYouMean(name, known));
}

FoundPlugins FindPlugins(std::span<const std::string> folders) {
  FoundPlugins found;
  std::set<std::string> seen;  // a folder named twice is one folder
  for (const std::string& folder : folders) {
    std::error_code error;
    const fs::path real = fs::canonical(folder, error);
    if (error || !fs::is_directory(real, error)) {
      found.missing_folders.push_back(folder);
      continue;
    }
    if (!seen.insert(real.string()).second) continue;
    for (const std::string& file : LibrariesIn(folder)) {
      Result<Library> library = OpenLibrary(folder, file);
      if (!library) {
        found.refused.push_back({file, library.error().message});
        continue;
      }
      Result<PluginInfo> info = ReadPlugin(*library->plugin, file);
      if (!info) {
        found.refused.push_back({file, info.error().message});
        continue;
      }
      const std::string name = info->name;
      const auto [it, first] =
          found.plugins.try_emplace(name, FoundPlugin{*std::move(info), *std::move(library)});
      if (!first) {
        found.shadowed.push_back(
            fmt::format("{}: plugin '{}' is taken from {}", file, name, it->second.info.path));
      }
    }
  }
  return found;
}

}  // namespace reprise::runtime
