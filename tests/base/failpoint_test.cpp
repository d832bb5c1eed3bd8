#include "base/failpoint.h"

#include <gtest/gtest.h>

namespace reprise::runtime {
namespace {

class FailpointTest : public testing::Test {
 protected:
  ~FailpointTest() override { DisarmFailpoints(); }
};

TEST_F(FailpointTest, DoesNothingUnlessArmed) {
  EXPECT_FALSE(FAILPOINT("commit.before"));
  ASSERT_TRUE(ArmFailpoints("another=error"));
  EXPECT_FALSE(FAILPOINT("commit.before"));
}

TEST_F(FailpointTest, FiresAfterSoManyPassesAndSoManyTimes) {
  ASSERT_TRUE(ArmFailpoints("p=error:after 2:times 1"));
  EXPECT_FALSE(FAILPOINT("p"));
  EXPECT_FALSE(FAILPOINT("p"));
  EXPECT_TRUE(FAILPOINT("p"));
  EXPECT_FALSE(FAILPOINT("p"));
  EXPECT_EQ(FailpointPasses("p"), 4);
  EXPECT_EQ(FailpointFirings("p"), 1);
}

TEST_F(FailpointTest, CountsWithoutHarm) {
  ASSERT_TRUE(ArmFailpoints("p=count,q=error"));
  EXPECT_FALSE(FAILPOINT("p"));
  EXPECT_TRUE(FAILPOINT("q"));
  EXPECT_EQ(FailpointFirings("p"), 1);
}

TEST_F(FailpointTest, KillsTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        if (ArmFailpoints("p=kill:after 1")) {
          FAILPOINT("p");
          FAILPOINT("p");
        }
      },
      testing::KilledBySignal(SIGKILL), "");
}

TEST_F(FailpointTest, RefusesWhatItCannotRead) {
  for (const char* spec : {"p", "p=", "=kill", "p=explode", "p=error:after", "p=error:after x",
                           "p=error:soon 1", "p=error:after -1"}) {
    const Status status = ArmFailpoints(spec);
    ASSERT_FALSE(status) << spec;
    EXPECT_NE(status.error().message.find("write NAME="), std::string::npos);
  }
}

TEST_F(FailpointTest, AFaultStrikesOnceAtItsPlaceAndItsHit) {
  ASSERT_TRUE(ArmFault("commit:after:hit=2:count"));
  EXPECT_FALSE(FAILPOINT("commit.before"));
  FAILPOINT("commit.after");
  EXPECT_EQ(FailpointFirings("commit.after"), 0);
  for (int i = 0; i < 3; ++i) FAILPOINT("commit.after");
  EXPECT_EQ(FailpointFirings("commit.after"), 1);
}

TEST_F(FailpointTest, AFaultOfAnUndoLetsDosPass) {
  ASSERT_TRUE(ArmFault("plugin:undo:count"));
  FAILPOINT_IN("plugin.before", "do");
  EXPECT_EQ(FailpointPasses("plugin.before"), 0);
  FAILPOINT_IN("plugin.before", "undo");
  EXPECT_EQ(FailpointFirings("plugin.before"), 1);
}

TEST_F(FailpointTest, SaysWhichFaultsNeverStruck) {
  ASSERT_TRUE(ArmFault("commit:count,begin:after:count"));
  FAILPOINT("commit.before");
  EXPECT_EQ(UnfiredFaults(), std::vector<std::string>{"begin:after:count"});
}

TEST_F(FailpointTest, EveryPlaceCanBeArmedOnBothSides) {
  for (const FailpointPlace& place : FailpointPlaces()) {
    for (const char* side : {"before", "after"})
      EXPECT_TRUE(ArmFault(std::string(place.name) + ":" + side + ":count")) << place.name;
    EXPECT_EQ(bool(ArmFault(std::string(place.name) + ":undo:count")), place.phases) << place.name;
  }
}

TEST_F(FailpointTest, RefusesFaultsItCannotReadAndNamesTheNearestPlace) {
  for (const char* spec :
       {"comit", "commit:soon", "commit:hit=0", "commit:hit=x", "commit:delay=", "begin:undo"}) {
    const Status status = ArmFault(spec);
    ASSERT_FALSE(status) << spec;
    EXPECT_NE(status.error().message.find("write NAME"), std::string::npos);
  }
  EXPECT_NE(ArmFault("comit").error().message.find("'commit'"), std::string::npos);
}

}  // namespace
}  // namespace reprise::runtime
