/// Calls: external attempts, made outside any transaction, on threads of their own.
///
/// Per step at most `concurrency` calls at once, first in first out per key.  A finished call is
/// input of the executor's next batch.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "base/clock.h"
#include "executor/flight.h"
#include "executor/plans.h"
#include "model/decide.h"

namespace reprise::runtime {

/// One committed intent: what to call.  Owns everything the plugin will see.
struct CallJob {
  const Plan* plan = nullptr;
  StepIndex step = 0;
  Uuid saga;
  std::int64_t item = 0;
  Phase phase = Phase::kDo;
  std::uint32_t attempt = 1, round = 0;
  bool reconcile_first = false;  // Do or Undo may have happened already
  bool ask_only = false;  // after a reconcile that knows nothing: give up instead of calling again
  Last last = Last::kDone;
  std::string key, memo, idempotency_key, do_key, others, trace;
  Payload payload, root;
  Time deadline{};
  std::optional<Outcome> fault;  // injected: the call answers this and is not made
};

struct CallResult {
  CallJob job;
  Outcome outcome;
  bool unknown = false;     // nobody can tell whether it happened
  bool never_done = false;  // an Undo found that there was nothing to undo
  // What takes effect with the commit that records the outcome.
  std::vector<Call::Emitted> emitted;
  std::vector<Call::Armed> armed;
  std::vector<Call::Sent> sent;
  std::vector<std::string> hints;
};

class Calls {  // Threads: any; results are delivered on a call's thread (or on Drain's).
 public:
  using Deliver = std::function<void(CallResult)>;

  /// Whether a call that waits is made now; a simulation's calls take their time this way.
  using Gate = std::function<bool(const CallJob&)>;

  /// threads == 0: nothing runs by itself; Drain runs everything on the caller's thread (tests),
  /// or what `gate` lets pass.  `flight` may be null.
  Calls(const Clock& clock, std::size_t threads, Deliver deliver, FlightRecorder* flight,
        Gate gate = {});
  ~Calls();
  Calls(const Calls&) = delete;
  Calls& operator=(const Calls&) = delete;

  void Launch(CallJob job);
  /// Whether this very attempt is still running or waiting here.
  bool InFlight(const Uuid& saga, StepIndex step, std::int64_t item) const;
  bool Drain();  // answers whether anything ran
  void Stop();   // cancels what waits, tells running calls to hurry, joins

 private:
  struct Lane {
    std::deque<CallJob> waiting;
    std::set<std::string> busy_keys;
    std::size_t running = 0;
  };
  void Loop();
  bool Next(CallJob& job);  // needs mutex_
  void Finish(const CallJob& job);
  CallResult Make(CallJob job);
  void Run(const CallJob& job, Call& call) const;

  const Clock& clock_;
  const Deliver deliver_;
  const Gate gate_;
  FlightRecorder* const flight_;
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  std::map<std::pair<std::size_t, StepIndex>, Lane> lanes_;  // by the plan's number
  std::multiset<std::tuple<Uuid, StepIndex, std::int64_t>> in_flight_;
  bool stopping_ = false;
  std::atomic<bool> cancelled_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace reprise::runtime
