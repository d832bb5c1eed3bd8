#include <algorithm>

#include "base/mutant.h"
#include "model/decide.h"

namespace reprise::runtime {
namespace {

class Judging {
 public:
  Judging(const Step& step, StepRow row, Phase phase, const Outcome& outcome, Time now)
      : step_(step),
        do_(phase == Phase::kDo),
        outcome_(outcome),
        now_(now),
        policy_(do_ ? step.retry : step.undo_retry) {
    ruling_.row = std::move(row);
    if (!do_) ruling_.row.undo_running = false;
  }

  Ruling Run() {
    switch (outcome_.verdict) {
      case Verdict::kDone:
        return Done(false);
      case Verdict::kKept:
        return do_ ? Again("bad_outcome") : Done(true);
      case Verdict::kRetry:
        return Again(outcome_.code);
      case Verdict::kLater:
        return do_ && step_.inlined ? Again(outcome_.code) : Later();
      case Verdict::kFail:
        break;
    }
    ++counter();
    Note(outcome_.code);
    return GiveUp(outcome_.unknown || ruling_.row.unknown);
  }

 private:
  std::uint32_t& counter() { return do_ ? ruling_.row.attempt : ruling_.row.undo_attempt; }

  void Note(const std::string& code) {
    ruling_.row.code = code;
    ruling_.row.detail = outcome_.detail;
  }

  Ruling Done(bool kept) {
    StepRow& row = ruling_.row;
    ++counter();
    row.later_since = Time{};
    if (do_) {
      row.state = StepState::kDone;
      row.memo = outcome_.memo;
      row.done = now_;
      row.code.clear();
      row.detail.clear();
      row.unknown = false;
      ruling_.next = Ruling::kDone;
    } else {
      row.state = kept ? StepState::kDone : StepState::kUndone;
      row.kept = kept;
      row.undone = now_;
      if (kept) row.detail = outcome_.detail;
      ruling_.next = Ruling::kUndone;
    }
    return std::move(ruling_);
  }

  Ruling Again(const std::string& code) {
    const std::uint32_t attempt = ++counter();
    Note(code);
    const bool here = do_ && step_.inlined;                   // its request waits: it never parks
    if (MUTANT(16) && !do_) return Park(now_ + policy_.max);  // row 16: an undo never gives up
    if (attempt >=
        (here ? std::min(policy_.attempts, std::max(1U, policy_.immediate)) : policy_.attempts)) {
      return GiveUp(true);
    }
    const Millis wait =
        outcome_.after > Millis(0) ? outcome_.after : BackoffDelay(policy_, attempt, Salt());
    if (here || wait <= Millis(0)) {
      ruling_.row.state = do_ ? StepState::kRunning : StepState::kUndoing;
      ruling_.next = Ruling::kAgain;
      return std::move(ruling_);
    }
    return Park(now_ + wait);
  }

  Ruling Later() {
    StepRow& row = ruling_.row;
    if (row.later_since == Time{}) row.later_since = now_;
    const Time end = row.later_since + step_.patience;
    if (now_ >= end) {
      const bool tried = do_ && (row.attempt > 0 || row.unknown);
      if (counter() == 0) counter() = 1;  // a ruling that gives up has counted: see Meet of a retry
      Note(outcome_.code.empty() ? "out_of_patience" : outcome_.code);
      return GiveUp(tried);
    }
    const Millis after =
        outcome_.after > Millis(0) ? outcome_.after : std::max(Millis(1), policy_.first);
    return Park(after < end - now_ ? now_ + after : end);
  }

  Ruling Park(Time due) {
    ruling_.row.state = do_ ? StepState::kRetrying : StepState::kUndoing;
    ruling_.next = Ruling::kPark;
    ruling_.due = due;
    return std::move(ruling_);
  }

  Ruling GiveUp(bool unknown) {
    StepRow& row = ruling_.row;
    row.later_since = Time{};
    if (do_) {
      row.state = StepState::kFailed;
      row.unknown = step_.external && unknown;
      ruling_.next = Ruling::kFailed;
    } else {
      row.state = StepState::kStuck;
      ruling_.next = Ruling::kStuck;
    }
    return std::move(ruling_);
  }

  std::uint64_t Salt() const {
    const StepRow& row = ruling_.row;
    return std::hash<Uuid>()(row.saga) + 31U * row.step + 17U * row.attempt +
           13U * row.undo_attempt;
  }

  const Step& step_;
  const bool do_;
  const Outcome& outcome_;
  const Time now_;
  const RetryPolicy& policy_;
  Ruling ruling_;
};

}  // namespace

Ruling Judge(const Step& step, StepRow row, Phase phase, const Outcome& outcome, Time now) {
  return Judging(step, std::move(row), phase, outcome, now).Run();
}

}  // namespace reprise::runtime
