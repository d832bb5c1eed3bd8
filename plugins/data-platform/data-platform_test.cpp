#include "data-platform.cpp"

#include <gtest/gtest.h>

#include <reprise/testkit.hpp>

namespace data_platform {
namespace {

TEST(Record, SendsOneLineOfJsonThatNamesSagaStepAndPayload) {
  Kit<Record> kit;
  const Ran ran = kit.Do({}, {{"seatId", "A-1"}, {"text", "two\nlines, \"quoted\""}});
  ASSERT_TRUE(ran.done()) << ran;
  ASSERT_EQ(ran.sent.size(), 1U);
  EXPECT_EQ(ran.sent[0].topic, "data-platform");
  EXPECT_EQ(ran.sent[0].key, ran.saga);
  EXPECT_EQ(ran.sent[0].bytes.find('\n'), std::string::npos);
  const auto line = ParseJsonObject(ran.sent[0].bytes);
  ASSERT_TRUE(line) << ran.sent[0].bytes;
  EXPECT_EQ(TextIn(*line, "saga"), ran.saga);
  EXPECT_EQ(TextIn(*line, "at"), Rfc3339(kit.Now()));
  const auto& payload = line->at("payload").as_object();
  EXPECT_EQ(TextIn(payload, "seatId"), "A-1");
  EXPECT_EQ(TextIn(payload, "text"), "two\nlines, \"quoted\"");
}

TEST(Record, OfWhatBelongsToNoSagaSaysSo) {
  Kit<Record> kit;
  const Ran ran = kit.InSaga("00000000-0000-0000-0000-000000000000").Do({}, {{"position", 1}});
  ASSERT_EQ(ran.sent.size(), 1U);
  const auto line = ParseJsonObject(ran.sent[0].bytes);
  ASSERT_TRUE(line) << ran.sent[0].bytes;
  EXPECT_FALSE(line->contains("saga"));
  EXPECT_EQ(ran.sent[0].key, TextIn(*line, "step"));
}

TEST(Record, WritesToTheTopicOfItsSettings) {
  Kit<Record> kit({}, {.topic = "lake"});
  EXPECT_EQ(kit.Do({}).sent.at(0).topic, "lake");
}

TEST(Record, RefusesToStartWithoutATopic) {
  EXPECT_THROW(Kit<Record>({}, {.topic = ""}), std::runtime_error);
}

TEST(Record, TakesNothingBack) {
  Kit<Record> kit;
  kit.Do({});
  const Ran undone = kit.Undo();
  EXPECT_TRUE(undone.done());
  EXPECT_TRUE(undone.sent.empty());
}

TEST(Record, KeepsTheLaws) {
  EXPECT_EQ(Kit<Record>().More({{"seatId", "A-1"}}).Laws(Nothing{}), kLawful);
}

}  // namespace
}  // namespace data_platform
