// Each law is broken by a plugin that is wrong in just that, and by no other.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <reprise/testkit.hpp>

#include "sample.h"

namespace reprise::sample {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

template <class A>
auto LawsOf() {
  return Kit<A>().Laws({.id = "a"});
}

TEST(Laws, HoldForAPluginThatIsRight) {
  EXPECT_EQ(LawsOf<Put>(), kLawful);
  EXPECT_EQ(Kit<Put>().Laws(std::vector<Id>{{.id = "a"}, {.id = "b"}}), kLawful);
}

TEST(Laws, LeaveEverythingAsItWas) {
  Kit<Put> kit;
  kit.Do({.id = "z"});
  EXPECT_EQ(kit.Laws({.id = "a"}), kLawful);
  EXPECT_EQ(kit.Sql("SELECT id FROM sample_row"), "z");
  EXPECT_EQ(kit.Advance(1h).size(), 1U);
}

TEST(Laws, CatchAnUndoThatRestoresNothing) {
  EXPECT_THAT(LawsOf<Leaves>(),
              AllOf(Not(IsEmpty()), Each(StartsWith("undo restores the tables: new: sample_row"))));
}

TEST(Laws, ShowTheRowsThatDifferAsSqlWritesThem) {
  EXPECT_THAT(Kit<Leaves>().Laws({.id = "it's"}),
              Contains("undo restores the tables: new: sample_row: id='it''s', n=1"));
}

TEST(Laws, AllowWhatIsDeclaredToRemain) {
  EXPECT_EQ(LawsOf<LeavesKnowingly>(), kLawful);
  EXPECT_EQ(Kit<Leaves>().Laws({.id = "a"}, {"sample_row"}), kLawful);
  EXPECT_EQ(Kit<Leaves>().Laws({.id = "a"}, {"sample_row where id = 'a'"}), kLawful);
  EXPECT_NE(Kit<Leaves>().Laws({.id = "a"}, {"sample_row where id = 'b'", "sample_row.n"}),
            kLawful);
}

TEST(Laws, CatchAnUndoOfWhatWasNeverDone) {
  Kit<Blind> kit;
  kit.Sql("INSERT INTO sample_row VALUES ('a', 10)");
  const auto broken = kit.Laws({.id = "a"});
  ASSERT_EQ(broken.size(), 2U);
  EXPECT_THAT(broken[0], StartsWith("undo twice is undo once: gone: sample_row"));
  EXPECT_THAT(broken[1], StartsWith("undo without do changes nothing: gone: sample_row"));
}

TEST(Laws, CatchADoThatIsNotIdempotentAsItSays) {
  EXPECT_THAT(LawsOf<Twice>(),
              AllOf(Not(IsEmpty()), Each(StartsWith("do twice is do once: gone: sample_row"))));
}

TEST(Laws, CatchAFaultTakenForAnAnswer) {
  EXPECT_THAT(LawsOf<Hasty>(),
              AllOf(Not(IsEmpty()), Each(StartsWith("do, a fault at host call 3"))));
}

TEST(Laws, CatchAFaultThatIsIgnored) {
  EXPECT_THAT(LawsOf<Deaf>(),
              AllOf(Not(IsEmpty()), Each(StartsWith("do, a fault at host call 3"))));
}

TEST(Laws, CatchABatchThatDoesSomethingElse) {
  EXPECT_THAT(LawsOf<Different>(),
              AllOf(Not(IsEmpty()), Each(StartsWith("DoAll equals Do one by one: item 0"))));
}

TEST(Laws, WantAnInputThatIsDone) {
  EXPECT_THAT((Kit<Call>{{}, {.url = "http://127.0.0.1:1"}}.Laws({.id = "a"})),
              Each(StartsWith("Do must answer Done")));
}

}  // namespace
}  // namespace reprise::sample
