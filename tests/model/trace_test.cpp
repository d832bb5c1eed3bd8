#include "model/trace.h"

#include <gtest/gtest.h>

namespace reprise::runtime {
namespace {

const std::string kCaller = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

Uuid Id(std::uint8_t n) {
  Uuid id;
  id.bytes.fill(n);
  return id;
}

TEST(HopTrace, KeepsTheTraceAndItsFlagsAndIsItsOwnParent) {
  const std::string hop = HopTrace(kCaller, Id(1), Id(2));
  EXPECT_EQ(hop, "00-4bf92f3577b34da6a3ce929d0e0e4736-0202020202020202-01");
  EXPECT_EQ(hop, HopTrace(kCaller, Id(1), Id(2))) << "the same message made again is the same hop";
  EXPECT_EQ(HopTrace(hop, Id(1), Id(3)).substr(0, 35), hop.substr(0, 35));
}

TEST(HopTrace, IsTheSagasOwnWhereThereIsNone) {
  for (const std::string before : {"", "rubbish", "00-00000000000000000000000000000000-01-01"}) {
    EXPECT_EQ(HopTrace(before, Id(1), Id(2)),
              "00-01010101010101010101010101010101-0202020202020202-01");
  }
  EXPECT_EQ(HopTrace("", Uuid{}, Id(2)), "00-02020202020202020202020202020202-0202020202020202-01");
}

TEST(HopTrace, IsATraceparent) {
  EXPECT_TRUE(IsTraceparent(HopTrace("", Id(1), Id(2))));
  EXPECT_TRUE(IsTraceparent(HopTrace(kCaller, Id(1), Id(2))));
}

}  // namespace
}  // namespace reprise::runtime
