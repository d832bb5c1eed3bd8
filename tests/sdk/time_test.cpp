// Instants as text.
#include <gtest/gtest.h>

#include <reprise/time.hpp>

namespace reprise {
namespace {

TEST(SdkTime, PrintsAndReadsRfc3339) {
  EXPECT_EQ(Rfc3339(FromMillis(0)), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(Rfc3339(FromMillis(1'893'456'000'031)), "2030-01-01T00:00:00.031Z");
  for (const std::int64_t ms :
       {std::int64_t{0}, std::int64_t{951'782'400'001}, std::int64_t{4'102'444'799'999}}) {
    EXPECT_EQ(ParseRfc3339(Rfc3339(FromMillis(ms))), FromMillis(ms));
  }
  EXPECT_EQ(ParseRfc3339("2030-01-01T00:00:00Z"), FromMillis(1'893'456'000'000));
  EXPECT_EQ(ParseRfc3339("2030-01-01T00:00:00.5Z"), FromMillis(1'893'456'000'500));
  EXPECT_EQ(ParseRfc3339("2030-01-01T00:00:00.123456789Z"), FromMillis(1'893'456'000'123));
}

TEST(SdkTime, RefusesWhatIsNoInstant) {
  for (const char* text :
       {"", "2030-01-01", "2030-02-30T00:00:00Z", "2030-01-01T24:00:00Z", "2030-01-01T00:00:00",
        "2030-01-01T00:00:00.Z", "2030-01-01T00:00:00.1234567890Z", "2030-01-01T00:60:00Z",
        "2030/01/01T00:00:00Z", "203a-01-01T00:00:00Z", "2030-01-01T00:00:00.1x3Z"}) {
    EXPECT_FALSE(ParseRfc3339(text)) << text;
  }
}

}  // namespace
}  // namespace reprise
