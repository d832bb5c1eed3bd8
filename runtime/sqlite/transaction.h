/// Transaction over the embedded file: sagas, steps and due rows in memory until Commit writes them
/// all.
#pragma once

#include <chrono>

#include "sqlite/plugin_sql.h"
#include "sqlite/slots.h"

namespace reprise::runtime::sqlite {

class SqliteTransaction : public Transaction {  // Threads: the journal's.
 public:
  static Result<std::unique_ptr<Transaction>> Begin(Core& core);
  explicit SqliteTransaction(Core& core);
  ~SqliteTransaction() override;

  Result<std::vector<bool>> Create(std::span<const Saga> sagas) override;
  Result<std::vector<Saga>> Lock(std::span<const Uuid> ids) override;
  Status Store(std::span<const Saga> sagas) override;

  Result<std::vector<Claimed>> Claim(std::span<const StepKey> keys) override;
  Status Record(std::span<const StepRow> rows) override;

  Status Arm(std::span<const Due> rows) override;
  Result<int> Disarm(const StepKey& step, std::span<const DueKind> kinds,
                     std::string_view event) override;
  Result<std::vector<Due>> TakeDue(Time now, std::size_t most) override;
  Result<std::vector<Due>> Line(std::string_view line) override;

  Result<bool> AddDeadLetter(const DeadLetter& letter) override;
  Status AddHistory(std::span<const History> lines) override;
  Status PutIdempotency(const IdempotencyRow& row) override;
  Status PutSignal(const SignalRow& row) override;
  Result<std::optional<SignalRow>> TakeSignal(const Uuid& saga, std::string_view name) override;
  Status SetDeadLetterState(std::int64_t id, std::string_view state) override;
  Status PutMeta(std::string_view name, std::string_view value) override;
  Result<int> Purge(std::span<const Uuid> sagas) override;

  Status Consume(std::span<const Message> consumed) override;
  Status Send(std::span<const Foreign> records) override;

  Sql& sql() override { return sql_; }
  Status Savepoint(bool careful) override;
  Status RollbackToSavepoint() override;
  Status ReleaseSavepoint() override;
  bool wrote() const override { return sql_.wrote(); }
  void ResetWrote() override { sql_.ResetWrote(); }
  std::optional<Error> lost() const override { return sql_.lost(); }

  std::vector<Message> TakeLocal(std::vector<Message>& outbox) override;
  Result<std::vector<bool>> TakeLocks(std::span<const std::string> names) override {
    return std::vector<bool>(names.size(), true);  // one writer: nobody else could hold them
  }
  Status Commit(std::span<const Message> outbox, std::string_view sealed = {}) override;

 private:
  /// Passes an answer on, and notices that SQLite has rolled the transaction back by itself.
  template <class R>
  R Note(R result) {
    if (!result && core_.db->autocommit()) sql_.Lose(result.error());
    return result;
  }
  Result<std::vector<Claimed>> ClaimAll(std::span<const StepKey> keys);
  Result<std::vector<Due>> TakeAllDue(Time now, std::size_t most);
  Result<std::vector<Due>> ReadAllDue(Cursor& row) const;
  Result<bool> PurgeOne(const Uuid& id);
  Status WriteAll(std::span<const Message> outbox);
  Status End();
  void RollBack();

  Core& core_;
  PluginSql sql_;
  Slots slots_;
  int rounds_ = 0;
  bool over_ = false;
};

}  // namespace reprise::runtime::sqlite
