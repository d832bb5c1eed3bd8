#include "base/base64.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace reprise::runtime {
namespace {

TEST(Base64, WritesWhatTheRfcWrites) {  // RFC 4648, section 10
  EXPECT_EQ(EncodeBase64(""), "");
  EXPECT_EQ(EncodeBase64("f"), "Zg==");
  EXPECT_EQ(EncodeBase64("fo"), "Zm8=");
  EXPECT_EQ(EncodeBase64("foobar"), "Zm9vYmFy");
}

TEST(Base64, AnyBytesComeBack) {
  EXPECT_TRUE(rc::check(
      [](const std::string& bytes) { RC_ASSERT(DecodeBase64(EncodeBase64(bytes)) == bytes); }));
}

TEST(Base64, WhatIsNoneIsNothing) {
  for (const char* text : {"Zg=", "Zg", "Z===", "====", "Zm9v\n", "Zm 9", "Zm9_", "Zg==Zg=="})
    EXPECT_FALSE(DecodeBase64(text)) << text;
}

}  // namespace
}  // namespace reprise::runtime
