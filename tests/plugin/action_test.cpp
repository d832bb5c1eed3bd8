#include "plugin/action.h"

#include <atomic>
#include <thread>

#include <malloc.h>

#include "shop.h"

namespace reprise::runtime {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using ActionTest = PluginsTest;
const json::object kGreeting{{"greeting", "good day"}};

TEST_F(ActionTest, DoesWithEverythingTheHostOffers) {
  const auto order = Bind("shop", "order", kGreeting);
  Call call = NewCall();
  order->Run(call);
  ASSERT_TRUE(call.finished);
  EXPECT_EQ(call.outcome.verdict, Verdict::kDone) << call.outcome.detail;
  EXPECT_EQ(call.outcome.memo, "lamp");
  EXPECT_THAT(sql_.statements, ElementsAre("INSERT INTO shop_order VALUES ($1, $2)"));
  EXPECT_EQ(sql_.cells, "lamp;2;");
  ASSERT_EQ(call.emitted.size(), 1U);
  EXPECT_EQ(call.emitted[0].event, "placed");
  EXPECT_EQ(call.emitted[0].added, (json::object{{"number", 2}}));
  ASSERT_EQ(call.armed.size(), 1U);
  EXPECT_EQ(call.armed[0].event, "late");
  EXPECT_EQ(call.armed[0].delay, Millis(90'000)) << "the setting's default";
  EXPECT_THAT(call.hints, ElementsAre("shop"));
  EXPECT_THAT(log_.Text(),
              HasSubstr("good day plugin=shop.order saga=0199f3c2-7a31-7c44-9b0e-2f6a1d8e4c10"));
  EXPECT_THAT(
      TheMetrics().Text(),
      HasSubstr(
          "reprise_plugin_counter_total{action=\"order\",counter=\"orders\",plugin=\"shop\"} "));
}

TEST_F(ActionTest, FailsWithADeclaredCodeAndLeavesNothing) {
  payload_ = Payload(json::object{{"thing", "lamp"}, {"n", 4}});
  const auto order = Bind("shop", "order", kGreeting);
  Call call = NewCall();
  order->Run(call);
  EXPECT_EQ(call.outcome.verdict, Verdict::kFail);
  EXPECT_EQ(call.outcome.code, "sold_out");
  EXPECT_THAT(call.emitted, IsEmpty());
}

TEST_F(ActionTest, UndoesByTheMemoOfDo) {
  const auto order = Bind("shop", "order", kGreeting);
  Call call = NewCall();
  call.phase = Phase::kUndo;
  call.memo = "lamp";
  order->Run(call);
  EXPECT_EQ(call.outcome.verdict, Verdict::kDone);
  EXPECT_EQ(sql_.cells, "lamp;");
  call.last = Last::kNever;
  order->Run(call);
  EXPECT_EQ(call.outcome.verdict, Verdict::kKept);
}

TEST_F(ActionTest, AgainLeavesOnlyWhatTheLastRunLeft) {
  const auto order = Bind("shop", "order", kGreeting);
  Call call = NewCall();
  order->Run(call);
  order->Run(call);
  EXPECT_EQ(call.emitted.size(), 1U);
  EXPECT_EQ(call.armed.size(), 1U);
  EXPECT_EQ(call.hints.size(), 1U);
}

TEST_F(ActionTest, ATransientDatabaseErrorIsARetry) {
  sql_.fails = Error{Code::kUnavailable, "the disk is slow"};
  const auto order = Bind("shop", "order", kGreeting);
  Call call = NewCall();
  order->Run(call);
  EXPECT_EQ(call.outcome.verdict, Verdict::kRetry);
  EXPECT_EQ(call.outcome.code, "unavailable");
}

TEST_F(ActionTest, RefusesSettingsInThePluginsOwnWords) {
  step_.plugin = "shop";
  step_.action = "order";
  step_.with = {{"greeting", ""}};
  const auto action = Load().Bind(step_);
  ASSERT_FALSE(action);
  EXPECT_EQ(action.error().message, "plugin shop.order: settings: 'greeting' must be a few words");
}

TEST_F(ActionTest, NamesTheNearestActionAndPlugin) {
  step_.plugin = "shop";
  step_.action = "oder";
  EXPECT_EQ(Load().Bind(step_).error().message,
            "plugin 'shop' 1.2.0 has no action 'oder'; did you mean 'order'?");
  step_.plugin = "shopp";
  EXPECT_EQ(Load().Bind(step_).error().message, "there is no plugin 'shopp'; did you mean 'shop'?");
}

TEST_F(ActionTest, AnExternalActionHasNoDatabaseAndItsKey) {
  const auto call_out = Bind("shop", "call");
  Call call = NewCall();
  call.sql = nullptr;
  call.idempotency_key = "k-1";
  call_out->Run(call);
  EXPECT_EQ(call.outcome.memo, "k-1");
  call.deadline = call.now;
  call_out->Run(call);
  EXPECT_EQ(call.outcome.code, "deadline");
}

TEST_F(ActionTest, ReconcileKeepsItsEventOnlyIfItHappened) {
  const auto call_out = Bind("shop", "call");
  Call call = NewCall();
  call.sql = nullptr;
  call.reconcile = true;
  call.key = "there";
  call_out->Run(call);
  EXPECT_EQ(call.found, 0);
  EXPECT_EQ(call.outcome.memo, "found-memo");
  EXPECT_EQ(call.emitted.size(), 1U);
  call.key = "elsewhere";
  call_out->Run(call);
  EXPECT_EQ(call.found, 1);
  EXPECT_THAT(call.emitted, IsEmpty());
  call.key = "silent";
  call_out->Run(call);
  EXPECT_EQ(call.found, 2) << "no answer is unknown";
  EXPECT_FALSE(call.finished);
}

TEST_F(ActionTest, RunsManyAtOnce) {
  const auto order = Bind("shop", "order", kGreeting);
  Call one = NewCall(), two = NewCall();
  const std::vector<Call*> calls{&one, &two};
  ASSERT_TRUE(order->RunAll(calls));
  EXPECT_EQ(sql_.statements.size(), 2U);
  EXPECT_EQ(one.emitted.size(), 1U);
  EXPECT_EQ(two.outcome.memo, "lamp");
}

TEST_F(ActionTest, DiscardsManyIfTheStatusIsAnErrorOrOneDidNotFinishOrFailed) {
  for (const int n : {99, 98, 4}) {  // the plugin's marks; 4 is sold out
    const auto order = Bind("shop", "order", kGreeting);
    const Payload odd(json::object{{"thing", "lamp"}, {"n", n}});
    Call one = NewCall(), two = NewCall();
    two.payload = &odd;
    const std::vector<Call*> calls{&one, &two};
    EXPECT_FALSE(order->RunAll(calls)) << n;
    EXPECT_THAT(one.emitted, IsEmpty());
    EXPECT_FALSE(one.finished);
  }
}

TEST_F(ActionTest, RunsOnManyThreadsAtOnce) {
  const auto order = Bind("shop", "order", kGreeting);
  std::atomic<int> done{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      FakeSql sql;
      for (int i = 0; i < 100; ++i) {
        Call call = NewCall();
        call.sql = &sql;
        order->Run(call);
        if (call.outcome.verdict == Verdict::kDone && call.emitted.size() == 1) ++done;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(done, 400);
}

TEST_F(ActionTest, WithoutDoAllManyRunOneByOne) {
  const auto call_out = Bind("shop", "call");
  Call call = NewCall();
  const std::vector<Call*> calls{&call};
  EXPECT_FALSE(call_out->RunAll(calls));
}

/// Each call is another context's, and contexts are never freed.
TEST_F(ActionTest, KeepsNothingOfALargeStatement) {
  const auto in_use = [] {
    const struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
  };
  const auto act = Rogue("rows");
  const auto run = [&] {
    Call call = NewCall();
    act->Run(call);
    EXPECT_EQ(call.outcome.verdict, Verdict::kDone) << call.outcome.detail;
    sql_.cells.clear();
    sql_.statements.clear();
  };
  run();
  const std::size_t before = in_use();
  for (int i = 0; i < 40; ++i) run();  // 20,000 cells of 40 bytes each time
  EXPECT_LT(in_use(), before + 1'000'000);
}

}  // namespace
}  // namespace reprise::runtime
