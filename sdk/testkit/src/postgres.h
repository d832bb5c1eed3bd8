/// PostgreSQL, as the cluster's runtime speaks it to plugins.
///
/// All that a Host does lies in one transaction that is never committed, in a schema made there: a
/// test leaves nothing, and sees nothing of another.  Each statement has a savepoint of its own, so
/// that one that fails spoils nothing; the runtime repeats an attempt in the same way.
#pragma once

#include "database.h"
#include "pg_values.h"
#include "sql_text.h"

namespace reprise::testkit {

class PostgresDatabase : public Database {
 public:
  /// `where`: a connection string of libpq.  Throws std::runtime_error.
  explicit PostgresDatabase(const std::string& where);

  void Execute(const std::string& sql) override;
  void Migrate(const reprise_migration& migration) override;
  Result<std::int64_t> Run(std::string_view sql, std::span<const reprise_value> args,
                           const RowFn& on_row) override;
  Result<std::int64_t> RunRows(std::string_view sql, std::span<const reprise_str> columns,
                               std::span<const reprise_value> cells, const RowFn& on_row) override;
  std::vector<std::string> Tables() override;
  std::vector<std::string> Columns(std::string_view table) override;

 private:
  struct Refusal {
    std::string sqlstate;
    int position = 0;  // in the statement, from 1; 0: nowhere
    Error error;
  };
  struct Finish {
    void operator()(PgSession* session) const { Libpq::Get().finish(session); }
  };

  Refusal RefusalOf(const PgAnswer& answer) const;
  void Send(const std::string& sql);
  /// In a savepoint of its own.
  std::optional<Refusal> Try(const PgParams& params, const std::string& sql, PgAnswer& answer);
  std::optional<Refusal> TryTypes(std::span<const reprise_value> args, std::vector<Oid> types,
                                  const std::string& sql, PgAnswer& answer);
  static Result<std::int64_t> Hand(const PgAnswer& answer, const RowFn& on_row);
  std::vector<std::string> Names(const std::string& sql, std::span<const reprise_value> args);

  std::unique_ptr<PgSession, Finish> session_;
  std::string first_;  // savepoints to be sent before the next statement, all at once
};

}  // namespace reprise::testkit
