#include "base/clock.h"

#include <gtest/gtest.h>

#include "base/log.h"

namespace reprise::runtime {
namespace {

TEST(ManualClock, StandsStillUntilMoved) {
  ManualClock clock(FromMillis(1000));
  EXPECT_EQ(clock.Now(), FromMillis(1000));
  clock.Advance(Millis(500));
  EXPECT_EQ(clock.Now(), FromMillis(1500));
  clock.Set(FromMillis(7));
  EXPECT_EQ(clock.Now(), FromMillis(7));
}

TEST(ManualClock, WaitsForeverOrNotAtAll) {
  ManualClock clock(FromMillis(1000));
  EXPECT_EQ(clock.RealWait(FromMillis(1000)), Millis(0));
  EXPECT_GT(clock.RealWait(FromMillis(1001)), Millis(60'000));
}

TEST(NeverBack, FollowsTheMachineForwardAndWhenItIsCorrectedALittle) {
  NeverBack clock(Millis(1000));
  EXPECT_EQ(clock.At(500'000, 10), 500'000);
  EXPECT_EQ(clock.At(500'020, 30), 500'020);
  EXPECT_EQ(clock.At(4'100'000, 40), 4'100'000);
  EXPECT_EQ(clock.At(4'099'100, 50), 4'099'100);
}

TEST(NeverBack, GoesOnAtASteadyPaceWhileTheMachineIsBehind) {
  LogCapture log;
  NeverBack clock(Millis(1000));
  EXPECT_EQ(clock.At(4'000'000, 0), 4'000'000);
  EXPECT_EQ(clock.At(400'010, 10), 4'000'010);
  EXPECT_EQ(clock.At(460'010, 60'010), 4'060'010);
  EXPECT_EQ(clock.At(4'060'030, 60'030), 4'060'030);  // right again
  EXPECT_EQ(clock.At(9'000'000, 60'040), 9'000'000);
  EXPECT_EQ(clock.At(4'060'050, 60'050), 9'000'010);
  EXPECT_NE(log.Text().find("set back"), std::string::npos);
  EXPECT_NE(log.Text().find("back_ms=3600000"), std::string::npos);
}

TEST(SystemClock, FollowsTheMachine) {
  SystemClock clock;
  const auto real = std::chrono::time_point_cast<Millis>(std::chrono::system_clock::now());
  EXPECT_LT(std::chrono::abs(clock.Now() - real), Millis(1000));
}

TEST(SystemClock, GoesByTheClockItFollows) {
  SystemClock clock;
  const Time other = clock.Now() + std::chrono::hours(24);
  clock.Follow(other);
  EXPECT_GE(clock.Now(), other);
  EXPECT_LT(clock.Now() - other, Millis(1000));
  clock.Follow(other - std::chrono::hours(48));  // it was set back
  EXPECT_LT(clock.Now(), other);
}

TEST(SystemClock, KeepsWhatAFastClockHasCountedWhenItFollowsAnother) {
  SystemClock clock(1000.0);
  const Time before = clock.Now();
  clock.Follow(before + std::chrono::hours(24));
  EXPECT_LT(clock.Now() - before, std::chrono::hours(1));
}

TEST(SystemClock, NeverJumpsWhenItsSpeedChanges) {
  SystemClock clock(1.0);
  const Time before = clock.Now();
  clock.SetSpeed(1000.0);
  const Time after = clock.Now();
  EXPECT_GE(after, before);
  EXPECT_LT(after - before, Millis(100'000));  // 100 real ms at most
}

TEST(SystemClock, WaitsLessWhenItRunsFaster) {
  SystemClock clock(100.0);
  const Millis wait = clock.RealWait(clock.Now() + Millis(60'000));
  EXPECT_LE(wait, Millis(601));
  EXPECT_EQ(clock.RealWait(clock.Now() - Millis(1000)), Millis(0));
}

}  // namespace
}  // namespace reprise::runtime
