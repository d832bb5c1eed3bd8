#include "topic.cpp"

#include <gtest/gtest.h>

#include <reprise/testkit.hpp>

namespace topic {
namespace {

const SendWith kPlain{"orders", {}, ""};

TEST(Send, SendsThePayloadUnderTheStepsKey) {
  Kit<Send> kit(kPlain);
  const Ran ran = kit.Do({}, {{"id", "A-1"}});
  ASSERT_TRUE(ran.done()) << ran;
  ASSERT_EQ(ran.sent.size(), 1U);
  EXPECT_EQ(ran.sent[0].topic, "orders");
  EXPECT_EQ(ran.sent[0].key, ran.saga);
  EXPECT_EQ(ran.sent[0].bytes, R"({"id":"A-1"})");
  EXPECT_EQ(ran.event, "sent");
}

TEST(Send, TakesTheKeyFromAField) {
  Kit<Send> kit({"orders", FieldName{"id"}, ""});
  EXPECT_EQ(kit.Do({}, {{"id", "A-1"}}).sent.at(0).key, "A-1");
  EXPECT_EQ(Kit<Send>({"orders", FieldName{"id"}, ""}).Do({}).code, "bad_key");
}

TEST(Send, WhatWasSentStandsUnlessThereIsATopicForUndo) {
  Kit<Send> kit(kPlain);
  kit.Do({}, {{"id", "A-1"}});
  const Ran kept = kit.Undo();
  EXPECT_TRUE(kept.kept()) << kept;
  EXPECT_TRUE(kept.sent.empty());

  Kit<Send> taking_back({"orders", {}, "orders-taken-back"});
  taking_back.Do({}, {{"id", "A-1"}});
  const Ran undone = taking_back.Undo();
  EXPECT_TRUE(undone.done()) << undone;
  EXPECT_EQ(undone.sent.at(0).topic, "orders-taken-back");
  EXPECT_EQ(undone.sent.at(0).bytes, R"({"id":"A-1"})");
}

TEST(Send, OfWhatNeverWasNothingIsTakenBack) {
  Kit<Send> kit({"orders", {}, "orders-taken-back"});
  EXPECT_TRUE(kit.UndoNever({}).sent.empty());
}

TEST(Send, KeepsTheLaws) {
  EXPECT_EQ(Kit<Send>(kPlain).More({{"id", "A-1"}}).Laws(Nothing{}), kLawful);
}

}  // namespace
}  // namespace topic
