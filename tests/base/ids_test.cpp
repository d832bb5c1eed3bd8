#include "base/ids.h"

#include <set>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace reprise::runtime {
namespace {

const Time kNow = FromMillis(1'767'225'600'000);

TEST(UuidV7, RisesStrictlyWithinOneMillisecondAndWhenTheClockStepsBack) {
  UuidV7 ids(1);
  Uuid last = ids.Next(kNow);
  for (int i = 0; i < 100'000; ++i) {
    const Uuid next = ids.Next(i % 3 == 0 ? kNow - Millis(i) : kNow);
    ASSERT_LT(last, next);
    last = next;
  }
}

TEST(UuidV7, CarriesVersionVariantAndTime) {
  UuidV7 ids(2);
  const std::string text = ids.Next(kNow).ToString();
  EXPECT_EQ(text.substr(0, 13), "019b76da-a800");
  EXPECT_EQ(text[14], '7');
  EXPECT_NE(std::string("89ab").find(text[19]), std::string::npos) << text;
}

TEST(UuidV7, DiffersBySeed) {
  EXPECT_NE(UuidV7(1).Next(kNow), UuidV7(2).Next(kNow));
}

TEST(Uuid, ReadsBackWhatItPrints) {
  EXPECT_TRUE(rc::check([](const std::array<std::uint8_t, 16>& bytes) {
    const Uuid id{bytes};
    RC_ASSERT(Uuid::Parse(id.ToString()) == id);
    RC_ASSERT(Uuid::FromBytes(id.view()) == id);
  }));
}

TEST(Uuid, RefusesOtherText) {
  for (const char* text :
       {"", "0199f3c2", "019b76da-a800-7000-8000-00000000000",
        "019b76da-a800-7000-8000-00000000000g", "019b76daxa800-7000-8000-000000000000",
        "{19b76da-a800-7000-8000-000000000000"}) {
    EXPECT_FALSE(Uuid::Parse(text)) << text;
  }
  EXPECT_FALSE(Uuid::FromBytes("short"));
}

TEST(Derived, IsTheUuidV5OfItsNameEndedByAZeroByte) {
  const Uuid dns = *Uuid::Parse("6ba7b810-9dad-11d1-80b4-00c04fd430c8");
  // Of RFC 9562's DNS space: without parts the plain hash of the space; else uuid5(dns,
  // "www.example.com\0").
  EXPECT_EQ(Derived(dns, {}).ToString(), "4ebd0208-8328-5d69-8c44-ec50939c0967");
  EXPECT_EQ(Derived(dns, {"www.example.com"}).ToString(), "e45af9bd-bbfe-5503-adf4-6059f03360a0");
}

TEST(Derived, KeepsItsPartsApart) {
  const Uuid space{};
  EXPECT_EQ(Derived(space, {"a", "b"}), Derived(space, {"a", "b"}));
  EXPECT_NE(Derived(space, {"ab", "c"}), Derived(space, {"a", "bc"}));
  EXPECT_NE(Derived(space, {"a"}), Derived(space, {"a", ""}));
  EXPECT_EQ(Derived(space, {"a"}).ToString()[14], '5');
}

TEST(DerivedAt, SortsByItsTimeAndRepeats) {
  EXPECT_EQ(DerivedAt(kNow, {"x"}), DerivedAt(kNow, {"x"}));
  EXPECT_LT(DerivedAt(kNow, {"x"}), DerivedAt(kNow + Millis(1), {"x"}));
  EXPECT_NE(DerivedAt(kNow, {"x"}), DerivedAt(kNow, {"y"}));
  EXPECT_EQ(DerivedAt(kNow, {"x"}).ToString()[14], '7');
}

TEST(Sha256, MatchesTheVectorOfFips180) {
  EXPECT_EQ(Sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace reprise::runtime
