#include "base/result.h"

#include <memory>

#include <gtest/gtest.h>

namespace reprise::runtime {
namespace {

TEST(Result, HoldsAValueOrAnError) {
  const Result<int> good = 7;
  const Result<int> bad = Error{Code::kNotFound, "no such seat"};
  ASSERT_TRUE(good.ok());
  EXPECT_EQ(*good, 7);
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code, Code::kNotFound);
  EXPECT_EQ(bad.error().message, "no such seat");
}

TEST(Result, MovesItsValueOut) {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(3);
  const std::unique_ptr<int> value = *std::move(result);
  EXPECT_EQ(*value, 3);
}

TEST(Status, IsOkUnlessMadeFromAnError) {
  EXPECT_TRUE(Status());
  const Status bad = Error{Code::kInvalid, "x"};
  EXPECT_FALSE(bad);
  EXPECT_EQ(bad.error().code, Code::kInvalid);
}

TEST(Error, MayPassWithTimeBelowThirtyTwo) {
  EXPECT_TRUE((Error{Code::kUnavailable, ""}.transient()));
  EXPECT_TRUE((Error{Code::kInDoubt, ""}.transient()));
  EXPECT_FALSE((Error{Code::kNotFound, ""}.transient()));
  EXPECT_FALSE((Error{Code::kInvalid, ""}.transient()));
}

}  // namespace
}  // namespace reprise::runtime
