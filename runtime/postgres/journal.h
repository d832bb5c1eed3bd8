/// Journal over PostgreSQL.
#pragma once

#include "postgres/counters.h"
#include "postgres/plugin_sql.h"

namespace reprise::runtime::postgres {

class PostgresJournal : public Journal {  // Threads: one at a time.
 public:
  explicit PostgresJournal(Core& core)
      : core_(core), reads_(core, PluginSql::kReading), counters_(core) {}

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

  Counters& counters() { return counters_; }

 private:
  Status MigrateAlone(const PluginMigration& migration, const std::vector<std::string>& statements);
  Result<Saga> Named(const Answer& rows, int row);
  Status AddSteps(SagaDetail& detail);
  Status AddDue(SagaDetail& detail);
  Status AddHistory(SagaDetail& detail);

  Core& core_;
  PluginSql reads_;
  Counters counters_;
  Uuid idle_after_;  // where the sweeper goes on
};

}  // namespace reprise::runtime::postgres
