#include "scheduler.cpp"

#include <gtest/gtest.h>

#include <reprise/testkit.hpp>

namespace scheduler {
namespace {

using namespace std::chrono_literals;

const WakeWith kAtExpiry{FieldName{"expiresAt"}};

Fields At(Time when) {
  return {{"expiresAt", Rfc3339(when)}};
}

TEST(Wake, EmitsDueAtTheTimeTheFieldSaysAndNotBefore) {
  Kit<Wake> kit(kAtExpiry);
  const Ran ran = kit.Do({}, At(kit.Now() + 5min));
  ASSERT_TRUE(ran.done()) << ran;
  EXPECT_TRUE(ran.event.empty());  // a timer's event, not Do's
  EXPECT_TRUE(kit.Advance(5min - 1ms).empty());
  const auto events = kit.Advance(1ms);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].event, "due");
}

TEST(Wake, EmitsDueAtOnceForATimeInThePast) {
  Kit<Wake> kit(kAtExpiry);
  const Ran ran = kit.Do({}, At(kit.Now() - 1h));
  ASSERT_EQ(ran.armed.size(), 1U);
  EXPECT_EQ(ran.armed[0].delay, 0ms);
  EXPECT_EQ(kit.Advance(0ms).size(), 1U);
}

TEST(Wake, UndoDisarmsTheTimer) {
  Kit<Wake> kit(kAtExpiry);
  ASSERT_TRUE(kit.Do({}, At(kit.Now() + 5min)).done());
  const Ran undone = kit.Undo();
  EXPECT_TRUE(undone.done()) << undone;
  EXPECT_EQ(undone.disarmed, std::vector<std::string>{"due"});
  EXPECT_TRUE(kit.Advance(1h).empty());
}

TEST(Wake, FailsOnWhatIsNoTimeInUtc) {
  for (const char* bad :
       {"", "soon", "2030-01-01", "2030-01-01T00:00:00", "2030-01-01T00:00:00+09:00",
        "2030-13-01T00:00:00Z", "2030-02-30T00:00:00Z", "2030-01-01T24:00:00Z",
        "2030-01-01 00:00:00Z", "2030-01-01T00:00:00.Z", "1893456000000"}) {
    Kit<Wake> kit(kAtExpiry);
    const Ran ran = kit.Do({}, {{"expiresAt", bad}});
    EXPECT_TRUE(ran.failed() && ran.code == "bad_time") << bad << ": " << ran;
    EXPECT_TRUE(ran.armed.empty());
  }
}

TEST(Wake, FailsWhenTheFieldIsMissingOrNoText) {
  Kit<Wake> kit(kAtExpiry);
  EXPECT_EQ(kit.Do({}).code, "bad_time");
  EXPECT_EQ(kit.Do({}, {{"expiresAt", 5}}).code, "bad_time");
}

TEST(Wake, TakesATimeWithAndWithoutAFraction) {
  Kit<Wake> kit(kAtExpiry);
  ASSERT_TRUE(kit.Do({}, {{"expiresAt", "2030-01-01T00:00:01Z"}}).done());
  ASSERT_TRUE(kit.Do({}, {{"expiresAt", "2030-01-01T00:00:01.25Z"}}).done());
  EXPECT_EQ(kit.Advance(1s).size(), 1U);
  EXPECT_EQ(kit.Advance(250ms).size(), 1U);
}

TEST(Wake, FailsWithoutTheNameOfAField) {
  Kit<Wake> kit;
  EXPECT_EQ(kit.Do({}, At(kit.Now() + 5min)).code, "bad_time");
}

TEST(Wake, KeepsTheLaws) {
  Kit<Wake> kit(kAtExpiry);
  EXPECT_EQ(kit.More(At(kit.Now() + 5min)).Laws(Nothing{}), kLawful);
}

}  // namespace
}  // namespace scheduler
