#include "executor/executor.h"

#include <csignal>
#include <random>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/mutant.h"
#include "executor/batch.h"
#include "executor/door.h"
#include "executor/inputs.h"

namespace reprise::runtime {
namespace {

constexpr Millis kTellEvery{50};
constexpr Millis kAskDueEvery{1000};
constexpr Millis kHousekeepEvery{10'000};
constexpr Millis kIdleAlarm{600'000};

std::uint64_t Seed(std::uint64_t seed) {
  if (seed != 0) return seed;
  std::random_device device;
  return (static_cast<std::uint64_t>(device()) << 32) ^ device();
}

double Seconds(std::chrono::steady_clock::duration d) {
  return std::chrono::duration<double>(d).count();
}

}  // namespace

Executor::Executor(Journal& journal, Bus& bus, Plugins& plugins, Plans& plans, Clock& clock,
                   Metrics& metrics, ExecutorOptions options)
    : journal_(journal),
      bus_(bus),
      plugins_(plugins),
      plans_(plans),
      clock_(clock),
      metrics_(metrics),
      options_(std::move(options)),
      ids_(Seed(options_.seed)),
      faults_(options_.faults),
      commit_seconds_(metrics.HistogramOf("reprise_commit_duration_seconds")),
      queue_wait_(metrics.HistogramOf("reprise_queue_wait_seconds")),
      commits_total_(metrics.CounterOf("reprise_commits_total")),
      limit_(options_.batch),
      on_crash_([] { std::raise(SIGKILL); }) {
  const auto deliver = [this](CallResult result) {
    const std::lock_guard lock(mutex_);
    inbox_.results.push_back(std::move(result));
    wake_.notify_one();
  };
  calls_ = std::make_unique<Calls>(clock_, options_.call_threads, deliver, options_.flight,
                                   options_.call_gate);
  bus_.OnArrival([this] { Wake(); });
}

Executor::~Executor() {
  Stop();
  bus_.OnArrival({});
}

// ---------------------------------------------------------------- the loop

bool Executor::Turn() {
  if (dead_) return false;
  bool ran_calls = options_.call_threads == 0 && calls_->Drain();
  if (std::exchange(suspect_next_, false)) {
    if (Work alone = CollectSuspect(); !alone.empty()) return Commit(alone);
  }
  Work work = Collect();
  if (work.empty()) {
    if (suspect_next_) return true;
    if (journal_down_) Probe();
    Housekeep(clock_.Now());
    return ran_calls;
  }
  return Commit(work);
}

/// Takes what is there.  Questions are answered and checks made here, on what is committed.
Work Executor::Collect() {
  Inbox inbox;
  {
    const std::lock_guard lock(mutex_);
    const auto take = [&](auto& from, auto& to) {
      while (!from.empty() && to.size() < limit_) {
        to.push_back(std::move(from.front()));
        from.pop_front();
      }
    };
    take(inbox_.jobs, inbox.jobs);
    take(inbox_.requests, inbox.requests);
    take(inbox_.starts, inbox.starts);
    take(inbox_.verbs, inbox.verbs);
    take(inbox_.results, inbox.results);
  }
  TakeBusy(inbox);
  waiting_ -= inbox.requests.size() + inbox.starts.size();
  for (auto& job : inbox.jobs) job();
  const Time now = clock_.Now();
  Work work;
  Door door(*this, now);
  const auto taken = std::chrono::steady_clock::now();
  for (Request& request : inbox.requests) {
    queue_wait_.Observe(Seconds(taken - request.arrived));
    door.Enter(std::move(request), work);
  }
  const auto move = [](auto& from, auto& to) {
    to.assign(std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
  };
  move(inbox.starts, work.starts);
  move(inbox.verbs, work.verbs);
  move(inbox.results, work.results);
  TakeTells(work, now);
  FAILPOINT("poll.before");
  if (auto messages = bus_.Poll(limit_)) work.messages = std::move(*messages);
  if (!work.messages.empty()) FAILPOINT("poll.after");
  PutSuspectsBack(work);
  Inputs(*this, now).Take(work);
  // Others may have armed rows of our lanes, where several workers share a journal.
  if (options_.partitions > 0 && now - next_due_asked_ >= kAskDueEvery) next_due_known_ = false;
  if (!next_due_known_) {
    next_due_asked_ = now;
    auto next = journal_.NextDue();
    next_due_ = next ? *next : std::optional<Time>(now + std::chrono::seconds(1));
    next_due_known_ = true;
  }
  work.due = next_due_ && *next_due_ <= now;
  return work;
}

void Executor::TakeTells(Work& work, Time now) {
  if (tells_.empty() || now - tells_since_ < kTellEvery) return;
  work.tells = std::exchange(tells_, {});
}

/// One transaction; twice if an attempt failed after it had written.
bool Executor::Commit(Work& work) {
  Error error;
  for (const bool careful : {false, true}) {
    FAILPOINT("begin.before");
    auto tx = journal_.Begin();
    if (!tx) {
      error = tx.error();
      break;
    }
    FAILPOINT("begin.after");
    Batch batch(*this, **tx, clock_.Now(), careful);
    const Batch::Ran ran = batch.Run(work);
    if (ran == Batch::Ran::kRerun) continue;
    if (ran == Batch::Ran::kFailed) {
      error = batch.error();
      if (error.code == Code::kCancelled) {  // an injected crash that did not kill the process
        dead_ = true;
        return false;
      }
      break;
    }
    std::vector<Message> outbox = std::move(batch.after().outbox);
    const std::string sealed = bus_.Seal(outbox, batch.after().sent);
    const std::string_view phase = batch.after().undid ? "undo" : "do";
    // Row 1: what follows is on its way before it is stored, and then not stored.
    if (MUTANT(1)) (void)bus_.Publish(std::exchange(outbox, {}));
    FAILPOINT_IN("commit.before", phase);
    const auto began = std::chrono::steady_clock::now();
    const Status committed = (*tx)->Commit(outbox, sealed);
    commit_seconds_.Observe(Seconds(std::chrono::steady_clock::now() - began));
    if (!committed) {
      error = committed.error();
      break;
    }
    FAILPOINT_IN("commit.after", phase);
    ++commits_;
    commits_total_.Add(1);
    if (on_line_) {  // what was committed did happen, also if the process dies right now
      for (const Line& line : batch.lines()) on_line_(line);
    }
    if (on_commit_ && !on_commit_()) {
      dead_ = true;
      return false;
    }
    if (options_.flight) {
      options_.flight->Landed();
      for (const Flight& flight : batch.after().landed) options_.flight->Forget(flight);
    }
    journal_down_ = false;
    if (work.due) next_due_known_ = false;
    // Row 8: what is armed before the time that is waited for is passed over.
    if (!MUTANT(8) && batch.soonest() < next_due_.value_or(kNoTime)) next_due_ = batch.soonest();
    limit_ = std::min(options_.batch, limit_ * 2);
    for (int i = 0; i < batch.counted(); ++i) on_count_();
    FAILPOINT_IN("publish.before", phase);
    if (const Status published = bus_.Publish(outbox); !published) {
      Log(LogLevel::kError, "publish failed; the outbox keeps it",
          {{"error", published.error().message}});
    }
    FAILPOINT_IN("publish.after", phase);
    if (batch.after().letter) FAILPOINT("letter.after");
    Finish(batch.after());
    return true;
  }
  if (error.code == Code::kFenced || error.code == Code::kContended) {
    if (error.code == Code::kContended) limit_ = std::max<std::size_t>(1, limit_ / 2);
    PutBack(work);
    return true;  // it goes on at once, with what it still holds
  }
  Abandon(work, error);
  return false;
}

/// Replies, calls and hints only follow what is durable.
void Executor::Finish(Afterwards& after) {
  for (auto& reply : after.replies) reply();
  if (!after.busy.empty()) ComeAgain(std::move(after.busy));
  for (CallJob& job : after.calls) calls_->Launch(std::move(job));
  for (const std::string& channel : after.hints) {
    for (const auto& listener : hint_listeners_) listener(channel);
  }
}

void Executor::Settle() {
  while (!stopping_ && Turn()) {
  }
}

void Executor::Run() {
  while (!stopping_) {
    if (Turn()) continue;
    Millis wait{1000};
    if (next_due_) wait = std::min(wait, clock_.RealWait(*next_due_));
    if (!tells_.empty())
      wait = std::min(wait, std::max(Millis(1), clock_.RealWait(tells_since_ + kTellEvery)));
    if (!busy_.empty()) wait = std::min(wait, kBusyAgain);
    if (journal_down_) wait = Millis(200);
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, wait,
                   [&] { return stopping_ || ((!inbox_.empty() || arrived_) && !journal_down_); });
    arrived_ = false;
  }
}

void Executor::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
  }
  calls_->Stop();
}

/// Nothing is accepted while the journal is down, so nothing would show that it is back: a small
/// write asks.
void Executor::Probe() {
  auto tx = journal_.Begin();
  if (!tx || !(*tx)->PutMeta("executor.probe", Rfc3339(clock_.Now())) || !(*tx)->Commit({})) return;
  journal_down_ = false;
  Log(LogLevel::kInfo, "the journal stores again");
}

/// Old sagas go, in small pieces, while nothing else is to do.
void Executor::Housekeep(Time now) {
  if (now - housekeeping_ < kHousekeepEvery && housekeeping_ != Time{}) return;
  housekeeping_ = now;
  for (const Plan* plan : plans_.current()) {
    const Pipeline& pipeline = *plan->pipeline;
    auto expired =
        journal_.Expired(pipeline.name, now - pipeline.keep_done.value_or(options_.keep_done),
                         now - pipeline.keep_undone.value_or(options_.keep_undone), 200);
    if (!expired || expired->empty()) continue;
    auto tx = journal_.Begin();
    if (!tx) return;
    auto gone = (*tx)->Purge(*expired);
    if (gone && (*tx)->Commit({})) {
      metrics_.Count("reprise_sagas_purged_total", {{"pipeline", pipeline.name}}, *gone);
      housekeeping_ = Time{};  // there may be more
    }
  }
  auto idle = journal_.Idle(now - kIdleAlarm, 10);
  if (!idle) return;
  for (const Uuid& id : *idle) {
    metrics_.Count("reprise_sagas_idle_total");
    Log(LogLevel::kError, "a running saga has nothing that will move it",
        {{"saga", id.ToString()}});
  }
}

// ---------------------------------------------------------------- from other threads

void Executor::Submit(Request request) {
  if (auto why = Overloaded()) return request.reply(Unavailable(why->first, why->second));
  ++waiting_;
  request.arrived = std::chrono::steady_clock::now();
  const std::lock_guard lock(mutex_);
  inbox_.requests.push_back(std::move(request));
  wake_.notify_one();
}

void Executor::Submit(Start start) {
  ++waiting_;
  const std::lock_guard lock(mutex_);
  inbox_.starts.push_back(std::move(start));
  wake_.notify_one();
}

void Executor::Submit(Verb verb) {
  const std::lock_guard lock(mutex_);
  inbox_.verbs.push_back(std::move(verb));
  wake_.notify_one();
}

void Executor::AskStream(Request request, std::string after,
                         std::function<void(Reply refused, StreamBatch batch)> answer) {
  const std::lock_guard lock(mutex_);
  inbox_.jobs.push_back(
      [this, request = std::move(request), after = std::move(after), answer = std::move(answer)] {
        Door(*this, clock_.Now()).AskStream(request, after, answer);
      });
  wake_.notify_one();
}

void Executor::OnHint(std::function<void(const std::string& channel)> listener) {
  Read([this, listener = std::move(listener)](Journal&) { hint_listeners_.push_back(listener); });
}

void Executor::Read(std::function<void(Journal&)> read) {
  const std::lock_guard lock(mutex_);
  inbox_.jobs.push_back([this, read = std::move(read)] { read(journal_); });
  wake_.notify_one();
}

void Executor::Wake() {
  const std::lock_guard lock(mutex_);
  arrived_ = true;
  wake_.notify_one();
}

std::optional<std::pair<std::string, std::string>> Executor::Overloaded() const {
  if (stopping_) return std::pair<std::string, std::string>{"stopping", "the runtime is stopping"};
  if (journal_down_)
    return std::pair<std::string, std::string>{"unavailable",
                                               "the journal cannot store anything now"};
  if (auto why = bus_.Overloaded()) return std::pair<std::string, std::string>{"unavailable", *why};
  if (waiting_ >= options_.queue_max) {
    return std::pair<std::string, std::string>{"overloaded", "too many requests are waiting"};
  }
  return std::nullopt;
}

}  // namespace reprise::runtime
