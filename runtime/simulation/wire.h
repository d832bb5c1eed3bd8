/// Wire: a bus between simulated processes that does everything a real one may do, and often.
///
/// In order within a lane (a step and its key), else in any order; late; twice; an old batch again;
/// to another process from one moment to the next.  It loses nothing that was committed: what a
/// dead process had not published is published by another one when its lease has ended.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "base/clock.h"
#include "ports/bus.h"
#include "simulation/dice.h"

namespace reprise::runtime::simulation {

/// Thrown where a simulated process dies: everything of it that was only in memory is gone.
struct ProcessDied {
  int process = 0;
};

class Wire {  // Threads: one.
 public:
  Wire(Dice& dice, const Clock& clock, int processes)
      : dice_(dice), clock_(clock), alive_(static_cast<std::size_t>(processes), true) {}

  /// The bus of one process.  `stored` is the journal's own: it keeps records for topics of others.
  std::unique_ptr<Bus> PortOf(int process, Bus& stored);

  bool Owns(int process, const Message& message) const;
  void Rise(int process) { alive_[static_cast<std::size_t>(process)] = true; }
  /// What it polled goes back, what it committed and did not publish waits for its lease to end.
  void Die(int process);
  /// Every lane may go to another process.
  void Rebalance() { ++generation_; }
  /// The machine died: what is not in the journal is gone.  Then what the journal had stored.
  void PowerCut();
  void Load(std::vector<Message> stored);

  /// A transaction of this process has committed: its outbox, and what it consumed.
  void Committed(int process, std::span<const Message> outbox, bool consumed);

  /// When the next message may be polled that cannot be polled now.
  std::optional<Time> Next() const;
  /// Nothing is on its way, now or later.
  bool empty() const;
  std::size_t size() const;
  /// Leases that ended with something to publish.
  int adopted() const { return adopted_; }
  int repeated() const { return repeated_; }

 private:
  friend class Port;
  struct Waiting {
    Message message;
    Time from{};
  };
  struct Leftover {
    std::vector<Message> outbox;
    Time lease_end{};
  };
  using Lane = std::tuple<std::string, StepIndex, std::string>;
  static Lane LaneOf(const Message& message) { return {message.plan, message.step, message.key}; }

  std::vector<Message> Poll(int process, std::size_t most);
  void TakeRepeated(int process, std::vector<Message>& out);
  void Return(int process, std::vector<Message> messages);
  void Publish(int process, std::span<const Message> outbox);
  void Put(const Message& message);
  void Again(const Message& message);
  void Adopt();

  Dice& dice_;
  const Clock& clock_;
  std::vector<bool> alive_;
  std::uint64_t generation_ = 0;
  std::map<Lane, std::deque<Waiting>> lanes_;
  std::vector<Waiting> repeated_messages_;  // copies, in no order
  std::map<int, std::vector<Message>> polled_, unpublished_;
  std::vector<Leftover> leftovers_;
  std::deque<std::vector<Message>> published_;  // the newest, to be published again
  int adopted_ = 0, repeated_ = 0;
};

}  // namespace reprise::runtime::simulation
