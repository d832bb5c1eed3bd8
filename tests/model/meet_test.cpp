// Every cell: a row in each state meets do, undo, close and the last Undo.
#include <gtest/gtest.h>

#include "model/decide.h"
#include "pipelines.h"

namespace reprise::runtime {
namespace {

Uuid Id(std::uint8_t n) {
  Uuid id;
  id.bytes[15] = n;
  return id;
}

constexpr std::uint8_t kDoId = 1, kUndoId = 2, kLastId = 3, kOther = 9;

class MeetTest : public ::testing::Test {
 protected:
  Pipeline p = PipelineOf()
                   .Main("plain", {"go"})
                   .Main("call", {"go"})
                   .With([](Step& s) { s.external = true; })
                   .Join("join", {"plain.x", "call.x"})
                   .Main("wait", {"go"})
                   .With([](Step& s) { s.kind = StepKind::kWait; })
                   .Main("told", {"go"})
                   .With([](Step& s) { s.undo_last = true; })
                   .Main("told-by-call", {"go"})
                   .With([](Step& s) { s.undo_last = s.external = true; })
                   .Main("stays", {"go"})
                   .With([](Step& s) { s.can_undo = false; })
                   .Build();

  StepRow Row(const char* step, StepState state, std::uint32_t attempt = 1) const {
    StepRow row;
    row.step = *p.Find(step);
    row.state = state;
    if (state == StepState::kWaiting || state == StepState::kSkipped ||
        state == StepState::kTombstone)
      return row;
    row.do_id = Id(kDoId);
    row.attempt = attempt;
    if (state == StepState::kDone) row.done = kNow;
    return row;
  }
  Message Of(const StepRow& row, Phase phase, std::uint8_t id) const {
    Message m;
    m.id = Id(id);
    m.step = row.step;
    m.phase = phase;
    return m;
  }
  Meeting Do(const StepRow& row, std::uint8_t id = kDoId) const {
    return Meet(p, row, Of(row, Phase::kDo, id));
  }
  Meeting Undo(const StepRow& row) const { return Meet(p, row, Of(row, Phase::kUndo, kUndoId)); }
  Meeting Close(const StepRow& row) const { return Meet(p, row, Of(row, Phase::kClose, kUndoId)); }
  Meeting LastUndo(const StepRow& row) const {
    Message m = Of(row, Phase::kUndo, kLastId);
    m.undo_last = true;
    return Meet(p, row, m);
  }
  Meeting Arrive(const StepRow& row, std::uint8_t bit, std::uint8_t id) const {
    Message m = Of(row, Phase::kDo, id);
    m.bit = bit;
    m.added = json::object{{"from", std::int64_t{bit}}};
    return Meet(p, row, m);
  }
};

void ExpectMeeting(const Meeting& m, Act act, StepState state, int delta) {
  EXPECT_EQ(static_cast<int>(m.act), static_cast<int>(act));
  EXPECT_EQ(Name(m.row.state), Name(state));
  EXPECT_EQ(m.delta, delta);
}

// ---------------------------------------------------------------- do

TEST_F(MeetTest, ADoClaimsAWaitingStep) {
  const Meeting m = Do(Row("plain", StepState::kWaiting));
  ExpectMeeting(m, Act::kRunDo, StepState::kRunning, -1);
  EXPECT_EQ(m.row.do_id, Id(kDoId));
  EXPECT_FALSE(m.whole);
}

TEST_F(MeetTest, ADoClaimsAStepThatWasSkippedWhenTheSagaEndedBefore) {
  ExpectMeeting(Do(Row("plain", StepState::kSkipped)), Act::kRunDo, StepState::kRunning, -1);
}

TEST_F(MeetTest, TheSameDoAgainIsDroppedInEveryState) {
  for (const auto state : {StepState::kRunning, StepState::kRetrying, StepState::kHeld,
                           StepState::kDone, StepState::kFailed, StepState::kUnknown,
                           StepState::kUndoing, StepState::kUndone, StepState::kStuck}) {
    ExpectMeeting(Do(Row("plain", state)), Act::kDrop, state, 0);
  }
}

TEST_F(MeetTest, AnotherDoIsASecondEventInEveryState) {
  for (const auto state : {StepState::kRunning, StepState::kRetrying, StepState::kHeld,
                           StepState::kDone, StepState::kFailed, StepState::kUnknown,
                           StepState::kUndoing, StepState::kUndone, StepState::kStuck}) {
    ExpectMeeting(Do(Row("plain", state), kOther), Act::kSecondEvent, state, -1);
  }
}

TEST_F(MeetTest, ALateDoIsCountedOnceByATombstone) {
  const Meeting first = Do(Row("plain", StepState::kTombstone));
  ExpectMeeting(first, Act::kConsume, StepState::kTombstone, -1);
  EXPECT_FALSE(first.half);
  ExpectMeeting(Do(first.row), Act::kDrop, StepState::kTombstone, 0);
  ExpectMeeting(Do(first.row, kOther), Act::kSecondEvent, StepState::kTombstone, -1);
}

TEST_F(MeetTest, ALateDoIsCountedOnceByAStepWhoseLastUndoRanWithoutIt) {
  StepRow row = Row("told", StepState::kUndone);
  row.do_id = Uuid{};
  const Meeting first = Do(row);
  ExpectMeeting(first, Act::kConsume, StepState::kUndone, -1);
  ExpectMeeting(Do(first.row), Act::kDrop, StepState::kUndone, 0);
}

// ---------------------------------------------------------------- joins

TEST_F(MeetTest, AJoinRunsWhenAllHaveArrived) {
  const Meeting half = Arrive(Row("join", StepState::kWaiting), 1, 11);
  ExpectMeeting(half, Act::kConsume, StepState::kWaiting, -1);
  EXPECT_TRUE(half.half);
  const Meeting whole = Arrive(half.row, 0, 10);
  ExpectMeeting(whole, Act::kRunDo, StepState::kRunning, -1);
  EXPECT_TRUE(whole.whole);
  ASSERT_EQ(whole.row.arrivals.size(), 2U);
  EXPECT_EQ(whole.row.arrivals[0].as_array()[0].as_int64(), 1);  // in order of arrival
  EXPECT_EQ(whole.row.arrivals[1].as_array()[2].as_object().at("from").as_int64(), 0);
}

TEST_F(MeetTest, AnArrivalCountsOnce) {
  const Meeting half = Arrive(Row("join", StepState::kWaiting), 1, 11);
  ExpectMeeting(Arrive(half.row, 1, 11), Act::kDrop, StepState::kWaiting, 0);
  const Meeting whole = Arrive(half.row, 0, 10);
  ExpectMeeting(Arrive(whole.row, 1, 11), Act::kDrop, StepState::kRunning, 0);
}

TEST_F(MeetTest, AnotherMessageForTheSameBitIsASecondEvent) {
  const Meeting half = Arrive(Row("join", StepState::kWaiting), 1, 11);
  ExpectMeeting(Arrive(half.row, 1, 12), Act::kSecondEvent, StepState::kWaiting, -1);
}

TEST_F(MeetTest, ArrivalsAtATombstoneAreCountedOnceAndNeverRun) {
  const Meeting half = Arrive(Row("join", StepState::kWaiting), 1, 11);
  const Meeting undone = Undo(half.row);
  ExpectMeeting(undone, Act::kSettle, StepState::kTombstone, -1);
  const Meeting late = Arrive(undone.row, 0, 10);
  ExpectMeeting(late, Act::kConsume, StepState::kTombstone, -1);
  EXPECT_FALSE(late.half);
  ExpectMeeting(Arrive(late.row, 0, 10), Act::kDrop, StepState::kTombstone, 0);
}

TEST_F(MeetTest, AnArrivalAtASkippedJoinMakesItWait) {
  StepRow row = Row("join", StepState::kSkipped);
  ExpectMeeting(Arrive(row, 1, 11), Act::kConsume, StepState::kWaiting, -1);
}

// ---------------------------------------------------------------- undo

TEST_F(MeetTest, UndoOfADoneStepRuns) {
  const Meeting m = Undo(Row("plain", StepState::kDone));
  ExpectMeeting(m, Act::kRunUndo, StepState::kUndoing, -1);
  EXPECT_EQ(m.last, Last::kDone);
  EXPECT_EQ(m.row.undo_id, Id(kUndoId));
}

TEST_F(MeetTest, UndoOfADoneStepWithoutUndoSettles) {
  ExpectMeeting(Undo(Row("stays", StepState::kDone)), Act::kSettle, StepState::kUndone, -1);
  ExpectMeeting(Undo(Row("wait", StepState::kDone)), Act::kSettle, StepState::kUndone, -1);
}

TEST_F(MeetTest, UndoBeforeDoIsATombstone) {
  for (const auto state : {StepState::kWaiting, StepState::kSkipped}) {
    ExpectMeeting(Undo(Row("plain", state)), Act::kSettle, StepState::kTombstone, -1);
  }
}

TEST_F(MeetTest, UndoCancelsWhatIsParked) {
  for (const auto state : {StepState::kRetrying, StepState::kHeld}) {
    const Meeting m = Undo(Row("plain", state));
    ExpectMeeting(m, Act::kSettle, StepState::kUndone, -2);
    EXPECT_TRUE(m.drop_parked);
    EXPECT_TRUE(m.row.cancelled);
    EXPECT_EQ(SettledAs(m.row), Fact::Settled::kNothing);
  }
}

TEST_F(MeetTest, UndoOfARetryingCallRunsBecauseAnEffectMayExist) {
  const Meeting m = Undo(Row("call", StepState::kRetrying));
  ExpectMeeting(m, Act::kRunUndo, StepState::kUndoing, -2);
  EXPECT_TRUE(m.drop_parked);
  EXPECT_EQ(m.last, Last::kUnknown);
}

TEST_F(MeetTest, UndoOfACallThatOnlySaidLaterSettles) {
  ExpectMeeting(Undo(Row("call", StepState::kRetrying, 0)), Act::kSettle, StepState::kUndone, -2);
}

TEST_F(MeetTest, UndoOfAHeldCallRunsOnlyIfItsEndIsUnknown) {
  StepRow row = Row("call", StepState::kHeld);
  ExpectMeeting(Undo(row), Act::kSettle, StepState::kUndone, -2);
  row.unknown = true;
  const Meeting m = Undo(row);
  ExpectMeeting(m, Act::kRunUndo, StepState::kUndoing, -2);
  EXPECT_EQ(m.last, Last::kUnknown);
}

TEST_F(MeetTest, UndoOfAFailedStepSettlesUnlessItsEndIsUnknown) {
  ExpectMeeting(Undo(Row("plain", StepState::kFailed)), Act::kSettle, StepState::kFailed, -1);
  StepRow row = Row("call", StepState::kFailed);
  ExpectMeeting(Undo(row), Act::kSettle, StepState::kFailed, -1);
  row.unknown = true;
  const Meeting m = Undo(row);
  ExpectMeeting(m, Act::kRunUndo, StepState::kUndoing, -1);
  EXPECT_EQ(m.last, Last::kUnknown);
}

TEST_F(MeetTest, UndoOfAnUnknownStepRunsAndSaysSo) {
  const Meeting m = Undo(Row("call", StepState::kUnknown));
  ExpectMeeting(m, Act::kRunUndo, StepState::kUndoing, -1);
  EXPECT_EQ(m.last, Last::kUnknown);
}

TEST_F(MeetTest, UndoOfARunningCallWaits) {
  const Meeting m = Undo(Row("call", StepState::kRunning));
  ExpectMeeting(m, Act::kDefer, StepState::kRunning, -1);
  EXPECT_TRUE(m.row.undo_wanted);
  ExpectMeeting(Undo(m.row), Act::kDrop, StepState::kRunning, 0);
}

TEST_F(MeetTest, UndoOfAWaitCancelsIt) {
  for (const Meeting& m :
       {Undo(Row("wait", StepState::kRunning)), Close(Row("wait", StepState::kRunning))}) {
    ExpectMeeting(m, Act::kSettle, StepState::kUndone, -2);
    EXPECT_TRUE(m.drop_parked);
    EXPECT_TRUE(m.row.cancelled);
  }
}

TEST_F(MeetTest, UndoOfWhatIsThroughSettlesWithoutRunning) {
  for (const auto state :
       {StepState::kUndoing, StepState::kUndone, StepState::kTombstone, StepState::kStuck}) {
    ExpectMeeting(Undo(Row("plain", state)), Act::kSettle, state, -1);
  }
}

TEST_F(MeetTest, TheSameUndoAgainIsDroppedAndAnotherIsOnlyCounted) {
  const Meeting m = Undo(Row("plain", StepState::kDone));
  ExpectMeeting(Undo(m.row), Act::kDrop, StepState::kUndoing, 0);
  ExpectMeeting(Meet(p, m.row, Of(m.row, Phase::kUndo, kOther)), Act::kConsume, StepState::kUndoing,
                -1);
}

// ---------------------------------------------------------------- after the call

TEST_F(MeetTest, TheDeferredUndoRunsOnceTheCallIsDone) {
  StepRow row = Undo(Row("call", StepState::kRunning)).row;
  row.state = StepState::kDone;
  const Meeting m = MeetDeferred(p, row);
  ExpectMeeting(m, Act::kRunUndo, StepState::kUndoing, 0);
  EXPECT_EQ(m.last, Last::kDone);
  EXPECT_FALSE(m.row.undo_wanted);
}

TEST_F(MeetTest, TheDeferredUndoOfACallThatWouldTryAgainRunsAsUnknown) {
  StepRow row = Undo(Row("call", StepState::kRunning)).row;
  for (const auto state :
       {StepState::kRetrying, StepState::kRunning}) {  // Judge said kPark or kAgain
    row.state = state;
    const Meeting m = MeetDeferred(p, row);
    ExpectMeeting(m, Act::kRunUndo, StepState::kUndoing, 0);
    EXPECT_EQ(m.last, Last::kUnknown);
    EXPECT_FALSE(m.drop_parked);
  }
}

TEST_F(MeetTest, TheDeferredUndoOfACallThatFailedSettles) {
  StepRow row = Undo(Row("call", StepState::kRunning)).row;
  row.state = StepState::kFailed;
  ExpectMeeting(MeetDeferred(p, row), Act::kSettle, StepState::kFailed, 0);
}

TEST_F(MeetTest, TheDeferredCloseLeavesWhatIsDone) {
  StepRow row = Close(Row("told-by-call", StepState::kRunning)).row;
  EXPECT_TRUE(row.undo_wanted);
  row.state = StepState::kDone;
  ExpectMeeting(MeetDeferred(p, row), Act::kSettle, StepState::kDone, 0);
}

// ---------------------------------------------------------------- close and the last Undo

TEST_F(MeetTest, CloseLeavesWhatHasEnded) {
  for (const auto state : {StepState::kDone, StepState::kFailed, StepState::kUnknown}) {
    ExpectMeeting(Close(Row("told", state)), Act::kSettle, state, -1);
  }
}

TEST_F(MeetTest, CloseBeforeDoIsATombstone) {
  ExpectMeeting(Close(Row("told", StepState::kWaiting)), Act::kSettle, StepState::kTombstone, -1);
}

TEST_F(MeetTest, CloseCancelsWhatIsParked) {
  for (const auto state : {StepState::kRetrying, StepState::kHeld}) {
    for (const char* step : {"told", "told-by-call"}) {
      const Meeting m = Close(Row(step, state));
      ExpectMeeting(m, Act::kSettle, StepState::kUndone, -2);
      EXPECT_TRUE(m.row.cancelled);
    }
  }
}

TEST_F(MeetTest, TheLastUndoRunsWhateverTheRowSays) {
  const auto last = [&](const StepRow& row) {
    const Meeting m = LastUndo(row);
    ExpectMeeting(m, Act::kRunUndo, StepState::kUndoing, -1);
    EXPECT_EQ(m.row.last_id, Id(kLastId));
    return m.last;
  };
  EXPECT_EQ(last(Row("told", StepState::kDone)), Last::kDone);
  EXPECT_EQ(last(Row("told", StepState::kTombstone)), Last::kNever);
  EXPECT_EQ(last(Row("told", StepState::kFailed)), Last::kNever);
  EXPECT_EQ(last(Close(Row("told", StepState::kRetrying)).row), Last::kNever);
  EXPECT_EQ(last(Close(Row("told-by-call", StepState::kRetrying)).row), Last::kUnknown);
  EXPECT_EQ(last(Row("told-by-call", StepState::kUnknown)), Last::kUnknown);
  StepRow failed = Row("told-by-call", StepState::kFailed);
  EXPECT_EQ(last(failed), Last::kNever);
  failed.unknown = true;
  EXPECT_EQ(last(failed), Last::kUnknown);
}

TEST_F(MeetTest, TheLastUndoRunsOnce) {
  const Meeting m = LastUndo(Row("told", StepState::kDone));
  ExpectMeeting(LastUndo(m.row), Act::kDrop, StepState::kUndoing, 0);
}

TEST_F(MeetTest, AParkedUndoIsToldTheSameAgain) {
  EXPECT_EQ(LastOf(p.step(0), Undo(Row("plain", StepState::kDone)).row), Last::kDone);
  EXPECT_EQ(LastOf(p.step(1), Undo(Row("call", StepState::kRetrying)).row), Last::kUnknown);
  EXPECT_EQ(LastOf(p.step(4), LastUndo(Row("told", StepState::kTombstone)).row), Last::kNever);
}

// ---------------------------------------------------------------- verbs

class VerbTest : public MeetTest {
 protected:
  Meeting Again(const StepRow& row, Phase phase = Phase::kDo) const {
    Message m = Of(row, phase, 20);
    m.retry = true;
    m.round = row.round;
    return Meet(p, row, m);
  }
};

TEST_F(VerbTest, ARetryRunsAFailedOrHeldStepAgain) {
  for (const auto state : {StepState::kFailed, StepState::kHeld}) {
    const StepRow row = ByVerb(Row("plain", state), Fact::Kind::kRetry, kNow);
    EXPECT_EQ(row.attempt, 0U);
    const Meeting m = Again(row);
    ExpectMeeting(m, Act::kRunDo, StepState::kRunning, -1);
    ExpectMeeting(Again(m.row), Act::kDrop, StepState::kRunning, 0);
    ExpectMeeting(Do(m.row), Act::kDrop, StepState::kRunning, 0);  // the first message, once more
  }
}

TEST_F(VerbTest, TheFirstMessageAgainDoesNotClaimWhatAwaitsARetry) {
  const StepRow row = ByVerb(Row("plain", StepState::kFailed), Fact::Kind::kRetry, kNow);
  ExpectMeeting(Do(row), Act::kDrop, StepState::kWaiting, 0);
}

TEST_F(VerbTest, AnUndoThatComesBeforeTheRetryCountsItToo) {
  StepRow row = ByVerb(Row("plain", StepState::kHeld), Fact::Kind::kRetry, kNow);
  const Meeting m = Undo(row);
  ExpectMeeting(m, Act::kSettle, StepState::kUndone, -2);
  EXPECT_FALSE(m.drop_parked);
  ExpectMeeting(Again(m.row), Act::kDrop, StepState::kUndone, 0);
  row = Row("call", StepState::kFailed);
  row.unknown = true;
  const Meeting unknown = Undo(ByVerb(row, Fact::Kind::kRetry, kNow));
  ExpectMeeting(unknown, Act::kRunUndo, StepState::kUndoing, -2);
  EXPECT_EQ(unknown.last, Last::kUnknown);
}

TEST_F(VerbTest, ARetryOfAnEarlierRoundIsDropped) {
  StepRow row = ByVerb(Row("plain", StepState::kFailed), Fact::Kind::kRetry, kNow);
  Message m = Of(row, Phase::kDo, 20);
  m.retry = true;
  m.round = 0;
  ExpectMeeting(Meet(p, row, m), Act::kDrop, StepState::kWaiting, 0);
}

TEST_F(VerbTest, ARetryOfAnIncompleteJoinRunsWithWhatHasCome) {
  StepRow row = Arrive(Row("join", StepState::kWaiting), 1, 11).row;
  row.state = StepState::kFailed;
  row = ByVerb(row, Fact::Kind::kRetry, kNow);
  ExpectMeeting(Arrive(row, 0, 10), Act::kConsume, StepState::kWaiting, -1);
  ExpectMeeting(Again(row), Act::kRunDo, StepState::kRunning, -1);
}

TEST_F(VerbTest, ARetryRunsAStuckUndoAgainOnce) {
  StepRow row = Row("plain", StepState::kStuck);
  row.done = kNow;
  row.undo_id = Id(kUndoId);
  row.undo_attempt = 20;
  ExpectMeeting(Again(row, Phase::kUndo), Act::kDrop, StepState::kStuck,
                0);  // no verb has been said
  row = ByVerb(row, Fact::Kind::kRetry, kNow);
  const Meeting m = Again(row, Phase::kUndo);
  ExpectMeeting(m, Act::kRunUndo, StepState::kUndoing, -1);
  EXPECT_EQ(m.last, Last::kDone);
  StepRow stuck = Judge(p.step(0), m.row, Phase::kUndo, {Verdict::kFail, "", "no"}, kNow).row;
  ExpectMeeting(Again(stuck, Phase::kUndo), Act::kDrop, StepState::kStuck, 0);
}

TEST_F(VerbTest, ASkippedStepIsDoneWithoutEffects) {
  const StepRow row = ByVerb(Row("plain", StepState::kHeld), Fact::Kind::kSkip, kNow);
  EXPECT_EQ(row.state, StepState::kDone);
  const Meeting m = Undo(row);
  ExpectMeeting(m, Act::kSettle, StepState::kUndone, -1);
  EXPECT_EQ(SettledAs(m.row), Fact::Settled::kNothing);
  const Meeting call = Undo(ByVerb(Row("call", StepState::kRetrying), Fact::Kind::kSkip, kNow));
  ExpectMeeting(call, Act::kRunUndo, StepState::kUndoing, -1);
  EXPECT_EQ(call.last, Last::kUnknown);
}

TEST_F(VerbTest, AResolvedStepIsUndone) {
  EXPECT_EQ(ByVerb(Row("plain", StepState::kStuck), Fact::Kind::kResolve, kNow).state,
            StepState::kUndone);
}

TEST_F(MeetTest, SaysHowAStepWasSettled) {
  StepRow row = Undo(Row("plain", StepState::kDone)).row;
  EXPECT_EQ(SettledAs(Judge(p.step(0), row, Phase::kUndo, {}, kNow).row), Fact::Settled::kUndone);
  EXPECT_EQ(SettledAs(Judge(p.step(0), row, Phase::kUndo, {Verdict::kKept}, kNow).row),
            Fact::Settled::kKept);
  EXPECT_EQ(SettledAs(Undo(Row("plain", StepState::kWaiting)).row), Fact::Settled::kNothing);
  EXPECT_EQ(SettledAs(Undo(Row("plain", StepState::kFailed)).row), Fact::Settled::kNothing);
}

}  // namespace
}  // namespace reprise::runtime
