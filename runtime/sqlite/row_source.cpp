#include "sqlite/row_source.h"

#include <fmt/format.h>

#include "sqlite/database.h"

namespace reprise::runtime::sqlite {
namespace {

constexpr const char* kPointer = "rp_rows";
constexpr int kHidden = static_cast<int>(kSourceColumnsMax);  // the column that takes the argument

struct SourceCursor {
  sqlite3_vtab_cursor base{};
  RowSource* rows = nullptr;
  size_t size = 0;
  size_t at = 0;
};

SourceCursor* Of(sqlite3_vtab_cursor* cursor) {
  return reinterpret_cast<SourceCursor*>(cursor);
}

int Connect(sqlite3* db, void* access, int, const char* const*, sqlite3_vtab** out, char**) {
  // A plugin's statement may be the first to use it; that it is declared is not the plugin's doing.
  const Access::Scope scope(*static_cast<Access*>(access), Access::kOwn);
  std::string columns;
  for (size_t i = 0; i < kSourceColumnsMax; ++i) columns += fmt::format("c{},", i);
  const int rc =
      sqlite3_declare_vtab(db, fmt::format("CREATE TABLE x({}cells HIDDEN)", columns).c_str());
  if (rc != SQLITE_OK) return rc;
  sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);  // never from a view or a trigger
  *out = new sqlite3_vtab{};
  return SQLITE_OK;
}

int Disconnect(sqlite3_vtab* table) {
  delete table;
  return SQLITE_OK;
}

int BestIndex(sqlite3_vtab*, sqlite3_index_info* plan) {
  for (int i = 0; i < plan->nConstraint; ++i) {
    const auto& constraint = plan->aConstraint[i];
    if (constraint.iColumn != kHidden || constraint.op != SQLITE_INDEX_CONSTRAINT_EQ) continue;
    if (constraint.usable == 0) return SQLITE_CONSTRAINT;
    plan->aConstraintUsage[i].argvIndex = 1;
    plan->aConstraintUsage[i].omit = 1;
    plan->estimatedCost = 500;
    plan->estimatedRows = 500;
    return SQLITE_OK;
  }
  return SQLITE_CONSTRAINT;
}

int Open(sqlite3_vtab*, sqlite3_vtab_cursor** out) {
  *out = &(new SourceCursor)->base;
  return SQLITE_OK;
}

int Close(sqlite3_vtab_cursor* cursor) {
  delete Of(cursor);
  return SQLITE_OK;
}

int Filter(sqlite3_vtab_cursor* cursor, int, const char*, int, sqlite3_value** values) {
  Of(cursor)->rows = static_cast<RowSource*>(sqlite3_value_pointer(values[0], kPointer));
  Of(cursor)->size = Of(cursor)->rows == nullptr ? 0 : Of(cursor)->rows->size();
  Of(cursor)->at = 0;
  return SQLITE_OK;
}

int Next(sqlite3_vtab_cursor* cursor) {
  ++Of(cursor)->at;
  return SQLITE_OK;
}

int Eof(sqlite3_vtab_cursor* cursor) {
  return Of(cursor)->at >= Of(cursor)->size ? 1 : 0;
}

int Column(sqlite3_vtab_cursor* cursor, sqlite3_context* out, int column) {
  Of(cursor)->rows->Column(out, Of(cursor)->at, column);
  return SQLITE_OK;
}

int Rowid(sqlite3_vtab_cursor* cursor, sqlite3_int64* out) {
  *out = static_cast<sqlite3_int64>(Of(cursor)->at);
  return SQLITE_OK;
}

sqlite3_module MakeModule() {
  sqlite3_module module{};
  module.xConnect = Connect;  // no xCreate: it is always there, and only as a function
  module.xBestIndex = BestIndex;
  module.xDisconnect = Disconnect;
  module.xOpen = Open;
  module.xClose = Close;
  module.xFilter = Filter;
  module.xNext = Next;
  module.xEof = Eof;
  module.xColumn = Column;
  module.xRowid = Rowid;
  return module;
}

}  // namespace

Status InstallRowSource(Database& db) {
  static const sqlite3_module kModule = MakeModule();
  const int rc = sqlite3_create_module_v2(db.handle(), "rp_rows", &kModule, &db.access(), nullptr);
  if (rc != SQLITE_OK) return ErrorOf(db.handle(), rc, "rp_rows");
  return {};
}

int BindSource(sqlite3_stmt* statement, int parameter, RowSource* rows) {
  return sqlite3_bind_pointer(statement, parameter, rows, kPointer, nullptr);
}

}  // namespace reprise::runtime::sqlite
