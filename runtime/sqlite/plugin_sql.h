/// Sql over the embedded file: plugins' statements in the open transaction, or reading between two.
#pragma once

#include <optional>

#include "ports/journal.h"
#include "sqlite/text_cache.h"

namespace reprise::runtime::sqlite {

class PluginSql : public Sql {  // Threads: the journal's.
 public:
  enum Use { kInTransaction, kReading };
  PluginSql(Database& db, TextCache& cache, Use use) : db_(db), cache_(cache), use_(use) {}

  Result<std::int64_t> Run(std::string_view sql, std::span<const SqlValue> args,
                           const SqlRow& on_row) override;
  Result<std::int64_t> RunRows(std::string_view sql, std::span<const std::string_view> columns,
                               std::span<const SqlValue> cells, const SqlRow& on_row) override;

  bool wrote() const { return wrote_; }
  void ResetWrote() { wrote_ = false; }
  /// Why the transaction is gone: SQLite rolled it back by itself (full disk, I/O error, no
  /// memory).
  const std::optional<Error>& lost() const { return lost_; }
  void Lose(const Error& why) { lost_ = why; }

 private:
  Result<std::int64_t> Step(PluginStatement& statement, const SqlRow& on_row);
  Result<std::int64_t> Bound(PluginStatement& statement, std::span<const SqlValue> args,
                             class RowSource* rows, const SqlRow& on_row);

  Database& db_;
  TextCache& cache_;
  const Use use_;
  bool wrote_ = false;
  std::optional<Error> lost_;
};

}  // namespace reprise::runtime::sqlite
