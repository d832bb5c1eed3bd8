/// Plans: a pipeline's text by its hash, and how many sagas of it are in each state.
///
/// Rows name a plan by a small number.  The counts move in the transaction that moves the sagas, so
/// that metrics and start-up never count a million rows; each worker has counts of its own, which
/// may be negative, and their sum is the number.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "model/saga.h"
#include "postgres/worker.h"

namespace reprise::runtime::postgres {

class Plans {
 public:
  Plans(Database& db, const Worker& worker) : db_(db), worker_(worker) {}

  Status Load();

  /// The number of a plan, which gets a row (without text) if it has none.  In a transaction.
  Result<std::int64_t> NumberOf(const std::string& pipeline, const std::string& hash);
  /// A transaction of its own.
  Status Put(const std::string& pipeline, const std::string& hash, const std::string& text);

  struct Name {
    std::string pipeline, hash;
  };
  /// Asks the table for a number that another worker made; empty if there is none.
  const Name& NameOf(std::int64_t number);
  std::vector<std::int64_t> OfPipeline(std::string_view pipeline);  // empty: all

  /// Counts of the open transaction.
  void Move(std::int64_t plan, SagaState state, std::int64_t delta) {
    if (delta != 0) deltas_[{plan, state}] += delta;
  }
  void AddCounts(Database::Pipeline& pipeline);
  void Keep();
  /// The transaction is rolled back, and rows that it made are gone.
  void Forget();

 private:
  void Know(std::int64_t number, Name name);

  Database& db_;
  const Worker& worker_;
  std::map<std::int64_t, Name> names_;
  std::map<std::pair<std::string, std::string>, std::int64_t, std::less<>> numbers_;
  std::map<std::pair<std::int64_t, SagaState>, std::int64_t> deltas_;
  std::vector<std::int64_t> made_;  // by the open transaction
  std::int64_t last_ = 0;           // the last one asked for, which is mostly the next one too
};

}  // namespace reprise::runtime::postgres
