// Migrations of plugins: each once, in a transaction of its own, on tables that are named after the
// plugin.
//
// Which tables a script touched is asked of the server afterwards, before the commit: the locks
// that the transaction holds.  They tell what no reading of SQL would, also of what a foreign key
// or a trigger does.
#include <map>

#include <fmt/format.h>

#include "base/failpoint.h"
#include "postgres/journal.h"
#include "postgres/schema.h"

namespace reprise::runtime::postgres {
namespace {

using Tables = std::map<std::int64_t, std::string>;  // by OID

Error NotOf(const std::string& plugin, std::string_view table) {
  return {Code::kInvalid,
          fmt::format("table '{}' is not of plugin '{}': its tables are named after it", table,
                      plugin)};
}

Result<Tables> TablesOf(Database& db) {
  auto rows = db.Once(
      "SELECT c.oid::bigint, c.relname FROM pg_class c"
      " WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'v', 'm', "
      "'p')");
  if (!rows) return rows.error();
  Tables out;
  for (int i = 0; i < rows->rows(); ++i) out[rows->Int(i, 0)] = rows->String(i, 1);
  return out;
}

/// Tables that are new, gone or have another name.
Status CheckNames(const std::string& plugin, const Tables& before, const Tables& after) {
  for (const auto* pair : {&before, &after}) {
    const Tables& other = pair == &before ? after : before;
    for (const auto& [oid, name] : *pair) {
      const auto same = other.find(oid);
      if (same != other.end() && same->second == name) continue;
      if (!Owns(plugin, name)) return NotOf(plugin, name);
    }
  }
  return {};
}

/// Tables that were more than read, and the runtime's own, which may not even be read.
Status CheckLocks(Database& db, const std::string& plugin, const Tables& before) {
  auto rows = db.Once(
      "SELECT l.relation::bigint, l.mode = 'AccessShareLock' FROM pg_locks l"
      " WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND l.database ="
      " (SELECT oid FROM pg_database WHERE datname = current_database())");
  if (!rows) return rows.error();
  for (int i = 0; i < rows->rows(); ++i) {
    const auto table = before.find(rows->Int(i, 0));
    if (table == before.end()) continue;
    if (OfRuntime(table->second))
      return Error{Code::kInvalid, fmt::format("table '{}' is the runtime's own", table->second)};
    if (rows->Int(i, 1) == 0 && !Owns(plugin, table->second)) return NotOf(plugin, table->second);
  }
  return {};
}

Result<bool> Seen(Database& db, const Journal::PluginMigration& m) {
  auto row = db.Once("SELECT 1 FROM rp_migration WHERE plugin = $1 AND number = $2",
                     Params::Of(Clean(m.plugin), m.number));
  if (!row) return row.error();
  return row->rows() > 0;
}

Error Failed(const Journal::PluginMigration& m, const Error& why) {
  return {why.code, fmt::format("plugin {}, migration {}: {}", m.plugin, m.number, why.message)};
}

Status RunScript(Database& db, const std::string& plugin,
                 const std::vector<std::string>& statements) {
  const auto before = TablesOf(db);
  if (!before) return before.error();
  for (const std::string& sql : statements) {
    if (auto done = db.Once(sql); !done) return done.error();
  }
  const auto after = TablesOf(db);
  if (!after) return after.error();
  if (auto fine = CheckNames(plugin, *before, *after); !fine) return fine;
  return CheckLocks(db, plugin, *before);
}

}  // namespace

Status PostgresJournal::Migrate(std::span<const PluginMigration> migrations) {
  if (core_.in_transaction) return Error{Code::kInvalid, "migrations run between transactions"};
  for (const PluginMigration& m : migrations) {
    const auto seen = Seen(core_.db, m);
    if (!seen) return seen.error();
    if (*seen) continue;
    if (m.plugin.empty() || OfRuntime(m.plugin + "_")) {
      return Failed(
          m, {Code::kInvalid,
              fmt::format("'{}' cannot be a plugin's name: 'rp_' is the runtime's", m.plugin)});
    }
    const auto statements = ReadScript(m.sql);
    if (!statements) return Failed(m, statements.error());
    if (auto done = MigrateAlone(m, *statements); !done) {
      if (core_.db.connected() && core_.db.state() != PQTRANS_IDLE)
        (void)core_.db.Execute("ROLLBACK");
      return Failed(m, done.error());
    }
    ++core_.stats.commits;
  }
  return {};
}

/// Another process may do the same at this moment: who comes second finds it done.
Status PostgresJournal::MigrateAlone(const PluginMigration& m,
                                     const std::vector<std::string>& statements) {
  Database& db = core_.db;
  if (auto begun = BeginAlone(db); !begun) return begun;
  // In a savepoint of their own the locks of looking are gone before the script's are counted.
  if (auto looked = db.Execute("SAVEPOINT look"); !looked) return looked;
  const auto seen = Seen(db, m);
  if (!seen) return seen.error();
  if (auto back = db.Execute("ROLLBACK TO look"); !back) return back;
  if (*seen) return db.Execute("ROLLBACK");
  if (auto done = RunScript(db, m.plugin, statements); !done) return done;
  auto noted = db.Once("INSERT INTO rp_migration VALUES($1, $2, $3)",
                       Params::Of(Clean(m.plugin), m.number, core_.Now()));
  if (!noted) return noted.error();
  FAILPOINT("migrate.before");
  Status done = db.Execute("COMMIT");
  FAILPOINT("migrate.after");
  return done;
}

}  // namespace reprise::runtime::postgres
