/// The database of a Host, as a journal gives it to plugins: `$1`, `$rows`, nothing that ends a
/// transaction.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <reprise/plugin.hpp>

namespace reprise::testkit {

using RowFn = std::function<void(std::span<const reprise_value>)>;

class Database {  // Threads: one.
 public:
  /// SQLite in memory, or the PostgreSQL that REPRISE_TESTKIT_POSTGRES names.  Throws
  /// std::runtime_error.
  static std::unique_ptr<Database> Open();

  Database() = default;
  virtual ~Database() = default;
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  /// The kit's own savepoints, without guard, before the next statement.  Throws
  /// std::runtime_error.
  virtual void Execute(const std::string& sql) = 0;
  /// The text that is this database's.  Throws std::runtime_error.
  virtual void Migrate(const reprise_migration& migration) = 0;

  /// One statement of a plugin; rows changed.  kInvalid: refused; kConflict: a constraint.
  virtual Result<std::int64_t> Run(std::string_view sql, std::span<const reprise_value> args,
                                   const RowFn& on_row) = 0;
  virtual Result<std::int64_t> RunRows(std::string_view sql, std::span<const reprise_str> columns,
                                       std::span<const reprise_value> cells,
                                       const RowFn& on_row) = 0;

  virtual std::vector<std::string> Tables() = 0;
  virtual std::vector<std::string> Columns(std::string_view table) = 0;

  /// As the sqlite3 shell prints it.  Throws std::runtime_error.
  std::string Show(std::string_view sql, std::span<const reprise_value> args);
  /// These columns of a table's rows, a line each: "id='a', n=1".  Throws std::runtime_error.
  std::vector<std::string> Lines(const std::string& table, const std::vector<std::string>& columns,
                                 const std::string& where);

  /// While false, statements that would write are refused.
  void AllowWrites(bool allow) { writes_ = allow; }

 protected:
  /// Collects the first column of all rows.
  static RowFn Into(std::vector<std::string>& names);
  /// Throws std::runtime_error.
  static void Must(const Result<std::int64_t>& ran, std::string_view sql);

  bool writes_ = true;
};

}  // namespace reprise::testkit
