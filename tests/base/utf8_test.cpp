#include "base/utf8.h"

#include <string>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace reprise::runtime {
namespace {

TEST(Utf8, TakesEveryLengthOfCodePointAndUFffdItself) {
  for (const char* text : {"", "plain text, longer than a word", "\xC2\x80", "예약",
                           "\xF0\x9F\x8E\xAB", "a\xEF\xBF\xBDz", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_TRUE(IsUtf8(text)) << text;
  }
}

TEST(Utf8, RefusesOverlongFormsSurrogatesAndCutText) {
  for (const char* text :
       {"\x80", "\xC0\xAF", "\xC1\x81", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80",
        "\xF8\x88\x80\x80", "long enough for a word \xE2\x82", "\xC3(", "\xFF"}) {
    EXPECT_FALSE(IsUtf8(text)) << text;
  }
}

TEST(Utf8, CleansAnyBytesIntoUtf8OfBoundedLength) {
  EXPECT_TRUE(rc::check([](const std::string& bytes, std::uint8_t most) {
    const std::string clean = CleanUtf8(bytes, most);
    RC_ASSERT(IsUtf8(clean));
    RC_ASSERT(clean.size() <= most);
    if (IsUtf8(bytes) && bytes.size() <= most) RC_ASSERT(clean == bytes);
  }));
}

TEST(Utf8, CutsBetweenCodePoints) {
  EXPECT_EQ(CleanUtf8("예약", 5), "예");
}

}  // namespace
}  // namespace reprise::runtime
