#include "model/pipeline.h"

#include <gtest/gtest.h>

#include "pipelines.h"

namespace reprise::runtime {
namespace {

StepSet Set(std::initializer_list<StepIndex> steps) {
  StepSet set;
  for (StepIndex i : steps) set.Add(i);
  return set;
}

Pipeline ForkAndJoin() {
  return PipelineOf()
      .Main("A", {"go"})
      .Main("B", {"A.x"})
      .Undoing({"A"})
      .Main("C", {"A.x", "A.y"})
      .Undoing({"C"})
      .Join("D", {"B.x", "C.x"})
      .Undoing({})
      .Side("S", {"A.x", "D.x"}, "$undone")
      .Side("R", {"*"})
      .Build();
}

TEST(Link, MakesListenersDependOnWhatTheyListenTo) {
  const Pipeline p = ForkAndJoin();
  EXPECT_EQ(p.step(0).dependents, Set({1, 2}));
  EXPECT_EQ(p.step(0).closure, Set({1, 2, 3}));
  EXPECT_EQ(p.step(1).dependents, Set({3}));
  EXPECT_EQ(p.step(3).causes, Set({1, 2}));
  EXPECT_TRUE(p.step(3).closure.empty());
  EXPECT_TRUE(p.step(0).causes.empty());
}

TEST(Link, LeadsEventsToTheirStepsWithTheBitOfAJoin) {
  const Pipeline p = ForkAndJoin();
  ASSERT_EQ(p.TargetsOf("go").size(), 1U);
  EXPECT_EQ(p.TargetsOf("A.x").size(), 2U);
  ASSERT_EQ(p.TargetsOf("C.x").size(), 1U);
  EXPECT_EQ(p.TargetsOf("C.x")[0].step, 3);
  EXPECT_EQ(p.TargetsOf("C.x")[0].bit, 1);
  EXPECT_EQ(p.TargetsOf("A.y")[0].bit, 0);  // any of several: no bits
  EXPECT_TRUE(p.TargetsOf("nothing").empty());
}

TEST(Link, ClosesScopesOverDependents) {
  const Pipeline p = ForkAndJoin();
  EXPECT_EQ(p.step(0).on_failure.undo, p.mains());
  EXPECT_EQ(p.step(1).on_failure.undo, p.mains());
  EXPECT_EQ(p.step(2).on_failure.undo, Set({2, 3}));
  EXPECT_TRUE(p.step(3).on_failure.undo.empty());
  EXPECT_TRUE(p.step(3).on_failure.none);
}

TEST(Link, KeepsSideStepsApart) {
  const Pipeline p = ForkAndJoin();
  EXPECT_EQ(p.listeners.at("A.x"), std::vector<StepIndex>{4});
  EXPECT_EQ(p.listeners.at("$undone"), std::vector<StepIndex>{4});
  EXPECT_EQ(p.listen_to_all, std::vector<StepIndex>{5});
  EXPECT_FALSE(p.listeners.contains("*"));
  EXPECT_TRUE(p.step(4).causes.empty());
  EXPECT_FALSE(p.mains().Has(4));
}

TEST(Link, ChainsTheInlineStepsOfARoute) {
  const Pipeline p = PipelineOf()
                         .Main("claim", {})
                         .Main("pay", {})
                         .Main("confirm", {"pay.captured"})
                         .Inline({"claim", "pay"})
                         .Build();
  EXPECT_EQ(p.step(0).dependents, Set({1}));
  EXPECT_EQ(p.step(1).causes, Set({0}));
  EXPECT_EQ(p.step(0).closure, Set({1, 2}));
}

TEST(Link, TakesEventsOfOtherPipelinesAsBeginnings) {
  const Pipeline p =
      PipelineOf().Main("release", {"payment/$undone"}).Main("free", {"release.expired"}).Build();
  ASSERT_EQ(p.foreign.at("payment/$undone").size(), 1U);
  EXPECT_EQ(p.foreign.at("payment/$undone")[0].step, 0);
  EXPECT_TRUE(p.TargetsOf("payment/$undone").empty());
  EXPECT_EQ(p.step(0).dependents, Set({1}));
}

TEST(Link, DoesTheSameAgain) {
  Pipeline p = ForkAndJoin();
  Link(p);
  EXPECT_EQ(p.TargetsOf("A.x").size(), 2U);
  EXPECT_EQ(p.step(0).closure, Set({1, 2, 3}));
}

TEST(Link, EndsOnACycle) {
  const Pipeline p = PipelineOf().Main("A", {"B.x"}).Main("B", {"A.x"}).Build();
  EXPECT_EQ(p.step(0).closure, Set({1}));
}

TEST(StepSetTest, HoldsSixtyFour) {
  StepSet all;
  for (StepIndex i = 0; i < kMaxMainSteps; ++i) all.Add(i);
  EXPECT_EQ(all.size(), 64);
  EXPECT_FALSE(all.Has(64));
  Pipeline p;
  p.main_count = kMaxMainSteps;
  EXPECT_EQ(p.mains(), all);
}

}  // namespace
}  // namespace reprise::runtime
