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

}  // namespace
}  // namespace reprise::runtime
