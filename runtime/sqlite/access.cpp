#include "sqlite/access.h"

#include <algorithm>
#include <utility>

namespace reprise::runtime::sqlite {
namespace {

bool StartsWith(std::string_view text, std::string_view prefix) {  // names of SQL have no case
  return text.size() >= prefix.size() &&
         sqlite3_strnicmp(text.data(), prefix.data(), static_cast<int>(prefix.size())) == 0;
}

bool Same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && StartsWith(a, b);
}

constexpr const char* kMigrationsOnly = "tables are made and changed by migrations only";
constexpr std::string_view kRows = "rp_rows";  // the table behind `$rows`

std::string_view View(const char* text) {
  return text == nullptr ? std::string_view{} : text;
}

}  // namespace

bool Access::OfRuntime(std::string_view table) {
  return StartsWith(table, "rp_");
}

bool Access::Owns(std::string_view plugin, std::string_view table) {
  std::string name(plugin);
  std::replace(name.begin(), name.end(), '-', '_');
  return Same(table, name) || StartsWith(table, name + "_");
}

void Access::Install(sqlite3* db) {
  sqlite3_set_authorizer(db, &Access::Ask, this);
}

Access::Scope::Scope(Access& access, Mode mode, std::string_view owner)
    : access_(access), before_(access.mode_) {
  access.mode_ = mode;
  if (mode == kMigration) access.owner_ = owner;
  access.refused_.clear();
}

int Access::Ask(void* self, int action, const char* a, const char* b, const char* database,
                const char*) {
  return static_cast<Access*>(self)->Decide(action, View(a), View(b), View(database));
}

int Access::Decide(int action, std::string_view a, std::string_view b, std::string_view) {
  switch (mode_) {
    case kOwn:
      return SQLITE_OK;
    case kPlugin:
      return DecidePlugin(action, a, b);
    case kMigration:
      return DecideMigration(action, a, b);
  }
  return SQLITE_DENY;
}

int Access::Deny(std::string why) {
  if (refused_.empty()) refused_ = std::move(why);
  return SQLITE_DENY;
}

int Access::DecideTable(std::string_view table) {
  if (!OfRuntime(table) && !StartsWith(table, "sqlite_")) return SQLITE_OK;
  return Deny("table '" + std::string(table) + "' is the runtime's own");
}

int Access::DecidePlugin(int action, std::string_view a, std::string_view b) {
  switch (action) {
    case SQLITE_SELECT:
    case SQLITE_RECURSIVE:
      return SQLITE_OK;
    case SQLITE_FUNCTION:
      return Same(b, "load_extension") ? Deny("load_extension is not for plugins") : SQLITE_OK;
    case SQLITE_READ:
      return Same(a, kRows) ? SQLITE_OK : DecideTable(a);
    case SQLITE_INSERT:
    case SQLITE_UPDATE:
    case SQLITE_DELETE:
      return StartsWith(a, "sqlite_") ? Deny(kMigrationsOnly) : DecideTable(a);
    case SQLITE_TRANSACTION:
    case SQLITE_SAVEPOINT:
      return Deny(
          "the transaction is the runtime's: no BEGIN, COMMIT, ROLLBACK, SAVEPOINT or RELEASE");
    case SQLITE_ATTACH:
    case SQLITE_DETACH:
    case SQLITE_PRAGMA:
      return Deny("ATTACH, DETACH, PRAGMA and VACUUM are not for plugins");
    default:
      return Deny(kMigrationsOnly);
  }
}

int Access::DecideMigration(int action, std::string_view a, std::string_view b) {
  std::string_view table = a;
  switch (action) {
    case SQLITE_CREATE_INDEX:
    case SQLITE_DROP_INDEX:
    case SQLITE_CREATE_TRIGGER:
    case SQLITE_DROP_TRIGGER:
    case SQLITE_ALTER_TABLE:
      table = b;
      break;
    case SQLITE_CREATE_TABLE:
    case SQLITE_DROP_TABLE:
    case SQLITE_CREATE_VIEW:
    case SQLITE_DROP_VIEW:
    case SQLITE_ANALYZE:
      break;
    case SQLITE_INSERT:
    case SQLITE_UPDATE:
    case SQLITE_DELETE:
      if (StartsWith(a, "sqlite_"))
        return SQLITE_OK;  // the schema, as part of CREATE, ALTER and DROP
      break;
    case SQLITE_READ:
      return OfRuntime(a) ? Deny("table '" + std::string(a) + "' is the runtime's own") : SQLITE_OK;
    case SQLITE_REINDEX:
      return SQLITE_OK;  // part of CREATE INDEX
    case SQLITE_PRAGMA:
      if (Same(a, "quick_check")) return SQLITE_OK;  // part of ALTER TABLE ADD COLUMN
      return DecidePlugin(action, a, b);
    case SQLITE_CREATE_TEMP_TABLE:
    case SQLITE_CREATE_TEMP_INDEX:
    case SQLITE_CREATE_TEMP_TRIGGER:
    case SQLITE_CREATE_TEMP_VIEW:
    case SQLITE_CREATE_VTABLE:
      return Deny("temporary and virtual tables are not for plugins");
    default:
      return DecidePlugin(action, a, b);
  }
  if (Owns(owner_, table)) return SQLITE_OK;
  return Deny("table '" + std::string(table) + "' is not of plugin '" + owner_ +
              "': its tables are named after it");
}

}  // namespace reprise::runtime::sqlite
