#include "sqlite.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <stdexcept>

namespace reprise::testkit {
namespace {

using Statement = std::unique_ptr<sqlite3_stmt, decltype(&sqlite3_finalize)>;

/// Functions whose answer depends on when or where they run: a replay would differ.
constexpr std::array<std::string_view, 11> kImpure{
    "date",   "time",       "datetime",          "julianday",    "strftime",         "unixepoch",
    "random", "randomblob", "last_insert_rowid", "current_time", "current_timestamp"};

std::string_view Text(const char* text) {
  return text == nullptr ? std::string_view{} : text;
}

reprise_value Column(sqlite3_stmt* statement, int i) {
  const auto bytes = [&](const void* data) {
    return std::string_view(static_cast<const char*>(data),
                            static_cast<std::size_t>(sqlite3_column_bytes(statement, i)));
  };
  switch (sqlite3_column_type(statement, i)) {
    case SQLITE_INTEGER:
      return detail::IntValue(REPRISE_INT, sqlite3_column_int64(statement, i));
    case SQLITE_FLOAT:
      return detail::RealValue(sqlite3_column_double(statement, i));
    case SQLITE_TEXT:
      return detail::TextValue(REPRISE_TEXT, bytes(sqlite3_column_text(statement, i)));
    case SQLITE_BLOB:
      return detail::TextValue(REPRISE_BLOB, bytes(sqlite3_column_blob(statement, i)));
    default:
      return detail::NullValue();
  }
}

/// True if nothing but blanks, comments and semicolons is left.
bool OnlyBlanks(std::string_view rest) {
  while (!rest.empty()) {
    if (rest.starts_with("--")) {
      const std::size_t line = rest.find('\n');
      rest.remove_prefix(line == std::string_view::npos ? rest.size() : line);
    } else if (std::string_view(" \t\r\n;").find(rest.front()) != std::string_view::npos) {
      rest.remove_prefix(1);
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace

SqliteDatabase::SqliteDatabase() {
  if (sqlite3_open(":memory:", &db_) != SQLITE_OK) throw std::runtime_error("cannot open SQLite");
  sqlite3_extended_result_codes(db_, 1);
  sqlite3_set_authorizer(db_, &Authorize, this);
}

SqliteDatabase::~SqliteDatabase() {
  sqlite3_close_v2(db_);
}

int SqliteDatabase::Authorize(void* self, int action, const char* a, const char* b, const char*,
                              const char*) {
  auto& me = *static_cast<SqliteDatabase*>(self);
  if (!me.guarded_) return SQLITE_OK;
  switch (action) {
    case SQLITE_TRANSACTION:
    case SQLITE_SAVEPOINT:
    case SQLITE_ATTACH:
    case SQLITE_DETACH:
    case SQLITE_PRAGMA:
      me.refusal_ = "a plugin's SQL may not change the transaction or the connection";
      break;
    case SQLITE_FUNCTION:
      if (std::find(kImpure.begin(), kImpure.end(), Text(b)) == kImpure.end()) return SQLITE_OK;
      me.refusal_ =
          "a plugin's SQL may not call " + std::string(Text(b)) + "(); time comes from Now()";
      break;
    case SQLITE_INSERT:
    case SQLITE_UPDATE:
    case SQLITE_DELETE:
      if (me.writes_) return SQLITE_OK;
      me.refusal_ = "a question only reads, and may not write " + std::string(Text(a));
      break;
    default:
      return SQLITE_OK;
  }
  return SQLITE_DENY;
}

Error SqliteDatabase::LastError() const {
  const int code = sqlite3_errcode(db_) & 0xff;
  if (code == SQLITE_CONSTRAINT) return {Code::kConflict, sqlite3_errmsg(db_)};
  return {Code::kInvalid, refusal_.empty() ? sqlite3_errmsg(db_) : refusal_};
}

void SqliteDatabase::Execute(const std::string& sql) {
  char* message = nullptr;
  if (sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, &message) == SQLITE_OK) return;
  const std::string why = message == nullptr ? "unknown" : message;
  sqlite3_free(message);
  throw std::runtime_error("SQL failed: " + why + " in: " + sql);
}

void SqliteDatabase::Migrate(const reprise_migration& migration) {
  Execute(std::string(detail::FromAbi(migration.sql)));
}

Status SqliteDatabase::Bind(sqlite3_stmt* statement, std::span<const reprise_value> args) {
  const int wanted = sqlite3_bind_parameter_count(statement);
  if (wanted != static_cast<int>(args.size())) {
    return Error{Code::kInvalid, "the statement has " + std::to_string(wanted) + " parameters, " +
                                     std::to_string(args.size()) + " came"};
  }
  for (int i = 1; i <= wanted; ++i) {
    // SQLite counts `$2` by appearance, so the number in the name decides.
    const std::string_view name = Text(sqlite3_bind_parameter_name(statement, i));
    std::size_t at = static_cast<std::size_t>(i) - 1;
    if (name.starts_with('$')) {
      at = 0;
      std::from_chars(name.data() + 1, name.data() + name.size(), at);
      --at;
    }
    if (at >= args.size()) return Error{Code::kInvalid, "no argument for " + std::string(name)};
    const reprise_value& arg = args[at];
    const auto size = [&] { return static_cast<int>(arg.as.text.size); };
    switch (arg.type) {
      case REPRISE_NULL:
        sqlite3_bind_null(statement, i);
        break;
      case REPRISE_INT:
      case REPRISE_BOOL:
      case REPRISE_DURATION:
        sqlite3_bind_int64(statement, i, arg.as.integer);
        break;
      case REPRISE_REAL:
        sqlite3_bind_double(statement, i, arg.as.real);
        break;
      case REPRISE_BLOB:
        sqlite3_bind_blob(statement, i, size() == 0 ? "" : arg.as.text.data, size(), nullptr);
        break;
      default:
        sqlite3_bind_text(statement, i, size() == 0 ? "" : arg.as.text.data, size(), nullptr);
    }
  }
  return {};
}

Result<std::int64_t> SqliteDatabase::Run(std::string_view sql, std::span<const reprise_value> args,
                                         const RowFn& on_row) {
  refusal_.clear();
  guarded_ = true;
  sqlite3_stmt* raw = nullptr;
  const char* rest = nullptr;
  const int prepared =
      sqlite3_prepare_v2(db_, sql.data(), static_cast<int>(sql.size()), &raw, &rest);
  guarded_ = false;
  const Statement statement(raw, &sqlite3_finalize);
  if (prepared != SQLITE_OK) return LastError();
  if (raw == nullptr ||
      !OnlyBlanks({rest, static_cast<std::size_t>(sql.data() + sql.size() - rest)})) {
    return Error{Code::kInvalid, "not exactly one statement"};
  }
  if (Status bound = Bind(raw, args); !bound) return bound.error();
  const int before = sqlite3_total_changes(db_);
  std::vector<reprise_value> columns(static_cast<std::size_t>(sqlite3_column_count(raw)));
  int step = sqlite3_step(raw);
  for (; step == SQLITE_ROW; step = sqlite3_step(raw)) {
    if (!on_row) continue;
    for (std::size_t i = 0; i < columns.size(); ++i) columns[i] = Column(raw, static_cast<int>(i));
    on_row(columns);
  }
  if (step != SQLITE_DONE) return LastError();
  return sqlite3_total_changes(db_) - before;
}

Result<std::int64_t> SqliteDatabase::RunRows(std::string_view sql,
                                             std::span<const reprise_str> columns,
                                             std::span<const reprise_value> cells,
                                             const RowFn& on_row) {
  constexpr std::string_view kMark = "$rows";
  if (columns.empty() || cells.size() % columns.size() != 0)
    return Error{Code::kInvalid, "ragged rows"};
  std::string table = "(SELECT ";
  for (std::size_t c = 0; c < columns.size(); ++c) {
    table += (c == 0 ? "column" : ", column") + std::to_string(c + 1) + " AS " +
             std::string(detail::FromAbi(columns[c]));
  }
  table += " FROM (VALUES ";
  for (std::size_t i = 0; i < std::max(cells.size(), columns.size()); ++i) {
    const bool first = i % columns.size() == 0, last = (i + 1) % columns.size() == 0;
    table += (first ? (i == 0 ? "(" : ", (") : ", ");
    table += cells.empty() ? "NULL" : "$" + std::to_string(i + 1);
    if (last) table += ")";
  }
  table += cells.empty() ? ") WHERE 0)" : "))";
  std::string whole(sql);
  const std::size_t at = whole.find(kMark);
  if (at == std::string::npos || whole.find(kMark, at + 1) != std::string::npos) {
    return Error{Code::kInvalid, "QueryRows wants $rows exactly once"};
  }
  whole.replace(at, kMark.size(), table);
  return Run(whole, cells, on_row);
}

std::vector<std::string> SqliteDatabase::Tables() {
  constexpr std::string_view kSql =
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY "
      "name";
  std::vector<std::string> names;
  Must(Run(kSql, {}, Into(names)), kSql);
  return names;
}

std::vector<std::string> SqliteDatabase::Columns(std::string_view table) {
  constexpr std::string_view kSql = "SELECT name FROM pragma_table_info($1)";
  const std::array<reprise_value, 1> args{detail::TextValue(REPRISE_TEXT, table)};
  std::vector<std::string> names;
  Must(Run(kSql, args, Into(names)), kSql);
  return names;
}

}  // namespace reprise::testkit
