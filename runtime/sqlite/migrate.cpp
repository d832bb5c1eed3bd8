// Migrations of plugins: each once, in a transaction of its own, on tables that are named after the
// plugin.
#include <algorithm>

#include <fmt/format.h>

#include "base/failpoint.h"
#include "sqlite/journal.h"

namespace reprise::runtime::sqlite {
namespace {

Error Failed(const Journal::PluginMigration& m, const Error& why) {
  return {why.code, fmt::format("plugin {}, migration {}: {}", m.plugin, m.number, why.message)};
}

/// Statement by statement: sqlite3_exec would not say which of them a plugin may not run.
Status RunScript(Database& db, const std::string& sql) {
  const char* rest = sql.c_str();
  while (*rest != '\0') {
    sqlite3_stmt* statement = nullptr;
    int rc = sqlite3_prepare_v2(db.handle(), rest, -1, &statement, &rest);
    if (rc == SQLITE_OK && statement == nullptr) continue;  // blank, or a comment
    if (rc == SQLITE_OK && sqlite3_bind_parameter_count(statement) != 0) {
      sqlite3_finalize(statement);
      return Error{Code::kInvalid, "a migration has no parameters"};
    }
    if (rc == SQLITE_OK) {
      do rc = sqlite3_step(statement);
      while (rc == SQLITE_ROW);
    }
    Error error = ErrorOf(db.handle(), rc, "SQL");
    sqlite3_finalize(statement);
    if (rc == SQLITE_DONE) continue;
    if (!db.access().refused().empty()) error = {Code::kInvalid, db.access().refused()};
    return error;
  }
  return {};
}

}  // namespace

Status SqliteJournal::Migrate(std::span<const PluginMigration> migrations) {
  if (core_.options.read_only)
    return Error{Code::kInvalid, core_.options.file + ": is open for reading only"};
  if (core_.in_transaction) return Error{Code::kInvalid, "migrations run between transactions"};
  for (const PluginMigration& m : migrations) {
    Cursor seen = core_.db->Use("SELECT 1 FROM rp_migration WHERE plugin = ?1 AND number = ?2");
    const auto found = seen.Bind(m.plugin, m.number).Next();
    if (!found) return found.error();
    if (*found) continue;
    seen.Again();
    if (auto begun = core_.db->Execute("BEGIN IMMEDIATE"); !begun) return begun;
    auto done = RunMigration(m);
    FAILPOINT("migrate.before");
    if (done) done = core_.db->Execute("COMMIT");
    FAILPOINT("migrate.after");
    if (!done) {
      if (!core_.db->autocommit()) (void)core_.db->Execute("ROLLBACK");
      return Failed(m, done.error());
    }
    ++core_.stats.commits;
  }
  return {};
}

Result<std::vector<std::string>> SqliteJournal::Tables() {
  std::vector<std::string> out;
  Cursor row = core_.db->Use(
      "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE "
      "'sqlite\\_%' ESCAPE '\\' ORDER BY name");
  int rc = row.Raw();
  for (; rc == SQLITE_ROW; rc = row.Raw()) out.push_back(row.String(0));
  if (rc != SQLITE_DONE) return row.Failure();
  return out;
}

Status SqliteJournal::RunMigration(const PluginMigration& m) {
  if (m.sql.find('\0') != std::string::npos)
    return Error{Code::kInvalid, "the SQL holds a NUL character"};
  if (m.plugin.empty() || Access::OfRuntime(m.plugin + "_")) {
    return Error{Code::kInvalid,
                 fmt::format("'{}' cannot be a plugin's name: 'rp_' is the runtime's", m.plugin)};
  }
  const auto before = Tables();
  if (!before) return before.error();
  {
    const Access::Scope scope(core_.db->access(), Access::kMigration, m.plugin);
    if (auto done = RunScript(*core_.db, m.sql); !done) return done;
  }
  if (auto owned = CheckOwned(m, *before); !owned) return owned;
  Cursor row = core_.db->Use("INSERT INTO rp_migration VALUES(?1, ?2, ?3)");
  return row.Bind(m.plugin, m.number, ToMillis(core_.Now())).Run();
}

/// What the compiler of SQL does not ask about: the new name in a RENAME, the parent of a foreign
/// key.
Status SqliteJournal::CheckOwned(const PluginMigration& m, const std::vector<std::string>& before) {
  const auto after = Tables();
  if (!after) return after.error();
  std::vector<std::string> changed;
  std::set_symmetric_difference(before.begin(), before.end(), after->begin(), after->end(),
                                std::back_inserter(changed));
  for (const std::string& table : changed) {
    if (!Access::Owns(m.plugin, table)) {
      return Error{Code::kInvalid,
                   fmt::format("table '{}' is not of plugin '{}': its tables are named after it",
                               table, m.plugin)};
    }
  }
  Cursor row = core_.db->Use(
      "SELECT t.name FROM sqlite_schema t, pragma_foreign_key_list(t.name) f"
      " WHERE t.type = 'table' AND lower(substr(f.\"table\", 1, 3)) = 'rp_'");
  const auto found = row.Next();
  if (!found) return found.error();
  if (*found)
    return Error{Code::kInvalid,
                 fmt::format("table '{}' refers to a table of the runtime", row.Text(0))};
  return {};
}

}  // namespace reprise::runtime::sqlite
