/// Sql over the worker's connection: plugins' statements in the open transaction, or reading
/// between two.
///
/// What the server refuses before it runs anything (an unknown table, a wrong word) leaves the
/// transaction as it was.  A statement that fails while it runs spoils it: nothing more can be done
/// until RollbackToSavepoint.  Inside a careful savepoint each statement has one of its own, and
/// nothing is spoiled.
#pragma once

#include <optional>

#include "ports/journal.h"
#include "postgres/core.h"

namespace reprise::runtime::postgres {

class PluginSql : public Sql {  // Threads: the journal's.
 public:
  enum Use { kInTransaction, kReading };
  PluginSql(Core& core, Use use) : core_(core), use_(use) {}

  Result<std::int64_t> Run(std::string_view sql, std::span<const SqlValue> args,
                           const SqlRow& on_row) override;
  Result<std::int64_t> RunRows(std::string_view sql, std::span<const std::string_view> columns,
                               std::span<const SqlValue> cells, const SqlRow& on_row) override;

  bool wrote() const { return wrote_; }
  void ResetWrote() { wrote_ = false; }
  bool spoiled() const { return spoiled_; }
  void Recovered() { spoiled_ = wrote_ = false; }
  void SetCareful(bool careful) { careful_ = careful; }
  /// Why nothing more can be done in this transaction at all.
  const std::optional<Error>& lost() const { return lost_; }
  void Lose(const Error& why) {
    if (!lost_) lost_ = why;
  }

 private:
  using Prepared = PluginStatement::Prepared;
  Status Ready() const;
  Result<Prepared*> Prepare(PluginStatement& statement, const std::vector<Oid>& types,
                            const std::string& sql);
  Status PrepareGuessing(const std::string& name, std::vector<Oid>& types, const std::string& sql);
  Result<Answer> Execute(const std::string& name, Params& params);
  Result<std::int64_t> Finish(const PluginStatement& statement, const Prepared& prepared,
                              Params params, const SqlRow& on_row);
  Error Failed(Error error);

  /// Around what may fail and must not take the transaction with it.
  bool guarded() const;
  Status Guard();
  Status EndGuard(bool good);

  Core& core_;
  const Use use_;
  bool wrote_ = false, spoiled_ = false, careful_ = false;
  std::optional<Error> lost_;
};

}  // namespace reprise::runtime::postgres
