/// Transaction over the worker's connection: sagas, steps and due rows in memory until Commit
/// writes them all.
#pragma once

#include "postgres/plugin_sql.h"
#include "postgres/slots.h"

namespace reprise::runtime::postgres {

class PostgresTransaction : public Transaction {  // Threads: the journal's.
 public:
  static Result<std::unique_ptr<Transaction>> Begin(Core& core);
  explicit PostgresTransaction(Core& core);
  ~PostgresTransaction() override;

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
  Status Send(std::span<const Foreign>) override { return Ready(); }  // the bus seals them

  Sql& sql() override { return sql_; }
  Status Savepoint(bool careful) override;
  Status RollbackToSavepoint() override;
  Status ReleaseSavepoint() override;
  bool wrote() const override { return sql_.wrote(); }
  void ResetWrote() override { sql_.ResetWrote(); }
  bool spoiled() const override { return sql_.spoiled(); }
  std::optional<Error> lost() const override { return sql_.lost(); }

  std::vector<Message> TakeLocal(std::vector<Message>& outbox) override;
  Result<std::vector<bool>> TakeLocks(std::span<const std::string> names) override;
  Status Commit(std::span<const Message> outbox, std::string_view sealed) override;

 private:
  /// How far a lane's log was read here.
  struct Reading {
    std::int64_t first = 0, next = 0, records = 0, gaps = 0;
    Uuid last;
  };

  Status Ready() const;
  /// Passes an answer on, and notices that the transaction cannot go on after it.
  template <class R>
  R Note(R result) {
    if (!result && result.error().code != Code::kNotFound) sql_.Lose(result.error());
    return result;
  }
  Result<Answer> Ask(const char* sql, Params params, Database::Plan plan = Database::kKeep) {
    return Note(core_.db.Run(sql, std::move(params), plan));
  }
  Result<std::vector<Due>> ReadAllDue(const Answer& rows);
  void AddLanes(Database::Pipeline& pipeline);
  void AddHistory(Database::Pipeline& pipeline);
  void AddIdempotency(Database::Pipeline& pipeline);
  Status WriteAll(std::string_view sealed);
  Status Failed(const Database::Pipeline& pipeline, const Error& error);
  void Done();
  void RollBack();

  Core& core_;
  PluginSql sql_;
  Slots slots_;
  std::vector<History> history_;
  std::vector<IdempotencyRow> idempotency_;
  std::map<LaneId, Reading> readings_;
  std::set<LaneId> due_lanes_;           // whose due rows were taken
  std::optional<std::size_t> lanes_at_;  // which statement of the pipeline moves the lanes
  int rounds_ = 0;
  bool over_ = false;
};

}  // namespace reprise::runtime::postgres
