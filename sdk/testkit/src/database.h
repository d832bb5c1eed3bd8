/// SQLite in memory, as a journal gives it to plugins: `$1`, `$rows`, nothing that ends a
/// transaction.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <sqlite3.h>

#include <reprise/plugin.hpp>

namespace reprise::testkit {

using RowFn = std::function<void(std::span<const reprise_value>)>;

class Database {  // Threads: one.
 public:
  Database();
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  /// Any statements, without guard.  Throws std::runtime_error.
  void Execute(const std::string& sql);

  /// One statement of a plugin; rows changed.  kInvalid: refused; kConflict: a constraint.
  Result<std::int64_t> Run(std::string_view sql, std::span<const reprise_value> args,
                           const RowFn& on_row);
  Result<std::int64_t> RunRows(std::string_view sql, std::span<const reprise_str> columns,
                               std::span<const reprise_value> cells, const RowFn& on_row);

  /// As the sqlite3 shell prints it.  Throws std::runtime_error.
  std::string Show(std::string_view sql, std::span<const reprise_value> args);

  std::vector<std::string> Tables();
  std::vector<std::string> Columns(std::string_view table);

  /// While false, statements that would write are refused.
  void AllowWrites(bool allow) { writes_ = allow; }

 private:
  static int Authorize(void* self, int action, const char* a, const char* b, const char*,
                       const char*);
  Error LastError() const;
  Status Bind(sqlite3_stmt* statement, std::span<const reprise_value> args);

  sqlite3* db_ = nullptr;
  bool guarded_ = false;  // a plugin's statement is being prepared
  bool writes_ = true;
  std::string refusal_;  // why the authorizer said no
};

}  // namespace reprise::testkit
