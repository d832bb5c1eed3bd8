#include "base/suggest.h"

#include <vector>

#include <gtest/gtest.h>

namespace reprise::runtime {
namespace {

const std::vector<std::string> kKnown{"hold_for", "hold", "release", "at"};

TEST(Suggest, FindsTransposedMissingAndExtraLetters) {
  EXPECT_EQ(Nearest("hold_fro", kKnown), "hold_for");
  EXPECT_EQ(Nearest("relase", kKnown), "release");
  EXPECT_EQ(Nearest("holdd", kKnown), "hold");
}

TEST(Suggest, SaysNothingWhenNothingIsNear) {
  EXPECT_EQ(Nearest("zzzzzz", kKnown), "");
  EXPECT_EQ(Nearest("hold", {}), "");
  EXPECT_EQ(DidYouMean("zzzzzz", kKnown), "");
}

TEST(Suggest, ReadsAsTheEndOfAMessage) {
  EXPECT_EQ("unknown setting 'hold_fro'" + DidYouMean("hold_fro", kKnown),
            "unknown setting 'hold_fro'; did you mean 'hold_for'?");
}

}  // namespace
}  // namespace reprise::runtime
