#include "simulation/journal.h"

#include <algorithm>
#include <iterator>

namespace reprise::runtime::simulation {
namespace {

constexpr std::size_t kAwayMax = 8'000;  // milliseconds

class DisturbedTransaction : public Transaction {
 public:
  DisturbedTransaction(std::unique_ptr<Transaction> inner, int process, Shared& shared)
      : inner_(std::move(inner)), process_(process), shared_(shared) {}

  Result<std::vector<bool>> Create(std::span<const Saga> sagas) override {
    auto fresh = inner_->Create(sagas);
    for (std::size_t i = 0; fresh && i < sagas.size(); ++i) {
      if ((*fresh)[i]) written_.sagas.push_back(sagas[i]);
    }
    return fresh;
  }
  Result<std::vector<Saga>> Lock(std::span<const Uuid> ids) override { return inner_->Lock(ids); }
  Status Store(std::span<const Saga> sagas) override {
    written_.sagas.insert(written_.sagas.end(), sagas.begin(), sagas.end());
    return inner_->Store(sagas);
  }
  Result<std::vector<Claimed>> Claim(std::span<const StepKey> keys) override {
    return inner_->Claim(keys);
  }
  Status Record(std::span<const StepRow> rows) override {
    written_.steps.insert(written_.steps.end(), rows.begin(), rows.end());
    return inner_->Record(rows);
  }
  Status Arm(std::span<const Due> rows) override { return inner_->Arm(rows); }
  Result<int> Disarm(const StepKey& step, std::span<const DueKind> kinds,
                     std::string_view event) override {
    return inner_->Disarm(step, kinds, event);
  }
  Result<std::vector<Due>> TakeDue(Time now, std::size_t most) override {
    auto due = inner_->TakeDue(now, most);
    if (due) written_.fired.insert(written_.fired.end(), due->begin(), due->end());
    return due;
  }
  Result<std::vector<Due>> Line(std::string_view line) override { return inner_->Line(line); }
  Result<bool> AddDeadLetter(const DeadLetter& letter) override {
    return inner_->AddDeadLetter(letter);
  }
  Status AddHistory(std::span<const History> lines) override { return inner_->AddHistory(lines); }
  Status PutIdempotency(const IdempotencyRow& row) override { return inner_->PutIdempotency(row); }
  Status PutSignal(const SignalRow& row) override { return inner_->PutSignal(row); }
  Result<std::optional<SignalRow>> TakeSignal(const Uuid& saga, std::string_view name) override {
    return inner_->TakeSignal(saga, name);
  }
  Status SetDeadLetterState(std::int64_t id, std::string_view state) override {
    return inner_->SetDeadLetterState(id, state);
  }
  Status PutMeta(std::string_view name, std::string_view value) override {
    return inner_->PutMeta(name, value);
  }
  Result<int> Purge(std::span<const Uuid> sagas) override { return inner_->Purge(sagas); }
  Status Consume(std::span<const Message> consumed) override {
    consumes_ = true;
    for (const Message& message : consumed) written_.consumed.push_back(message.id);
    return inner_->Consume(consumed);
  }
  Status Send(std::span<const Foreign> records) override { return inner_->Send(records); }
  Sql& sql() override { return inner_->sql(); }
  Status Savepoint(bool careful) override { return inner_->Savepoint(careful); }
  Status RollbackToSavepoint() override { return inner_->RollbackToSavepoint(); }
  Status ReleaseSavepoint() override { return inner_->ReleaseSavepoint(); }
  bool wrote() const override { return inner_->wrote(); }
  void ResetWrote() override { inner_->ResetWrote(); }
  bool spoiled() const override { return inner_->spoiled(); }
  std::optional<Error> lost() const override { return inner_->lost(); }
  Result<std::vector<bool>> TakeLocks(std::span<const std::string> names) override {
    return inner_->TakeLocks(names);
  }

  std::vector<Message> TakeLocal(std::vector<Message>& outbox) override {
    if (shared_.local == Shared::kNothing) return {};
    if (shared_.local == Shared::kEverything) return inner_->TakeLocal(outbox);
    std::vector<Message> mine;
    const auto others = std::stable_partition(
        outbox.begin(), outbox.end(),
        [&](const Message& message) { return !shared_.wire.Owns(process_, message); });
    mine.assign(std::make_move_iterator(others), std::make_move_iterator(outbox.end()));
    outbox.erase(others, outbox.end());
    std::vector<Message> taken = inner_->TakeLocal(mine);
    outbox.insert(outbox.end(), std::make_move_iterator(mine.begin()),
                  std::make_move_iterator(mine.end()));
    return taken;
  }

  Status Commit(std::span<const Message> outbox, std::string_view sealed) override {
    if (shared_.dice.Strikes("die before commit", 0.01)) throw ProcessDied{process_};
    if (shared_.dice.Strikes("refuse a commit", 0.005))
      return Error{Code::kUnavailable, "simulated: the disk is full"};
    if (Status done = inner_->Commit(outbox, sealed); !done) return done;
    written_.outbox.assign(outbox.begin(), outbox.end());
    shared_.wire.Committed(process_, outbox, consumes_);
    shared_.audit.Committed(written_, shared_.clock.Now());
    return {};
  }

 private:
  const std::unique_ptr<Transaction> inner_;
  const int process_;
  Shared& shared_;
  Written written_;
  bool consumes_ = false;
};

class DisturbedJournal : public Journal {
 public:
  DisturbedJournal(Journal& inner, int process, Shared& shared)
      : inner_(inner), process_(process), shared_(shared) {}

  Result<std::unique_ptr<Transaction>> Begin() override {
    Dice& dice = shared_.dice;
    if (dice.Strikes("lose the journal", 0.003)) {
      away_until_ = shared_.clock.Now() +
                    Millis(1 + static_cast<std::int64_t>(dice.Below("how long", kAwayMax)));
    }
    if (shared_.clock.Now() < away_until_ && !dice.healed())
      return Error{Code::kUnavailable, "simulated: the journal is away"};
    if (dice.Strikes("lose the lanes", 0.005)) {
      shared_.wire.Rebalance();
      return Error{Code::kFenced, "simulated: another process has the lanes"};
    }
    if (dice.Strikes("others hold locks", 0.005))
      return Error{Code::kContended, "simulated: others hold locks"};
    auto tx = inner_.Begin();
    if (!tx) return tx.error();
    return std::unique_ptr<Transaction>(
        std::make_unique<DisturbedTransaction>(std::move(*tx), process_, shared_));
  }

  Sql& reads() override { return inner_.reads(); }
  Result<std::optional<Time>> NextDue() override { return inner_.NextDue(); }
  Result<std::optional<IdempotencyRow>> FindIdempotency(std::string_view route,
                                                        std::string_view caller,
                                                        std::string_view key) override {
    return inner_.FindIdempotency(route, caller, key);
  }
  Result<std::optional<Saga>> FindSaga(const Uuid& id) override { return inner_.FindSaga(id); }
  Result<std::optional<std::string>> Meta(std::string_view name) override {
    return inner_.Meta(name);
  }
  Status PutPlan(const std::string& hash, const std::string& pipeline,
                 const std::string& text) override {
    return inner_.PutPlan(hash, pipeline, text);
  }
  Result<std::vector<PlanRow>> Plans() override { return inner_.Plans(); }
  Status Migrate(std::span<const PluginMigration> migrations) override {
    return inner_.Migrate(migrations);
  }
  Result<std::int64_t> Count(std::string_view counter, std::int64_t delta,
                             std::int64_t floor) override {
    return inner_.Count(counter, delta, floor);
  }
  Result<std::vector<Saga>> ListSagas(const SagaFilter& filter) override {
    return inner_.ListSagas(filter);
  }
  Result<std::optional<SagaDetail>> ShowSaga(const Uuid& id) override {
    return inner_.ShowSaga(id);
  }
  Result<std::vector<DeadLetter>> ListDeadLetters(const DeadLetterFilter& filter) override {
    return inner_.ListDeadLetters(filter);
  }
  Result<std::optional<DeadLetter>> FindDeadLetter(std::int64_t id) override {
    return inner_.FindDeadLetter(id);
  }
  Result<std::vector<Counts>> CountSagas() override { return inner_.CountSagas(); }
  Result<std::int64_t> CountDeadLetters() override { return inner_.CountDeadLetters(); }
  Result<std::vector<Uuid>> Expired(std::string_view pipeline, Time done_before, Time undone_before,
                                    std::size_t most) override {
    return inner_.Expired(pipeline, done_before, undone_before, most);
  }
  Result<std::vector<Uuid>> Idle(Time before, std::size_t most) override {
    return inner_.Idle(before, most);
  }
  Status Backup(const std::string& file) override { return inner_.Backup(file); }
  Status Ping() override { return inner_.Ping(); }
  std::string About() const override { return inner_.About(); }

 private:
  Journal& inner_;
  const int process_;
  Shared& shared_;
  Time away_until_{};
};

}  // namespace

std::unique_ptr<Journal> Disturbed(Journal& inner, int process, Shared& shared) {
  return std::make_unique<DisturbedJournal>(inner, process, shared);
}

}  // namespace reprise::runtime::simulation
