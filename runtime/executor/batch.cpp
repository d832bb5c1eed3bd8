#include "executor/batch.h"

#include <algorithm>
#include <unordered_set>

#include "base/failpoint.h"
#include "base/log.h"

namespace reprise::runtime {
namespace {

/// A side step's row is (saga, step, event id); the item is 63 bits of the message's id.
std::int64_t ItemOf(const Step& step, const Uuid& message) {
  if (!step.side || !step.undo_on.empty()) return 0;
  std::uint64_t bits = 0;
  std::memcpy(&bits, message.bytes.data(), sizeof bits);
  return static_cast<std::int64_t>(bits >> 1 | 1);
}

/// `lock: userId` of this request: "userId=mina"; empty without one.
std::string LockOf(const Admitted& admitted) {
  const std::string& field = admitted.request.route->lock;
  return field.empty() ? std::string() : field + "=" + admitted.fields.Text(field);
}

}  // namespace

Batch::Batch(Executor& executor, Transaction& tx, Time now, bool careful)
    : x_(executor), tx_(tx), now_(now), careful_(careful) {}

Batch::Ran Batch::Fail(const Error& error) {
  error_ = error;
  return Ran::kFailed;
}

/// The rows that are ready go to the journal.
bool Batch::Write() {
  for (const Due& due : armed_) soonest_ = std::min(soonest_, due.due);
  if (!Check(tx_.Record(rows_)) || !Check(tx_.Arm(armed_))) return false;
  rows_.clear();
  armed_.clear();
  return true;
}

bool Batch::Check(const Status& status) {
  if (!status) error_ = status.error();
  return status.ok();
}

Batch::Ran Batch::Run(const Work& work) {
  work_ = &work;
  std::vector<bool> free;
  Ran ran = TakeLocks(work, free);
  if (ran == Ran::kOk && work.due) ran = TakeDue();
  for (auto it = work.results.begin(); ran == Ran::kOk && it != work.results.end(); ++it)
    ran = CallEnded(*it);
  for (auto it = work.verbs.begin(); ran == Ran::kOk && it != work.verbs.end(); ++it)
    ran = Perform(*it);
  for (std::size_t i = 0; ran == Ran::kOk && i < work.admitted.size(); ++i) {
    if (free[i]) {
      ran = Accept(work.admitted[i]);
    } else {
      after_.busy.push_back(work.admitted[i]);
    }
  }
  if (ran == Ran::kOk) ran = AcceptStarts(work.starts);
  if (ran == Ran::kOk) ran = Arrive(work.arrivals);
  for (auto it = work.tells.begin(); ran == Ran::kOk && it != work.tells.end(); ++it)
    ran = Tell(*it);
  if (ran == Ran::kOk) ran = Settle();
  if (ran != Ran::kOk) return ran;
  std::vector<Message> in;
  in.reserve(work.messages.size());
  for (const Message& message : work.messages) {
    if (!message.input()) in.push_back(message);
  }
  for (Message& next : TakeLocal()) in.push_back(std::move(next));
  ran = Rounds(std::move(in));
  if (ran != Ran::kOk) return ran;
  if (ran = WakeLines(); ran != Ran::kOk) return ran;
  if (!Check(tx_.AddHistory(history_)) || !Check(tx_.Send(after_.sent)) ||
      !Check(tx_.Consume(work.messages))) {
    return Ran::kFailed;
  }
  return Ran::kOk;
}

/// The locks that routes ask for, all at once and in the order of their names, before any row is
/// touched: so two workers never wait for each other.
Batch::Ran Batch::TakeLocks(const Work& work, std::vector<bool>& free) {
  free.assign(work.admitted.size(), true);
  std::vector<std::string> names;
  for (const Admitted& admitted : work.admitted) {
    if (std::string name = LockOf(admitted); !name.empty()) names.push_back(std::move(name));
  }
  if (names.empty()) return Ran::kOk;
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  const auto taken = tx_.TakeLocks(names);
  if (!taken) return Fail(taken.error());
  for (std::size_t i = 0; i < free.size(); ++i) {
    const std::string name = LockOf(work.admitted[i]);
    if (name.empty()) continue;
    const auto at = std::lower_bound(names.begin(), names.end(), name) - names.begin();
    free[i] = (*taken)[static_cast<std::size_t>(at)];
  }
  return Ran::kOk;
}

Batch::Ran Batch::Rounds(std::vector<Message> in) {
  while (!in.empty()) {
    while (!in.empty()) {
      std::vector<Message> wave = TakeWave(in);
      if (const Ran ran = RunWave(wave); ran != Ran::kOk) return ran;
    }
    if (const Ran ran = Settle(); ran != Ran::kOk) return ran;
    in = TakeLocal();
  }
  return Ran::kOk;
}

/// The first messages, in order, of distinct (step, key) and distinct (saga, step); the rest stays.
std::vector<Message> Batch::TakeWave(std::vector<Message>& in) {
  if (in.size() == 1) return std::exchange(in, {});
  std::unordered_set<std::size_t> taken;
  taken.reserve(in.size() * 2);
  std::vector<Message> wave, rest;
  wave.reserve(in.size());
  for (Message& message : in) {
    const std::size_t where = std::hash<std::string>()(message.plan) * 31 + message.step;
    const std::size_t by_key = where * 1'000'003 + std::hash<std::string>()(message.key);
    const std::size_t by_saga = where * 1'000'033 + std::hash<Uuid>()(message.saga) + 1;
    // Two keys that hash alike only wait for each other.
    if (taken.contains(by_key) || taken.contains(by_saga)) {
      taken.insert({by_key, by_saga});
      rest.push_back(std::move(message));
    } else {
      taken.insert({by_key, by_saga});
      wave.push_back(std::move(message));
    }
  }
  in = std::move(rest);
  return wave;
}

/// What cannot be read is a dead letter.  So is what the bus will never take; if that is a message
/// of a saga, its step fails as well.
Batch::Ran Batch::RunWave(std::vector<Message>& wave) {
  std::vector<Transaction::StepKey> keys;
  std::vector<Message*> met;
  std::vector<Uuid> undone;
  keys.reserve(wave.size());
  for (Message& message : wave) {
    const Plan* plan = x_.plans_.Find(message.plan);
    if (!message.broken.empty()) {
      DeadLetterOf(message, message.refused ? "refused" : "unreadable", message.broken, false);
      if (!message.refused || message.saga.nil()) continue;
    }
    if (message.saga.nil()) {
      if (const Ran ran = Tell(message); ran != Ran::kOk) return ran;
    } else if (!plan || message.step >= plan->steps.size()) {
      DeadLetterOf(message, "unknown_plan", "no pipeline with this hash is known here", false);
    } else {
      keys.push_back({message.saga, message.step, ItemOf(plan->step(message.step), message.id)});
      met.push_back(&message);
      if (MustBeSent(plan->step(message.step), message)) undone.push_back(message.saga);
    }
  }
  FAILPOINT("claim.before");
  auto claimed = tx_.Claim(keys);
  if (!claimed) return Fail(claimed.error());
  FAILPOINT("claim.after");
  auto sagas = undone.empty() ? Result<std::vector<Saga>>(std::vector<Saga>()) : tx_.Lock(undone);
  if (!sagas) return Fail(sagas.error());
  std::vector<Attempt> attempts;
  attempts.reserve(met.size());
  for (std::size_t i = 0; i < met.size(); ++i) {
    if (const Ran ran = MeetMessage(*met[i], (*claimed)[i], *sagas, attempts); ran != Ran::kOk)
      return ran;
  }
  if (const Ran ran = RunAttempts(attempts); ran != Ran::kOk) return ran;
  if (!Write()) return Ran::kFailed;
  return Ran::kOk;
}

}  // namespace reprise::runtime
