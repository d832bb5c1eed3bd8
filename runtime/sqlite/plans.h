/// Plans: a pipeline's text by its hash, and how many sagas of it are in each state.
///
/// Rows name a plan by a small number.  The counts move in the transaction that moves the sagas, so
/// that metrics and start-up never count a million rows.
#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "model/saga.h"
#include "sqlite/database.h"

namespace reprise::runtime::sqlite {

class Plans {
 public:
  explicit Plans(Database& db) : db_(db) {}

  Status Load();

  /// The number of a plan, which gets a row (without text) if it has none.
  Result<std::int64_t> NumberOf(const std::string& pipeline, const std::string& hash);
  Status Put(const std::string& pipeline, const std::string& hash, const std::string& text);

  struct Name {
    std::string pipeline, hash;
  };
  const Name& NameOf(std::int64_t number) const;
  std::vector<std::int64_t> OfPipeline(std::string_view pipeline) const;  // empty: all
  /// Whether a row was made since the last Load: a rollback takes it away again.
  bool added() const { return added_; }
  void Keep() { added_ = false; }

  /// Counts of the open transaction.
  void Move(std::int64_t plan, SagaState state, std::int64_t delta);
  Status FlushCounts();
  void ForgetCounts();
  /// How many sagas of this plan are in this state, as stored.
  Result<std::int64_t> Count(std::int64_t plan, SagaState state);

 private:
  static constexpr size_t kStates = 5;
  struct Deltas {
    std::array<std::int64_t, kStates> of{};
    bool any = false;
  };
  Database& db_;
  std::map<std::int64_t, Name> names_;
  std::map<std::pair<std::string, std::string>, std::int64_t, std::less<>> numbers_;
  std::map<std::int64_t, Deltas> deltas_;
  bool added_ = false;
  std::int64_t last_ = 0;  // the last one asked for, which is mostly the next one too
};

}  // namespace reprise::runtime::sqlite
