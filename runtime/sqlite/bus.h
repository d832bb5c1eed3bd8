/// The embedded wire: rows of the journal's own file, delivered from memory.
///
/// Transaction::Commit stores the outbox as rows in the transaction that made it; Publish hands the
/// same messages on in memory; Transaction::Consume deletes their rows in the transaction that
/// handled them. What a crash left undelivered is loaded at start.  A message that was handled in
/// the transaction that made it never becomes a row.
#pragma once

#include <deque>
#include <unordered_map>
#include <vector>

#include "ports/bus.h"
#include "sqlite/database.h"
#include "sqlite/topics.h"

namespace reprise::runtime::sqlite {

class SqliteBus : public Bus {
 public:
  SqliteBus(Database& db, Topics& topics) : db_(db), topics_(topics) {}

  /// What is stored and undelivered.
  Status Load();

  Result<std::vector<Message>> Poll(std::size_t most) override;
  void Return(std::vector<Message> messages) override;
  Status Publish(std::span<const Message> outbox) override;
  Result<std::int64_t> Lag() override { return static_cast<std::int64_t>(waiting_.size()); }
  std::optional<Time> Oldest() override { return OldestOf(waiting_); }

  // For the transaction.
  /// Deletes the rows of these messages, and inserts the outbox.
  Status Write(std::span<const Message> consumed, std::span<const Message> outbox);
  void Committed();
  void RolledBack();

  const std::deque<Message>& waiting() const { return waiting_; }

 private:
  Status Store(const Message& message);

  Database& db_;
  Topics& topics_;
  std::deque<Message> waiting_;
  std::unordered_multimap<Uuid, std::int64_t> rows_;             // a duplicate is a row of its own
  std::int64_t last_ = 0;                                        // the highest row number given
  std::vector<std::pair<Uuid, std::int64_t>> stored_, deleted_;  // by the open transaction
};

}  // namespace reprise::runtime::sqlite
