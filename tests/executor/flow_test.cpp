// What a saga goes through: forward, back, and what waits in between.
#include "executor_fixture.h"

namespace reprise::runtime {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

TEST_F(ExecutorTest, RunsAChainInOneCommit) {
  Flow({A("a", "start"), A("b", "a.ok"), A("c", "b.ok")});
  const Uuid id = Begin("start");
  EXPECT_EQ(Trace(), "do:a do:b do:c done");
  EXPECT_EQ(State(id), "done");
  EXPECT_EQ(commits_, 1U);
}

TEST_F(ExecutorTest, UndoesInReverseWhenAStepFails) {
  Flow({A("a", "start"), A("b", "a.ok"), A("c", "b.ok")});
  plugins_.On("p.c", [](Call& call) { Fail(call, "sold_out"); });
  const Uuid id = Begin("start");
  EXPECT_EQ(Trace(), "do:a do:b failed:c undo:b undo:a undone");
  EXPECT_EQ(State(id), "undone");
  EXPECT_EQ(Show(id).saga.code, "sold_out");
  EXPECT_EQ(StepOf(id, "c"), "failed");
}

TEST_F(ExecutorTest, RunsEachHopInItsOwnCommitWhenAsked) {
  hop_commits_ = true;
  Flow({A("a", "start"), A("b", "a.ok"), A("c", "b.ok")});
  const Uuid id = Begin("start");
  EXPECT_EQ(State(id), "done");
  EXPECT_EQ(commits_, 4U);
}

TEST_F(ExecutorTest, EndsTheSameWhereverItIsKilled) {
  hop_commits_ = true;
  Flow({A("a", "start"), A("b", "a.ok"), A("c", "a.ok"), A("d", "c.ok")});
  plugins_.On("p.d", [](Call& call) { Fail(call); });
  plugins_.On("p.a", [](Call& call) {
    const SqlValue who{SqlValue::kText, 0, 0, "x"};
    const std::string sql = call.phase == Phase::kDo ? "INSERT INTO p_row VALUES($1, 1)"
                                                     : "DELETE FROM p_row WHERE who = $1";
    ASSERT_TRUE(call.sql->Run(sql, std::span(&who, 1), nullptr));
    Ok(call);
  });
  Begin("start");
  const std::uint64_t points = commits_;
  ASSERT_GT(points, 5U);
  for (std::uint64_t at = 1; at <= points; ++at) {
    crash_at_ = commits_ + at;
    const Uuid id = Begin("start");
    EXPECT_EQ(State(id), "undone") << "killed at commit " << at;
    EXPECT_EQ(Number("SELECT count(*) FROM p_row"), 0);
    EXPECT_EQ(Show(id).saga.open, 0);
  }
}

TEST_F(ExecutorTest, ParksARetryAndDoesNotBlockOthers) {
  Flow({A("a", "start"), A("b", "a.ok")});
  int tries = 0;
  plugins_.On("p.a", [&](Call& call) { ++tries < 3 ? Retry(call) : Ok(call); });
  const Uuid slow = Begin("start");
  EXPECT_EQ(StepOf(slow, "a"), "retrying");
  Advance(200ms);
  EXPECT_EQ(tries, 2);
  Advance(400ms);
  EXPECT_EQ(State(slow), "done");
}

TEST_F(ExecutorTest, FailsForGoodWhenItsTriesAreOver) {
  Flow({A("a", "start"), A("b", "a.ok")});
  plugins_.On("p.b", [](Call& call) { call.phase == Phase::kDo ? Retry(call) : Ok(call); });
  const Uuid id = Begin("start");
  Advance(1h);
  EXPECT_EQ(State(id), "undone");
  EXPECT_EQ(Show(id).steps.at(1).attempt, 8U);
}

TEST_F(ExecutorTest, RollsBackWhatAFailingAttemptWroteAndNothingElse) {
  Flow({A("good", "g"), A("bad", "b")});
  const auto write = [](Call& call, const std::string& who) {
    const SqlValue value{SqlValue::kText, 0, 0, who};
    ASSERT_TRUE(call.sql->Run("INSERT INTO p_row VALUES($1, 1)", std::span(&value, 1), nullptr));
  };
  plugins_.On("p.good", [&](Call& call) { write(call, std::string(call.saga_id)); });
  plugins_.On("p.bad", [&](Call& call) {
    if (call.phase == Phase::kDo) write(call, "bad");
    if (call.phase == Phase::kDo) Fail(call);
  });
  Boot();
  for (int i = 0; i < 3; ++i) {
    for (const char* event : {"g", "b"}) {
      Start start;
      start.pipeline = Find("flow");
      start.event = event;
      executor_->Submit(std::move(start));
    }
  }
  Run();
  EXPECT_EQ(Number("SELECT count(*) FROM p_row"), 3);
  EXPECT_EQ(Number("SELECT count(*) FROM p_row WHERE who = 'bad'"), 0);
}

TEST_F(ExecutorTest, HoldsAFailureForAPersonAndGoesOnWhenRetried) {
  Step b = A("b", "a.ok");
  b.on_failure.hold = 10min;
  Flow({A("a", "start"), b, A("c", "b.ok")});
  bool broken = true;
  plugins_.On("p.b", [&](Call& call) { broken ? Fail(call) : Ok(call); });
  const Uuid id = Begin("start");
  EXPECT_EQ(StepOf(id, "b"), "held");
  EXPECT_EQ(State(id), "running");
  broken = false;
  EXPECT_EQ(Do("retry", id, "b").code, "");
  EXPECT_EQ(State(id), "done");
  Advance(1h);
  EXPECT_EQ(State(id), "done");
}

TEST_F(ExecutorTest, UndoesAfterAHoldThatNobodyAnswered) {
  Step b = A("b", "a.ok");
  b.on_failure.hold = 10min;
  Flow({A("a", "start"), b});
  plugins_.On("p.b", [&](Call& call) { Fail(call); });
  const Uuid id = Begin("start");
  Advance(9min);
  EXPECT_EQ(State(id), "running");
  Advance(1min);
  EXPECT_EQ(State(id), "undone");
}

TEST_F(ExecutorTest, GoesOnWithoutAFailedBranchUnderUndoNone) {
  Step b = A("b", "a.ok");
  b.on_failure.none = true;
  Flow({A("a", "start"), b, A("c", "a.ok")});
  plugins_.On("p.b", [&](Call& call) { Fail(call, "no_mail"); });
  const Uuid id = Begin("start");
  EXPECT_EQ(State(id), "done");
  ASSERT_EQ(Letters().size(), 1U);
  EXPECT_EQ(Letters()[0].code, "no_mail");
  EXPECT_EQ(Letters()[0].step, "b");
}

TEST_F(ExecutorTest, AnUndoThatFailsForGoodIsStuckUntilAPersonSpeaks) {
  Flow({A("a", "start"), A("b", "a.ok"), A("c", "b.ok")});
  bool broken = true;
  plugins_.On("p.b",
              [&](Call& call) { call.phase == Phase::kUndo&& broken ? Fail(call) : Ok(call); });
  plugins_.On("p.c", [](Call& call) { Fail(call); });
  const Uuid id = Begin("start");
  EXPECT_EQ(State(id), "stuck");
  EXPECT_EQ(StepOf(id, "a"), "undone");
  broken = false;
  EXPECT_EQ(Do("retry", id, "b").code, "");
  EXPECT_EQ(State(id), "undone");
  EXPECT_EQ(StepOf(id, "b"), "undone");
}

TEST_F(ExecutorTest, ResolveEndsAStuckSagaAndIsRecorded) {
  Flow({A("a", "start"), A("b", "a.ok")});
  plugins_.On("p.a", [&](Call& call) { call.phase == Phase::kUndo ? Fail(call) : Ok(call); });
  plugins_.On("p.b", [](Call& call) { Fail(call); });
  const Uuid id = Begin("start");
  EXPECT_EQ(State(id), "stuck");
  EXPECT_EQ(Do("resolve", id, "b").code, "not_stuck");
  EXPECT_EQ(Do("resolve", id, "a").code, "");
  EXPECT_EQ(State(id), "undone");
  const SagaDetail detail = Show(id);
  ASSERT_FALSE(detail.history.empty());
  EXPECT_EQ(detail.history.back().who, "kim");
}

TEST_F(ExecutorTest, SkipEmitsTheEventAPersonNames) {
  Step b = A("b", "a.ok");
  b.on_failure.hold_forever = true;
  b.events = {"ok", "no"};
  Flow({A("a", "start"), b, A("c", "b.ok"), A("d", "b.no")});
  plugins_.On("p.b", [&](Call& call) { Fail(call); });
  const Uuid id = Begin("start");
  Advance(24h);
  EXPECT_EQ(StepOf(id, "b"), "held");
  const Reply unknown = Do("skip", id, "b", "okay");
  EXPECT_EQ(unknown.code, "event.unknown");
  EXPECT_EQ(unknown.detail, "step 'b' has no event 'okay'; it has ok, no");
  EXPECT_EQ(Do("skip", id, "b", "ok").code, "");
  EXPECT_EQ(State(id), "done");
  EXPECT_EQ(StepOf(id, "c"), "done");
}

TEST_F(ExecutorTest, TimersFireOnceAndNeverEarly) {
  Step a = A("a", "start");
  a.events = {"ok", "due"};
  Flow({a, A("b", "a.due")});
  plugins_.On("p.a", [](Call& call) {
    if (call.phase == Phase::kDo) call.armed.push_back({"due", 5min, {{"rung", true}}});
  });
  const Uuid id = Begin("start");
  Advance(5min - 1ms);
  EXPECT_EQ(State(id), "running");
  Boot();  // timers survive a restart
  Advance(1ms);
  EXPECT_EQ(State(id), "done");
  EXPECT_EQ(Show(id).steps.at(1).added.at("rung"), true);
}

TEST_F(ExecutorTest, ATimerArmedBeforeTheOneThatIsWaitedForFiresInItsTurn) {
  Step a = A("a", "start");
  a.events = {"ok", "due"};
  Flow({a, A("b", "a.due")});
  Millis in = 1h;
  plugins_.On("p.a", [&](Call& call) {
    if (call.phase == Phase::kDo) call.armed.push_back({"due", in, {}});
  });
  const Uuid late = Begin("start");
  in = 5min;
  const Uuid early = Begin("start");
  Advance(5min);
  EXPECT_EQ(State(early), "done");
  EXPECT_EQ(State(late), "running");
  Advance(1h);
  EXPECT_EQ(State(late), "done");
}

TEST_F(ExecutorTest, ATimerIsNotLostIfTheClockIsSetBackBetweenTwoLooks) {
  Step a = A("a", "start");
  a.events = {"ok", "due"};
  Route route;
  route.check = {{"q", "who"}};
  route.ask = {"q", "what"};
  Flow({a, A("b", "a.due")}, {route});
  plugins_.On("p.a", [](Call& call) {
    if (call.phase == Phase::kDo) call.armed.push_back({"due", 5min, {}});
  });
  const Uuid id = Begin("start");
  // A check is asked after a turn has looked at the clock and before its transaction begins.
  plugins_.Answer("q.who", [&](Asked&) { clock_.Advance(-1min); });
  clock_.Advance(5min);
  Ask(0, {});
  EXPECT_EQ(State(id), "running");
  plugins_.Answer("q.who", [](Asked&) {});
  Advance(1min);
  EXPECT_EQ(State(id), "done");
}

TEST_F(ExecutorTest, ABatchThatIsRunAgainFiresItsTimersAgain) {
  Step a = A("a", "start");
  a.events = {"ok", "due"};
  Step b = A("b", "a.due");
  b.retry.immediate = 1;
  b.retry.attempts = 2;
  Flow({a, b});
  plugins_.On("p.a", [](Call& call) {
    if (call.phase == Phase::kDo) call.armed.push_back({"due", 5min, {}});
  });
  int runs = 0;
  plugins_.On("p.b", [&](Call& call) {
    ASSERT_TRUE(call.sql->Run("INSERT INTO p_row VALUES('x', 1)", {}, nullptr));
    ++runs < 3 ? Retry(call) : Ok(call);  // what it wrote takes its batch back
  });
  const Uuid id = Begin("start");
  Advance(5min);
  EXPECT_EQ(runs, 3);
  EXPECT_EQ(State(id), "done");
  EXPECT_EQ(Number("SELECT count(*) FROM p_row"), 1);
}

TEST_F(ExecutorTest, AMessageThatTheJournalCouldNotTakeComesAgain) {
  hop_commits_ = true;
  Flow({A("a", "start"), A("b", "a.ok")});
  std::unique_ptr<Transaction> other;
  plugins_.On("p.a", [](Call& call) { Ok(call); });
  Boot();
  executor_->OnCommit([&] {
    if (++commits_ == 1) other = std::move(*engine_->journal().Begin());
    return true;
  });
  const Uuid id = Begin("start");
  EXPECT_EQ(State(id), "running");
  EXPECT_TRUE(executor_->Overloaded());
  other.reset();
  Run();
  EXPECT_EQ(State(id), "done");
}

TEST_F(ExecutorTest, SkipWithoutAnEventGoesNoFurther) {
  Step b = A("b", "a.ok");
  b.on_failure.hold_forever = true;
  Flow({A("a", "start"), b, A("c", "b.ok")});
  plugins_.On("p.b", [&](Call& call) { Fail(call); });
  const Uuid id = Begin("start");
  EXPECT_EQ(Do("skip", id, "b").code, "");
  EXPECT_EQ(State(id), "done");
  EXPECT_EQ(StepOf(id, "b"), "done");
  EXPECT_EQ(StepOf(id, "c"), "-");
}

TEST_F(ExecutorTest, AStuckStepsTimersDoNotKeepItsSagaOpen) {
  Step a = A("a", "start");
  a.events = {"ok", "due"};
  Flow({a, A("b", "a.ok"), A("c", "a.due")});
  plugins_.On("p.a", [](Call& call) {
    if (call.phase == Phase::kUndo) return Fail(call);
    call.armed.push_back({"due", 24h, {}});
    Ok(call);
  });
  plugins_.On("p.b", [](Call& call) { Fail(call); });
  const Uuid id = Begin("start");
  EXPECT_EQ(State(id), "stuck");
  EXPECT_EQ(Show(id).saga.open, 0);
  EXPECT_TRUE(Show(id).due.empty());
}

TEST_F(ExecutorTest, AStepThatHaltsKeepsItsTimersUntilAPersonResolvesIt) {
  Step a = A("a", "start");
  a.events = {"ok", "due"};
  a.halt = true;
  Flow({a, A("b", "a.ok"), A("c", "a.due")});
  plugins_.On("p.a", [](Call& call) {
    if (call.phase == Phase::kUndo) return Fail(call);
    call.armed.push_back({"due", 24h, {}});
    Ok(call);
  });
  plugins_.On("p.b", [](Call& call) { Fail(call); });
  const Uuid id = Begin("start");
  EXPECT_EQ(State(id), "undoing");
  EXPECT_EQ(Show(id).due.size(), 1U);
  EXPECT_EQ(Do("resolve", id, "a").code, "");
  EXPECT_EQ(State(id), "undone");
  EXPECT_EQ(Show(id).saga.open, 0);
  EXPECT_TRUE(Show(id).due.empty());
}

TEST_F(ExecutorTest, CancellingASagaCancelsItsTimers) {
  Step a = A("a", "start");
  a.events = {"due"};
  Flow({a, A("b", "a.due")});
  plugins_.On("p.a", [](Call& call) {
    if (call.phase == Phase::kDo) call.armed.push_back({"due", 5min, {}});
  });
  const Uuid id = Begin("start");
  EXPECT_EQ(Do("undo", id).code, "");
  EXPECT_EQ(State(id), "undone");
  EXPECT_EQ(Show(id).saga.open, 0);
  Forget();
  Advance(1h);
  EXPECT_EQ(Trace(), "");
}

TEST_F(ExecutorTest, AFinalStepMakesCancelRefused) {
  Step b = A("b", "a.due");
  b.final = true;
  Step a = A("a", "start");
  a.events = {"due"};
  Step c = A("c", "b.ok");
  c.on_failure.hold_forever = true;
  Flow({a, b, c});
  plugins_.On("p.a", [](Call& call) {
    if (call.phase == Phase::kDo) call.armed.push_back({"due", 5min, {}});
  });
  plugins_.On("p.c", [](Call& call) { Fail(call); });
  const Uuid id = Begin("start");
  Advance(5min);
  EXPECT_EQ(Do("undo", id).code, "final");
  EXPECT_EQ(State(id), "running");
}

TEST_F(ExecutorTest, ATimeoutUndoesWhatIsUnderWay) {
  timeout_ = 10min;
  Step a = A("a", "start");
  a.events = {"never"};
  Flow({a, A("b", "a.never")});
  plugins_.On("p.a", [](Call& call) {
    if (call.phase == Phase::kDo) call.armed.push_back({"never", 24h, {}});
  });
  const Uuid id = Begin("start");
  Advance(10min);
  EXPECT_EQ(State(id), "undone");
  EXPECT_EQ(Show(id).saga.code, "timeout");
}

TEST_F(ExecutorTest, TheLastToSpeakIsUndoneAfterAllOthers) {
  Step tell = A("tell", "a.ok");
  tell.undo_last = true;
  tell.on_failure.none = true;
  Flow({A("a", "start"), tell, A("b", "a.ok"), A("c", "b.ok")});
  std::string others;
  plugins_.On("p.tell", [&](Call& call) {
    if (call.phase == Phase::kUndo) others = call.others;
  });
  plugins_.On("p.c", [](Call& call) { Fail(call); });
  const Uuid id = Begin("start");
  EXPECT_EQ(State(id), "undone");
  EXPECT_THAT(Trace(), HasSubstr("undo:a undo:tell undone"));
  EXPECT_EQ(others, R"({"undone":["a","b"],"kept":[],"stuck":[]})");
}

TEST_F(ExecutorTest, AJoinRunsOnceAllHaveCome) {
  Step d = A("d", "");
  d.on = {"b.ok", "c.ok"};
  d.all = true;
  Flow({A("a", "start"), A("b", "a.ok"), A("c", "a.ok"), d});
  plugins_.On("p.b", [](Call& call) { call.emitted.push_back({"ok", {{"from", "b"}, {"b", 1}}}); });
  plugins_.On("p.c", [](Call& call) { call.emitted.push_back({"ok", {{"from", "c"}}}); });
  std::string payload;
  plugins_.On("p.d", [&](Call& call) { payload = call.payload->Serialize(); });
  const Uuid id = Begin("start", {{"x", 1}});
  EXPECT_EQ(State(id), "done");
  EXPECT_EQ(payload, R"({"x":1,"from":"c","b":1})");
}

TEST_F(ExecutorTest, SideStepsNeverDisturbTheSaga) {
  Flow({A("a", "start"), A("b", "a.ok"), Side("s", "a.ok"), Side("end", "$done")});
  int ends = 0;
  plugins_.On("p.s", [](Call& call) { Fail(call, "no_disk"); });
  plugins_.On("p.end", [&](Call&) { ++ends; });
  const Uuid id = Begin("start");
  EXPECT_EQ(State(id), "done");
  EXPECT_EQ(ends, 1);
  ASSERT_EQ(Letters().size(), 1U);
  EXPECT_TRUE(Letters()[0].side);
  Verb verb;
  verb.what = "dlq-replay";
  verb.letter = Letters()[0].id;
  verb.reply = [](const Reply&) {};
  std::string trace;  // of the second time
  plugins_.On("p.s", [&](Call& call) { trace = call.trace; });
  executor_->Submit(std::move(verb));
  Run();
  EXPECT_TRUE(IsTraceparent(trace)) << trace;
}

TEST_F(ExecutorTest, AnEventOfAnotherPipelineBeginsASagaHere) {
  Flow({A("a", "start"), A("b", "a.ok")});
  plugins_.On("p.b", [](Call& call) { Fail(call, "late"); });
  Flow({A("z", "flow/$undone")}, {}, "after");
  Payload seen;
  plugins_.On("p.z", [&](Call& call) { seen = *call.payload; });
  const Uuid id = Begin("start", {{"who", "u1"}});
  EXPECT_EQ(State(id), "undone");
  EXPECT_EQ(seen.Text("who"), "u1");
  EXPECT_EQ(seen.object().at("$saga").at("id"), json::value(id.ToString()));
  EXPECT_EQ(seen.object().at("$saga").at("code"), "late");
}

TEST_F(ExecutorTest, AWaitEndsBySignalOrLate) {
  Step wait = A("approve", "a.ok");
  wait.kind = StepKind::kWait;
  wait.wait_for = "approved";
  wait.wait_at_most = 1h;
  wait.events = {"approved", "late"};
  Step stop = A("stop", "approve.late");
  stop.kind = StepKind::kFail;
  stop.fail_code = "not_approved";
  stop.events.clear();
  Flow({A("a", "start"), wait, A("c", "approve.approved"), stop});
  const Uuid yes = Begin("start"), no = Begin("start");
  EXPECT_EQ(State(yes), "running");
  EXPECT_EQ(Do("signal", yes, "", "approved").status, 202);
  EXPECT_EQ(State(yes), "done");
  EXPECT_EQ(Do("signal", yes, "", "approved").code, "ended");
  Advance(1h);
  EXPECT_EQ(State(no), "undone");
  EXPECT_EQ(Show(no).saga.code, "not_approved");
}

}  // namespace
}  // namespace reprise::runtime
