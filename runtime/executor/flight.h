/// FlightRecorder: a mapped file that says, at every instant, which message is inside which plugin.
///
/// A plugin can take the whole process with it.  Whoever starts next finds in the file who was
/// where, counts it against that message, and after three such ends the message is not run again
/// (`crashed`).  What goes into the file survives the process, not the machine: that is enough.
///
/// Cost    a copy of some 200 bytes per call of a plugin; nothing of it waits for a disk.
/// Source  MECHANISMS and DESIGN 5: "a watchdog and an mmap flight recorder convict".
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "model/saga.h"

namespace reprise::runtime {

/// What a plugin is called for, as it can be told again after a restart: one phase of one step of
/// one saga, or a request (then `saga` is a hash of it).  Without a saga: any message of the step.
struct Flight {
  std::string_view pipeline, step;
  Uuid saga;
  std::int64_t item = 0;
  Phase phase = Phase::kDo;
  std::uint32_t round = 0;
};

class FlightRecorder {
 public:
  static constexpr std::uint32_t kCrashesMax = 3;
  static constexpr int kStepSuspectFor = 64;  // clean runs, until a step is trusted again

  /// Takes what an earlier process left there into account; the file is made if there is none. Only
  /// one process at a time has a file: `path` is taken by the first, `path`.1 by the next.
  ///
  /// The recorder outlives every thread that uses it.
  static Result<std::unique_ptr<FlightRecorder>> Open(const std::string& path);
  ~FlightRecorder();
  FlightRecorder(const FlightRecorder&) = delete;
  FlightRecorder& operator=(const FlightRecorder&) = delete;

  // -- Threads: any; each thread is in one call at a time.

  /// The calling thread enters `plugin`'s action or question `part`, which is to be back within
  /// `limit`.
  void Enter(const Flight& flight, std::string_view plugin, std::string_view part, Millis limit);
  void Leave();

  /// The call that has been open longer than its limit allows, as a sentence; else empty.  It is
  /// marked, so that no other is blamed for what follows.  To be asked regularly: the time in which
  /// nobody asked (a stopped process, a stopped machine) counts as one interval at most.
  std::string Overdue(Millis interval);

  // -- Threads: the executor's.

  /// What this thread called can be to blame for nothing any more: it is committed.
  void Landed();

  bool suspicious() const { return !suspects_.empty() || !steps_.empty(); }
  /// How often the process ended in this very call.
  std::uint32_t Crashes(const Flight& flight) const;
  /// Whether the process lately ended in a call of this step, whoever it was for.
  bool Suspect(std::string_view pipeline, std::string_view step) const;
  /// A call of a suspect step came back.
  void Survived(std::string_view pipeline, std::string_view step);
  /// It is dealt with: the message went through, or is a dead letter.
  void Forget(const Flight& flight);

  /// What the process before this one died of, for the log; empty: it ended well, or between calls.
  const std::vector<std::string>& found() const { return found_; }
  const std::string& path() const { return path_; }

  /// Signals that are a crash (SIGSEGV, SIGABRT, ...) mark the call of the thread that they hit
  /// before they take their course.  For the whole process, as long as the recorder lives.
  void MarkCrashes();

  struct File;  // what is mapped
  struct Key;   // a Flight as it is stored
  struct Slot;  // of one thread

 private:
  FlightRecorder(std::string path, int descriptor, File* file);
  void Review();
  void Accuse(const Slot& slot, const std::string& how);
  Slot* Mine();

  const std::string path_;
  const int descriptor_;
  File* const file_;
  const std::uint64_t number_;  // of this recorder: threads remember their slot of it
  std::atomic<std::size_t> threads_ = 0;
  std::unordered_map<std::uint64_t, int> steps_;  // suspect: runs that are left until it is trusted
  std::vector<std::size_t> suspects_;             // places in the file
  std::vector<std::string> found_;
};

/// How long a transactional plugin may stay away: its own timeout, and time for statements that
/// wait for others' locks, which is no fault of it.
inline Millis WithGrace(Millis timeout) {
  return timeout + Millis(5'000);
}

/// In a call as long as it lives.  `recorder` may be null.
class Aboard {
 public:
  Aboard(FlightRecorder* recorder, const Flight& flight, std::string_view plugin,
         std::string_view part, Millis limit)
      : recorder_(recorder) {
    if (recorder_) recorder_->Enter(flight, plugin, part, limit);
  }
  ~Aboard() {
    if (recorder_) recorder_->Leave();
  }
  Aboard(const Aboard&) = delete;
  Aboard& operator=(const Aboard&) = delete;

 private:
  FlightRecorder* const recorder_;
};

}  // namespace reprise::runtime
