// What a record of others means: formats, what is left out, what tells duplicates, and what cannot
// be read.
#include "model/input.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace reprise::runtime {
namespace {

using ::testing::HasSubstr;

class InputTest : public testing::Test {
 protected:
  InputTest() {
    pipeline_.name = "order";
    topic_.name = "orders";
    topic_.body.kind = BodyType::kObject;
  }

  static Record Of(std::string value, Headers headers = {}, std::string key = "") {
    Record record;
    record.topic = "orders";
    record.partition = 3;
    record.offset = 17;
    record.at = FromMillis(1'767'225'600'123);
    record.value = std::move(value);
    record.headers = std::move(headers);
    record.key = std::move(key);
    record.foreign = true;
    return record;
  }
  static Headers Binary(const std::string& id = "e-1", const std::string& source = "/shop") {
    return {{"ce_specversion", "1.0"},
            {"ce_id", id},
            {"ce_source", source},
            {"ce_type", "order.placed"},
            {"content-type", "application/json; charset=utf-8"}};
  }
  static std::string Structured(const std::string& rest) {
    return R"({"specversion":"1.0","id":"e-1","source":"/shop","type":"order.placed")" + rest + "}";
  }
  void Body(std::vector<BodyField> fields) {
    topic_.body.kind = BodyType::kStruct;
    topic_.body.fields = std::move(fields);
  }
  static BodyType A(BodyType::Kind kind, bool optional = false) {
    BodyType type;
    type.kind = kind;
    type.optional = optional;
    return type;
  }

  std::string Root(const Record& record) {
    const auto input = ReadInput(pipeline_, topic_, record);
    return input ? input->root.Serialize() : "! " + input.error().message;
  }
  Uuid Saga(const Record& record) {
    const auto input = ReadInput(pipeline_, topic_, record);
    EXPECT_TRUE(input) << input.error().message;
    return input ? input->saga : Uuid{};
  }

  Pipeline pipeline_;
  Topic topic_;
};

TEST_F(InputTest, ABinaryCloudEventsDataIsThePayload) {
  for (const char* format : {"auto", "cloudevents"}) {
    topic_.format = format;
    EXPECT_EQ(Root(Of(R"({"id":"A"})", Binary())), R"({"id":"A"})") << format;
  }
}

TEST_F(InputTest, AStructuredCloudEventsDataIsThePayload) {
  const Headers type = {{"Content-Type", "Application/CloudEvents+JSON; charset=UTF-8"}};
  for (const char* format : {"auto", "cloudevents"}) {
    topic_.format = format;
    EXPECT_EQ(Root(Of(Structured(R"(,"data":{"id":"A"})"), type)), R"({"id":"A"})") << format;
    EXPECT_EQ(Root(Of(Structured(R"(,"data":{"id":"A"})"))), R"({"id":"A"})")
        << format << ": a line of a file has no headers";
    EXPECT_EQ(Root(Of(Structured(R"(,"data_base64":"eyJpZCI6IkEifQ==")"), type)), R"({"id":"A"})");
  }
}

TEST_F(InputTest, PlainJsonIsThePayloadAlsoIfItLooksLikeAnEvent) {
  topic_.format = "json";
  EXPECT_EQ(Root(Of(R"({"id":"A"})")), R"({"id":"A"})");
  EXPECT_EQ(Root(Of(R"({"specversion":"1.0","source":"x"})")),
            R"({"specversion":"1.0","source":"x"})");
  topic_.format = "auto";
  EXPECT_EQ(Root(Of(R"({"id":"A"})")), R"({"id":"A"})");
}

TEST_F(InputTest, RawIsTextOrBase64) {
  topic_.format = "raw";
  EXPECT_EQ(Root(Of("hello", {}, "k")), R"({"value":"hello","encoding":"utf8","key":"k"})");
  EXPECT_EQ(Root(Of(std::string("\xFF\x00", 2))),
            R"({"value":"/wA=","encoding":"base64","key":""})");
}

TEST_F(InputTest, FieldsThatNobodyNamedAreLeftOut) {
  Body({{"id", A(BodyType::kString)}, {"n", A(BodyType::kInteger, true)}});
  EXPECT_EQ(Root(Of(R"({"id":"A","colour":"red"})")), R"({"id":"A"})");
  EXPECT_EQ(Root(Of(R"({"n":5,"id":"A"})")), R"({"id":"A","n":5})");
}

TEST_F(InputTest, WhatTheBodySaysIsChecked) {
  Body({{"id", A(BodyType::kString)}, {"n", A(BodyType::kInteger)}});
  EXPECT_EQ(Root(Of(R"({"id":5,"n":"x"})")), "! 'id' must be string (and 1 more)");
  EXPECT_EQ(Root(Of(R"({"id":"A"})")), "! 'n' is missing; it must be integer");
}

TEST_F(InputTest, TheRecordsKeyIsAFieldThatTheValueDoesNotSay) {
  Body({{"id", A(BodyType::kString)}});
  topic_.key = "id";
  EXPECT_EQ(Root(Of("{}", {}, "A")), R"({"id":"A"})");
  EXPECT_EQ(Root(Of(R"({"id":"B"})", {}, "A")), R"({"id":"B"})");
  EXPECT_THAT(Root(Of("{}")), HasSubstr("neither the value nor the record's key"));
  EXPECT_THAT(Root(Of("{}", {}, "\xFF")), HasSubstr("no text in UTF-8"));
}

TEST_F(InputTest, WhatCannotBeReadSaysWhy) {
  EXPECT_THAT(Root(Of("not json")), HasSubstr("the value is no JSON object"));
  EXPECT_THAT(Root(Of("[1]")), HasSubstr("the value is no JSON object"));
  Record tombstone = Of("");
  tombstone.has_value = false;
  EXPECT_THAT(Root(tombstone), HasSubstr("a tombstone"));
  Headers headers = Binary();
  headers[0].second = "0.3";
  EXPECT_THAT(Root(Of("{}", headers)), HasSubstr("of version '0.3'"));
  EXPECT_THAT(Root(Of("{}", Binary(""))), HasSubstr("without 'id'"));
  headers = Binary();
  headers[4].second = "application/avro";
  EXPECT_THAT(Root(Of("{}", headers)), HasSubstr("'application/avro', not JSON"));
  EXPECT_THAT(Root(Of("{}", {{"content-type", "application/cloudevents-batch+json"}})),
              HasSubstr("is not understood"));
  EXPECT_THAT(Root(Of(Structured(R"(,"data_base64":"?")"))), HasSubstr("no base64"));
  EXPECT_THAT(Root(Of(Structured(R"(,"data":"text")"))), HasSubstr("data is no JSON object"));
  topic_.format = "cloudevents";
  EXPECT_THAT(Root(Of(R"({"id":"A"})")), HasSubstr("no CloudEvent"));
  topic_.format = "json";
  EXPECT_THAT(Root(Of(R"({"a":")" + std::string(kRootBytesMax, 'x') + "\"}")),
              HasSubstr("512 KiB"));
}

TEST_F(InputTest, ByOffsetEveryRecordIsItsOwnSaga) {
  Record record = Of("{}");
  const Uuid first = Saga(record);
  EXPECT_EQ(Saga(record), first);
  ++record.offset;
  EXPECT_NE(Saga(record), first);
  record = Of("{}");
  record.at += Millis(1);
  EXPECT_NE(Saga(record), first) << "the same place of a topic that was made anew";
}

TEST_F(InputTest, ByAFieldItsValueTellsDuplicates) {
  topic_.dedupe = "id";
  Record other = Of(R"({"id":"A","n":2})");
  other.offset = 99;
  other.at += Millis(5);
  EXPECT_EQ(Saga(Of(R"({"id":"A"})")), Saga(other));
  EXPECT_NE(Saga(Of(R"({"id":"A"})")), Saga(Of(R"({"id":"B"})")));
  EXPECT_THAT(Root(Of("{}")), HasSubstr("'id' is missing"));
}

TEST_F(InputTest, ByCeIdSourceAndIdTellDuplicates) {
  topic_.dedupe = "ce_id";
  Record again = Of("{}", Binary());
  again.offset = 99;
  EXPECT_EQ(Saga(Of("{}", Binary())), Saga(again));
  EXPECT_EQ(Saga(Of("{}", Binary())), Saga(Of(Structured(R"(,"data":{})"))));
  EXPECT_NE(Saga(Of("{}", Binary())), Saga(Of("{}", Binary("e-2"))));
  EXPECT_NE(Saga(Of("{}", Binary())), Saga(Of("{}", Binary("e-1", "/other"))));
  EXPECT_THAT(Root(Of("{}")), HasSubstr("no CloudEvent"));
}

TEST_F(InputTest, PipelinesThatListenToOneTopicHaveSagasOfTheirOwn) {
  const Uuid first = Saga(Of("{}"));
  pipeline_.name = "audit";
  EXPECT_NE(Saga(Of("{}")), first);
}

TEST_F(InputTest, EqualLinesOfAFileAreCountedAndTwiceTheFileIsOnce) {
  Record line = Of("{}");
  line.partition = -1;
  line.offset = 0;
  const Uuid first = Saga(line);
  line.at += Millis(1000);
  EXPECT_EQ(Saga(line), first);
  line.offset = 1;
  EXPECT_NE(Saga(line), first);
}

TEST(Record, ComesBackFromTheJournalWithEveryByteOfItsHeaders) {
  Record record;
  record.topic = "orders";
  record.partition = 3;
  record.offset = 17;
  record.at = FromMillis(5);
  record.has_value = false;
  record.foreign = true;
  record.headers = {{"a", "text"}, {"a", std::string("\xFF\x00z", 3)}, {"e", ""}};
  const RecordRef back = RecordOf(EncodeOrigin(record), "k", "");
  ASSERT_TRUE(back);
  EXPECT_EQ(back->topic, "orders");
  EXPECT_EQ(back->partition, 3);
  EXPECT_EQ(back->offset, 17);
  EXPECT_EQ(back->at, record.at);
  EXPECT_FALSE(back->has_value);
  EXPECT_TRUE(back->foreign);
  EXPECT_EQ(back->headers, record.headers);
  EXPECT_EQ(back->key, "k");
  for (const char* bad : {"", "[]", "{}", R"({"topic":1})"}) EXPECT_FALSE(RecordOf(bad, "", ""));
}

}  // namespace
}  // namespace reprise::runtime
