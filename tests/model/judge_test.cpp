#include <gtest/gtest.h>

#include "model/decide.h"
#include "pipelines.h"

namespace reprise::runtime {
namespace {

using Next = Ruling::Next;

class JudgeTest : public ::testing::Test {
 protected:
  JudgeTest() {
    step.retry = {4, 2, Millis(200), 2, Millis(30'000), 0};
    step.undo_retry = {3, 1, Millis(500), 2, Millis(30'000), 0};
    row.state = StepState::kRunning;
  }

  Next Do(const Outcome& outcome, Time now = kNow) { return Run(Phase::kDo, outcome, now); }
  Next Undo(const Outcome& outcome, Time now = kNow) { return Run(Phase::kUndo, outcome, now); }
  Next Run(Phase phase, const Outcome& outcome, Time now) {
    const Ruling ruling = Judge(step, row, phase, outcome, now);
    row = ruling.row;
    due = ruling.due;
    return ruling.next;
  }

  Step step;
  StepRow row;
  Time due{};
};

const Outcome kRetryIt{Verdict::kRetry, "", "busy", "line is busy"};

Outcome Later(int ms) {
  Outcome outcome;
  outcome.verdict = Verdict::kLater;
  outcome.after = Millis(ms);
  return outcome;
}

TEST_F(JudgeTest, DoneKeepsTheMemo) {
  EXPECT_EQ(Do({Verdict::kDone, "memo"}), Next::kDone);
  EXPECT_EQ(row.state, StepState::kDone);
  EXPECT_EQ(row.memo, "memo");
  EXPECT_EQ(row.done, kNow);
  EXPECT_EQ(row.attempt, 1U);
}

TEST_F(JudgeTest, RetriesAtOnceThenParksThenFails) {
  EXPECT_EQ(Do(kRetryIt), Next::kAgain);
  EXPECT_EQ(Do(kRetryIt), Next::kAgain);
  EXPECT_EQ(Do(kRetryIt), Next::kPark);
  EXPECT_EQ(due, kNow + Millis(200));
  EXPECT_EQ(row.state, StepState::kRetrying);
  EXPECT_EQ(Do(kRetryIt), Next::kFailed);
  EXPECT_EQ(row.state, StepState::kFailed);
  EXPECT_EQ(row.attempt, 4U);
  EXPECT_EQ(row.code, "busy");
  EXPECT_EQ(row.detail, "line is busy");
  EXPECT_FALSE(row.unknown);
}

TEST_F(JudgeTest, ARetryMayNameItsDelay) {
  Outcome outcome = kRetryIt;
  outcome.after = Millis(7000);
  EXPECT_EQ(Do(outcome), Next::kPark);
  EXPECT_EQ(due, kNow + Millis(7000));
}

TEST_F(JudgeTest, ASuccessForgetsEarlierTrouble) {
  Do(kRetryIt);
  EXPECT_EQ(Do({}), Next::kDone);
  EXPECT_EQ(row.code, "");
}

TEST_F(JudgeTest, FailIsFinal) {
  EXPECT_EQ(Do({Verdict::kFail, "", "sold_out"}), Next::kFailed);
  EXPECT_EQ(row.code, "sold_out");
  EXPECT_EQ(row.attempt, 1U);
  EXPECT_FALSE(row.unknown);
}

TEST_F(JudgeTest, ACallThatSaysFailHasNoEffectButOneOutOfRetriesMay) {
  step.external = true;
  StepRow fresh = row;
  EXPECT_EQ(Do({Verdict::kFail, "", "refused"}), Next::kFailed);
  EXPECT_FALSE(row.unknown);
  row = fresh;
  row.attempt = 3;
  EXPECT_EQ(Do(kRetryIt), Next::kFailed);
  EXPECT_TRUE(row.unknown);
  row = fresh;
  Outcome crashed{Verdict::kFail, "", "crashed"};
  crashed.unknown = true;
  EXPECT_EQ(Do(crashed), Next::kFailed);
  EXPECT_TRUE(row.unknown);
}

TEST_F(JudgeTest, ATransactionalStepIsNeverUnknown) {
  Outcome crashed{Verdict::kFail, "", "crashed"};
  crashed.unknown = true;
  Do(crashed);
  EXPECT_FALSE(row.unknown);
}

TEST_F(JudgeTest, LaterIsNotCounted) {
  for (int i = 0; i < 100; ++i) EXPECT_EQ(Do(Later(5000), kNow + Millis(i)), Next::kPark);
  EXPECT_EQ(row.attempt, 0U);
  EXPECT_EQ(row.later_since, kNow);
  EXPECT_EQ(due, kNow + Millis(5099));
}

TEST_F(JudgeTest, LaterAsksOneLastTimeWhenThePatienceIsOver) {
  step.patience = Millis(10'000);
  EXPECT_EQ(Do(Later(4000)), Next::kPark);
  EXPECT_EQ(Do(Later(60'000), kNow + Millis(4000)), Next::kPark);
  EXPECT_EQ(due, kNow + step.patience);
  EXPECT_EQ(Do(Later(4000), due), Next::kFailed);
  EXPECT_EQ(row.code, "out_of_patience");
  EXPECT_EQ(row.state, StepState::kFailed);
}

TEST_F(JudgeTest, LaterWithoutADelayDoesNotSpin) {
  EXPECT_EQ(Do(Later(0)), Next::kPark);
  EXPECT_EQ(due, kNow + step.retry.first);
}

TEST_F(JudgeTest, ACallThatOnlySaidLaterIsNotUnknown) {
  step.external = true;
  step.patience = Millis(0);
  EXPECT_EQ(Do(Later(1)), Next::kFailed);
  EXPECT_FALSE(row.unknown);
}

TEST_F(JudgeTest, KeptIsNoAnswerOfDo) {
  EXPECT_EQ(Do({Verdict::kKept}), Next::kAgain);
  EXPECT_EQ(row.code, "bad_outcome");
}

TEST_F(JudgeTest, AnInlineStepTriesTwiceAndNeverParks) {
  step.inlined = true;
  EXPECT_EQ(Do(kRetryIt), Next::kAgain);
  EXPECT_EQ(Do(kRetryIt), Next::kFailed);
}

TEST_F(JudgeTest, AnInlineStepsLaterIsARetry) {
  step.inlined = true;
  EXPECT_EQ(Do(Later(1000)), Next::kAgain);
  EXPECT_EQ(row.attempt, 1U);
  EXPECT_EQ(Do(Later(1000)), Next::kFailed);
}

TEST_F(JudgeTest, TheUndoOfAnInlineStepParksLikeAnyOther) {
  step.inlined = true;
  EXPECT_EQ(Undo(Later(1000)), Next::kPark);
}

TEST_F(JudgeTest, UndoIsThrough) {
  row.state = StepState::kUndoing;
  EXPECT_EQ(Undo({}), Next::kUndone);
  EXPECT_EQ(row.state, StepState::kUndone);
  EXPECT_EQ(row.undone, kNow);
}

TEST_F(JudgeTest, AKeptStepStaysDoneAndSaysWhy) {
  EXPECT_EQ(Undo({Verdict::kKept, "", "", "already paid"}), Next::kUndone);
  EXPECT_EQ(row.state, StepState::kDone);
  EXPECT_TRUE(row.kept);
  EXPECT_EQ(row.detail, "already paid");
}

TEST_F(JudgeTest, UndoHasItsOwnCounters) {
  row.attempt = 4;
  EXPECT_EQ(Undo(kRetryIt), Next::kAgain);
  EXPECT_EQ(row.state, StepState::kUndoing);
  EXPECT_EQ(Undo(kRetryIt), Next::kPark);
  EXPECT_EQ(due, kNow + Millis(500));
  EXPECT_EQ(row.state, StepState::kUndoing);
  EXPECT_EQ(Undo(kRetryIt), Next::kStuck);
  EXPECT_EQ(row.state, StepState::kStuck);
  EXPECT_EQ(row.attempt, 4U);
  EXPECT_EQ(row.undo_attempt, 3U);
}

TEST_F(JudgeTest, AnUndoThatFailsOrLosesPatienceIsStuck) {
  const StepRow fresh = row;
  EXPECT_EQ(Undo({Verdict::kFail, "", "no"}), Next::kStuck);
  row = fresh;
  step.patience = Millis(1000);
  EXPECT_EQ(Undo(Later(500)), Next::kPark);
  EXPECT_EQ(Undo(Later(500), kNow + Millis(1000)), Next::kStuck);
  EXPECT_GT(row.undo_attempt, 0U);
}

}  // namespace
}  // namespace reprise::runtime
