/// Bus: the wire between steps.  It may duplicate and reorder across lanes; the journal sorts it
/// out.
///
/// Conformance: tests/conformance/bus_test.cpp runs over every implementation.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/saga.h"
#include "ports/journal.h"

namespace reprise::runtime {

class Bus {  // Threads: the worker's.
 public:
  virtual ~Bus() = default;

  /// What is there for this worker's lanes, at most `most`, in order per lane.  Never waits.
  /// A message stays the bus's until the transaction that consumed it has committed.
  virtual Result<std::vector<Message>> Poll(std::size_t most) = 0;

  /// The transaction that polled these was rolled back: give them again.
  virtual void Return(std::vector<Message> messages) = 0;

  /// Before commit: the bytes Transaction::Commit stores, so that whoever finds them can publish
  /// what this process did not: everything on its way and not acknowledged, then this outbox.
  /// Empty where the journal stores messages as such (embedded).
  virtual std::string Seal(std::span<const Message> outbox,
                           std::span<const Transaction::Foreign> records) {
    (void)outbox;
    (void)records;
    return {};
  }

  /// After commit: what Transaction::Commit stored goes on its way.
  virtual Status Publish(std::span<const Message> outbox) = 0;

  /// `wake` is called, on any thread, when there may be something to poll.  Replaces the one
  /// before, which is not called any more once this returns.
  virtual void OnArrival(std::function<void()> /*wake*/) {}

  /// Why no more may be accepted now, or nothing.  Threads: any.
  virtual std::optional<std::string> Overloaded() const { return std::nullopt; }

  /// Messages waiting, for readiness, `/metrics` and back pressure.
  virtual Result<std::int64_t> Lag() = 0;
  /// When the oldest of them that is known here was emitted; nothing: none is.
  virtual std::optional<Time> Oldest() = 0;
};

template <typename Messages>
std::optional<Time> OldestOf(const Messages& messages) {
  std::optional<Time> oldest;
  for (const Message& message : messages) {
    if (message.at != Time{} && message.at < oldest.value_or(kNoTime)) oldest = message.at;
  }
  return oldest;
}

}  // namespace reprise::runtime
