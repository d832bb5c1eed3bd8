/// Hints between processes: "there may be something new about this channel in the journal".
///
/// They are hints: one may be lost (Redis was away) or come twice.  Whoever listens looks into the
/// journal from time to time anyway.
#pragma once

#include <atomic>
#include <functional>
#include <span>
#include <string>
#include <thread>

#include "redis/connection.h"

namespace reprise::runtime::redis {

/// Tells the others.
class HintPublisher {  // Threads: one.
 public:
  /// `sender` tells this process from every other.  `connection` outlives it.
  HintPublisher(Connection& connection, std::string sender)
      : connection_(connection), sender_(std::move(sender)) {}

  /// All of them in one round trip; lost while Redis is away.
  void Publish(std::span<const std::string> channels);

 private:
  Connection& connection_;
  std::string sender_;
};

/// Hears the others, on a thread of its own that connects again whenever it must.
class HintSubscriber {
 public:
  /// `on_hint` is called on that thread with what others than `sender` published, and with an empty
  /// channel whenever it begins to listen (again): anything may have been missed.  It must not
  /// block.
  HintSubscriber(const Options& options, std::string sender,
                 std::function<void(const std::string& channel)> on_hint);
  ~HintSubscriber();  // ends the thread: at once, or within Options::connect_wait
  HintSubscriber(const HintSubscriber&) = delete;
  HintSubscriber& operator=(const HintSubscriber&) = delete;

  bool listening() const { return listening_; }  // Threads: any

 private:
  void Run();
  Status Listen();
  bool Wait(int descriptor, Millis wait) const;
  Status Hear(redisContext& from);

  const Options options_;
  const std::string sender_;
  const std::function<void(const std::string&)> on_hint_;
  int stop_ = -1;  // readable from the moment it is to end
  std::atomic<bool> listening_{false};
  std::atomic<bool> stopping_{false};
  std::thread thread_;  // the last member: all else is there when it begins
};

}  // namespace reprise::runtime::redis
