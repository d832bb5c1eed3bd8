// Work of which nothing happened: it comes again, or whoever asked for it is told.
#include "base/log.h"
#include "base/mutant.h"
#include "executor/executor.h"

namespace reprise::runtime {
namespace {

/// A request that answers everyone who asked the same.
Request Whole(Admitted admitted) {
  Request request = std::move(admitted.request);
  if (!admitted.twins.empty()) {
    request.reply = [first = std::move(request.reply),
                     rest = std::move(admitted.twins)](const Reply& reply) {
      first(reply);
      for (const auto& twin : rest) twin(reply);
    };
  }
  return request;
}

}  // namespace

/// Nothing of it happened, and nothing is wrong with it: it comes again.
void Executor::PutBack(Work& work) {
  next_due_known_ = false;
  metrics_.Count("reprise_batches_again_total");
  bus_.Return(std::move(work.messages));
  for (Message& tell : work.tells) tells_.push_back(std::move(tell));
  const std::lock_guard lock(mutex_);
  for (auto it = work.admitted.rbegin(); it != work.admitted.rend(); ++it) {
    inbox_.requests.push_front(Whole(std::move(*it)));
    ++waiting_;
  }
  for (auto it = work.starts.rbegin(); it != work.starts.rend(); ++it) {
    inbox_.starts.push_front(std::move(*it));
    ++waiting_;
  }
  for (auto it = work.arrivals.rbegin(); it != work.arrivals.rend(); ++it) {
    if (!it->fed) continue;  // the bus has it again
    inbox_.starts.push_front(std::move(*it->fed));
    ++waiting_;
  }
  for (Verb& verb : work.verbs) inbox_.verbs.push_back(std::move(verb));
  for (CallResult& result : work.results) inbox_.results.push_back(std::move(result));
}

/// Their locks were not free: they are tried again in a moment, for as long as a lock is waited
/// for.
void Executor::ComeAgain(std::vector<Admitted> busy) {
  const auto now = std::chrono::steady_clock::now();
  for (Admitted& admitted : busy) {
    Request request = Whole(std::move(admitted));
    if (now - request.arrived < options_.lock_wait) {
      busy_.push_back(std::move(request));
      ++waiting_;
    } else {
      request.reply(Refused(409, "busy", "another request holds '" + request.route->lock + "'"));
    }
  }
  busy_until_ = now + kBusyAgain;
}

void Executor::TakeBusy(Inbox& inbox) {
  if (busy_.empty() || std::chrono::steady_clock::now() < busy_until_) return;
  for (Request& request : std::exchange(busy_, {})) inbox.requests.push_back(std::move(request));
}

/// The journal failed: nothing happened.  Who can be told is told, the rest comes again.
void Executor::Abandon(Work& work, const Error& error) {
  next_due_known_ = false;
  if (!journal_down_.exchange(true)) {
    Log(LogLevel::kError, "the journal refused a batch; nothing of it took effect",
        {{"error", error.message}});
  }
  metrics_.Count("reprise_batches_failed_total");
  // Row 4: the journal is away for a moment, and messages are thrown away.
  if (!MUTANT(4)) bus_.Return(std::move(work.messages));
  const Reply unavailable =
      Unavailable("unavailable", "the journal cannot store this now: " + error.message);
  for (Admitted& admitted : work.admitted) {
    admitted.request.reply(unavailable);
    for (auto& twin : admitted.twins) twin(unavailable);
  }
  for (Start& start : work.starts) {
    if (start.done) start.done(error);
  }
  for (Arrival& arrival : work.arrivals) {
    if (arrival.fed && arrival.fed->done) arrival.fed->done(error);
  }
  for (Verb& verb : work.verbs) verb.reply(unavailable);
  for (Message& tell : work.tells) tells_.push_back(std::move(tell));
  const std::lock_guard lock(mutex_);
  for (CallResult& result : work.results) inbox_.results.push_back(std::move(result));
}

bool Executor::Waiting() {
  if (!journal_down_.exchange(true))
    Log(LogLevel::kError, "the journal does not answer; nothing is accepted until it does");
  RefuseWaiting("the journal does not answer");
  return stopping_;
}

/// Requests that no turn has taken up: nothing of them was begun.
void Executor::RefuseWaiting(const std::string& why) {
  std::deque<Request> waiting;
  {
    const std::lock_guard lock(mutex_);
    waiting.swap(inbox_.requests);
  }
  waiting_ -= waiting.size();
  for (const Request& request : waiting) request.reply(Unavailable("unavailable", why));
}

}  // namespace reprise::runtime
