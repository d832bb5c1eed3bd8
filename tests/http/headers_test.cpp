#include "http/headers.h"

#include <gtest/gtest.h>

namespace reprise::runtime {
namespace {

TEST(IdempotencyKey, IsQuotedOrBare) {
  EXPECT_EQ(ParseIdempotencyKey("\"8e03978e-40d5\""), "8e03978e-40d5");
  EXPECT_EQ(ParseIdempotencyKey("8e03978e-40d5"), "8e03978e-40d5");
  EXPECT_EQ(ParseIdempotencyKey("\"a b\""), "a b");
  EXPECT_EQ(ParseIdempotencyKey("\"a\\\"\\\\b\""), "a\"\\b");
  EXPECT_EQ(ParseIdempotencyKey(std::string(255, 'k')), std::string(255, 'k'));
}

TEST(IdempotencyKey, IsNothingElse) {
  for (const std::string& bad :
       {std::string(), std::string("\"\""), std::string("\"open"), std::string("\"a\" b"),
        std::string("\"a\\"), std::string("\"a\\n\""), std::string("a b"), std::string("a,b"),
        std::string("a\"b"), std::string("\"a\tb\""), std::string("\xE2\x82\xAC"),
        std::string("\"\xE2\x82\xAC\""), std::string(256, 'k')}) {
    EXPECT_FALSE(ParseIdempotencyKey(bad)) << bad;
  }
}

TEST(Traceparent, KeepsTheTraceAndGivesTheHopItsOwnParent) {
  const std::string given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
  const std::string next = NextTraceparent(given);
  EXPECT_EQ(next.size(), 55U);
  EXPECT_EQ(TraceId(next), "0af7651916cd43dd8448eb211c80319c");
  EXPECT_NE(next.substr(36, 16), given.substr(36, 16));
  EXPECT_EQ(next.substr(52), "-00");
  EXPECT_EQ(TraceId(NextTraceparent("cc" + given.substr(2) + "-later")), TraceId(given));
}

TEST(Traceparent, IsNewForWhatIsNone) {
  const std::string zero(32, '0');
  for (const std::string& bad :
       {std::string(), std::string("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01"),
        "00-" + zero + "-b7ad6b7169203331-01",
        std::string("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01"),
        std::string("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        std::string("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x"),
        std::string("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331")}) {
    const std::string next = NextTraceparent(bad);
    EXPECT_EQ(next.size(), 55U);
    EXPECT_NE(TraceId(next), "0af7651916cd43dd8448eb211c80319c") << bad;
    EXPECT_NE(TraceId(next), zero);
  }
  EXPECT_NE(NextTraceparent({}), NextTraceparent({}));
}

TEST(BearerToken, HasOnlyTheCharactersOfTokens) {
  EXPECT_TRUE(IsBearerToken("eyJ.a-b_c~d+e/f=="));
  for (const char* bad : {"", "=", "a=b", "a b", "a,b", "\xff"})
    EXPECT_FALSE(IsBearerToken(bad)) << bad;
}

TEST(Secret, IsComparedWhole) {
  EXPECT_TRUE(SameSecret("abc", "abc"));
  EXPECT_FALSE(SameSecret("abc", "abcd"));
  EXPECT_FALSE(SameSecret("", "abc"));
}

}  // namespace
}  // namespace reprise::runtime
