// `ordering: strict`: later dos of a step and key wait behind one that is parked, in their order.
#include "executor_fixture.h"

namespace reprise::runtime {
namespace {

using namespace std::chrono_literals;

class StrictTest : public ExecutorTest {
 protected:
  static Step S(const std::string& name, const std::string& on) {
    Step step = A(name, on);
    step.strict = true;
    step.key_field = "seat";
    step.retry.first = 10s;
    return step;
  }

  /// Step `s` does what is asked of it by the saga's name, and notes whose turn it was.
  void Listen() {
    plugins_.On("p.s", [&](Call& call) {
      const std::string who(call.root->Text("who"));
      order_ += (order_.empty() ? "" : " ") + (call.phase == Phase::kUndo ? "undo:" + who : who);
      if (call.phase == Phase::kDo && busy_.contains(who)) return Retry(call);
      if (call.phase == Phase::kDo && broken_.contains(who)) return Fail(call);
      Ok(call);
    });
  }
  Uuid Go(const std::string& who, const std::string& seat = "A-1") {
    return Begin("start", {{"who", who}, {"seat", seat}});
  }
  bool NothingIsDue() {
    auto next = engine_->journal().NextDue();
    return next && !*next;
  }
  std::string Order() { return std::exchange(order_, ""); }

  std::set<std::string> busy_, broken_;
  std::string order_;
};

TEST_F(StrictTest, LaterOnesOfTheKeyWaitInTheirOrderWhileTheFirstRetries) {
  Flow({S("s", "start"), A("after", "s.ok")});
  Listen();
  busy_ = {"one"};
  Go("one");
  const Uuid two = Go("two"), three = Go("three");
  const Uuid other = Go("other", "B-7");
  EXPECT_EQ(Order(), "one other");
  EXPECT_EQ(State(other), "done");
  EXPECT_EQ(StepOf(two, "s"), "retrying");
  EXPECT_EQ(Show(two).saga.open, 1);
  EXPECT_EQ(Show(two).steps.at(0).code, "in_line");
  busy_.clear();
  Advance(9s);
  EXPECT_EQ(Order(), "");
  Advance(1s);
  EXPECT_EQ(Order(), "one two three");
  EXPECT_EQ(State(three), "done");
  EXPECT_EQ(Show(two).steps.at(0).attempt, 1U);
  EXPECT_EQ(Show(two).steps.at(0).code, "");
}

TEST_F(StrictTest, WithoutItAParkedOneGivesUpItsPlace) {
  Step s = S("s", "start");
  s.strict = false;
  Flow({s});
  Listen();
  busy_ = {"one"};
  const Uuid one = Go("one");
  EXPECT_EQ(State(Go("two")), "done");
  EXPECT_EQ(Order(), "one two");
  ASSERT_EQ(Show(one).due.size(), 1U);
  EXPECT_EQ(Show(one).due[0].line, "");
}

TEST_F(StrictTest, TheLineSurvivesRestarts) {
  Flow({S("s", "start")});
  Listen();
  busy_ = {"one", "two"};
  Go("one");
  Boot();
  Go("two");
  Boot();
  const Uuid three = Go("three");
  Boot();
  EXPECT_EQ(Order(), "one");
  busy_ = {"two"};
  Advance(10s);
  EXPECT_EQ(Order(), "one two");  // whose turn it is parks again, and goes on holding up the third
  Boot();
  busy_.clear();
  Advance(10s);
  EXPECT_EQ(Order(), "two three");
  EXPECT_EQ(State(three), "done");
  EXPECT_TRUE(NothingIsDue());
}

TEST_F(StrictTest, ACrashAtAnyCommitKeepsTheOrder) {
  for (std::uint64_t at = 1; at < 16; ++at) {
    SCOPED_TRACE(at);
    trace_.clear();
    pipelines_.clear();
    executor_.reset();
    engine_.reset();
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    hop_commits_ = true;
    commits_ = 0;
    crash_at_ = at;
    Flow({S("s", "start"), A("after", "s.ok")});
    Listen();
    busy_ = {"one"};
    const Uuid one = Go("one"), two = Go("two"), three = Go("three");
    Order();
    busy_.clear();
    Advance(1h);
    for (const Uuid& id : {one, two, three}) {
      if (Show(id).saga.id == id) {
        EXPECT_EQ(State(id), "done");
      }
    }
    // An accept that was cut off before its commit never happened; the others keep their order.
    const std::string order = Order();
    EXPECT_LT(order.find("one"), order.find("two")) << order;
    EXPECT_LT(order.find("two"), order.find("three")) << order;
    EXPECT_TRUE(NothingIsDue());
  }
}

TEST_F(StrictTest, AnUndoDoesNotWaitBehindAParkedDoAndTheNextComesOn) {
  Flow({S("s", "start")});
  Listen();
  busy_ = {"one"};
  const Uuid one = Go("one"), two = Go("two"), three = Go("three");
  Order();
  EXPECT_EQ(Do("undo", two).code, "");
  EXPECT_EQ(State(two), "undone");
  EXPECT_EQ(StepOf(two, "s"), "undone");
  EXPECT_EQ(Order(), "");
  EXPECT_EQ(Do("undo", one).code, "");
  EXPECT_EQ(State(one), "undone");
  EXPECT_EQ(Order(), "three");
  EXPECT_EQ(State(three), "done");
}

TEST_F(StrictTest, AStepThatIsHeldHoldsUpItsLineUntilAPersonActs) {
  Step s = S("s", "start");
  s.on_failure.hold_forever = true;
  Flow({s});
  Listen();
  broken_ = {"one", "two"};
  const Uuid one = Go("one"), two = Go("two"), three = Go("three");
  Advance(24h);
  Boot();
  EXPECT_EQ(Order(), "one");
  EXPECT_EQ(StepOf(one, "s"), "held");
  broken_ = {"two"};
  EXPECT_EQ(Do("retry", one, "s").code, "");
  EXPECT_EQ(Order(), "one two");  // it keeps its place before those that wait
  EXPECT_EQ(StepOf(two, "s"), "held");
  EXPECT_EQ(Do("skip", two, "s", "ok").code, "");
  EXPECT_EQ(Order(), "three");
  EXPECT_EQ(State(three), "done");
  EXPECT_TRUE(NothingIsDue());
}

TEST_F(StrictTest, AFailureForGoodFreesTheLine) {
  Flow({S("s", "start")});
  Listen();
  broken_ = {"one"};
  busy_ = {"zero"};
  Go("zero");
  const Uuid one = Go("one"), two = Go("two");
  busy_.clear();
  Advance(10s);
  EXPECT_EQ(State(one), "undone");
  EXPECT_EQ(State(two), "done");
}

TEST_F(StrictTest, AHeldStepThatIsUndoneFreesTheLine) {
  Step s = S("s", "start");
  s.on_failure.hold_forever = true;
  Flow({s});
  Listen();
  broken_ = {"one"};
  const Uuid one = Go("one"), two = Go("two");
  EXPECT_EQ(State(two), "running");
  EXPECT_EQ(Do("undo", one).code, "");
  EXPECT_EQ(State(one), "undone");
  EXPECT_EQ(State(two), "done");
}

TEST_F(StrictTest, ExternalCallsOfAKeyAreMadeOneAfterTheOther) {
  Step s = S("s", "start");
  s.external = true;
  Flow({s});
  Listen();
  busy_ = {"one"};
  const Uuid one = Go("one"), two = Go("two"), three = Go("three");
  EXPECT_EQ(Order(), "one");
  busy_.clear();
  Advance(10s);
  EXPECT_EQ(Order(), "one two three");
  for (const Uuid& id : {one, two, three}) EXPECT_EQ(State(id), "done");
}

TEST_F(StrictTest, ACallInFlightThatWasCutOffKeepsItsPlace) {
  Step s = S("s", "start");
  s.external = s.idempotent = true;
  Flow({s});
  Listen();
  crash_at_ = 1;  // the intent is committed, the call never made
  const Uuid one = Go("one"), two = Go("two");
  EXPECT_EQ(Order(), "");
  Advance(30s);
  EXPECT_EQ(Order(), "one two");
  EXPECT_EQ(State(one), "done");
  EXPECT_EQ(State(two), "done");
}

TEST_F(StrictTest, ASideStepWaitsWithItsOwnPayload) {
  Step side = Side("s", "a.ok");
  side.strict = true;
  side.key_field = "seat";
  side.retry.first = 10s;
  Flow({A("a", "start"), side});
  plugins_.On("p.a", [](Call& call) {
    if (call.phase == Phase::kDo)
      call.emitted.push_back({"ok", {{"who", std::string(call.root->Text("who")) + "!"}}});
  });
  plugins_.On("p.s", [&](Call& call) {
    order_ += std::string(call.payload->Text("who")) + " ";
    if (busy_.contains(std::string(call.root->Text("who")))) Retry(call);
  });
  busy_ = {"one", "one!"};
  Go("one");
  Go("two");
  EXPECT_EQ(Order(), "one! ");
  busy_.clear();
  Advance(10s);
  EXPECT_EQ(Order(), "one! two! ");
}

}  // namespace
}  // namespace reprise::runtime
