/// Bus: the wire between steps.  It may duplicate and reorder across lanes; the journal sorts it
/// out.
///
/// Conformance: tests/conformance/bus_test.cpp runs over every implementation.
#pragma once

#include <span>
#include <vector>

#include "base/result.h"
#include "model/saga.h"

namespace reprise::runtime {

class Bus {  // Threads: the worker's.
 public:
  virtual ~Bus() = default;

  /// What is there for this worker's lanes, at most `most`, in order per lane.  Never waits.
  /// A message stays the bus's until the transaction that consumed it has committed.
  virtual Result<std::vector<Message>> Poll(std::size_t most) = 0;

  /// The transaction that polled these was rolled back: give them again.
  virtual void Return(std::vector<Message> messages) = 0;

  /// After commit: what Transaction::Commit stored goes on its way.
  virtual Status Publish(std::span<const Message> outbox) = 0;

  /// Messages waiting, for readiness, `/metrics` and back pressure.
  virtual Result<std::int64_t> Lag() = 0;
};

}  // namespace reprise::runtime
