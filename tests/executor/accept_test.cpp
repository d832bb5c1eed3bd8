// How requests become sagas: checks, inline runs, idempotency, answers.
#include "executor_fixture.h"

namespace reprise::runtime {
namespace {

using namespace std::chrono_literals;

Route StartRoute() {
  Route route;
  route.method = "POST";
  route.path = "/things";
  route.kind = RouteKind::kStart;
  route.start = "start";
  route.id = "thingId";
  route.reply = {{"status", "PENDING"}};
  route.location = "/things/{thingId}";
  return route;
}

class AcceptTest : public ExecutorTest {
 protected:
  /// Two inline steps: claim writes a row, pay takes it further.
  void Inline() {
    Step claim = A("claim", ""), pay = A("pay", "");
    claim.inlined = pay.inlined = true;
    Route route;
    route.method = "POST";
    route.path = "/pay";
    route.kind = RouteKind::kRun;
    route.run = {0, 1};
    route.id = "payId";
    plugins_.On("p.claim", [](Call& call) {
      const SqlValue who{SqlValue::kText, 0, 0, "x"};
      const std::string sql = call.phase == Phase::kDo ? "INSERT INTO p_row VALUES($1, 1)"
                                                       : "DELETE FROM p_row WHERE who = $1";
      if (!call.sql->Run(sql, std::span(&who, 1), nullptr)) Fail(call, "taken");
    });
    ActionInfo info;
    info.name = "pay";
    info.errors = {{"too_few", "", 402}};
    plugins_.Declare("p", info);
    Flow({claim, pay, A("confirm", "pay.ok")}, {route});
  }
};

TEST_F(AcceptTest, AcceptsWith202AfterTheCommit) {
  Flow({A("a", "start")}, {StartRoute()});
  const Reply reply = Ask(0, {{"x", 1}});
  EXPECT_EQ(reply.status, 202);
  const json::object body = json::parse(reply.body).as_object();
  EXPECT_EQ(body.at("status"), "PENDING");
  EXPECT_EQ(body.at("thingId"), body.at("sagaId"));
  EXPECT_EQ(reply.location, "/things/" + std::string(body.at("thingId").as_string()));
  EXPECT_EQ(commits_, 1U);
  EXPECT_EQ(State(*Uuid::Parse(body.at("sagaId").as_string())), "done");
}

TEST_F(AcceptTest, EveryStepIsOfTheTraceOfTheRequestThatBeganItsSaga) {
  hop_commits_ = true;
  std::vector<std::string> traces;
  for (const char* action : {"p.a", "p.b", "p.s"}) {
    plugins_.On(action, [&](Call& call) {
      traces.emplace_back(call.trace);
      Ok(call);
    });
  }
  Flow({A("a", "start"), A("b", "a.ok"), Side("s", "$done")}, {StartRoute()});
  Boot();
  Request request;
  request.pipeline = pipelines_.front();
  request.route = &pipelines_.front()->routes[0];
  request.trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  request.reply = [](const Reply&) {};
  executor_->Submit(std::move(request));
  Run();
  ASSERT_EQ(traces.size(), 3U);
  for (const std::string& trace : traces)
    EXPECT_EQ(trace.substr(0, 36), "00-4bf92f3577b34da6a3ce929d0e0e4736-");
  EXPECT_EQ(std::set(traces.begin(), traces.end()).size(), 3U) << "each hop is a parent of its own";
}

TEST_F(AcceptTest, ARefusedCheckStoresNothing) {
  Route route = StartRoute();
  route.check = {{"q", "who"}};
  plugins_.Answer("q.who", [](Asked& asked) {
    asked.kind = Asked::kRefuse;
    asked.code = "not_you";
  });
  QuestionInfo info;
  info.name = "who";
  info.errors = {{"not_you", "", 401}};
  plugins_.Declare("q", info);
  Flow({A("a", "start")}, {route});
  const Reply reply = Ask(0, {});
  EXPECT_EQ(reply.status, 401);
  EXPECT_EQ(reply.code, "not_you");
  EXPECT_EQ(commits_, 0U);
}

TEST_F(AcceptTest, ACheckMayNotSetWhatTheBodyNames) {
  Route route = StartRoute();
  route.check = {{"q", "who"}};
  plugins_.Answer("q.who", [](Asked& asked) {
    asked.kind = Asked::kAdd;
    asked.fields_out = {{"x", 2}};
  });
  Flow({A("a", "start")}, {route});
  EXPECT_EQ(Ask(0, {{"x", 1}}).status, 500);
}

TEST_F(AcceptTest, TheSameKeyGetsTheSameAnswerAndRunsOnce) {
  Inline();
  plugins_.On("p.pay", [](Call& call) {
    if (call.phase == Phase::kDo) call.response = {200, R"({"paid":true})"};
    Ok(call);
  });
  const Reply first = Ask(0, {{"b", 1}}, "k1", "h1");
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(first.body, R"({"paid":true})");
  const Reply again = Ask(0, {{"b", 1}}, "k1", "h1");
  EXPECT_TRUE(again.replayed);
  EXPECT_EQ(again.body, first.body);
  EXPECT_EQ(Ask(0, {{"b", 2}}, "k1", "h2").status, 422);
  EXPECT_EQ(Number("SELECT count(*) FROM p_row"), 1);
}

TEST_F(AcceptTest, EqualKeysOfOneBatchShareOneRun) {
  Inline();
  Boot();
  std::vector<Reply> replies;
  for (int i = 0; i < 5; ++i) {
    Request request;
    request.pipeline = pipelines_.front();
    request.route = &pipelines_.front()->routes.front();
    request.idempotency_key = "k";
    request.body_hash = "h";
    request.reply = [&](const Reply& reply) { replies.push_back(reply); };
    executor_->Submit(std::move(request));
  }
  Run();
  ASSERT_EQ(replies.size(), 5U);
  for (const Reply& reply : replies) EXPECT_EQ(reply.body, replies.front().body);
  EXPECT_EQ(Number("SELECT count(*) FROM p_row"), 1);
}

TEST_F(AcceptTest, AFailingInlineStepLeavesNothingBehind) {
  Inline();
  plugins_.On("p.pay", [](Call& call) { Fail(call, "too_few"); });
  const Reply reply = Ask(0, {}, "k", "h");
  EXPECT_EQ(reply.status, 402);
  EXPECT_EQ(reply.code, "too_few");
  EXPECT_EQ(Number("SELECT count(*) FROM p_row"), 0);
  auto sagas = engine_->journal().ListSagas({});
  ASSERT_TRUE(sagas);
  EXPECT_TRUE(sagas->empty());
}

TEST_F(AcceptTest, AnInlineStepThatCannotNowIsA503AfterTwoTries) {
  Inline();
  int tries = 0;
  plugins_.On("p.pay", [&](Call& call) {
    ++tries;
    Retry(call);
  });
  const Reply reply = Ask(0, {});
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(Number("SELECT count(*) FROM p_row"), 0);
  EXPECT_GE(tries, 2);
}

TEST_F(AcceptTest, WhatFollowsAnInlineRunMayTakeItBack) {
  Inline();
  plugins_.On("p.confirm", [](Call& call) { Fail(call, "gone"); });
  const Reply reply = Ask(0, {});
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(Trace(), "do:claim do:pay failed:confirm undo:pay undo:claim undone");
  EXPECT_EQ(Number("SELECT count(*) FROM p_row"), 0);
}

TEST_F(AcceptTest, AnswersAreToldToSideStepsWithoutSecretsAndWithoutASaga) {
  Route route;
  route.method = "POST";
  route.path = "/ask";
  route.kind = RouteKind::kAsk;
  route.ask = {"q", "enter"};
  route.tell = "entered";
  plugins_.Answer("q.enter", [](Asked& asked) {
    asked.kind = Asked::kReply;
    asked.fields_out = {{"token", "s3cret"}, {"position", 1}};
  });
  QuestionInfo info;
  info.name = "enter";
  info.out = {{"token", "", FieldType::kText, false, true, {}, {}, {}},
              {"position", "", FieldType::kInteger, false, false, {}, {}, {}}};
  plugins_.Declare("q", info);
  std::string told, trace;
  plugins_.On("p.record", [&](Call& call) {
    told = call.payload->Serialize();
    trace = call.trace;
  });
  Flow({Side("record", "entered")}, {route});
  EXPECT_EQ(Ask(0, {}).status, 200);
  EXPECT_EQ(told, "");  // the reply does not wait for it
  clock_.Advance(50ms);
  Run();
  EXPECT_EQ(told, R"({"position":1})");
  EXPECT_TRUE(IsTraceparent(trace)) << trace;
}

TEST_F(AcceptTest, TheSameStartTwiceIsOneSaga) {
  Flow({A("a", "start")});
  Boot();
  std::vector<bool> fresh;
  for (int i = 0; i < 2; ++i) {
    Start start;
    start.pipeline = Find("flow");
    start.event = "start";
    start.id = DerivedAt(clock_.Now(), {"same"});
    start.done = [&](const Result<bool>& made) { fresh.push_back(made && *made); };
    executor_->Submit(std::move(start));
    Run();
  }
  EXPECT_EQ(fresh, (std::vector<bool>{true, false}));
  EXPECT_EQ(Trace(), "do:a done");
}

TEST_F(AcceptTest, AnInlineStepHasAKeyOfItsOwnInEverySaga) {
  Inline();
  std::vector<std::string> keys;
  plugins_.On("p.claim", [&](Call& call) { keys.emplace_back(call.idempotency_key); });
  EXPECT_EQ(Ask(0, {{"x", 1}}).status, 200);
  EXPECT_EQ(Ask(0, {{"x", 1}}).status, 200);
  ASSERT_EQ(keys.size(), 2U);
  EXPECT_NE(keys[0], "");
  EXPECT_NE(keys[0], keys[1]);
}

TEST_F(AcceptTest, AFaultThatRetriesOnceIsOverAtTheSecondInlineTry) {
  Inline();
  faults_ = {{"flow", "claim", Phase::kDo, Fault::kRetry, 1, {}, {}}};
  EXPECT_LT(Ask(0, {{"x", 1}}).status, 300);
}

TEST_F(AcceptTest, TheEventOfTheLastStepComesBeforeTheEndOfItsSaga) {
  std::vector<std::string> seen;
  plugins_.On("p.record", [&](Call& call) {
    seen.emplace_back(call.payload->Find("$saga") ? "$done" : "other");
  });
  Flow({A("a", "start"), Side("record", "*")});
  Begin("start");
  ASSERT_FALSE(seen.empty());
  EXPECT_EQ(seen.back(), "$done");
}

}  // namespace
}  // namespace reprise::runtime
