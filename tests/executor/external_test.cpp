// External steps: an intent, a call, a result; and what becomes of a call that was cut off.
#include <fstream>

#include "executor_fixture.h"

namespace reprise::runtime {
namespace {

using namespace std::chrono_literals;

class ExternalTest : public ExecutorTest {
 protected:
  static Step E(const std::string& name, const std::string& on) {
    Step step = A(name, on);
    step.external = true;
    return step;
  }

  /// The keys of the records in a topic's file, in order.
  std::string Records(const std::string& topic) const {
    std::ifstream file(folder_ / "test.db.topics" / (topic + ".jsonl"));
    std::string keys, line;
    while (std::getline(file, line))
      keys += (keys.empty() ? "" : " ") + std::string(json::parse(line).at("key").as_string());
    return keys;
  }
};

TEST_F(ExternalTest, CommitsTheIntentThenCallsThenCommitsTheResult) {
  Flow({E("mail", "start"), A("b", "mail.ok")});
  plugins_.On("p.mail", [&](Call& call) {
    EXPECT_EQ(call.sql, nullptr);
    EXPECT_FALSE(call.idempotency_key.empty());
    EXPECT_EQ(commits_, 1U);
    Ok(call);
    call.outcome.memo = "m1";
  });
  const Uuid id = Begin("start");
  EXPECT_EQ(State(id), "done");
  EXPECT_EQ(Show(id).steps.at(0).memo, "m1");
}

TEST_F(ExternalTest, EveryTryCarriesTheSameKeyAndTheUndoAnother) {
  Flow({E("mail", "start"), A("b", "mail.ok")});
  std::set<std::string> dos, undos;
  int tries = 0;
  plugins_.On("p.mail", [&](Call& call) {
    (call.phase == Phase::kDo ? dos : undos).insert(std::string(call.idempotency_key));
    if (call.phase == Phase::kUndo) {
      EXPECT_EQ(*dos.begin(), call.do_key);
    }
    ++tries < 4 ? Retry(call) : Ok(call);
  });
  plugins_.On("p.b", [](Call& call) { Fail(call); });
  const Uuid id = Begin("start");
  Advance(1h);
  EXPECT_EQ(State(id), "undone");
  EXPECT_EQ(dos.size(), 1U);
  EXPECT_EQ(undos.size(), 1U);
  EXPECT_NE(dos, undos);
}

TEST_F(ExternalTest, ACallCutOffByACrashIsReconciled) {
  Step mail = E("mail", "start");
  mail.reconciles = true;
  Flow({mail, A("b", "mail.ok")});
  int calls = 0, asked = 0;
  plugins_.On("p.mail", [&](Call& call) {
    if (call.reconcile) {
      ++asked;
      call.found = 0;
      call.outcome.memo = "found";
      call.emitted.push_back({"ok", {}});
      return;
    }
    ++calls;
    Ok(call);
  });
  crash_at_ = 1;  // the intent is committed, the call never made
  const Uuid id = Begin("start");
  EXPECT_EQ(State(id), "running");
  Advance(29s);
  EXPECT_EQ(asked, 0);  // the first call might still be on its way
  Advance(1s);
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(calls, 0);
  EXPECT_EQ(State(id), "done");
  EXPECT_EQ(Show(id).steps.at(0).memo, "found");
}

TEST_F(ExternalTest, WhatACallSendsGoesOutWithTheCommitOfItsResult) {
  Flow({E("mail", "start"), A("b", "mail.ok")});
  plugins_.On("p.mail", [&](Call& call) {
    call.sent.push_back({"mails", call.phase == Phase::kDo ? "sent" : "taken back", "{}"});
    EXPECT_EQ(Records("mails"), call.phase == Phase::kDo ? "" : "sent");
    if (call.phase == Phase::kDo && call.attempt == 1) return Retry(call);  // nothing commits
    Ok(call);
  });
  plugins_.On("p.b", [](Call& call) { Fail(call); });
  const Uuid id = Begin("start");
  Advance(1h);
  EXPECT_EQ(State(id), "undone");
  EXPECT_EQ(Records("mails"), "sent taken back");
}

TEST_F(ExternalTest, WhatAReconcileSendsGoesOutToo) {
  Step mail = E("mail", "start");
  mail.reconciles = true;
  Flow({mail});
  plugins_.On("p.mail", [&](Call& call) {
    EXPECT_TRUE(call.reconcile);
    call.found = 0;
    call.sent.push_back({"mails", "found", "{}"});
  });
  crash_at_ = 1;
  const Uuid id = Begin("start");
  Advance(30s);
  EXPECT_EQ(State(id), "done");
  EXPECT_EQ(Records("mails"), "found");
}

TEST_F(ExternalTest, ATimerThatACallArmsFires) {
  Step mail = E("mail", "start");
  mail.events = {"ok", "late"};
  Flow({mail, A("remind", "mail.late")});
  plugins_.On("p.mail", [&](Call& call) { call.armed.push_back({"late", 5min, {}}); });
  const Uuid id = Begin("start");
  Advance(4min);
  EXPECT_EQ(State(id), "running");
  Advance(1min);
  EXPECT_EQ(StepOf(id, "remind"), "done");
  EXPECT_EQ(State(id), "done");
}

TEST_F(ExternalTest, WhatACallSentGoesOutAlthoughAnUndoWaitedForIt) {
  Flow({A("a", "start"), E("mail", "a.ok"), A("c", "a.ok")});
  plugins_.On("p.mail", [&](Call& call) {
    call.sent.push_back({"mails", call.phase == Phase::kDo ? "sent" : "taken back", "{}"});
    Ok(call);
  });
  plugins_.On("p.c", [](Call& call) { Fail(call); });
  EXPECT_EQ(State(Begin("start")), "undone");
  EXPECT_EQ(Records("mails"), "sent taken back");
}

TEST_F(ExternalTest, AnIdempotentCallCutOffIsMadeAgainWithTheSameKey) {
  Step mail = E("mail", "start");
  mail.idempotent = true;
  Flow({mail});
  int calls = 0;
  plugins_.On("p.mail", [&](Call& call) {
    ++calls;
    Ok(call);
  });
  crash_at_ = 1;
  const Uuid id = Begin("start");
  Advance(30s);
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(State(id), "done");
}

TEST_F(ExternalTest, ACallThatNobodyCanAskAboutIsNotMadeTwice) {
  Flow({A("a", "start"), E("mail", "a.ok")});
  int dos = 0;
  Last told = Last::kDone;
  plugins_.On("p.mail", [&](Call& call) {
    if (call.phase == Phase::kDo) ++dos;
    if (call.phase == Phase::kUndo) told = call.last;
  });
  crash_at_ = 1;
  const Uuid id = Begin("start");
  Advance(1h);
  EXPECT_EQ(dos, 0);
  EXPECT_EQ(State(id), "undone");
  EXPECT_EQ(told, Last::kUnknown);  // it may have happened: the Undo was run and told so
}

TEST_F(ExternalTest, AnUndoWaitsForTheCallInFlight) {
  Flow({A("a", "start"), E("mail", "a.ok"), A("c", "a.ok")});
  std::vector<std::string> order;
  plugins_.On("p.mail",
              [&](Call& call) { order.push_back(call.phase == Phase::kDo ? "do" : "undo"); });
  plugins_.On("p.c",
              [](Call& call) { Fail(call); });  // fails in the batch that commits mail's intent
  const Uuid id = Begin("start");
  EXPECT_EQ(State(id), "undone");
  EXPECT_EQ(order, (std::vector<std::string>{"do", "undo"}));
}

TEST_F(ExternalTest, AnExternalSideStepIsRetriedAndThenADeadLetter) {
  Step side = Side("bill", "$done");
  side.external = true;
  side.undo_on = "$undone";
  Flow({A("a", "start"), side});
  plugins_.On("p.bill", [](Call& call) { Retry(call, "http_500"); });
  const Uuid id = Begin("start");
  EXPECT_EQ(State(id), "done");
  Advance(1h);
  ASSERT_EQ(Letters().size(), 1U);
  EXPECT_EQ(Letters()[0].code, "http_500");
}

// Its payload is in no row but that of the call: without it neither its undo nor a replay can run.
TEST_F(ExternalTest, ASideStepWhoseCallNeverAnsweredKeepsWhatItWasAbout) {
  Step side = Side("bill", "start");
  side.external = true;
  side.retry.attempts = 1;
  Flow({A("a", "start"), side});
  crash_at_ = 1;  // the intent is committed, the call never made
  Begin("start", {{"order", "o-1"}});
  Advance(30s);
  ASSERT_EQ(Letters().size(), 1U);
  EXPECT_EQ(Letters()[0].code, "no_answer");
  EXPECT_NE(Letters()[0].payload.find("o-1"), std::string::npos) << Letters()[0].payload;
}

TEST_F(ExternalTest, AnInjectedFaultAnswersInsteadOfTheCall) {
  Flow({E("mail", "start")});
  faults_ = {{"flow", "mail", Phase::kDo, Fault::kFail, -1, {}, {}}};
  int calls = 0;
  plugins_.On("p.mail", [&](Call&) { ++calls; });
  const Uuid id = Begin("start");
  EXPECT_EQ(calls, 0);
  EXPECT_EQ(State(id), "undone");
}

}  // namespace
}  // namespace reprise::runtime
