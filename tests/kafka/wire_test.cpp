// A message on Kafka: everything of it comes back, and others can read it as a CloudEvent.
#include "kafka/wire.h"

#include <gtest/gtest.h>

namespace reprise::runtime::kafka {
namespace {

class WireTest : public testing::Test {
 protected:
  WireTest() { topics_.Add("order", "charge", true); }

  Message Full() const {
    Message m;
    m.id = Derived(Uuid{}, {"id"});
    m.saga = Derived(Uuid{}, {"saga"});
    m.pipeline = "order";
    m.plan = "a1b2";
    m.step = 3;
    m.bit = 2;
    m.event = "take.taken";
    m.key = "A-7";
    m.payload = Payload(json::object{{"item", "caf\u00e9"}, {"price", 5}, {"a,b", 1}});
    m.added = {{"price", 5}, {"a,b", 1}};
    m.round = 4;
    m.at = FromMillis(1'767'225'600'123);
    m.trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    m.retry = true;
    m.lane = LaneBase("order", "charge") | 5;
    return m;
  }
  RecordView Written(const Message& m) {
    bytes_.clear();
    AppendMessage(bytes_, m, topics_);
    std::size_t at = 0;
    return *ReadRecord(bytes_, at);
  }
  Message Read(const RecordView& record) const {
    return ReadMessage(record, *topics_.Of(LaneBase("order", "charge")), 17);
  }

  Topics topics_{"shop", 24};
  std::string bytes_;
};

void ExpectSame(const Message& got, const Message& sent) {
  EXPECT_EQ(got.broken, "");
  EXPECT_EQ(got.id, sent.id);
  EXPECT_EQ(got.saga, sent.saga);
  EXPECT_EQ(got.pipeline, sent.pipeline);
  EXPECT_EQ(got.plan, sent.plan);
  EXPECT_EQ(got.step, sent.step);
  EXPECT_EQ(got.phase, sent.phase);
  EXPECT_EQ(got.bit, sent.bit);
  EXPECT_EQ(got.undo_last, sent.undo_last);
  EXPECT_EQ(got.event, sent.event);
  EXPECT_EQ(got.key, sent.key);
  EXPECT_EQ(got.payload.object(), sent.payload.object());
  EXPECT_EQ(got.added, sent.added);
  EXPECT_EQ(got.round, sent.round);
  EXPECT_EQ(got.at, sent.at);
  EXPECT_EQ(got.trace, sent.trace);
  EXPECT_EQ(got.retry, sent.retry);
  EXPECT_EQ(got.lane, sent.lane);
}

TEST_F(WireTest, EveryFieldComesBack) {
  const Message sent = Full();
  const Message got = Read(Written(sent));
  ExpectSame(got, sent);
  EXPECT_EQ(got.offset, 17);
}

TEST_F(WireTest, UndoAndCloseHaveNoValueAndComeBack) {
  Message sent = Full();
  sent.payload = {};
  sent.added = {};
  for (const Phase phase : {Phase::kUndo, Phase::kClose}) {
    sent.phase = phase;
    sent.undo_last = phase == Phase::kUndo;
    sent.event.clear();
    const RecordView record = Written(sent);
    EXPECT_FALSE(record.has_value);
    EXPECT_EQ(record.Header("ce_sagaphase"), "undo");
    ExpectSame(Read(record), sent);
  }
}

TEST_F(WireTest, OthersReadItAsACloudEvent) {
  const RecordView record = Written(Full());
  EXPECT_EQ(record.topic, "shop.order.charge");
  EXPECT_EQ(record.partition, 5);
  EXPECT_EQ(record.key, "A-7");
  EXPECT_EQ(record.Header("ce_specversion"), "1.0");
  EXPECT_EQ(record.Header("ce_type"), "take.taken");
  EXPECT_EQ(record.Header("ce_source"), "/reprise/order/take");
  EXPECT_EQ(record.Header("ce_time"), "2026-01-01T00:00:00.123Z");
  EXPECT_EQ(record.Header("ce_subject"), "A-7");
  EXPECT_EQ(record.Header("content-type"), "application/json");
  EXPECT_EQ(record.Header("ce_sagastep"), "charge");
  EXPECT_EQ(record.Header("ce_sagaphase"), "do");
  EXPECT_EQ(record.Header("ce_sagaattempt"), "5");
  EXPECT_EQ(record.Header("traceparent"), Full().trace);
  EXPECT_TRUE(Payload::Parse(record.value).ok());
  for (const auto& [name, value] : record.headers) {
    if (name == "content-type" || name == "traceparent") continue;
    EXPECT_TRUE(name.starts_with("ce_")) << name;
    EXPECT_EQ(name.substr(3).find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789"), name.npos)
        << name;
  }
}

TEST_F(WireTest, WhatCannotBeReadSaysWhyAndIsKept) {
  const std::vector<std::pair<std::string_view, std::string_view>> garbage = {
      {"ce_specversion", "2.0"}, {"ce_id", "7"},         {"ce_sagaid", "x"},
      {"ce_sagastep", "other"},  {"ce_sagaplan", ""},    {"ce_sagaindex", "70000"},
      {"ce_sagaindex", "-1"},    {"ce_type", ""},        {"ce_time", "yesterday"},
      {"ce_sagaphase", "redo"},  {"ce_sagaattempt", ""}, {"ce_sagaattempt", "0"},
      {"ce_sagabit", "64"},      {"ce_sagaadded", "["},  {"ce_sagaadded", R"(["none"])"},
      {"ce_sagaadded", "[1]"},   {"ce_sagaretry", "yes"}};
  for (const auto& [name, value] : garbage) {
    RecordView record = Written(Full());
    for (auto& header : record.headers) {
      if (header.first == name) header.second = value;
    }
    const Message got = Read(record);
    EXPECT_NE(got.broken, "") << name << "=" << value;
    EXPECT_EQ(got.raw, record.value);
    EXPECT_EQ(got.key, "A-7");
    EXPECT_EQ(got.lane, Full().lane);
    EXPECT_EQ(got.offset, 17);
    EXPECT_FALSE(got.id.nil());
    EXPECT_FALSE(got.refused);
  }
}

TEST_F(WireTest, APartitionThatNoTopicHasSaysSoAndIsNotTakenForAnotherLane) {
  for (const std::int32_t partition : {-1, 24, 0x10000, 0x7fffffff}) {
    RecordView record = Written(Full());
    record.partition = partition;
    EXPECT_EQ(Read(record).broken, "a partition that its topic does not have");
  }
}

TEST_F(WireTest, ValuesThatAreNoPayloadSayWhy) {
  for (const std::string_view value :
       {"", "[]", "{", R"({"a":1,"a":2})", "\xff", "{\"a\":1e400}"}) {
    RecordView record = Written(Full());
    record.value = value;
    EXPECT_NE(Read(record).broken, "") << value;
  }
  RecordView nothing = Written(Full());
  nothing.has_value = false;
  EXPECT_EQ(Read(nothing).broken, "a do without a value");
}

TEST_F(WireTest, TwoUnreadableRecordsAreTwoLetters) {
  RecordView record;
  record.value = "?";
  const Topics::Place& place = *topics_.Of(LaneBase("order", "charge"));
  EXPECT_NE(ReadMessage(record, place, 1).id, ReadMessage(record, place, 2).id);
  EXPECT_EQ(ReadMessage(record, place, 1).id, ReadMessage(record, place, 1).id);
}

TEST_F(WireTest, ARefusedMessageIsStillWhole) {
  const Message got = Refused(Written(Full()), topics_, "MSG_SIZE_TOO_LARGE: too large");
  EXPECT_TRUE(got.refused);
  EXPECT_EQ(got.broken, "shop.order.charge: MSG_SIZE_TOO_LARGE: too large");
  EXPECT_EQ(got.offset, -1);
  EXPECT_EQ(got.saga, Full().saga);
  EXPECT_EQ(got.step, 3);
  EXPECT_EQ(got.payload.object(), Full().payload.object());
}

TEST_F(WireTest, AMessageWithoutATopicIsAddressedToNone) {
  Message lost = Full();
  lost.lane = LaneBase("order", "gone") | 1;
  const RecordView record = Written(lost);
  EXPECT_EQ(topics_.Named(record.topic), nullptr);
  const Message got = Refused(record, topics_, "no such topic");
  EXPECT_EQ(got.id, lost.id);
  EXPECT_EQ(got.saga, lost.saga);
  EXPECT_EQ(got.raw, lost.payload.Serialize());
}

TEST_F(WireTest, ARecordForOthersIsAsItsSenderSays) {
  std::string bytes;
  AppendForeign(
      bytes,
      {"warehouse", "A-7", R"({"n":1})", FromMillis(5), {{"content-type", "application/json"}}});
  std::size_t at = 0;
  const auto record = ReadRecord(bytes, at);
  ASSERT_TRUE(record.ok());
  EXPECT_EQ(record->topic, "warehouse");
  EXPECT_EQ(record->partition, -1);
  EXPECT_EQ(record->key, "A-7");
  EXPECT_EQ(record->value, R"({"n":1})");
  EXPECT_EQ(record->Header("content-type"), "application/json");
  const Message refused = Refused(*record, topics_, "no");
  EXPECT_TRUE(refused.saga.nil());
  EXPECT_EQ(refused.event, "warehouse");
  EXPECT_EQ(refused.raw, R"({"n":1})");
}

}  // namespace
}  // namespace reprise::runtime::kafka
