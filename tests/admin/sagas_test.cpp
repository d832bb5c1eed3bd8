#include "admin/sagas.h"

#include <gtest/gtest.h>

#include "two_steps.h"

namespace reprise::runtime {
namespace {

class SagasTest : public ::testing::Test {
 protected:
  SagasTest() { Fill(journal); }

  Answer List(Query query) { return ListSagasJson(journal, view, query); }

  std::vector<std::string> Subjects(Query query) {
    std::vector<std::string> out;
    const Answer answer = List(std::move(query));
    for (const json::value& saga : answer.body.at("sagas").as_array()) {
      out.emplace_back(saga.at("subject").as_string());
    }
    return out;
  }

  FakeJournal journal;
  PluginCatalog catalog = ShopCatalog();
  PipelineRef pipeline = TwoSteps();
  View view = ViewOf(pipeline, catalog);
};

using Names = std::vector<std::string>;

TEST_F(SagasTest, ListsNewestFirst) {
  EXPECT_EQ(Subjects({}), (Names{"o-4", "o-3", "o-2", "o-1"}));
}

TEST_F(SagasTest, ListsByStateOfSagaOrOfStep) {
  EXPECT_EQ(Subjects({{"state", "stuck"}}), Names{"o-3"});
  EXPECT_EQ(Subjects({{"state", "retrying"}}), Names{"o-2"});
  EXPECT_EQ(Subjects({{"state", "held"}}), Names{"o-4"});
  EXPECT_EQ(Subjects({{"state", "retrying,stuck"}}), (Names{"o-3", "o-2"}));
  EXPECT_EQ(Subjects({{"state", "running,held"}}), (Names{"o-4", "o-2"}));
}

TEST_F(SagasTest, ListsBySubjectAndAge) {
  EXPECT_EQ(Subjects({{"subject", "o-1"}}), Names{"o-1"});
  EXPECT_EQ(Subjects({{"older", "150s"}}), (Names{"o-4", "o-3"}));
  EXPECT_EQ(Subjects({{"newer", "150s"}}), (Names{"o-2", "o-1"}));
  EXPECT_EQ(Subjects({{"older", "2025-12-31T23:56:30.000Z"}}), Names{"o-4"});
}

TEST_F(SagasTest, PagesByTheIdBefore) {
  const Answer first = List({{"limit", "3"}});
  const std::string next(first.body.at("next").as_string());
  EXPECT_EQ(Subjects({{"limit", "3"}, {"before", next}}), Names{"o-1"});
  EXPECT_FALSE(List({{"before", next}}).body.contains("next"));
}

TEST_F(SagasTest, ShowsTheStepThatNeedsAPerson) {
  const json::object retrying = List({{"subject", "o-2"}}).body.at("sagas").at(0).as_object();
  EXPECT_EQ(retrying.at("shown"), "retrying");
  EXPECT_EQ(retrying.at("state"), "running");
  EXPECT_EQ(retrying.at("step").at("name"), "second");
  EXPECT_EQ(retrying.at("step").at("attempt"), 4);
  EXPECT_EQ(retrying.at("step").at("attempts"), 8);
  EXPECT_EQ(retrying.at("step").at("next"), "2026-01-01T00:00:06.000Z");
  const json::object stuck = List({{"subject", "o-3"}}).body.at("sagas").at(0).as_object();
  EXPECT_EQ(stuck.at("step").at("phase"), "undo");
  EXPECT_EQ(stuck.at("step").at("attempt"), 8);
  EXPECT_EQ(stuck.at("step").at("attempts"), 20);
}

TEST_F(SagasTest, CutsIdsWhereNoOtherSagaBeginsTheSame) {
  EXPECT_EQ(List({{"subject", "o-2"}}).body.at("sagas").at(0).at("short"), "019b76da-a802");
}

TEST_F(SagasTest, CountsAllWhenAsked) {
  const Answer answer = List({{"counts", "1"}, {"limit", "1"}});
  EXPECT_EQ(answer.body.at("counts").at("total"), 4);
  EXPECT_EQ(answer.body.at("counts").at("running"), 2);
  EXPECT_FALSE(List({}).body.contains("counts"));
}

TEST_F(SagasTest, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(List({{"sate", "done"}}).detail, "unknown query field 'sate'; did you mean 'state'?");
  EXPECT_EQ(List({{"state", "asleep"}}).status, 400);
  EXPECT_EQ(List({{"limit", "0"}}).status, 400);
  EXPECT_EQ(List({{"limit", "501"}}).status, 400);
  EXPECT_EQ(List({{"older", "yesterday"}}).status, 400);
  EXPECT_EQ(List({{"before", "019b"}}).status, 400);
  EXPECT_EQ(List({{"prefix", "xyz"}}).status, 400);
  EXPECT_EQ(List({{"state", "done"}, {"state", "stuck"}}).status, 400);
}

TEST_F(SagasTest, RefusesAPipelineOrStepThatNobodyHasEverHeardOf) {
  EXPECT_EQ(List({{"pipeline", "ordr"}}).detail, "unknown pipeline 'ordr'; did you mean 'order'?");
  EXPECT_EQ(List({{"step", "secnod"}, {"subject", "nobody"}}).detail,
            "unknown step 'secnod'; did you mean 'second'?");
  EXPECT_EQ(Subjects({{"step", "second"}, {"subject", "nobody"}}), Names{}) << "known: just empty";
  view.pipelines = nullptr;  // as in the file of a stopped runtime whose pipelines are elsewhere
  EXPECT_EQ(List({{"pipeline", "ordr"}}).status, 400) << "its sagas name their pipelines";
  EXPECT_EQ(Subjects({{"step", "secnod"}, {"subject", "nobody"}}), Names{});
}

TEST_F(SagasTest, FindsASagaByAPrefixThatOnlyItHas) {
  EXPECT_EQ(ShowSagaJson(journal, view, "019b76da-a803", {}).body.at("subject"), "o-3");
  EXPECT_EQ(
      ShowSagaJson(journal, view, "019b76da-a803-7000-8000-000000000003", {}).body.at("subject"),
      "o-3");
  const Answer several = ShowSagaJson(journal, view, "019b76da", {});
  EXPECT_EQ(several.status, 409);
  EXPECT_EQ(several.code, "ambiguous");
  for (const char* none :
       {"ffff", "019b76da-a803-7000-8000-000000000009", "", "../etc", "no-such"}) {
    EXPECT_EQ(ShowSagaJson(journal, view, none, {}).status, 404) << none;
  }
}

TEST_F(SagasTest, ShowsStepsWithNamesAlsoThoseNotReached) {
  journal.sagas[0].steps.pop_back();
  const Answer answer = ShowSagaJson(journal, view, "019b76da-a801", {});
  const json::array& steps = answer.body.at("steps").as_array();
  ASSERT_EQ(steps.size(), 2U);
  EXPECT_EQ(steps[0].at("name"), "first");
  EXPECT_EQ(steps[0].at("plugin"), "shop.hold");
  EXPECT_EQ(steps[1].at("name"), "second");
  EXPECT_EQ(steps[1].at("state"), "skipped");
  EXPECT_EQ(steps[1].at("after").at(0), "first");
}

TEST_F(SagasTest, NumbersTheStepsOfAPlanThatIsNotKnown) {
  view.plan = nullptr;
  EXPECT_EQ(ShowSagaJson(journal, view, "019b76da-a802", {}).body.at("steps").at(1).at("name"),
            "#1");
}

TEST_F(SagasTest, TellsWhoDidWhat) {
  const Answer answer = ShowSagaJson(journal, view, "019b76da-a803", {});
  const json::value& line = answer.body.at("history").at(1);
  EXPECT_EQ(line.at("who"), "kim@ops");
  EXPECT_EQ(line.at("what"), "verb retry");
  EXPECT_EQ(line.at("detail"), "lock is gone");
}

TEST_F(SagasTest, SaysWhichVerbsFit) {
  const json::value stuck = ShowSagaJson(journal, view, "019b76da-a803", {}).body.at("verbs");
  EXPECT_EQ(stuck.at("resolve"), json::array{"first"});
  EXPECT_EQ(stuck.at("undo"), false);
  const json::value held = ShowSagaJson(journal, view, "019b76da-a804", {}).body.at("verbs");
  EXPECT_EQ(held.at("retry"), json::array{"second"});
  EXPECT_EQ(held.at("skip"), json::array{"second"});
  EXPECT_EQ(held.at("undo"), true);
}

TEST_F(SagasTest, MasksSecretsInPayloadsAndLeavesThemOutUnlessAsked) {
  EXPECT_FALSE(ShowSagaJson(journal, view, "019b76da-a801", {}).body.contains("root"));
  journal.sagas[0].steps[0].memo = R"({"card":"4000-1234","ref":7})";
  const Answer answer = ShowSagaJson(journal, view, "019b76da-a801", {{"payloads", "1"}});
  EXPECT_EQ(answer.body.at("root").at("card"), "***");
  EXPECT_EQ(answer.body.at("root").at("orderId"), "o-1");
  EXPECT_EQ(answer.body.at("steps").at(0).at("memo").at("card"), "***");
  EXPECT_EQ(answer.body.at("steps").at(0).at("memo").at("ref"), 7);
}

}  // namespace
}  // namespace reprise::runtime
