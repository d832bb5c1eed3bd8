/// Executor: one worker's loop over its lanes, from input to commit.
///
/// Turn() is the heart of the runtime: what is there, one transaction, one durable commit, publish,
/// answer. See runtime/README.md, "life of a message".
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/metrics.h"
#include "base/mutant.h"
#include "executor/calls.h"
#include "executor/flight.h"
#include "executor/plans.h"
#include "executor/work.h"
#include "ports/bus.h"
#include "ports/ingress.h"
#include "ports/journal.h"

namespace reprise::runtime {

/// A step's fault for tests and demos: `--fault deadline.do=fail`.
struct Fault {
  std::string pipeline;  // empty: any
  std::string step;
  Phase phase = Phase::kDo;
  enum Kind { kFail, kRetry, kCrash, kUnknown } kind = kFail;
  int times = -1;                      // retry:N, crash:N; -1: always
  std::string saga_field, saga_value;  // only sagas whose root payload has this field; empty: all
};

struct ExecutorOptions {
  std::size_t batch = 500;
  std::size_t queue_max = 10'000;  // waiting requests before 503
  std::size_t call_threads = 16;   // 0: calls run on the executor's thread (tests)
  Calls::Gate call_gate;           // with 0 threads: which calls are made now; empty: all
  Millis lock_wait{2000};          // how long a request waits for its `lock:` before 409 `busy`
  std::uint32_t partitions = 0;    // of every step's lanes; 0: the engine has no lanes
  std::string dead_topic;          // where every dead letter goes too; empty: nowhere
  Millis keep_done{7LL * 86'400'000}, keep_undone{90LL * 86'400'000};
  std::uint64_t seed = 0;  // of ids; 0: from the machine
  std::vector<Fault> faults;
  FlightRecorder* flight = nullptr;  // outlives the executor; null: crashes are not looked into
};

class Executor : public Ingress {
 public:
  /// All references outlive the executor.  Threads: Submit, Ask.., Read, OnHint, Overloaded and
  /// Stop from any thread; Run or Turn from one.
  Executor(Journal& journal, Bus& bus, Plugins& plugins, Plans& plans, Clock& clock,
           Metrics& metrics, ExecutorOptions options);
  ~Executor() override;

  /// One turn: false if there was nothing to do.
  bool Turn();

  /// Turns until nothing is left that is due now; for tests.
  void Settle();

  /// Turns until Stop; sleeps while there is nothing to do.
  void Run();
  void Stop();

  /// For a journal that waits in the middle of a turn for a server that says nothing: nothing more
  /// is accepted until a commit succeeds, and who waits to be taken up is told so.  True: the wait
  /// is in vain, since the executor is to stop.  Threads: Run's.
  bool Waiting();

  void Submit(Request request) override;
  void Submit(Start start) override;
  void Submit(Verb verb) override;
  void AskStream(Request request, std::string after,
                 std::function<void(Reply refused, StreamBatch batch)> answer) override;
  void OnHint(std::function<void(const std::string& channel)> listener) override;
  void Read(std::function<void(Journal&)> read) override;
  std::optional<std::pair<std::string, std::string>> Overloaded() const override;

  /// Called on the executor's thread right after each commit, before anything is published or
  /// answered: tests' crash points.  False: the executor is dead from here on, as if it had been
  /// killed.
  void OnCommit(std::function<bool()> listener) { on_commit_ = std::move(listener); }
  /// Called for each line of a saga's life as it is committed: `demo` prints them.
  struct Line {
    Uuid saga;
    std::string pipeline, step, what,
        detail;  // what: do, undo, retry, failed, held, kept, stuck, started, done, undone
    Time at{};
  };
  void OnLine(std::function<void(const Line&)> listener) { on_line_ = std::move(listener); }

  /// Called for each committed do of this step: a bench counts.
  void OnCount(std::string step, std::function<void()> count) {
    counted_step_ = std::move(step);
    on_count_ = std::move(count);
  }
  /// What an injected crash does; the default kills the process.
  void OnCrash(std::function<void()> crash) { on_crash_ = std::move(crash); }
  void AddFault(Fault fault) { faults_.push_back(std::move(fault)); }
  void ClearFaults() { faults_.clear(); }
  const std::vector<Fault>& faults() const { return faults_; }  // with what is left of `times`
  std::uint64_t commits() const { return commits_; }
  /// Died by a crash that a test injected.
  bool dead() const { return dead_; }

 private:
  friend class Batch;
  friend class Door;
  friend class Inputs;

  struct Inbox {
    std::deque<Request> requests;
    std::deque<Start> starts;
    std::deque<Verb> verbs;
    std::deque<CallResult> results;
    std::deque<std::function<void()>> jobs;  // reads, stream questions
    bool empty() const {
      return requests.empty() && starts.empty() && verbs.empty() && results.empty() && jobs.empty();
    }
  };

  Work Collect();
  Work CollectSuspect();
  bool IsSuspect(const Message& message) const;
  void PutSuspectsBack(Work& work);
  bool Commit(Work& work);  // false: the journal failed, everything was put back or refused
  void Abandon(Work& work, const Error& error);
  void RefuseWaiting(const std::string& why);
  void PutBack(Work& work);
  void ComeAgain(std::vector<Admitted> busy);
  void TakeBusy(Inbox& inbox);
  void Finish(Afterwards& after);
  void TakeTells(Work& work, Time now);
  void Probe();
  void Housekeep(Time now);
  void Wake();

  Journal& journal_;
  Bus& bus_;
  Plugins& plugins_;
  Plans& plans_;
  Clock& clock_;
  Metrics& metrics_;
  const ExecutorOptions options_;
  UuidV7 ids_;
  std::vector<Fault> faults_;
  Metrics::Histogram& commit_seconds_;
  Metrics::Histogram& queue_wait_;
  Metrics::Counter& commits_total_;

  // the executor's thread only
  std::size_t limit_;  // of a batch: `options.batch`, less while others' locks are in the way
  std::vector<Request> busy_;
  static constexpr Millis kBusyAgain{5};
  std::chrono::steady_clock::time_point busy_until_{};
  std::vector<Message> tells_;
  Time tells_since_{};
  std::optional<Time> next_due_;
  bool next_due_known_ = MUTANT(10);  // row 10: who begins does not look for what is parked
  Time next_due_asked_{};
  Time housekeeping_{};
  std::uint64_t commits_ = 0;
  bool suspect_next_ = false;  // the next turn is one suspect's alone
  bool dead_ = false;
  std::uint64_t salt_ = 1;
  std::function<bool()> on_commit_;
  std::function<void(const Line&)> on_line_;
  std::function<void()> on_crash_;
  std::string counted_step_;
  std::function<void()> on_count_;
  std::vector<std::function<void(const std::string&)>> hint_listeners_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  Inbox inbox_;
  bool arrived_ = false;  // on the bus
  std::atomic<std::size_t> waiting_ = 0;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> journal_down_ = false;

  std::unique_ptr<Calls> calls_;  // last: its threads use the inbox
};

}  // namespace reprise::runtime
