/// Batch: one transaction's work.  Inputs come in, messages meet their rows, plugins run in waves
/// of distinct keys, sagas are decided, and what follows is either handled in the same transaction
/// or left in the outbox.
///
/// A batch touches nothing but its transaction: it can be thrown away and run again.
#pragma once

#include <deque>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "executor/executor.h"
#include "executor/plans.h"
#include "executor/work.h"
#include "model/decide.h"
#include "model/trace.h"

namespace reprise::runtime {

class Batch {
 public:
  enum class Ran {
    kOk,
    kRerun,   // an attempt failed after it had written: run again, with savepoints
    kFailed,  // the journal failed; see error()
  };

  Batch(Executor& executor, Transaction& tx, Time now, bool careful);

  Ran Run(const Work& work);

  Afterwards& after() { return after_; }
  const Error& error() const { return error_; }
  std::vector<Executor::Line>& lines() { return lines_; }
  int counted() const { return counted_; }
  /// Of the due rows it armed; kNoTime: none.
  Time soonest() const { return soonest_; }

 private:
  /// One attempt of a step, on its way through a plugin.
  struct Attempt {
    const Plan* plan = nullptr;
    StepIndex step = 0;
    Phase phase = Phase::kDo;
    Last last = Last::kDone;
    bool undo_last = false;
    StepRow row;
    LaneId lane = 0;
    std::string saga_text, key, event, idempotency_key, do_key, others, trace;
    Payload payload, root;
    json::object added;
    int delta = 0;        // of `open`, by what brought the attempt here
    std::string refusal;  // its message could not be sent: it fails without being run
    Call call;
    Ruling ruling;
    const Step& spec() const { return plan->step(step); }
    const BoundStep& bound() const { return plan->steps[step]; }
  };
  /// Something happened to a step: what Decide is told, and what the messages that follow will
  /// carry.
  struct Happened {
    const Plan* plan = nullptr;
    Uuid saga;
    Fact fact;
    Payload payload, root;
    json::object added;
    StepRow row;  // for holds and dead letters
    std::string key, trace;
  };

  // -- batch.cpp: rounds and waves
  Ran TakeLocks(const Work& work, std::vector<bool>& free);
  Ran Rounds(std::vector<Message> in);
  std::vector<Message> TakeWave(std::vector<Message>& in);
  Ran RunWave(std::vector<Message>& wave);
  /// Of sagas as Transaction::Lock answers them, in the order of their ids; null: it is not there.
  static Saga* SagaAmong(std::span<Saga> sagas, const Uuid& id);
  static bool MustBeSent(const Step& step, const Message& message);
  static Attempt AttemptOf(const Plan& plan, Meeting& meeting, Message& message);
  Ran MeetMessage(Message& message, Claimed& claimed, std::span<Saga> undone,
                  std::vector<Attempt>& attempts);
  Ran Begin(Attempt attempt, std::vector<Attempt>& attempts);
  Ran Tell(const Message& message);

  // -- batch_attempt.cpp: running plugins
  Ran RunAttempts(std::vector<Attempt>& attempts);
  void Rule(Attempt& attempt);
  Ran RunOne(Attempt& attempt);
  Ran RunAll(std::span<Attempt*> group);
  void Prepare(Attempt& attempt);
  bool MayFault(const Step& step) const;
  static std::uint32_t TriesOf(const Attempt& attempt);
  bool Faulted(Attempt& attempt);
  Ran Intend(Attempt attempt, bool reconcile_first);
  Ran Wait(Attempt& attempt);

  // -- batch_conclude.cpp: what an attempt that has ended leaves behind
  Ran Conclude(Attempt& attempt);
  Ran ConcludeDo(Attempt& attempt);
  Ran ConcludeUndo(Attempt& attempt);
  Ran SideFailed(Attempt& attempt);
  static Due DueOf(const Attempt& attempt, DueKind kind, Time due);
  DeadLetter LetterOf(const Attempt& attempt, const Outcome& why) const;
  int Timers(Attempt& attempt);
  void SendRecords(Attempt& attempt, const Uuid& cause);
  Headers HeadersOf(const Attempt& attempt, const Uuid& cause, const Transaction::Foreign& record,
                    std::size_t n) const;

  // -- suspects.cpp: what may take the process with it
  std::vector<Message> TakeLocal();
  static Flight FlightOf(const Attempt& attempt);
  bool MayCrash(const Attempt& attempt) const;
  bool Convicted(Attempt& attempt);
  void Survived(const Attempt& attempt);
  void Land(const Attempt& attempt);

  // -- batch_line.cpp: `ordering: strict`
  static std::string LineOf(const Plan& plan, StepIndex step, const std::string& key);
  void Touch(const Attempt& attempt);
  Ran StandInLine(Attempt& attempt, bool& waits);
  Ran WakeLines();

  // -- batch_settle.cpp: what follows for sagas
  Ran Settle();
  void Apply(const Decision& decision, Happened& happened, Saga& saga);
  void Send(const Happened& happened, const Command& command, const Saga* saga);
  void Publish(const Plan& plan, const Saga* saga, const Uuid& id, const std::string& event,
               const Payload& payload, std::uint32_t round);
  void Notify(const Happened& happened, const Notice& notice, const Saga& saga);
  void Incomplete(const Plan& plan, const Saga& saga, const Decision& decision, Time now);
  void DeadBranch(const Plan& plan, const Saga& saga, const StepRow& row);
  std::string KeyOf(const Plan& plan, StepIndex step, const Payload& root, const Uuid& saga) const;
  LaneId LaneOf(const Plan& plan, StepIndex step, const Payload& root, const Uuid& saga) const;
  Due DueOf(const Plan& plan, StepIndex step, const Saga& saga, DueKind kind, Time due) const;

  // -- batch_accept.cpp: requests and starts become sagas
  Ran Accept(const Admitted& admitted);
  Ran Accepted(const Admitted& admitted, const Saga& saga, Reply reply);
  Ran AcceptRun(const Admitted& admitted);
  Ran AcceptSignal(const Admitted& admitted);
  Reply Inline(const Admitted& admitted, const Plan& plan, int tries, Saga& saga,
               std::vector<Attempt>& done);
  Ran AcceptStarts(std::span<const Start> starts);
  Saga NewSaga(const Plan& plan, const Uuid& id, Payload root) const;
  Ran Create(const Plan& plan, const Saga& saga, const std::string& event, bool* created);
  void Begin(const Plan& plan, const Saga& saga, const std::string& event);
  void ReplyLater(const Admitted& admitted, Reply reply);
  void ReplyLater(const Verb& verb, Reply reply);

  // -- batch_arrive.cpp: records of others become sagas
  Ran Arrive(std::span<const Arrival> arrivals);
  Ran Arrived(const Arrival& arrival, bool any_new);
  void CountInput(const Arrival& arrival, std::string_view outcome);
  Ran Replay(const Verb& verb, const DeadLetter& letter);

  // -- batch_letters.cpp: what could not be handled
  Result<bool> Bury(const DeadLetter& letter);
  void DeadLetterOf(const Message& message, const std::string& code, const std::string& detail,
                    bool counted);

  // -- batch_due.cpp: timers, retries, calls that have ended
  Ran TakeDue();
  Ran Fire(const Due& due, Claimed& claimed, const Saga* saga, std::vector<Attempt>& attempts);
  Ran CallEnded(const CallResult& result);
  Ran AfterDeferred(Attempt& attempt);

  // -- batch_verbs.cpp: what operators ask
  Ran Perform(const Verb& verb);
  Ran PerformOnStep(const Verb& verb, const Plan& plan, const Saga& saga);
  Ran PerformOnLetter(const Verb& verb);
  Ran Signal(const Plan& plan, const Saga& saga, const std::string& name,
             const json::object& fields, Reply& reply);

  // -- small things
  Ran Fail(const Error& error);
  bool Check(const Status& status);
  bool Write();
  Attempt Resume(const Plan& plan, const StepRow& row, const Saga& saga, Phase phase);
  void Happen(Attempt& attempt, Fact fact);
  void Remember(const Attempt& attempt, const char* what, const std::string& code,
                const std::string& detail);
  void Tell(const Uuid& saga, const Plan& plan, const std::string& step, const char* what,
            const std::string& detail);
  std::string Others(const Plan& plan, const Saga& saga) const;

  Executor& x_;
  Transaction& tx_;
  const Time now_;
  const bool careful_;
  const Work* work_ = nullptr;
  Error error_;
  Afterwards after_;
  std::vector<Happened> happened_;
  std::string trace_;  // of what is being dealt with: what follows from it goes on with it
  std::vector<StepRow> rows_;
  std::vector<Due> armed_;
  Time soonest_ = kNoTime;
  std::set<std::string> lines_touched_;  // in which somebody's turn may have come
  std::vector<History> history_;
  std::vector<Executor::Line> lines_;
  int counted_ = 0;       // dos of the step that a bench counts
  bool crashed_ = false;  // an injected crash: nothing of this batch may be committed
};

}  // namespace reprise::runtime
