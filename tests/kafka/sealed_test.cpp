// The bytes the journal keeps: whole again, or refused.
#include "kafka/sealed.h"

#include <random>

#include <gtest/gtest.h>

namespace reprise::runtime::kafka {
namespace {

std::string TwoRecords() {
  std::string out(kSealedVersion);
  RecordView own;
  own.topic = "shop.order.take";
  own.partition = 300;
  own.key = "A-7";
  own.at = FromMillis(1'767'225'600'123);
  own.headers = {{"ce_id", "1"}, {"empty", ""}};
  own.has_value = true;
  own.value = R"({"n":1})";
  AppendRecord(out, own);
  RecordView foreign;
  foreign.foreign = true;
  foreign.topic = "warehouse";
  AppendRecord(out, foreign);
  return out;
}

TEST(Sealed, RecordsComeBackAsTheyWere) {
  const std::string sealed = TwoRecords();
  const auto unsealed = Unseal(sealed);
  ASSERT_TRUE(unsealed.ok()) << unsealed.error().message;
  ASSERT_EQ(unsealed->starts.size(), 2U);
  std::size_t at = unsealed->starts[0];
  const auto own = ReadRecord(unsealed->records, at);
  ASSERT_TRUE(own.ok());
  EXPECT_FALSE(own->foreign);
  EXPECT_EQ(own->topic, "shop.order.take");
  EXPECT_EQ(own->partition, 300);
  EXPECT_EQ(own->key, "A-7");
  EXPECT_EQ(ToMillis(own->at), 1'767'225'600'123);
  EXPECT_EQ(own->headers.size(), 2U);
  EXPECT_EQ(own->Header("ce_id"), "1");
  EXPECT_EQ(own->Header("none"), "");
  EXPECT_TRUE(own->has_value);
  EXPECT_EQ(own->value, R"({"n":1})");
  EXPECT_EQ(at, unsealed->starts[1]);
  const auto foreign = ReadRecord(unsealed->records, at);
  ASSERT_TRUE(foreign.ok());
  EXPECT_TRUE(foreign->foreign);
  EXPECT_EQ(foreign->partition, -1);
  EXPECT_FALSE(foreign->has_value);
}

TEST(Sealed, NothingIsAnOutboxToo) {
  const auto unsealed = Unseal(kSealedVersion);
  ASSERT_TRUE(unsealed.ok());
  EXPECT_TRUE(unsealed->starts.empty());
}

TEST(Sealed, CutShortAnywhereItIsRefusedOrEndsAfterARecord) {
  const std::string sealed = TwoRecords();
  const std::size_t second = Unseal(sealed)->starts[1] + kSealedVersion.size();
  for (std::size_t size = 0; size < sealed.size(); ++size) {
    const bool whole = size == kSealedVersion.size() || size == second;
    EXPECT_EQ(Unseal(std::string_view(sealed).substr(0, size)).ok(), whole) << size;
  }
}

TEST(Sealed, OtherVersionsAndGarbageAreRefused) {
  EXPECT_FALSE(Unseal("\x02"));
  EXPECT_FALSE(Unseal(std::string("\x01\x04", 2)));
  std::mt19937 random(7);
  for (int i = 0; i < 2000; ++i) {
    std::string bytes(kSealedVersion);
    for (unsigned n = random() % 64; n > 0; --n) bytes.push_back(static_cast<char>(random()));
    const auto unsealed = Unseal(bytes);  // must not crash or read beyond
    if (unsealed) {
      for (const std::uint32_t start : unsealed->starts) EXPECT_LT(start, bytes.size());
    }
  }
}

}  // namespace
}  // namespace reprise::runtime::kafka
