#include "redis/locks.h"

#include "redis_fixture.h"

namespace reprise::runtime::redis {
namespace {

constexpr Millis kLong{600'000};

class RedisLocksTest : public RedisTest {
 protected:
  Connection one_ = Connection::To(options_).value();
  Connection other_ = Connection::To(options_).value();
  Locks mine_{one_, "me"}, theirs_{other_, "them"};
};

TEST_F(RedisLocksTest, OneHoldsItUntilItIsReleased) {
  EXPECT_TRUE(mine_.Try("a", kLong));
  EXPECT_FALSE(theirs_.Try("a", kLong));
  EXPECT_TRUE(theirs_.Try("b", kLong));
  mine_.Release("a");
  EXPECT_TRUE(theirs_.Try("a", kLong));
}

TEST_F(RedisLocksTest, NobodyReleasesAnothers) {
  EXPECT_TRUE(mine_.Try("a", kLong));
  theirs_.Release("a");
  EXPECT_FALSE(theirs_.Try("a", kLong));
}

TEST_F(RedisLocksTest, ThatOfADeadProcessRunsOut) {
  EXPECT_TRUE(mine_.Try("a", Millis(50)));
  EXPECT_TRUE(Until([&] { return theirs_.Try("a", kLong); }));
  mine_.Release("a");  // too late, and not its own any more
  EXPECT_FALSE(mine_.Try("a", kLong));
}

TEST_F(RedisLocksTest, LookFreeWhileRedisIsAway) {
  EXPECT_TRUE(mine_.Try("a", kLong));
  own_.Kill("redis");
  EXPECT_TRUE(theirs_.Try("a", kLong));  // the journal decides
  mine_.Release("a");
}

}  // namespace
}  // namespace reprise::runtime::redis
