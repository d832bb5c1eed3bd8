// Messages that cannot be read, or cannot be sent: dead letters, and nothing else stops.
#include <set>

#include "executor_fixture.h"

namespace reprise::runtime {
namespace {

using ::testing::UnorderedElementsAre;

class BrokenTest : public ExecutorTest {
 protected:
  /// A saga of a and b, its message for b still on the bus.
  Uuid BeginUpToB(const std::string& event = "start") {
    if (!executor_) Boot();
    Start start;
    start.pipeline = Find("flow");
    start.event = event;
    start.id = DerivedAt(clock_.Now(), {"spoiled"});
    const Uuid id = start.id;
    executor_->Submit(std::move(start));
    EXPECT_TRUE(executor_->Turn());
    EXPECT_TRUE(executor_->Turn());
    return id;
  }
  /// What waits on the bus comes back as what Kafka would not take.
  void Refuse() {
    auto polled = engine_->bus().Poll(100);
    ASSERT_TRUE(polled && !polled->empty());
    for (Message& message : *polled) {
      message.refused = true;
      message.broken = "shop.flow.b: MSG_SIZE_TOO_LARGE";
      message.raw = message.payload.Serialize();
    }
    engine_->bus().Return(std::move(*polled));
  }
};

TEST_F(BrokenTest, WhatCannotBeReadIsADeadLetterAndTheRestGoesOn) {
  Flow({A("a", "start")});
  Boot();
  Message broken;
  broken.id = Derived(Uuid{}, {"unreadable"});
  broken.pipeline = "flow";
  broken.key = "A-7";
  broken.broken = "no CloudEvent in binary mode";
  broken.raw = "not json";
  ASSERT_TRUE(engine_->bus().Publish(std::vector<Message>{broken}));
  const Uuid id = Begin("start");
  EXPECT_EQ(State(id), "done");
  ASSERT_EQ(Letters().size(), 1U);
  const DeadLetter letter = Letters()[0];
  EXPECT_EQ(letter.message, broken.id);
  EXPECT_EQ(letter.code, "unreadable");
  EXPECT_EQ(letter.detail, broken.broken);
  EXPECT_EQ(letter.payload, "not json");
  EXPECT_EQ(letter.key, "A-7");
  EXPECT_EQ(letter.pipeline, "flow");
  EXPECT_EQ(engine_->bus().Lag().value(), 0);
}

TEST_F(BrokenTest, TheSameUnreadableRecordIsOneLetter) {
  Flow({A("a", "start")});
  Boot();
  Message broken;
  broken.id = Derived(Uuid{}, {"unreadable"});
  broken.broken = "?";
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(engine_->bus().Publish(std::vector<Message>{broken}));
    Run();
  }
  EXPECT_EQ(Letters().size(), 1U);
}

TEST_F(BrokenTest, APlanThatOnlyTheJournalHasIsLearntWhenItsFirstMessageComes) {
  hop_commits_ = true;
  Flow({A("a", "start"), A("b", "a.ok")});
  const Uuid id = BeginUpToB();
  executor_.reset();  // and begins anew, with older files
  const PipelineRef newer = pipelines_.back();
  std::set<std::string> asked;
  plans_ = std::make_unique<Plans>(plugins_, metrics_);
  plans_->OnUnknown([&](std::string_view hash) {
    asked.emplace(hash);
    return hash == newer->hash ? plans_->Add(newer, false) : Status(Error{Code::kNotFound, "?"});
  });
  executor_ = std::make_unique<Executor>(engine_->journal(), engine_->bus(), plugins_, *plans_,
                                         clock_, metrics_, ExecutorOptions{.call_threads = 0});
  Message stray;
  stray.id = Derived(Uuid{}, {"stray"});
  stray.saga = id;
  stray.plan = "of nobody";
  ASSERT_TRUE(engine_->bus().Publish(std::vector<Message>{stray}));
  Run();
  EXPECT_EQ(State(id), "done");
  EXPECT_THAT(asked, UnorderedElementsAre(newer->hash, "of nobody"));
  ASSERT_EQ(Letters().size(), 1U);
  EXPECT_EQ(Letters()[0].code, "unknown_plan");
}

TEST_F(BrokenTest, AMessageOfASagaThatIsNotKnownIsADeadLetterAndNothingRuns) {
  Flow({A("a", "start"), Side("s", "a.ok")});
  int ran = 0;
  for (const char* action : {"p.a", "p.s"}) plugins_.On(action, [&](Call&) { ++ran; });
  Boot();
  for (StepIndex step = 0; step < 2; ++step) {
    Message message;
    message.id = Derived(Uuid{}, {"message", std::to_string(step)});
    message.saga = Derived(Uuid{}, {"a saga that the journal lost"});
    message.pipeline = "flow";
    message.plan = Find("flow")->hash;
    message.step = step;
    message.event = step == 0 ? "start" : "a.ok";
    message.at = clock_.Now();
    ASSERT_TRUE(engine_->bus().Publish(std::vector<Message>{message}));
  }
  Run();
  EXPECT_EQ(ran, 0);
  ASSERT_EQ(Letters().size(), 2U);
  for (const DeadLetter& letter : Letters()) EXPECT_EQ(letter.code, "expired");
}

TEST_F(BrokenTest, AnUndoThatItsSagaHasNotSentIsDropped) {
  Flow({A("a", "start"), A("b", "a.ok")});
  int undone = 0;
  plugins_.On("p.a", [&](Call& call) {
    undone += call.phase == Phase::kUndo;
    Ok(call);
  });
  const Uuid id = Begin("start");
  Message undo;
  undo.id = Derived(id, {"undo", "a", "undo", "0"});
  undo.saga = id;
  undo.pipeline = "flow";
  undo.plan = Find("flow")->hash;
  undo.phase = Phase::kUndo;
  undo.at = clock_.Now();
  ASSERT_TRUE(engine_->bus().Publish(std::vector<Message>{undo}));
  Run();
  EXPECT_EQ(undone, 0);
  EXPECT_EQ(State(id), "done");
  EXPECT_THAT(Letters(), ::testing::IsEmpty());
}

TEST_F(BrokenTest, ASideStepsLetterCanBeReplayedWhenItsSagaIsPurged) {
  Flow({A("a", "start"), Side("s", "a.ok")});
  plugins_.On("p.s", [](Call& call) { Fail(call, "no_disk"); });
  const Uuid id = Begin("start");
  ASSERT_EQ(Letters().size(), 1U);
  auto tx = engine_->journal().Begin();
  ASSERT_TRUE(tx);
  ASSERT_EQ((*tx)->Purge(std::span(&id, 1)).value(), 1);
  ASSERT_TRUE((*tx)->Commit({}));
  bool replayed = false;
  plugins_.On("p.s", [&](Call&) { replayed = true; });
  Verb verb;
  verb.what = "dlq-replay";
  verb.letter = Letters()[0].id;
  verb.reply = [](const Reply&) {};
  executor_->Submit(std::move(verb));
  Run();
  EXPECT_TRUE(replayed);
}

TEST_F(BrokenTest, AMessageThatCannotBeSentFailsItsStepWithoutRunningIt) {
  hop_commits_ = true;
  Flow({A("a", "start"), A("b", "a.ok")});
  bool ran = false;
  plugins_.On("p.b", [&](Call& call) { ran = true, Ok(call); });
  const Uuid id = BeginUpToB();
  Refuse();
  Run();
  EXPECT_FALSE(ran);
  EXPECT_EQ(State(id), "undone");
  EXPECT_EQ(StepOf(id, "b"), "failed");
  EXPECT_EQ(Show(id).saga.code, "refused");
  EXPECT_EQ(Show(id).saga.open, 0);
  ASSERT_EQ(Letters().size(), 1U);
  EXPECT_EQ(Letters()[0].code, "refused");
  EXPECT_EQ(Letters()[0].step, "b");
}

TEST_F(BrokenTest, AnExternalStepThatCannotBeToldIsNeverCalled) {
  hop_commits_ = true;
  Step b = A("b", "a.ok");
  b.external = true;
  Flow({A("a", "start"), b});
  plugins_.On("p.b", [&](Call&) { FAIL() << "called"; });
  const Uuid id = BeginUpToB();
  Refuse();
  Run();
  EXPECT_EQ(State(id), "undone");
  EXPECT_EQ(Show(id).saga.open, 0);
}

TEST_F(BrokenTest, AnUndoThatCannotBeSentIsStuckAndAPersonCanTryAgain) {
  hop_commits_ = true;
  Flow({A("a", "start"), A("b", "a.ok")});
  plugins_.On("p.b", [](Call& call) { Fail(call); });
  const Uuid id = BeginUpToB();
  ASSERT_TRUE(executor_->Turn());  // b fails
  ASSERT_TRUE(executor_->Turn());  // its undo is nothing, that of a is on the bus
  Refuse();
  Run();
  EXPECT_EQ(State(id), "stuck");
  EXPECT_EQ(StepOf(id, "a"), "stuck");
  EXPECT_EQ(Do("retry", id, "a").status, 200);
  EXPECT_EQ(State(id), "undone");
}

TEST_F(BrokenTest, ARecordForOthersThatCannotBeSentIsADeadLetter) {
  Flow({A("a", "start")});
  Boot();
  Message record;
  record.id = Derived(Uuid{}, {"refused"});
  record.event = "warehouse";
  record.refused = true;
  record.broken = "warehouse: TOPIC_AUTHORIZATION_FAILED";
  record.raw = R"({"n":1})";
  ASSERT_TRUE(engine_->bus().Publish(std::vector<Message>{record}));
  Run();
  ASSERT_EQ(Letters().size(), 1U);
  EXPECT_EQ(Letters()[0].code, "refused");
  EXPECT_EQ(Letters()[0].event, "warehouse");
  EXPECT_EQ(Letters()[0].payload, R"({"n":1})");
}

}  // namespace
}  // namespace reprise::runtime
