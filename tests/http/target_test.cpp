#include "http/target.h"

#include <gtest/gtest.h>

namespace reprise::runtime {
namespace {

using Strings = std::vector<std::string>;
using Pairs = std::vector<std::pair<std::string, std::string>>;

TEST(Target, DecodesEachSegmentByItself) {
  const auto target = ParseTarget("/users/a%2Fb%20c/points");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->path, "/users/a%2Fb%20c/points");
  EXPECT_EQ(target->segments, (Strings{"users", "a/b c", "points"}));
}

TEST(Target, KeepsATrailingSlashAsAnotherPath) {
  EXPECT_EQ(ParseTarget("/")->segments, Strings{});
  EXPECT_EQ(ParseTarget("/a")->segments, Strings{"a"});
  EXPECT_EQ(ParseTarget("/a/")->segments, (Strings{"a", ""}));
  EXPECT_EQ(ParseTarget("//a")->segments, (Strings{"", "a"}));
}

TEST(Target, DecodesTheQueryInOrder) {
  EXPECT_EQ(ParseTarget("/?b=1&a=x+y%2B&&c&b=%E2%82%AC")->query,
            (Pairs{{"b", "1"}, {"a", "x y+"}, {"c", ""}, {"b", "\xE2\x82\xAC"}}));
}

TEST(Target, TakesTheAbsoluteForm) {
  const auto target = ParseTarget("http://example.org:80/a?b=c");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->path, "/a");
  EXPECT_EQ(target->query, (Pairs{{"b", "c"}}));
  EXPECT_EQ(ParseTarget("http://example.org")->path, "/");
}

TEST(Target, RefusesWhatDoesNotDecode) {
  for (const char* bad : {"/%", "/%4", "/%zz", "/a%00b", "/%ff", "/%c0%af", "/%ed%a0%80", "/?a=%",
                          "/?%00=1", "a", "*", "host:80", "/a#b"}) {
    EXPECT_FALSE(ParseTarget(bad)) << bad;
  }
}

TEST(Target, EncodesWhatItDecodes) {
  const std::string text = "a/b c%\xE2\x82\xAC~";
  EXPECT_EQ(PercentEncode(text), "a%2Fb%20c%25%E2%82%AC~");
  EXPECT_EQ(PercentDecode(PercentEncode(text)), text);
}

TEST(Target, CountsCodePoints) {
  EXPECT_EQ(Utf8Length("a\xE2\x82\xAC\xF0\x9F\x98\x80"), 3U);
}

}  // namespace
}  // namespace reprise::runtime
