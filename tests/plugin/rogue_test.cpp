// Plugins that break the contract: each is named, counted, and commits nothing.
#include "shop.h"

namespace reprise::runtime {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class RogueTest : public PluginsTest {
 protected:
  Call Do(const std::string& how) {
    const auto act = Rogue(how);
    Call call = NewCall();
    act->Run(call);
    return call;
  }
  void ExpectRetry(const std::string& how, const std::string& code, const std::string& words) {
    const Call call = Do(how);
    EXPECT_EQ(call.outcome.verdict, Verdict::kRetry) << how;
    EXPECT_EQ(call.outcome.code, code) << how;
    EXPECT_THAT(call.outcome.detail, HasSubstr("(plugin's fault)")) << how;
    EXPECT_THAT(call.emitted, IsEmpty()) << how;
    EXPECT_THAT(log_.Text(), HasSubstr("plugin rogue.act: " + words)) << how;
  }
};

TEST_F(RogueTest, WhoReturnsNoOutcomeIsTriedAgain) {
  ExpectRetry("silent", "no_outcome", "returned no outcome (plugin's fault) saga=");
  EXPECT_FALSE(Do("silent").finished);
  EXPECT_THAT(
      TheMetrics().Text(),
      HasSubstr(
          "reprise_plugin_faults_total{action=\"act\",fault=\"no_outcome\",plugin=\"rogue\"} "));
}

TEST_F(RogueTest, OfTwoOutcomesTheFirstStands) {
  EXPECT_EQ(Do("twice").outcome.verdict, Verdict::kDone);
  EXPECT_THAT(log_.Text(), HasSubstr("called finish again; its first outcome stands"));
}

TEST_F(RogueTest, AnEventThatWasRefusedCannotBeDone) {
  ExpectRetry("undeclared", "refused_call", "emitted undeclared event 'surprise' (plugin's fault)");
  ExpectRetry("timer-event", "refused_call", "emitted 'due', which only a timer may");
  ExpectRetry("not-a-timer", "refused_call",
              "armed 'done', which is not declared as a timer's event");
  ExpectRetry("two-events", "refused_call", "emitted 'done' after 'done'");
  ExpectRetry("lacks-field", "refused_call", "event 'counted': the declared field 'n' is missing");
  ExpectRetry("wrong-type", "refused_call", "event 'counted': field 'n' is not of the type");
  ExpectRetry("respond", "refused_call", "respond is offered only in a step that a route runs");
}

TEST_F(RogueTest, ValuesThatNoPayloadCanHoldAreRefused) {
  ExpectRetry("nul", "refused_call", "event 'done': field 'text' holds a NUL or is not UTF-8");
  ExpectRetry("not-utf8", "refused_call", "event 'done': field 'text' holds a NUL or is not UTF-8");
  ExpectRetry("infinite", "refused_call", "event 'done': field 'x' is not a finite number");
  ExpectRetry("bad-json", "refused_call", "event 'done': field 'x': ");
  ExpectRetry("huge", "refused_call", "event 'done': the fields are larger than 512 KiB");
}

TEST_F(RogueTest, GarbageForAnOutcomeIsTriedAgain) {
  ExpectRetry("verdict", "bad_outcome", "finished with verdict 77, which there is not");
  ExpectRetry("null-outcome", "bad_outcome", "finished with a broken outcome");
  ExpectRetry("short-outcome", "bad_outcome", "finished with a broken outcome");
  ExpectRetry("kept-in-do", "bad_outcome", "answered Kept, which only Undo may");
}

TEST_F(RogueTest, AnUndeclaredCodeIsInternal) {
  const Call call = Do("undeclared-code");
  EXPECT_EQ(call.outcome.verdict, Verdict::kFail);
  EXPECT_EQ(call.outcome.code, "internal");
  EXPECT_THAT(call.outcome.detail, HasSubstr("undeclared code 'whatever'"));
}

TEST_F(RogueTest, ARetrysCodeIsFitForALabel) {
  EXPECT_EQ(Do("busy").outcome.code, "busy");
  EXPECT_EQ(Do("NOT A CODE").outcome.code, "retry");
}

TEST_F(RogueTest, WhoTriesToCommitCannotBeDone) {
  ExpectRetry("commit", "refused_call", "SQL refused: COMMIT is the runtime's");
}

TEST_F(RogueTest, NothingIsTakenAfterTheOutcome) {
  const Call call = Do("after-finish");
  EXPECT_EQ(call.outcome.verdict, Verdict::kDone);
  EXPECT_THAT(call.emitted, IsEmpty());
  EXPECT_THAT(sql_.statements, IsEmpty());
  EXPECT_THAT(log_.Text(), HasSubstr("called query after it gave its outcome"));
}

TEST_F(RogueTest, AContextThatWasKeptIsDead) {
  Do("keep");
  EXPECT_EQ(Do("use-kept").outcome.memo, "refused");
  EXPECT_THAT(sql_.statements, IsEmpty());
  EXPECT_THAT(
      log_.Text(),
      HasSubstr("called the host after its function had returned (plugin's fault) function=query"));
}

TEST_F(RogueTest, AnotherThreadIsRefused) {
  EXPECT_EQ(Do("thread").outcome.memo, "refused");
  EXPECT_THAT(sql_.statements, IsEmpty());
  EXPECT_THAT(log_.Text(), HasSubstr("called query on another thread than its own"));
}

TEST_F(RogueTest, WhatIsForQuestionsIsRefusedInAStep) {
  EXPECT_EQ(Do("question-only").outcome.memo, "refused");
  EXPECT_THAT(log_.Text(), HasSubstr("count is not offered in Do"));
}

TEST_F(RogueTest, CountsUnderSoManyNamesOnly) {
  Do("counters");
  EXPECT_THAT(log_.Text(), HasSubstr("counts under more names than may be; 'cm' is left out"));
  EXPECT_THAT(TheMetrics().Text(), HasSubstr("counter=\"cl\""));
  EXPECT_THAT(TheMetrics().Text(), Not(HasSubstr("counter=\"cm\"")));
}

TEST_F(RogueTest, WhatItLogsStaysOneLine) {
  Do("shout");
  EXPECT_THAT(log_.Text(), HasSubstr(R"(line one\nline two \u001b[2J plugin=rogue.act)"));
}

TEST_F(RogueTest, WhatItThrowsIsARetryEvenAfterAnOutcome) {
  const auto thrower = Bind("thrower", "throw");
  Call call = NewCall();
  thrower->Run(call);
  EXPECT_EQ(call.outcome.verdict, Verdict::kRetry);
  EXPECT_EQ(call.outcome.code, "exception");
  EXPECT_EQ(call.outcome.detail, "plugin thrower.throw threw: too late (plugin's fault)");
  EXPECT_FALSE(call.finished);
}

TEST_F(RogueTest, WhatItsRowFunctionThrowsStaysOutOfTheDatabase) {
  const auto thrower = Bind("thrower", "throw");
  Call call = NewCall();
  call.phase = Phase::kUndo;
  thrower->Run(call);
  EXPECT_EQ(call.outcome.verdict, Verdict::kRetry);
  EXPECT_THAT(log_.Text(), HasSubstr("its on_row threw"));
}

TEST_F(RogueTest, WhatDoAllThrowsMeansOneByOne) {
  const auto thrower = Bind("thrower", "throw");
  Call call = NewCall();
  const std::vector<Call*> calls{&call};
  EXPECT_FALSE(thrower->RunAll(calls));
  EXPECT_THAT(log_.Text(), HasSubstr("threw something that is no std::exception"));
}

TEST_F(RogueTest, WhatCreateThrowsIsARefusal) {
  step_.plugin = "thrower";
  step_.action = "throw";
  step_.with = {{"broken", true}};
  EXPECT_EQ(Load().Bind(step_).error().message,
            "plugin thrower.throw: settings: it threw (the plugin's fault): create broke");
}

}  // namespace
}  // namespace reprise::runtime
