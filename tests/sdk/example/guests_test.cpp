#include "guests.cpp"

#include <gtest/gtest.h>

#include <reprise/testkit.hpp>

TEST(Invite, TakesAGuestOnce) {
  reprise::Kit<guests::Invite> kit;
  EXPECT_EQ(kit.Do({.name = "Ada"}).event, "invited");
  EXPECT_EQ(kit.Do({.name = "Ada"}).code, "already_invited");
  EXPECT_EQ(kit.Sql("SELECT name FROM guests_row"), "Ada");
}
TEST(Invite, KeepsTheLaws) {
  EXPECT_EQ(reprise::Kit<guests::Invite>().Laws({.name = "Ada"}), reprise::kLawful);
}
