#include "model/lane.h"

#include <gtest/gtest.h>

namespace reprise::runtime {
namespace {

// The vectors of Kafka's own UtilsTest.testMurmur2.
TEST(Lane, PutsAKeyWhereKafkasOwnClientsPutIt) {
  const auto expected = [](std::int32_t murmur2) {
    return (static_cast<std::uint32_t>(murmur2) & 0x7fffffff) % 65'521;
  };
  EXPECT_EQ(PartitionOfKey("21", 65'521), expected(-973932308));
  EXPECT_EQ(PartitionOfKey("foobar", 65'521), expected(-790332482));
  EXPECT_EQ(PartitionOfKey("a-little-bit-long-string", 65'521), expected(-985981536));
  EXPECT_EQ(PartitionOfKey("a-little-bit-longer-string", 65'521), expected(-1486304829));
  EXPECT_EQ(PartitionOfKey("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", 65'521),
            expected(-58897971));
  EXPECT_EQ(PartitionOfKey("abc", 65'521), expected(479470107));
}

TEST(Lane, HasANumberOfItsOwnForEveryStep) {
  const LaneId pay = LaneBase("order", "pay"), ship = LaneBase("order", "ship");
  EXPECT_NE(pay, ship);
  EXPECT_NE(pay, LaneBase("orderpay", ""));
  EXPECT_GT(pay, 0);
  EXPECT_EQ(PartitionOf(pay), 0U);
  EXPECT_EQ(PartitionOf(pay | 23), 23U);
  EXPECT_EQ(BaseOf(pay | 23), pay);
}

}  // namespace
}  // namespace reprise::runtime
