#include "sqlite/bus.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

namespace reprise::runtime::sqlite {

Status SqliteBus::Load() {
  Cursor row = db_.Use("SELECT seq, message FROM rp_bus ORDER BY seq");
  int rc = row.Raw();
  for (; rc == SQLITE_ROW; rc = row.Raw()) {
    last_ = row.Int(0);
    auto message = DecodeMessage(row.Text(1));
    if (!message) {
      return Error{Code::kInternal, fmt::format("journal: message {} cannot be read: {}", last_,
                                                message.error().message)};
    }
    rows_.emplace(message->id, last_);
    waiting_.push_back(std::move(*message));
  }
  if (rc != SQLITE_DONE) return row.Failure();
  return {};
}

Result<std::vector<Message>> SqliteBus::Poll(std::size_t most) {
  const auto count = static_cast<std::ptrdiff_t>(std::min(most, waiting_.size()));
  std::vector<Message> out(std::make_move_iterator(waiting_.begin()),
                           std::make_move_iterator(waiting_.begin() + count));
  waiting_.erase(waiting_.begin(), waiting_.begin() + count);
  return out;
}

void SqliteBus::Return(std::vector<Message> messages) {
  waiting_.insert(waiting_.begin(), std::make_move_iterator(messages.begin()),
                  std::make_move_iterator(messages.end()));
}

Status SqliteBus::Publish(std::span<const Message> outbox) {
  waiting_.insert(waiting_.end(), outbox.begin(), outbox.end());
  return topics_.Drain();
}

Status SqliteBus::Write(std::span<const Message> consumed, std::span<const Message> outbox) {
  for (const Message& message : consumed) {
    const auto [first, last] = rows_.equal_range(message.id);
    for (auto it = first; it != last; ++it) {
      if (std::find(deleted_.begin(), deleted_.end(), std::pair(it->first, it->second)) !=
          deleted_.end())
        continue;
      Cursor row = db_.Use("DELETE FROM rp_bus WHERE seq = ?1");
      if (auto done = row.Bind(it->second).Run(); !done) return done;
      deleted_.emplace_back(*it);
      break;  // one delivery consumes one row
    }
  }
  for (const Message& message : outbox) {
    if (auto done = Store(message); !done) return done;
  }
  return {};
}

Status SqliteBus::Store(const Message& message) {
  const std::string bytes = EncodeMessage(message);
  Cursor row = db_.Use("INSERT INTO rp_bus VALUES(?1, ?2)");
  if (auto done = row.Bind(++last_, Blob{bytes}).Run(); !done) return done;
  stored_.emplace_back(message.id, last_);
  return {};
}

void SqliteBus::Committed() {
  for (const auto& [id, seq] : deleted_) {
    const auto [first, last] = rows_.equal_range(id);
    const auto it =
        std::find_if(first, last, [seq = seq](const auto& row) { return row.second == seq; });
    if (it != last) rows_.erase(it);
  }
  rows_.insert(stored_.begin(), stored_.end());
  RolledBack();
}

void SqliteBus::RolledBack() {
  stored_.clear();
  deleted_.clear();
}

}  // namespace reprise::runtime::sqlite
