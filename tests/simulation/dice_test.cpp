#include "simulation/dice.h"

#include <gtest/gtest.h>

namespace reprise::runtime::simulation {
namespace {

/// A seed under which this place is not quiet.
std::uint64_t BusySeed(const std::string& place) {
  for (std::uint64_t seed = 1;; ++seed) {
    Dice dice(seed);
    for (int i = 0; i < 20; ++i) {
      if (dice.Strikes(place, 1)) return seed;
    }
  }
}

TEST(Dice, ThrowTheSameAgainForTheSameSeed) {
  Dice one(7), other(7), different(8);
  std::vector<std::uint64_t> a, b, c;
  for (int i = 0; i < 20; ++i) {
    a.push_back(one.Draw("lane"));
    b.push_back(other.Draw("lane"));
    c.push_back(different.Draw("lane"));
  }
  EXPECT_EQ(a, b);
  EXPECT_NE(a, c);
}

TEST(Dice, OnePlaceDoesNotMoveAnother) {
  Dice one(7), other(7);
  for (int i = 0; i < 5; ++i) other.Draw("elsewhere");
  EXPECT_EQ(one.Draw("lane"), other.Draw("lane"));
}

TEST(Dice, NameAFaultByItsPlaceAndItsHowManiethThrow) {
  Dice dice(BusySeed("die"));
  std::vector<std::string> heard;
  dice.OnStrike([&](const std::string& fault) { heard.push_back(fault); });
  EXPECT_TRUE(dice.Strikes("die", 1));
  EXPECT_TRUE(dice.Strikes("die", 1));
  EXPECT_EQ(dice.struck(), (std::vector<std::string>{"die#1", "die#2"}));
  EXPECT_EQ(heard, dice.struck());
}

TEST(Dice, OnlyTheNamedFaultsStrike) {
  Dice dice(BusySeed("die"));
  dice.Only({"die#2"});
  EXPECT_FALSE(dice.Strikes("die", 1));
  EXPECT_TRUE(dice.Strikes("die", 1));
  EXPECT_FALSE(dice.Strikes("die", 1));
}

TEST(Dice, NoFaultStrikesOnceHealed) {
  Dice dice(BusySeed("die"));
  dice.Heal();
  EXPECT_FALSE(dice.Strikes("die", 1));
  EXPECT_TRUE(dice.struck().empty());
}

TEST(Dice, APlaceIsQuietInSomeRunsAndBusyInOthers) {
  int quiet = 0, busy = 0;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    Dice dice(seed);
    int struck = 0;
    for (int i = 0; i < 200; ++i) struck += dice.Strikes("die", 0.1) ? 1 : 0;
    quiet += struck == 0 ? 1 : 0;
    busy += struck > 40 ? 1 : 0;
  }
  EXPECT_GT(quiet, 60);
  EXPECT_GT(busy, 60);
}

}  // namespace
}  // namespace reprise::runtime::simulation
