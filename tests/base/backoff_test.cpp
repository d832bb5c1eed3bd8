#include "base/backoff.h"

#include <set>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace reprise::runtime {
namespace {

TEST(Backoff, FollowsAtOnceWhileImmediateTriesAreLeft) {
  RetryPolicy policy;
  policy.immediate = 2;
  EXPECT_EQ(BackoffDelay(policy, 1, 7), Millis(0));
  EXPECT_EQ(BackoffDelay(policy, 2, 7), Millis(0));
  EXPECT_GT(BackoffDelay(policy, 3, 7), Millis(0));
}

TEST(Backoff, GrowsByItsFactorWithoutJitter) {
  RetryPolicy policy;
  policy.immediate = 0;
  policy.jitter = 0;
  EXPECT_EQ(BackoffDelay(policy, 1, 0), Millis(200));
  EXPECT_EQ(BackoffDelay(policy, 2, 0), Millis(400));
  EXPECT_EQ(BackoffDelay(policy, 4, 0), Millis(1600));
  EXPECT_EQ(BackoffDelay(policy, 30, 0), policy.max);
}

TEST(Backoff, StaysInsideItsBoundsForAnyAttemptAndSalt) {
  EXPECT_TRUE(rc::check([](std::uint32_t attempt, std::uint64_t salt) {
    RetryPolicy policy;
    policy.immediate = 0;
    const auto delay =
        static_cast<double>(BackoffDelay(policy, std::max(attempt, 1U), salt).count());
    RC_ASSERT(delay >= static_cast<double>(policy.first.count()) * (1 - policy.jitter) - 1);
    RC_ASSERT(delay <= static_cast<double>(policy.max.count()) * (1 + policy.jitter));
  }));
}

TEST(Backoff, SpreadsBySalt) {
  RetryPolicy policy;
  std::set<std::int64_t> seen;
  for (std::uint64_t salt = 0; salt < 100; ++salt)
    seen.insert(BackoffDelay(policy, 6, salt).count());
  EXPECT_GT(seen.size(), 50U);
}

}  // namespace
}  // namespace reprise::runtime
