/// SQLite in memory.
#pragma once

#include <sqlite3.h>

#include "database.h"

namespace reprise::testkit {

class SqliteDatabase : public Database {
 public:
  SqliteDatabase();
  ~SqliteDatabase() override;

  void Execute(const std::string& sql) override;
  void Migrate(const reprise_migration& migration) override;
  Result<std::int64_t> Run(std::string_view sql, std::span<const reprise_value> args,
                           const RowFn& on_row) override;
  Result<std::int64_t> RunRows(std::string_view sql, std::span<const reprise_str> columns,
                               std::span<const reprise_value> cells, const RowFn& on_row) override;
  std::vector<std::string> Tables() override;
  std::vector<std::string> Columns(std::string_view table) override;

 private:
  static int Authorize(void* self, int action, const char* a, const char* b, const char*,
                       const char*);
  Error LastError() const;
  Status Bind(sqlite3_stmt* statement, std::span<const reprise_value> args);

  sqlite3* db_ = nullptr;
  bool guarded_ = false;  // a plugin's statement is being prepared
  std::string refusal_;   // why the authorizer said no
};

}  // namespace reprise::testkit
