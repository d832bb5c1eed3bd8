#include "app/scaffold.h"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace reprise::runtime {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kNameMax = 48;  // the pipeline's and the tables' names are made of it

// What is in every file: @NAME@ reward-points, @CLASS@ RewardPoints, @WORD@ reward_points.
constexpr const char* kSource = R"file(/// @NAME@: what it is for, in a sentence.
#include <reprise/plugin.hpp>

namespace @WORD@_plugin {
using namespace reprise;

class @CLASS@Plugin : public Plugin<> {
 public:
  static constexpr About kAbout{"@NAME@", "0.1.0", "What it is for, in a sentence."};
  // Each runs once; tables begin with the plugin's name.
  static constexpr Migration kMigrations[] = {
      {1, "CREATE TABLE @WORD@_entry (name TEXT PRIMARY KEY, saga TEXT NOT NULL)"}};
};

/// What a step is given: fields of its saga's payload.
struct Entry {
  std::string name;
  static void Describe(auto& d) { d("name", &Entry::name, "of the entry"); }
};

class Note : public Action<@CLASS@Plugin, Entry> {
 public:
  static constexpr About kAbout{.name = "note", .summary = "Notes an entry."};
  static constexpr std::tuple kEvents{Event<>{"noted", "The entry is there."}};
  static constexpr Problem kErrors[] = {{"already_noted", 409, "The entry was there before."}};

  /// Its rows and its event take effect together, or not at all.
  Outcome Do(Context& ctx, const Entry& in) const override {
    auto rows = ctx.Query("INSERT INTO @WORD@_entry VALUES ($1, $2) ON CONFLICT DO NOTHING",
                          in.name, ctx.saga_id());
    if (!rows) return rows.error();
    return rows->affected() == 1 ? Outcome(ctx.Emit("noted")) : Fail("already_noted", in.name);
  }

  /// May come after anything, also twice: takes back what the tables say this saga did.
  Outcome Undo(Context& ctx, const Entry& in) const override {
    return ctx.Query("DELETE FROM @WORD@_entry WHERE name = $1 AND saga = $2", in.name,
                     ctx.saga_id());
  }
};

REPRISE_PLUGIN(@CLASS@Plugin, Note);

}  // namespace @WORD@_plugin
)file";

constexpr const char* kTest = R"file(#include "@NAME@.cpp"

#include <gtest/gtest.h>

#include <reprise/testkit.hpp>

using @WORD@_plugin::Note;

TEST(Note, NotesAnEntryOnce) {
  reprise::Kit<Note> kit;
  EXPECT_EQ(kit.Do({.name = "Ada"}).event, "noted");
  EXPECT_EQ(kit.Do({.name = "Ada"}).code, "already_noted");
  EXPECT_EQ(kit.Sql("SELECT name FROM @WORD@_entry"), "Ada");
}

TEST(Note, TakesItBack) {
  reprise::Kit<Note> kit;
  kit.Do({.name = "Ada"});
  kit.Undo();
  EXPECT_EQ(kit.Sql("SELECT count(*) FROM @WORD@_entry"), "0");
}

// Crashes, repeats and undo in every order: see "Laws" of the SDK's README.
TEST(Note, KeepsTheLaws) {
  EXPECT_EQ(reprise::Kit<Note>().Laws({.name = "Ada"}), reprise::kLawful);
}
)file";

constexpr const char* kCMake = R"file(cmake_minimum_required(VERSION 3.25)
project(@NAME@ LANGUAGES CXX)
find_package(reprise 1 REQUIRED)
enable_testing()
reprise_add_plugin(@NAME@ @NAME@.cpp TESTS @NAME@_test.cpp)
)file";

constexpr const char* kReadme = R"file(# @NAME@
What it is for, in a sentence.

```sh
reprise plugin test                # builds build/plugins/@NAME@.so and runs its tests
reprise lint pipeline              # every mistake of the pipeline, in one run
reprise test pipeline              # plays pipeline/@NAME@.test.yaml, with a crash at every commit
reprise run pipeline               # serves it; from another terminal:
curl -si localhost:8080/entries -H 'content-type: application/json' -d '{"name":"Ada"}'
reprise saga list
```
By hand, with an installed SDK: `cmake -S . -B build && cmake --build build && ctest --test-dir build`.

| action | does | emits | fails | undo |
|---|---|---|---|---|
| `note` | notes the entry `name` | `noted` | 409 `already_noted` | takes the entry back |

Table: `@WORD@_entry`.
)file";

constexpr const char* kPipeline = R"file(pipeline: @NAME@
about: Notes an entry, and takes it back if something that depends on it fails.
routes:
  POST /entries: { body: { name: string(1..64) }, id: entryId, start: requested }
steps:
  note: { plugin: @NAME@.note, on: requested, key: name, on_failure: { undo: all } }
)file";

constexpr const char* kPipelineTest = R"file(test: @NAME@
cases:
  - name: an entry is noted
    request: [ { POST /entries: { name: Ada }, status: 202 } ]
    expect: { saga: done, steps: { note: done }, rows: { "SELECT name FROM @WORD@_entry": [[Ada]] } }
  - name: when it fails for good nothing is left of it
    start: { requested: { entryId: E1, name: Ada } }
    faults: { note.do: fail }
    crash: every_commit
    expect: { saga: undone, steps: { note: failed }, rows: { "SELECT count(*) FROM @WORD@_entry": [[0]] } }
)file";

constexpr const char* kRuntime = R"file(runtime: @NAME@
plugin_path: [build/plugins]     # seen from where `reprise` is called
embedded: { file: @NAME@.db }
)file";

std::string ClassOf(const std::string& name) {
  std::string out;
  bool start = true;
  for (const char c : name) {
    if (c != '-') out += start && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    start = c == '-';
  }
  return out;
}

std::string WordOf(std::string name) {
  for (char& c : name) c = c == '-' ? '_' : c;
  return name;
}

std::string Filled(std::string text, const std::string& name) {
  const std::pair<std::string, std::string> words[] = {
      {"@NAME@", name}, {"@CLASS@", ClassOf(name)}, {"@WORD@", WordOf(name)}};
  for (const auto& [mark, word] : words) {
    for (std::size_t at = 0; (at = text.find(mark, at)) != std::string::npos; at += word.size())
      text.replace(at, mark.size(), word);
  }
  return text;
}

}  // namespace

Status CheckNewPluginName(const std::string& name) {
  const auto lower = [](char c) { return c >= 'a' && c <= 'z'; };
  bool fine = !name.empty() && name.size() <= kNameMax && lower(name.front()) && name.back() != '-';
  for (const char c : name) fine = fine && (lower(c) || (c >= '0' && c <= '9') || c == '-');
  if (fine) return {};
  return Error{Code::kInvalid, "'" + name +
                                   "' is no name of a plugin: write lower-case letters, digits and "
                                   "hyphens between, a letter first, as in 'loyalty'"};
}

std::vector<std::pair<std::string, std::string>> Scaffold(const std::string& name) {
  return {{name + ".cpp", Filled(kSource, name)},
          {name + "_test.cpp", Filled(kTest, name)},
          {"CMakeLists.txt", Filled(kCMake, name)},
          {"README.md", Filled(kReadme, name)},
          {"pipeline/" + name + ".yaml", Filled(kPipeline, name)},
          {"pipeline/" + name + ".test.yaml", Filled(kPipelineTest, name)},
          {"pipeline/runtime.yaml", Filled(kRuntime, name)}};
}

Result<std::vector<std::string>> WriteScaffold(const std::string& name, const std::string& folder) {
  std::error_code error;
  if (fs::exists(folder, error) && !fs::is_directory(folder, error))
    return Error{Code::kConflict, folder + " is there, and no folder"};
  if (fs::is_directory(folder, error) && !fs::is_empty(folder, error))
    return Error{Code::kConflict,
                 "the folder " + folder + " is not empty; name another with --dir"};
  std::vector<std::string> written;
  for (const auto& [path, text] : Scaffold(name)) {
    const fs::path file = fs::path(folder) / path;
    fs::create_directories(file.parent_path(), error);
    if (error) return Error{Code::kInternal, file.parent_path().string() + ": " + error.message()};
    std::ofstream out(file, std::ios::binary);
    out << text;
    out.close();
    if (!out)
      return Error{Code::kInternal, file.string() + ": " + std::generic_category().message(errno)};
    written.push_back(file.string());
  }
  return written;
}

}  // namespace reprise::runtime
