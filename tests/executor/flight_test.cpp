// Who was inside which plugin when the process ended, and what follows for whom.
#include "executor/flight.h"

#include <csignal>
#include <thread>

#include <sys/wait.h>

#include "executor_fixture.h"

namespace reprise::runtime {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr Millis kLong{60'000};

class FlightTest : public ExecutorTest {
 protected:
  std::string Path() const { return (folder_ / "test.db.flight").string(); }
  void Open() {
    flight_.reset();
    auto opened = FlightRecorder::Open(Path());
    ASSERT_TRUE(opened) << opened.error().message;
    flight_ = std::move(*opened);
  }
  /// A process that does this with the file, and ends by itself or not.
  void InAProcess(const std::function<void(FlightRecorder&)>& work) {
    executor_.reset();
    flight_.reset();
    const pid_t child = fork();
    if (child == 0) {
      auto opened = FlightRecorder::Open(Path());
      if (opened) work(**opened);
      _exit(0);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    Open();
  }
  void DiesIn(const Flight& flight) {
    InAProcess([&](FlightRecorder& recorder) {
      recorder.Enter(flight, "shop", "take", kLong);
      raise(SIGKILL);
    });
  }
  static Flight Of(const Uuid& saga, std::string_view step = "b", Phase phase = Phase::kDo) {
    return {"flow", step, saga, 0, phase, 0};
  }
  const Uuid saga_ = Derived(Uuid{}, {"villain"}), other_ = Derived(Uuid{}, {"other"});
};

TEST_F(FlightTest, CountsTheCallThatTheProcessEndedIn) {
  DiesIn(Of(saga_));
  EXPECT_EQ(flight_->Crashes(Of(saga_)), 1U);
  EXPECT_THAT(flight_->found(),
              ElementsAre(HasSubstr("was killed in plugin shop.take for flow/b")));
  DiesIn(Of(saga_));
  EXPECT_EQ(flight_->Crashes(Of(saga_)), 2U);
  EXPECT_EQ(flight_->Crashes(Of(other_)), 0U);
  EXPECT_EQ(flight_->Crashes(Of(saga_, "b", Phase::kUndo)), 0U);
  EXPECT_TRUE(flight_->Suspect("flow", "b"));
  EXPECT_FALSE(flight_->Suspect("flow", "a"));
}

TEST_F(FlightTest, AStartThatFindsNothingNewCountsNothing) {
  DiesIn(Of(saga_));
  Open();
  EXPECT_EQ(flight_->Crashes(Of(saga_)), 1U);
  EXPECT_THAT(flight_->found(), IsEmpty());
}

TEST_F(FlightTest, ACallThatCameBackIsNotToBlameForAKill) {
  InAProcess([&](FlightRecorder& recorder) {
    recorder.Enter(Of(saga_), "shop", "take", kLong);
    recorder.Leave();
    raise(SIGKILL);
  });
  EXPECT_FALSE(flight_->suspicious());
}

TEST_F(FlightTest, ACallThatCameBackIsToBlameForACrashBeforeItsCommitAndNotAfter) {
  for (const bool committed : {true, false}) {
    InAProcess([&](FlightRecorder& recorder) {
      recorder.MarkCrashes();
      recorder.Enter(Of(saga_), "shop", "take", kLong);
      recorder.Leave();
      if (committed) recorder.Landed();
      raise(SIGABRT);
    });
    EXPECT_EQ(flight_->Crashes(Of(saga_)), committed ? 0U : 1U);
  }
}

TEST_F(FlightTest, OfManyOpenCallsOnlyTheOneThatASignalHitIsToBlame) {
  InAProcess([&](FlightRecorder& recorder) {
    recorder.MarkCrashes();
    std::atomic<bool> inside = false;
    std::thread bystander([&] {
      const Aboard aboard(&recorder, Of(other_), "shop", "take", kLong);
      inside = true;
      inside.notify_all();
      for (;;) pause();
    });
    inside.wait(false);
    const Aboard aboard(&recorder, Of(saga_), "shop", "take", kLong);
    raise(SIGSEGV);
  });
  EXPECT_EQ(flight_->Crashes(Of(saga_)), 1U);
  EXPECT_EQ(flight_->Crashes(Of(other_)), 0U);
}

TEST_F(FlightTest, ACallThatStaysIsOverdueAndToBlame) {
  InAProcess([&](FlightRecorder& recorder) {
    const Aboard aboard(&recorder, Of(saga_), "shop", "take", Millis(20));
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (recorder.Overdue(Millis(1000)).empty() && std::chrono::steady_clock::now() < end) {
    }
    raise(SIGKILL);
  });
  EXPECT_THAT(flight_->found(), ElementsAre(HasSubstr("did not come back in plugin shop.take")));
}

TEST_F(FlightTest, TimeInWhichTheWatchdogWasStoppedTooIsNotHeldAgainstAPlugin) {
  Open();
  const Aboard aboard(flight_.get(), Of(saga_), "shop", "take", Millis(10'000));
  EXPECT_EQ(flight_->Overdue(Millis(1)), "");
  const auto end = std::chrono::steady_clock::now() + Millis(30);
  while (std::chrono::steady_clock::now() < end) {
  }
  EXPECT_EQ(flight_->Overdue(Millis(1)), "");  // 2 ms at most were counted
}

TEST_F(FlightTest, WhatIsDealtWithIsForgottenForGood) {
  DiesIn(Of(saga_));
  flight_->Forget(Of(saga_));
  EXPECT_EQ(flight_->Crashes(Of(saga_)), 0U);
  Open();
  EXPECT_EQ(flight_->Crashes(Of(saga_)), 0U);
}

TEST_F(FlightTest, AStepIsTrustedAgainAfterManyCleanRuns) {
  DiesIn(Of(saga_));
  for (int i = 0; i < FlightRecorder::kStepSuspectFor; ++i) {
    EXPECT_TRUE(flight_->Suspect("flow", "b"));
    flight_->Survived("flow", "b");
  }
  EXPECT_FALSE(flight_->Suspect("flow", "b"));
  EXPECT_EQ(flight_->Crashes(Of(saga_)), 1U);
}

TEST_F(FlightTest, TwoProcessesHaveAFileEach) {
  Open();
  auto second = FlightRecorder::Open(Path());
  ASSERT_TRUE(second);
  EXPECT_EQ((*second)->path(), flight_->path() + ".1");
}

TEST_F(FlightTest, AFileOfAnotherKindIsBegunAnew) {
  std::FILE* file = std::fopen(Path().c_str(), "w");
  ASSERT_NE(file, nullptr);
  std::fputs("something else altogether", file);
  std::fclose(file);
  Open();
  EXPECT_FALSE(flight_->suspicious());
}

// ---------------------------------------------------------------- in the executor

TEST_F(FlightTest, AMessageThatCrashedThreeTimesIsADeadLetterAndFailsItsStepWithoutBeingRun) {
  Flow({A("a", "start"), A("b", "a.ok")});
  int ran = 0;
  plugins_.On("p.b", [&](Call& call) { ++ran, Ok(call); });
  const Uuid villain = DerivedAt(clock_.Now(), {"start", "1"});  // the first that Begin makes
  for (int i = 0; i < 3; ++i) DiesIn(Of(villain));
  Boot();
  ASSERT_EQ(Begin("start"), villain);
  EXPECT_EQ(ran, 0);
  EXPECT_EQ(State(villain), "undone");
  EXPECT_EQ(StepOf(villain, "a"), "undone");
  ASSERT_EQ(Letters().size(), 1U);
  const DeadLetter letter = Letters()[0];
  EXPECT_EQ(letter.code, "crashed");
  EXPECT_EQ(letter.step, "b");
  EXPECT_THAT(letter.detail, HasSubstr("3 times while plugin p.b"));
  EXPECT_EQ(flight_->Crashes(Of(villain)), 0U);
  EXPECT_EQ(State(Begin("start")), "done");
  EXPECT_EQ(ran, 1);
}

TEST_F(FlightTest, APersonsRetryOfACrashedStepRunsIt) {
  Step b = A("b", "a.ok");
  b.on_failure.hold = Millis(3'600'000);
  Flow({A("a", "start"), b});
  const Uuid villain = DerivedAt(clock_.Now(), {"start", "1"});
  for (int i = 0; i < 3; ++i) DiesIn(Of(villain));
  Boot();
  Begin("start");
  EXPECT_EQ(StepOf(villain, "b"), "held");
  EXPECT_EQ(Do("retry", villain, "b").code, "");
  EXPECT_EQ(State(villain), "done");
}

TEST_F(FlightTest, TheSagaOfASuspectStepIsAcceptedBeforeTheStepRuns) {
  Flow({A("a", "start"), A("b", "a.ok")});
  DiesIn(Of(other_));
  std::uint64_t before = 0;
  plugins_.On("p.b", [&](Call& call) {
    before = commits_;
    Ok(call);
  });
  Boot();
  EXPECT_EQ(State(Begin("start")), "done");
  EXPECT_EQ(before, 1U);
}

TEST_F(FlightTest, SuspectsRunOneByOneAndAfterTheOthers) {
  hop_commits_ = true;
  Flow({A("a", "start"), A("b", "a.ok"), A("c", "a.ok")});
  std::vector<std::pair<std::string, std::uint64_t>> ran;
  for (const std::string step : {"b", "c"}) {
    plugins_.On("p." + step, [&, step](Call& call) {
      ran.emplace_back(step, commits_);
      Ok(call);
    });
  }
  DiesIn(Of(other_));
  Boot();
  for (int i = 0; i < 2; ++i) {
    Start start;
    start.pipeline = Find("flow");
    start.event = "start";
    executor_->Submit(std::move(start));
  }
  Run();
  ASSERT_EQ(ran.size(), 4U);
  EXPECT_EQ(ran[0].first, "c");
  EXPECT_EQ(ran[1], std::pair(std::string("c"), ran[0].second)) << "c's together";
  EXPECT_EQ(ran[2].first, "b");
  EXPECT_EQ(ran[3].first, "b");
  EXPECT_LT(ran[2].second, ran[3].second) << "b's each in a batch of its own";
}

TEST_F(FlightTest, AnUndoThatCrashedThreeTimesIsStuck) {
  Flow({A("a", "start"), A("b", "a.ok")});
  plugins_.On("p.b", [](Call& call) { Fail(call); });
  const Uuid villain = DerivedAt(clock_.Now(), {"start", "1"});
  for (int i = 0; i < 3; ++i) DiesIn(Of(villain, "a", Phase::kUndo));
  Boot();
  Begin("start");
  EXPECT_EQ(State(villain), "stuck");
  ASSERT_EQ(Letters().size(), 1U);
  EXPECT_EQ(Letters()[0].phase, "undo");
}

TEST_F(FlightTest, AnExternalCallThatCrashedThreeTimesIsNotMadeAndNobodyKnowsWhatItDid) {
  Step call = A("call", "start");
  call.external = true;
  Flow({call});
  int ran = 0;
  plugins_.On("p.call", [&](Call& it) { ran += it.phase == Phase::kDo, Ok(it); });
  const Uuid villain = DerivedAt(clock_.Now(), {"start", "1"});
  for (int i = 0; i < 3; ++i) DiesIn(Of(villain, "call"));
  Boot();
  Begin("start");
  EXPECT_EQ(ran, 0);
  EXPECT_EQ(State(villain), "undone");
  ASSERT_EQ(Letters().size(), 1U);
  EXPECT_EQ(Letters()[0].code, "crashed");
}

}  // namespace
}  // namespace reprise::runtime
