/// Watchdog: ends the process when a plugin does not come back: nothing else could take its thread
/// from it.  Whoever starts it again goes on with the rest; see executor/flight.h.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "executor/flight.h"

namespace reprise::runtime {

/// What the process ends with: neither a success nor a mistake of the command line.
inline constexpr int kHungExit = 86;

class Watchdog {  // Threads: the one that made it.
 public:
  explicit Watchdog(FlightRecorder& recorder);  // which outlives it
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

 private:
  void Look();

  FlightRecorder& recorder_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  bool stopping_ = false;

  std::thread thread_;  // last: it uses the rest
};

}  // namespace reprise::runtime
