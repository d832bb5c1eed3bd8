#include "base/time.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace reprise::runtime {
namespace {

TEST(Time, PrintsRfc3339InUtcWithMilliseconds) {
  EXPECT_EQ(Rfc3339(FromMillis(0)), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(Rfc3339(FromMillis(1'767'225'600'031)), "2026-01-01T00:00:00.031Z");
}

TEST(Time, ReadsBackWhatItPrints) {
  EXPECT_TRUE(rc::check([] {
    const auto ms = *rc::gen::inRange<std::int64_t>(0, 253'402'300'799'999);  // up to year 9999
    const auto parsed = ParseRfc3339(Rfc3339(FromMillis(ms)));
    RC_ASSERT(parsed.has_value());
    RC_ASSERT(ToMillis(*parsed) == ms);
  }));
}

TEST(Time, RefusesWhatIsNotExactlyThatForm) {
  for (const char* text :
       {"", "2026-01-01", "2026-01-01T00:00:00Z", "2026-13-01T00:00:00.000Z",
        "2026-02-30T00:00:00.000Z", "2026-01-01T24:00:00.000Z", "2026-01-01T00:00:00.000+09:00",
        "2026-01-01t00:00:00.000Z", " 2026-01-01T00:00:00.000Z"}) {
    EXPECT_FALSE(ParseRfc3339(text)) << text;
  }
}

TEST(Duration, ReadsUnitsFromLargeToSmall) {
  EXPECT_EQ(ParseDuration("100ms"), Millis(100));
  EXPECT_EQ(ParseDuration("5m"), Millis(300'000));
  EXPECT_EQ(ParseDuration("1h30m"), Millis(5'400'000));
  EXPECT_EQ(ParseDuration("7d"), Millis(604'800'000));
  EXPECT_EQ(ParseDuration("0s"), Millis(0));
}

TEST(Duration, RefusesSignsSpacesUnknownUnitsAndOverflow) {
  for (const char* text :
       {"", "5", "-5s", "5 s", "s", "5x", "1.5s", "30m1h", "1s1s", "999999999999d", "1w", "5M"}) {
    EXPECT_FALSE(ParseDuration(text)) << text;
  }
}

TEST(Duration, ReadsBackWhatItPrints) {
  EXPECT_TRUE(rc::check([] {
    const Millis d(*rc::gen::inRange<std::int64_t>(0, 10LL * 365 * 86'400'000));
    RC_ASSERT(ParseDuration(FormatDuration(d)) == d);
  }));
}

TEST(Duration, PrintsTheShortestExactForm) {
  EXPECT_EQ(FormatDuration(Millis(90'000)), "1m30s");
  EXPECT_EQ(FormatDuration(Millis(0)), "0s");
  EXPECT_EQ(FormatDuration(Millis(86'400'000)), "1d");
  EXPECT_EQ(FormatDuration(Millis(1'001)), "1s1ms");
}

}  // namespace
}  // namespace reprise::runtime
