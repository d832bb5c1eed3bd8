// The kit as a host: what commits, what rolls back, timers, faults.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <reprise/testkit.hpp>

#include "sample.h"

namespace reprise::sample {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kRows = "SELECT id, n FROM sample_row ORDER BY id";

TEST(Kit, CommitsADoneAndShowsWhatItDid) {
  Kit<Put> kit;
  const Ran ran = kit.Do({.id = "a", .n = 7});
  EXPECT_TRUE(ran.done()) << ran;
  EXPECT_EQ(ran.event, "put");
  EXPECT_EQ(ran.added.Int("version"), 7);
  EXPECT_EQ(ran.memo, "a");
  EXPECT_THAT(ran.sent, ElementsAre(Sent{"rows", "a", "{}"}));
  EXPECT_THAT(ran.hints, ElementsAre("rows"));
  EXPECT_THAT(ran.log, ElementsAre("put a as 7"));
  EXPECT_EQ(ran.metrics.at("rows"), 1);
  EXPECT_EQ(kit.Sql(kRows), "a|7");
}

TEST(Kit, RollsBackWhateverIsNotDone) {
  Kit<Put> kit;
  kit.Do({.id = "a"});
  const Ran ran = kit.Do({.id = "a", .n = 2});
  EXPECT_EQ(ran.code, "taken");
  EXPECT_EQ(kit.FailCall(4).Do({.id = "b"}).code, "unavailable");
  EXPECT_EQ(kit.Sql(kRows), "a|1");
}

TEST(Kit, StartsThePluginOnceItsTablesAreThere) {
  EXPECT_EQ(Kit<Put>().Sql("SELECT count(*), max(at) FROM sample_start"), "1|1893456000000");
}

TEST(Kit, MigratesAsItsDatabaseWantsIt) {
  Kit<Put> kit;
  kit.Sql("INSERT INTO sample_row VALUES ('wide', 3000000000)");
  EXPECT_EQ(kit.Sql(kRows), "wide|3000000000");
}

TEST(Kit, TakesArgumentsByTheirNumber) {
  EXPECT_EQ(Kit<Put>().Sql("SELECT $2, $1, $2", "a", 5), "5|a|5");
  EXPECT_EQ(Kit<Put>().Sql("SELECT $1, $2, $3", std::optional<int>(), true, 0.5), "|1|0.5");
  for (const char* named : {"SELECT $id", "SELECT $0", "SELECT $2"})
    EXPECT_THROW(Kit<Put>().Sql(named, "a"), std::runtime_error) << named;
}

TEST(Kit, FiresTimersWhenTheirTimeHasCome) {
  Kit<Put> kit{{.for_ = 2min}};
  kit.Do({.id = "a"});
  EXPECT_TRUE(kit.Advance(2min - 1ms).empty());
  const auto events = kit.Advance(1ms);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].event, "due");
  EXPECT_TRUE(kit.Advance(1h).empty());
}

TEST(Kit, CancelsTheTimersOfWhatIsUndone) {
  Kit<Put> kit;
  const Ran a = kit.Do({.id = "a"});
  kit.Do({.id = "b"});
  EXPECT_TRUE(kit.Undo(a).done());
  EXPECT_EQ(kit.Sql(kRows), "b|1");
  EXPECT_EQ(kit.Advance(1h).size(), 1U);
}

TEST(Kit, GivesTheNextAttemptToTheSameSaga) {
  Kit<Put> kit;
  const Ran first = kit.FailCall(1).Do({.id = "a"});
  const Ran second = kit.Do({.id = "a"});
  EXPECT_TRUE(second.done());
  EXPECT_EQ(second.saga, first.saga);
  EXPECT_EQ(second.attempt, 2);
  EXPECT_NE(kit.Do({.id = "b"}).saga, first.saga);
}

TEST(Kit, LosesWhatACrashLeavesUncommitted) {
  Kit<Put> kit;
  for (const int n : {0, 3, 100}) {
    const Ran ran = kit.CrashAfter(n).Do({.id = "a"});
    EXPECT_TRUE(ran.crashed);
    EXPECT_FALSE(ran.done());
    EXPECT_EQ(kit.Sql(kRows), "");
  }
  EXPECT_TRUE(kit.Do({.id = "a"}).done());
}

TEST(Kit, RunsABatchOrOneByOne) {
  Kit<Put> kit;
  EXPECT_EQ(kit.DoAll({{.id = "a"}, {.id = "b", .n = 2}})[1].added.Int("version"), 2);
  EXPECT_TRUE(kit.batched());
  EXPECT_EQ(kit.Sql(kRows), "a|1\nb|2");
  const std::vector<Ran> ran = kit.DoAll({{.id = "c"}, {.id = "d"}});
  EXPECT_FALSE(kit.batched());
  EXPECT_EQ(ran[0].event, "put");
  EXPECT_EQ(ran[1].event, "full");
}

TEST(Kit, SharesTablesAndClockBetweenActions) {
  Kit<Put> put;
  Kit<Speak> speak{put};
  put.Do({.id = "a"});
  speak.Advance(1s);
  EXPECT_EQ(speak.Sql(kRows), "a|1");
  EXPECT_EQ(put.Now(), speak.Now());
}

TEST(Kit, RefusesSqlThatIsNotAPlugins) {
  Kit<Speak> kit;
  EXPECT_THAT(kit.Do({.what = "commit"}).detail, HasSubstr("transaction"));
  EXPECT_THAT(kit.Do({.what = "clock"}).detail, HasSubstr("Now()"));
  EXPECT_THAT(kit.Do({.what = "two statements"}).detail, HasSubstr("one statement"));
  EXPECT_EQ(kit.Do({.what = "conflict"}).code, "conflict");
}

}  // namespace
}  // namespace reprise::sample
