#include "sqlite/plugin_sql.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "sqlite/plugin_rows.h"
#include "sqlite/values.h"

namespace reprise::runtime::sqlite {
namespace {

/// Marks a statement as stepped, and leaves it clean whatever happens in a row's callback.
class Stepping {
 public:
  explicit Stepping(PluginStatement& statement) : statement_(statement) { statement.busy = true; }
  Stepping(const Stepping&) = delete;
  Stepping& operator=(const Stepping&) = delete;
  ~Stepping() {
    sqlite3_reset(statement_.handle);
    statement_.busy = false;
  }

 private:
  PluginStatement& statement_;
};

}  // namespace

Result<std::int64_t> PluginSql::Run(std::string_view sql, std::span<const SqlValue> args,
                                    const SqlRow& on_row) {
  if (lost_) return *lost_;
  const Access::Scope scope(db_.access(), Access::kPlugin);
  auto statement = cache_.Find(sql, [&] { return Result<std::string>(std::string(sql)); });
  if (!statement) return statement.error();
  const auto count = static_cast<size_t>((*statement)->argument_count);
  if (count != args.size()) {
    return Error{Code::kInvalid,
                 fmt::format("the statement has {} parameters, {} were given", count, args.size())};
  }
  if (!(*statement)->busy) return Bound(**statement, args, nullptr, on_row);
  auto another = Compile(db_, sql);
  if (!another) return another.error();
  return Bound(**another, args, nullptr, on_row);
}

Result<std::int64_t> PluginSql::RunRows(std::string_view sql,
                                        std::span<const std::string_view> columns,
                                        std::span<const SqlValue> cells, const SqlRow& on_row) {
  if (lost_) return *lost_;
  if (columns.empty() || columns.size() > kSourceColumnsMax || cells.size() % columns.size() != 0) {
    return Error{Code::kInvalid, fmt::format("{} cells do not fill rows of {} columns (1 to {})",
                                             cells.size(), columns.size(), kSourceColumnsMax)};
  }
  std::string key(sql);
  for (std::string_view column : columns) {
    if (column.empty() ||
        column.find_first_of(std::string_view("\"\0", 2)) != std::string_view::npos) {
      return Error{Code::kInvalid, fmt::format("'{}' is not a column's name", column)};
    }
    (key += '\n') += column;
  }
  const Access::Scope scope(db_.access(), Access::kPlugin);
  auto statement = cache_.Find(key, [&] { return ExpandRows(sql, columns); });
  if (!statement) return statement.error();
  if ((*statement)->argument_count != 0)
    return Error{Code::kInvalid, "a statement for many rows has no other parameters"};
  PluginRows rows(columns.size(), cells);
  if (!(*statement)->busy) return Bound(**statement, cells, &rows, on_row);
  auto another = Compile(db_, *ExpandRows(sql, columns));
  if (!another) return another.error();
  return Bound(**another, cells, &rows, on_row);
}

Result<std::int64_t> PluginSql::Bound(PluginStatement& statement, std::span<const SqlValue> args,
                                      RowSource* rows, const SqlRow& on_row) {
  if (auto fine = CheckValues(args); !fine) return fine.error();
  if (use_ == kReading && !statement.reads_only)
    return Error{Code::kInvalid, "outside a transaction SQL may only read"};
  for (size_t i = 0; i < statement.arguments.size(); ++i) {
    const int argument = statement.arguments[i];
    const int parameter = static_cast<int>(i + 1);
    if (argument == PluginStatement::kRowsArgument) {
      BindSource(statement.handle, parameter, rows);
    } else {
      BindValue(statement.handle, parameter, args[static_cast<size_t>(argument - 1)]);
    }
  }
  return Step(statement, on_row);
}

Result<std::int64_t> PluginSql::Step(PluginStatement& statement, const SqlRow& on_row) {
  const Stepping stepping(statement);
  const auto total = static_cast<size_t>(sqlite3_column_count(statement.handle));
  std::array<SqlValue, 16> few;
  std::vector<SqlValue> many(total > few.size() ? total : 0);
  const std::span<SqlValue> row = many.empty() ? std::span(few).first(total) : std::span(many);
  const std::int64_t before = sqlite3_total_changes64(db_.handle());

  int rc = sqlite3_step(statement.handle);
  for (; rc == SQLITE_ROW; rc = sqlite3_step(statement.handle)) {
    if (!on_row) continue;
    for (size_t i = 0; i < total; ++i) row[i] = ColumnValue(statement.handle, static_cast<int>(i));
    on_row(row);
  }
  // Counts what triggers and foreign keys changed too, which is as much a write.
  wrote_ = wrote_ || (!statement.reads_only && sqlite3_total_changes64(db_.handle()) != before);
  if (rc != SQLITE_DONE) {
    Error error = ErrorOf(db_.handle(), rc, "SQL");
    if (!db_.access().refused().empty()) error = {Code::kInvalid, db_.access().refused()};
    if (use_ == kInTransaction && db_.autocommit()) {
      error.code = error.transient() ? error.code : Code::kInternal;
      error.message += "; the transaction was rolled back";
      lost_ = error;
    }
    return error;
  }
  if (statement.reads_only) return std::int64_t{0};
  return sqlite3_changes64(db_.handle());
}

}  // namespace reprise::runtime::sqlite
