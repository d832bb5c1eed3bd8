#include "model/decide.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pipelines.h"

namespace reprise::runtime {
namespace {

using Kind = Fact::Kind;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// reserve -> hold, deadline, tell (undo: last); release (final) behind the deadline's timer; free
/// behind it.
Pipeline Reservation() {
  return PipelineOf("reservation")
      .Main("reserve", {"requested"})
      .Main("hold", {"reserve.held"})
      .Main("deadline", {"reserve.held"})
      .Undoing({"deadline", "tell", "hold", "reserve"})
      .Main("tell", {"reserve.held"})
      .Undoing({})
      .With([](Step& s) { s.undo_last = true; })
      .Main("release", {"deadline.due"})
      .Undoing({})
      .With([](Step& s) { s.final = s.on_failure.hold_forever = true; })
      .Main("free", {"release.expired"})
      .Undoing({})
      .Build();
}

class DecideTest : public ::testing::Test {
 protected:
  explicit DecideTest(Pipeline pipeline = Reservation()) : p(std::move(pipeline)) {}

  StepIndex At(const std::string& step) const { return *p.Find(step); }

  /// Decides and keeps the saga.
  Decision Tell(Fact fact) {
    fact.now = kNow;
    Decision d = Decide(p, saga, fact);
    saga = d.saga;
    return d;
  }
  Decision Tell(Kind kind, const std::string& step, int delta = 0) {
    Fact fact;
    fact.kind = kind;
    fact.step = At(step);
    fact.delta = delta;
    return Tell(fact);
  }
  Decision Begin(const std::string& event) {
    Fact fact;
    fact.kind = Kind::kBegan;
    fact.event = event;
    return Tell(fact);
  }
  Decision Done(const std::string& step, const std::string& event = "", int delta = -1) {
    Fact fact;
    fact.kind = Kind::kDone;
    fact.step = At(step);
    fact.delta = delta;
    if (!event.empty()) fact.event = step + "." + event;
    return Tell(fact);
  }
  Decision Fail(const std::string& step, const std::string& code = "broken") {
    Fact fact;
    fact.kind = Kind::kFailed;
    fact.step = At(step);
    fact.code = code;
    fact.delta = -1;
    return Tell(fact);
  }
  Decision Settle(const std::string& step, Fact::Settled settled = Fact::Settled::kUndone,
                  bool last = false) {
    Fact fact;
    fact.kind = Kind::kSettled;
    fact.step = At(step);
    fact.settled = settled;
    fact.last = last;
    fact.delta = -1;
    return Tell(fact);
  }
  Decision Verb(Kind kind, const std::string& step, StepState was, int delta = 0,
                const std::string& event = "") {
    Fact fact;
    fact.kind = kind;
    fact.step = At(step);
    fact.was = was;
    fact.delta = delta;
    fact.event = event;
    return Tell(fact);
  }
  /// reserve is done; hold, deadline and tell have their messages.
  void Reserved() {
    Begin("requested");
    Done("reserve", "held");
  }
  StepSet Steps(std::initializer_list<const char*> names) const {
    StepSet set;
    for (const char* name : names) set.Add(At(name));
    return set;
  }
  /// "undo:hold", "close:tell", "last:tell", "do:free".
  std::vector<std::string> Sent(const Decision& d) const {
    std::vector<std::string> sent;
    for (const Command& c : d.commands) {
      sent.push_back(std::string(c.undo_last ? "last" : Name(c.phase)) +
                     (c.retry ? " again:" : ":") + p.step(c.step).name);
    }
    return sent;
  }
  static std::vector<std::string> Told(const Decision& d) {
    std::vector<std::string> told;
    for (const Notice& n : d.notices) told.push_back(n.event);
    return told;
  }

  Pipeline p;
  Saga saga;
};

// ---------------------------------------------------------------- forward

TEST_F(DecideTest, BeginsWithTheStepsOfTheEvent) {
  EXPECT_THAT(Sent(Begin("requested")), ElementsAre("do:reserve"));
  EXPECT_EQ(saga.open, 1);
}

TEST_F(DecideTest, ASagaNobodyHandlesIsDoneAtOnce) {
  EXPECT_THAT(Told(Begin("unheard")), ElementsAre("$done"));
  EXPECT_EQ(saga.state, SagaState::kDone);
}

TEST_F(DecideTest, AForkOpensOneForEachBranch) {
  Begin("requested");
  EXPECT_THAT(Sent(Done("reserve", "held")), ElementsAre("do:hold", "do:deadline", "do:tell"));
  EXPECT_EQ(saga.open, 3);
}

TEST_F(DecideTest, TheLastConsumedMessageEndsTheSaga) {
  Reserved();
  Done("hold");
  Done("tell");
  EXPECT_EQ(saga.state, SagaState::kRunning);
  const Decision d = Done("deadline");
  EXPECT_THAT(Told(d), ElementsAre("$done"));
  EXPECT_EQ(saga.state, SagaState::kDone);
  EXPECT_EQ(saga.ended, kNow);
  EXPECT_TRUE(saga.done_told);
}

TEST_F(DecideTest, AnArmedTimerKeepsTheSagaOpen) {
  Reserved();
  Done("hold");
  Done("tell");
  Done("deadline", "", 0);  // the message -1, the timer +1
  EXPECT_EQ(saga.state, SagaState::kRunning);
  Fact fired;
  fired.kind = Kind::kEmitted;
  fired.step = At("deadline");
  fired.event = "deadline.due";
  fired.delta = -1;
  EXPECT_THAT(Sent(Tell(fired)), ElementsAre("do:release"));
  EXPECT_EQ(saga.open, 1);
}

TEST_F(DecideTest, ALinearHopDoesNotTouchTheSaga) {
  Fact fact;
  fact.kind = Kind::kDone;
  fact.step = At("deadline");
  fact.event = "deadline.due";
  fact.delta = -1;
  EXPECT_FALSE(TouchesSaga(p, fact));
  fact.whole = true;
  EXPECT_TRUE(TouchesSaga(p, fact));
  fact.whole = false;
  fact.delta = 0;
  EXPECT_TRUE(TouchesSaga(p, fact));
  fact.event = "reserve.held";  // three targets
  fact.delta = -1;
  EXPECT_TRUE(TouchesSaga(p, fact));
  fact.event = "release.expired";
  fact.step = At("release");  // final
  EXPECT_TRUE(TouchesSaga(p, fact));
  fact.kind = Kind::kConsumed;
  EXPECT_TRUE(TouchesSaga(p, fact));
  fact.delta = 0;
  EXPECT_FALSE(TouchesSaga(p, fact));
}

TEST_F(DecideTest, EveryOtherFactTouchesTheSaga) {
  for (const Kind kind :
       {Kind::kBegan, Kind::kHalf, Kind::kFailed, Kind::kHoldOver, Kind::kSettled, Kind::kStuck,
        Kind::kCancel, Kind::kTimeout, Kind::kRetry, Kind::kSkip, Kind::kResolve}) {
    Fact fact;
    fact.kind = kind;
    EXPECT_TRUE(TouchesSaga(p, fact));
  }
}

class InlineTest : public DecideTest {
 protected:
  InlineTest()
      : DecideTest(PipelineOf("payment")
                       .Main("claim", {})
                       .Main("pay", {})
                       .Main("confirm", {"pay.captured"})
                       .Inline({"claim", "pay"})
                       .Build()) {}
};

TEST_F(InlineTest, InlineStepsAreToldBeforeTheSagaMayEnd) {
  Fact began;
  began.kind = Kind::kBegan;
  began.delta = 1;
  Tell(began);
  Done("claim", "", 0);
  EXPECT_EQ(saga.state, SagaState::kRunning);
  EXPECT_THAT(Sent(Done("pay", "captured", 0)), ElementsAre("do:confirm"));
  Tell(Kind::kConsumed, "claim", -1);
  EXPECT_EQ(saga.open, 1);
  Done("confirm");
  EXPECT_EQ(saga.state, SagaState::kDone);
}

TEST_F(InlineTest, TheyAreUndoneInReverse) {
  Fact began;
  began.kind = Kind::kBegan;
  began.delta = 1;
  Tell(began);
  Done("claim", "", 0);
  Done("pay", "captured", 0);
  Tell(Kind::kConsumed, "claim", -1);
  EXPECT_THAT(Sent(Fail("confirm")), ElementsAre("undo:confirm"));
  EXPECT_THAT(Sent(Settle("confirm")), ElementsAre("undo:pay"));
  EXPECT_THAT(Sent(Settle("pay")), ElementsAre("undo:claim"));
  EXPECT_THAT(Told(Settle("claim")), ElementsAre("$undone"));
}

// ---------------------------------------------------------------- failure and waves

TEST_F(DecideTest, UndoesInReverseWhenAStepFails) {
  Reserved();
  const Decision d = Fail("hold", "sold_out");
  EXPECT_THAT(Told(d), ElementsAre("$failed"));
  EXPECT_EQ(d.notices[0].code, "sold_out");
  EXPECT_EQ(d.notices[0].step, At("hold"));
  EXPECT_EQ(saga.state, SagaState::kUndoing);
  EXPECT_EQ(saga.scope, p.mains());
  EXPECT_EQ(saga.code, "sold_out");
  EXPECT_THAT(Sent(d), ElementsAre("undo:hold", "close:tell", "undo:free"));
  EXPECT_THAT(Sent(Settle("free", Fact::Settled::kNothing)), ElementsAre("undo:release"));
  EXPECT_THAT(Sent(Settle("release", Fact::Settled::kNothing)), ElementsAre("undo:deadline"));
  EXPECT_THAT(Sent(Settle("hold", Fact::Settled::kNothing)), IsEmpty());
  EXPECT_THAT(Sent(Settle("deadline")), IsEmpty());
  EXPECT_THAT(Sent(Settle("tell", Fact::Settled::kNothing)), ElementsAre("undo:reserve"));
  EXPECT_THAT(Sent(Settle("reserve")), ElementsAre("last:tell"));
  EXPECT_EQ(saga.undone, Steps({"deadline", "reserve"}));
}

TEST_F(DecideTest, EndsUndoneOnceTheLastUndoAndEveryLateMessageAreThrough) {
  Reserved();
  Fail("hold");
  for (const char* step : {"free", "release", "hold", "tell", "deadline", "reserve"}) Settle(step);
  EXPECT_THAT(Told(Settle("tell", Fact::Settled::kUndone, true)), IsEmpty());
  EXPECT_EQ(saga.open, 2);  // the dos of deadline and tell
  Tell(Kind::kConsumed, "deadline", -1);
  EXPECT_THAT(Told(Tell(Kind::kConsumed, "tell", -1)), ElementsAre("$undone"));
  EXPECT_EQ(saga.state, SagaState::kUndone);
}

TEST_F(DecideTest, ASecondFailureOnlyWidensTheScope) {
  Reserved();
  EXPECT_EQ(Fail("deadline", "first").saga.scope, p.mains());  // reserve's dependents are all
  const Decision d = Fail("hold", "second");
  EXPECT_THAT(Told(d), ElementsAre("$failed"));
  EXPECT_THAT(Sent(d), IsEmpty());
  EXPECT_EQ(saga.code, "first");
}

TEST_F(DecideTest, UndoNoneEndsTheBranchAndTheSagaGoesOn) {
  Reserved();
  const Decision d = Fail("tell");
  EXPECT_TRUE(d.dead);
  EXPECT_THAT(Told(d), ElementsAre("$failed"));
  EXPECT_EQ(saga.state, SagaState::kRunning);
  EXPECT_EQ(saga.failed, Steps({"tell"}));
  Done("hold");
  EXPECT_THAT(Told(Done("deadline")), ElementsAre("$done"));
}

TEST_F(DecideTest, KeptStepsAreRememberedAndTheSagaStillEndsUndone) {
  Reserved();
  Done("hold");
  Done("tell");
  Fail("deadline");
  for (const char* step : {"free", "release", "hold", "tell", "deadline"}) Settle(step);
  Settle("reserve", Fact::Settled::kKept);
  Settle("tell", Fact::Settled::kUndone, true);
  EXPECT_EQ(saga.kept, Steps({"reserve"}));
  EXPECT_EQ(saga.state, SagaState::kUndone);
}

// ---------------------------------------------------------------- hold

TEST_F(DecideTest, AHeldStepKeepsTheSagaOpenAfterTellingOfTheFailure) {
  Reserved();
  Done("hold");
  Done("tell");
  Done("deadline", "due");
  const Decision d = Fail("release");
  EXPECT_TRUE(d.hold);
  EXPECT_FALSE(d.dead);
  EXPECT_THAT(Told(d), ElementsAre("$failed"));
  EXPECT_EQ(saga.open, 1);
  EXPECT_EQ(saga.state, SagaState::kRunning);
}

TEST_F(DecideTest, TheEndOfAHoldIsTheFailureWithoutASecondNotice) {
  Reserved();
  Done("hold");
  Done("tell");
  Done("deadline", "due");
  Fail("release");
  const Decision d = Tell(Kind::kHoldOver, "release", -1);
  EXPECT_TRUE(d.dead);
  EXPECT_THAT(Told(d), ElementsAre("$done"));
  EXPECT_EQ(saga.failed, Steps({"release"}));
}

TEST_F(DecideTest, AStepThatIsBeingUndoneIsNotHeld) {
  Reserved();
  Fail("hold");
  EXPECT_FALSE(Fail("release").hold);
}

// ---------------------------------------------------------------- stuck, resolve, retry, skip

class StuckTest : public DecideTest {
 protected:
  explicit StuckTest(bool halt = false)
      : DecideTest(PipelineOf()
                       .Main("A", {"go"})
                       .Main("B", {"A.x"})
                       .With([=](Step& s) { s.halt = halt; })
                       .Main("C", {"B.x"})
                       .Build()) {
    Begin("go");
    Done("A", "x");
    Done("B", "x");
    Fail("C");
    Settle("C", Fact::Settled::kNothing);
  }
  Decision Stuck(const std::string& step) {
    Fact fact;
    fact.kind = Kind::kStuck;
    fact.step = At(step);
    fact.code = "no_undo";
    fact.delta = -1;
    return Tell(fact);
  }
};
class HaltTest : public StuckTest {
 protected:
  HaltTest() : StuckTest(true) {}
};

TEST_F(StuckTest, AStuckStepIsToldAndTheStepsBeforeItAreStillUndone) {
  const Decision d = Stuck("B");
  EXPECT_THAT(Told(d), ElementsAre("$stuck"));
  EXPECT_EQ(d.notices[0].code, "no_undo");
  EXPECT_THAT(Sent(d), ElementsAre("undo:A"));
  const Decision end = Settle("A");
  EXPECT_THAT(Told(end), IsEmpty());
  EXPECT_EQ(saga.state, SagaState::kStuck);
}

TEST_F(HaltTest, AStuckStepThatHaltsLeavesTheRestAlone) {
  const Decision d = Stuck("B");
  EXPECT_THAT(Sent(d), IsEmpty());
  EXPECT_EQ(saga.state, SagaState::kStuck);
  EXPECT_FALSE(saga.settled.Has(At("B")));
}

TEST_F(HaltTest, ResolveGoesOnFromThere) {
  Stuck("B");
  EXPECT_THAT(Sent(Verb(Kind::kResolve, "B", StepState::kStuck)), ElementsAre("undo:A"));
  EXPECT_EQ(saga.state, SagaState::kUndoing);
  EXPECT_EQ(saga.ended, Time{});
  EXPECT_THAT(Told(Settle("A")), ElementsAre("$undone"));
}

TEST_F(StuckTest, ResolveOfTheLastStuckStepEndsTheSagaUndone) {
  Stuck("B");
  Settle("A");
  EXPECT_THAT(Told(Verb(Kind::kResolve, "B", StepState::kStuck)), ElementsAre("$undone"));
  EXPECT_EQ(saga.state, SagaState::kUndone);
  EXPECT_TRUE(saga.undone.Has(At("B")));
}

TEST_F(StuckTest, RetryOfAStuckStepUndoesItAgain) {
  Stuck("B");
  Settle("A");
  EXPECT_THAT(Sent(Verb(Kind::kRetry, "B", StepState::kStuck)), ElementsAre("undo again:B"));
  EXPECT_EQ(saga.state, SagaState::kUndoing);
  EXPECT_TRUE(saga.stuck.empty());
  EXPECT_THAT(Told(Settle("B")), ElementsAre("$undone"));
}

TEST_F(StuckTest, ARetryThatIsStuckAgainEndsStuckAgain) {
  Stuck("B");
  Settle("A");
  Verb(Kind::kRetry, "B", StepState::kStuck);
  EXPECT_THAT(Told(Stuck("B")), ElementsAre("$stuck"));
  EXPECT_EQ(saga.state, SagaState::kStuck);
}

TEST_F(StuckTest, ResolveWantsAStuckStep) {
  EXPECT_EQ(Verb(Kind::kResolve, "A", StepState::kDone).refused, "not_stuck");
}

TEST_F(StuckTest, AStuckSagaCannotBeCancelled) {
  Stuck("B");
  Settle("A");
  EXPECT_EQ(Tell(Kind::kCancel, "A").refused, "ended");
  EXPECT_EQ(Verb(Kind::kRetry, "A", StepState::kFailed).refused, "ended");
  EXPECT_EQ(Verb(Kind::kSkip, "A", StepState::kFailed).refused, "ended");
}

TEST_F(DecideTest, AStuckLastUndoLeavesTheSagaStuckUntilItsRetry) {
  Reserved();
  Done("hold");
  Done("tell");
  Fail("deadline");
  for (const char* step : {"free", "release", "hold", "tell", "deadline", "reserve"}) Settle(step);
  Fact stuck;
  stuck.kind = Kind::kStuck;
  stuck.step = At("tell");
  stuck.last = true;
  stuck.delta = -1;
  Tell(stuck);
  EXPECT_EQ(saga.state, SagaState::kStuck);
  EXPECT_THAT(Sent(Verb(Kind::kRetry, "tell", StepState::kStuck)), ElementsAre("last again:tell"));
  EXPECT_THAT(Told(Settle("tell", Fact::Settled::kUndone, true)), ElementsAre("$undone"));
}

TEST_F(DecideTest, RetryOfAFailedStepOpensADoneSagaAndDoneIsNotToldTwice) {
  Reserved();
  Done("hold");
  Done("deadline");
  Fail("tell");
  ASSERT_EQ(saga.state, SagaState::kDone);
  const Decision d = Verb(Kind::kRetry, "tell", StepState::kFailed, 0, "reserve.held");
  EXPECT_THAT(Sent(d), ElementsAre("do again:tell"));
  EXPECT_EQ(d.commands[0].event, "reserve.held");
  EXPECT_EQ(saga.state, SagaState::kRunning);
  EXPECT_EQ(saga.ended, Time{});
  EXPECT_TRUE(saga.failed.empty());
  EXPECT_THAT(Told(Done("tell")), IsEmpty());
  EXPECT_EQ(saga.state, SagaState::kDone);
  EXPECT_EQ(saga.ended, kNow);
}

TEST_F(DecideTest, RetryOfAHeldStepTradesTheHoldForAMessage) {
  Reserved();
  Done("hold");
  Done("tell");
  Done("deadline", "due");
  Fail("release");
  EXPECT_THAT(Sent(Verb(Kind::kRetry, "release", StepState::kHeld, -1, "deadline.due")),
              ElementsAre("do again:release"));
  EXPECT_EQ(saga.open, 1);
}

TEST_F(DecideTest, RetryWantsAFailedHeldOrStuckStep) {
  Reserved();
  for (const auto was : {StepState::kWaiting, StepState::kRunning, StepState::kRetrying,
                         StepState::kDone, StepState::kFailed}) {
    const Saga before = saga;
    const Decision d = Verb(Kind::kRetry, "hold", was);
    EXPECT_EQ(d.refused, "not_failed");
    EXPECT_EQ(d.saga.open, before.open);
    EXPECT_TRUE(d.commands.empty());
  }
}

TEST_F(DecideTest, AStepThatIsBeingUndoneIsNeitherRetriedNorSkipped) {
  Reserved();
  Fail("hold");
  EXPECT_EQ(Verb(Kind::kRetry, "hold", StepState::kFailed).refused, "undoing");
  EXPECT_EQ(Verb(Kind::kSkip, "tell", StepState::kRetrying, -1).refused, "undoing");
}

TEST_F(DecideTest, SkipGoesOnWithItsEvent) {
  Reserved();
  Done("hold");
  Done("tell");
  Done("deadline", "due");
  Fail("release");
  EXPECT_THAT(Sent(Verb(Kind::kSkip, "release", StepState::kHeld, -1, "release.expired")),
              ElementsAre("do:free"));
  EXPECT_TRUE(saga.final);
}

TEST_F(DecideTest, SkipOfAFailedStepTakesItOffTheList) {
  Reserved();
  Done("hold");
  Done("deadline");
  Fail("tell");
  const Decision d = Verb(Kind::kSkip, "tell", StepState::kFailed);
  EXPECT_EQ(d.refused, "");
  EXPECT_TRUE(saga.failed.empty());
  EXPECT_EQ(saga.state, SagaState::kDone);
  EXPECT_THAT(Told(d), IsEmpty());
}

TEST_F(DecideTest, SkipWantsAHeldFailedOrRetryingStep) {
  Reserved();
  EXPECT_EQ(Verb(Kind::kSkip, "hold", StepState::kWaiting).refused, "not_failed");
  EXPECT_EQ(Verb(Kind::kSkip, "hold", StepState::kRetrying, -1).refused, "");
}

// ---------------------------------------------------------------- cancel, timeout, final

TEST_F(DecideTest, CancelUndoesEverythingAlsoOfADoneSaga) {
  Reserved();
  for (const char* step : {"hold", "tell", "deadline"}) Done(step);
  ASSERT_EQ(saga.state, SagaState::kDone);
  const Decision d = Tell(Kind::kCancel, "reserve");
  EXPECT_THAT(Told(d), IsEmpty());
  EXPECT_EQ(saga.state, SagaState::kUndoing);
  EXPECT_EQ(saga.scope, p.mains());
  EXPECT_EQ(saga.code, "cancelled");
  EXPECT_EQ(saga.ended, Time{});
}

TEST_F(DecideTest, WhatALostCommitHadSentMayComeFirstAndEndsNothingForGood) {
  Begin("requested");
  Done("hold");
  ASSERT_EQ(saga.state, SagaState::kDone) << "to the journal, nothing is to come any more";
  Done("deadline", "", 0);
  Done("tell");
  Done("reserve", "held");  // again; what it sends came already
  EXPECT_EQ(saga.state, SagaState::kRunning) << "its timer is armed";
  EXPECT_EQ(saga.open, 1);
  EXPECT_EQ(saga.ended, Time{});
  Done("deadline", "due");
  Done("release", "expired");
  const Decision last = Done("free");
  EXPECT_EQ(saga.state, SagaState::kDone);
  EXPECT_THAT(last.notices, IsEmpty()) << "$done is told once";
}

TEST_F(DecideTest, TimeoutUndoesARunningSagaOnly) {
  Reserved();
  Saga running = saga;
  EXPECT_EQ(Tell(Kind::kTimeout, "reserve").refused, "");
  EXPECT_EQ(saga.code, "timeout");
  EXPECT_EQ(Tell(Kind::kTimeout, "reserve").refused, "undoing");
  saga = running;
  for (const char* step : {"hold", "tell", "deadline"}) Done(step);
  EXPECT_EQ(Tell(Kind::kTimeout, "reserve").refused, "ended");
}

TEST_F(DecideTest, CancelIsRefusedWhileEverythingIsBeingUndoneAndAfter) {
  Reserved();
  Done("hold");
  Done("tell");
  Fail("deadline");
  EXPECT_EQ(Tell(Kind::kCancel, "reserve").refused, "undoing");
  for (const char* step : {"free", "release", "hold", "tell", "deadline", "reserve"}) Settle(step);
  Settle("tell", Fact::Settled::kUndone, true);
  ASSERT_EQ(saga.state, SagaState::kUndone);
  EXPECT_EQ(Tell(Kind::kCancel, "reserve").refused, "ended");
}

TEST_F(DecideTest, AfterAFinalStepNothingIsUndone) {
  Reserved();
  Done("hold");
  Done("tell");
  Done("deadline", "due");
  Done("release", "expired");
  EXPECT_TRUE(saga.final);
  EXPECT_EQ(Tell(Kind::kCancel, "reserve").refused, "final");
  EXPECT_EQ(Tell(Kind::kTimeout, "reserve").refused, "final");
  const Decision d = Fail("free");
  EXPECT_TRUE(d.dead);
  EXPECT_EQ(saga.state, SagaState::kDone);
  EXPECT_EQ(Tell(Kind::kCancel, "reserve").refused, "final");
}

TEST_F(DecideTest, AFailureThatWouldUndoAllCountsAsUndoNoneAfterAFinalStep) {
  Reserved();
  Done("tell");
  Done("deadline", "due");
  Done("release", "expired");
  EXPECT_TRUE(Fail("hold").dead);
  EXPECT_TRUE(saga.scope.empty());
}

TEST_F(DecideTest, AFinalStepDoneUnderAnUndoIsUndoneLikeAnyOther) {
  Reserved();
  Fail("hold");
  Done("release", "expired");
  EXPECT_FALSE(saga.final);
}

class PartialTest : public DecideTest {
 protected:
  PartialTest()
      : DecideTest(PipelineOf()
                       .Main("A", {"go"})
                       .Main("B", {"A.x"})
                       .Main("C", {"A.x"})
                       .Undoing({"B"})
                       .Join("J", {"A.x", "C.x"})
                       .Join("K", {"A.x", "J.x"})
                       .Undoing({})
                       .Build()) {
    Begin("go");
    Done("A", "x");  // B, C, J, K
  }
  void Half(const char* join) {
    Fact fact;
    fact.kind = Kind::kHalf;
    fact.step = At(join);
    fact.delta = -1;
    Tell(fact);
  }
};

TEST_F(PartialTest, APartialScopeLeavesTheRestRunning) {
  EXPECT_THAT(Sent(Fail("C")), ElementsAre("undo:B"));
  EXPECT_EQ(saga.scope, Steps({"B"}));
  EXPECT_EQ(saga.failed, Steps({"C"}));  // out of its own scope: J waits in vain
}

TEST_F(PartialTest, APartialUndoMayBeWidenedByCancelAndTimeout) {
  Fail("C");
  const Saga before = saga;
  EXPECT_EQ(Tell(Kind::kTimeout, "A").refused, "");
  EXPECT_EQ(saga.scope, p.mains());
  saga = before;
  EXPECT_EQ(Tell(Kind::kCancel, "A").refused, "");
  EXPECT_EQ(saga.scope, p.mains());
}

// ---------------------------------------------------------------- half joins

TEST_F(PartialTest, AJoinThatStaysHalfFailsUnderItsOwnPolicy) {
  Half("J");
  Half("K");
  Done("B");
  const Decision d = Done("C");                     // without its event
  EXPECT_THAT(d.incomplete, ElementsAre(At("J")));  // K waits behind J
  EXPECT_THAT(d.incomplete_dead, IsEmpty());
  EXPECT_THAT(Told(d), ElementsAre("$failed"));
  EXPECT_EQ(d.notices[0].code, "join_incomplete");
  EXPECT_EQ(saga.state, SagaState::kUndoing);
  EXPECT_EQ(saga.code, "join_incomplete");
  EXPECT_FALSE(d.hold);
  EXPECT_FALSE(d.dead);
}

TEST_F(PartialTest, AHalfJoinBehindAStepThatFailedIsSkipped) {
  Half("J");
  Half("K");
  Fail("C");
  Done("B");  // done before its undo comes
  const Decision d = Settle("B");
  EXPECT_THAT(d.incomplete, IsEmpty());
  EXPECT_THAT(Told(d), ElementsAre("$undone"));
}

TEST_F(PartialTest, AHalfJoinMayEndItsBranchAndTheSagaIsDone) {
  Half("K");
  Done("B");
  Done("C");
  Fact consumed;
  consumed.step = At("J");
  consumed.delta = -1;
  const Decision d = Tell(consumed);  // as if J had been consumed elsewhere
  EXPECT_THAT(d.incomplete, ElementsAre(At("K")));
  EXPECT_THAT(d.incomplete_dead, ElementsAre(At("K")));
  EXPECT_THAT(Told(d), ElementsAre("$failed", "$done"));
  EXPECT_EQ(saga.failed, Steps({"K"}));
}

TEST_F(PartialTest, AHalfJoinMayBeHeld) {
  p.steps[At("J")].on_failure.hold = Millis(1000);
  Half("J");
  Half("K");
  Done("B");
  const Decision d = Done("C");
  EXPECT_THAT(d.incomplete_held, ElementsAre(At("J")));
  EXPECT_EQ(saga.open, 1);
  EXPECT_EQ(saga.state, SagaState::kRunning);
}

TEST_F(PartialTest, AWholeJoinIsNoLongerHalf) {
  Half("J");
  EXPECT_EQ(saga.half, Steps({"J"}));
  Done("J", "x");
  EXPECT_TRUE(saga.half.empty());
}

TEST_F(DecideTest, StampsTheSagaWithTheTimeOfTheFact) {
  Begin("requested");
  EXPECT_EQ(saga.changed, kNow);
  EXPECT_EQ(saga.ended, Time{});
}

TEST(DecideForeign, BeginsWithTheEventOfAnotherPipeline) {
  const Pipeline p = PipelineOf("lapse").Main("release", {"payment/$undone"}).Build();
  Fact fact;
  fact.kind = Kind::kBegan;
  fact.event = "payment/$undone";
  const Decision d = Decide(p, Saga{}, fact);
  ASSERT_EQ(d.commands.size(), 1U);
  EXPECT_EQ(d.commands[0].event, "payment/$undone");
}

}  // namespace
}  // namespace reprise::runtime
