#include "sqlite/rows_table.h"

#include <cctype>

#include <fmt/format.h>

#include "sqlite/database.h"
#include "sqlite/values.h"

namespace reprise::runtime::sqlite {
namespace {

constexpr const char* kPointer = "rp_rows";
constexpr int kHidden = static_cast<int>(kRowsColumnsMax);  // the column that takes the argument

struct RowsCursor {
  sqlite3_vtab_cursor base{};
  const RowsTable* rows = nullptr;
  size_t at = 0;
};

RowsCursor* Of(sqlite3_vtab_cursor* cursor) {
  return reinterpret_cast<RowsCursor*>(cursor);
}

int Connect(sqlite3* db, void* access, int, const char* const*, sqlite3_vtab** out, char**) {
  // A plugin's statement may be the first to use it; that it is declared is not the plugin's doing.
  const Access::Scope scope(*static_cast<Access*>(access), Access::kOwn);
  std::string columns;
  for (size_t i = 0; i < kRowsColumnsMax; ++i) columns += fmt::format("c{},", i);
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
  *out = &(new RowsCursor)->base;
  return SQLITE_OK;
}

int Close(sqlite3_vtab_cursor* cursor) {
  delete Of(cursor);
  return SQLITE_OK;
}

int Filter(sqlite3_vtab_cursor* cursor, int, const char*, int, sqlite3_value** values) {
  Of(cursor)->rows = static_cast<const RowsTable*>(sqlite3_value_pointer(values[0], kPointer));
  Of(cursor)->at = 0;
  return SQLITE_OK;
}

int Next(sqlite3_vtab_cursor* cursor) {
  ++Of(cursor)->at;
  return SQLITE_OK;
}

int Eof(sqlite3_vtab_cursor* cursor) {
  const RowsTable* rows = Of(cursor)->rows;
  return rows == nullptr || Of(cursor)->at * rows->columns >= rows->cells.size() ? 1 : 0;
}

int Column(sqlite3_vtab_cursor* cursor, sqlite3_context* out, int column) {
  const RowsTable& rows = *Of(cursor)->rows;
  if (static_cast<size_t>(column) >= rows.columns) return SQLITE_OK;  // NULL
  const SqlValue& cell = rows.cells[Of(cursor)->at * rows.columns + static_cast<size_t>(column)];
  switch (cell.type) {
    case SqlValue::kNull:
      break;
    case SqlValue::kInteger:
      sqlite3_result_int64(out, cell.integer);
      break;
    case SqlValue::kReal:
      sqlite3_result_double(out, cell.real);
      break;
    case SqlValue::kText:
      sqlite3_result_text64(out, Data(cell.text), cell.text.size(), SQLITE_STATIC, SQLITE_UTF8);
      break;
    case SqlValue::kBlob:
      sqlite3_result_blob64(out, Data(cell.text), cell.text.size(), SQLITE_STATIC);
      break;
  }
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

bool InWord(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '$';
}

/// Past a string, a quoted name or a comment that begins at `at`; `at` itself if none does.
size_t SkipQuoted(std::string_view sql, size_t at) {
  const std::string_view rest = sql.substr(at);
  size_t end = std::string_view::npos;
  if (rest.starts_with("--")) {
    end = sql.find('\n', at);
  } else if (rest.starts_with("/*")) {
    end = sql.find("*/", at + 2);
    if (end != std::string_view::npos) ++end;
  } else if (sql[at] == '\'' || sql[at] == '"' || sql[at] == '`') {
    end = sql.find(sql[at], at + 1);  // a doubled quote begins the next one
  } else if (sql[at] == '[') {
    end = sql.find(']', at + 1);
  } else {
    return at;
  }
  return end == std::string_view::npos ? sql.size() : end + 1;
}

std::string_view Word(std::string_view sql, size_t& at) {
  while (at < sql.size() && std::isspace(static_cast<unsigned char>(sql[at])) != 0) ++at;
  const size_t from = at;
  while (at < sql.size() && InWord(sql[at])) ++at;
  return sql.substr(from, at - from);
}

bool Is(std::string_view word, std::string_view name) {
  return word.size() == name.size() &&
         sqlite3_strnicmp(word.data(), name.data(), static_cast<int>(name.size())) == 0;
}

/// Where an upsert's ON follows: SQLite would take it for a join's, and wants a WHERE before it.
std::optional<size_t> UpsertAfter(std::string_view sql, size_t at) {
  for (int words = 0; words < 3; ++words) {  // $rows [AS name] ON CONFLICT
    size_t next = at;
    const std::string_view word = Word(sql, next);
    if (word.empty()) return std::nullopt;
    if (Is(word, "ON")) return Is(Word(sql, next), "CONFLICT") ? std::optional(at) : std::nullopt;
    at = next;
  }
  return std::nullopt;
}

}  // namespace

Status InstallRowsTable(Database& db) {
  static const sqlite3_module kModule = MakeModule();
  const int rc = sqlite3_create_module_v2(db.handle(), "rp_rows", &kModule, &db.access(), nullptr);
  if (rc != SQLITE_OK) return ErrorOf(db.handle(), rc, "rp_rows");
  return {};
}

int BindRows(sqlite3_stmt* statement, int parameter, const RowsTable* rows) {
  return sqlite3_bind_pointer(statement, parameter, const_cast<RowsTable*>(rows), kPointer,
                              nullptr);
}

Result<std::string> ExpandRows(std::string_view sql, std::span<const std::string_view> columns) {
  std::string table = "(SELECT ";
  for (size_t i = 0; i < columns.size(); ++i)
    table += fmt::format("{}c{} AS \"{}\"", i == 0 ? "" : ", ", i, columns[i]);
  table += " FROM rp_rows($rows))";

  std::string out;
  bool found = false;
  std::optional<size_t> where;
  for (size_t at = 0; at < sql.size();) {
    if (where == at) out += " WHERE true";
    if (const size_t past = SkipQuoted(sql, at); past != at) {
      out += sql.substr(at, past - at);
      at = past;
    } else if (InWord(sql[at])) {
      const std::string_view word = Word(sql, at);
      if (word != "$rows") {
        out += word;
        continue;
      }
      out += table;
      found = true;
      where = UpsertAfter(sql, at);
    } else {
      out += sql[at++];
    }
  }
  if (!found) return Error{Code::kInvalid, "a statement for many rows must name $rows"};
  return out;
}

}  // namespace reprise::runtime::sqlite
