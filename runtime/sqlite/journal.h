/// Journal over the embedded file.
#pragma once

#include "sqlite/core.h"
#include "sqlite/counters.h"
#include "sqlite/plugin_sql.h"

namespace reprise::runtime::sqlite {

class SqliteJournal : public Journal {  // Threads: one at a time.
 public:
  explicit SqliteJournal(Core& core)
      : core_(core), reads_(*core.db, core.texts, PluginSql::kReading), counters_(core) {}

  Result<std::unique_ptr<Transaction>> Begin() override;
  Sql& reads() override { return reads_; }

  Result<std::optional<Time>> NextDue() override;
  Result<std::optional<IdempotencyRow>> FindIdempotency(std::string_view route,
                                                        std::string_view caller,
                                                        std::string_view key) override;
  Result<std::optional<Saga>> FindSaga(const Uuid& id) override;
  Result<std::optional<std::string>> Meta(std::string_view name) override;

  Status PutPlan(const std::string& hash, const std::string& pipeline,
                 const std::string& text) override;
  Result<std::vector<PlanRow>> Plans() override;
  Status Migrate(std::span<const PluginMigration> migrations) override;
  Result<std::int64_t> Count(std::string_view counter, std::int64_t delta,
                             std::int64_t floor) override {
    return counters_.Count(counter, delta, floor);
  }

  Result<std::vector<Saga>> ListSagas(const SagaFilter& filter) override;
  Result<std::optional<SagaDetail>> ShowSaga(const Uuid& id) override;
  Result<std::vector<DeadLetter>> ListDeadLetters(const DeadLetterFilter& filter) override;
  Result<std::optional<DeadLetter>> FindDeadLetter(std::int64_t id) override;
  Result<std::vector<Counts>> CountSagas() override;
  Result<std::int64_t> CountDeadLetters() override;
  Result<std::vector<Uuid>> Expired(std::string_view pipeline, Time done_before, Time undone_before,
                                    std::size_t most) override;
  Result<std::vector<Uuid>> Idle(Time before, std::size_t most) override;
  Status Backup(const std::string& file) override;
  Status Ping() override;
  std::string About() const override;

  /// At a clean stop.
  Status Settle() { return counters_.Settle(); }

 private:
  Status RunMigration(const PluginMigration& migration);
  Status CheckOwned(const PluginMigration& migration, const std::vector<std::string>& before);
  Result<std::vector<std::string>> Tables();
  void Named(Saga& saga, std::int64_t plan);
  Status AddSteps(SagaDetail& detail);
  Status AddDue(SagaDetail& detail);
  Status AddHistory(SagaDetail& detail);
  Result<Time> Oldest(std::int64_t plan, SagaState state);

  Core& core_;
  PluginSql reads_;
  Counters counters_;
  std::size_t idle_group_ = 0;  // where the sweeper goes on: a (plan, state), and an id within it
  Uuid idle_after_;
};

}  // namespace reprise::runtime::sqlite
