// Records of topics of others: sagas once, dead letters, and another try.
#include <fstream>

#include "executor_fixture.h"

namespace reprise::runtime {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class InputsTest : public ExecutorTest {
 protected:
  static Topic Orders(const std::string& dedupe = "id") {
    Topic topic;
    topic.name = "orders";
    topic.start = "start";
    topic.dedupe = dedupe;
    BodyType text;
    topic.body.kind = BodyType::kStruct;
    topic.body.fields = {{"id", text}};
    return topic;
  }
  static Message Arriving(const std::string& value, std::int64_t offset,
                          const std::string& key = "") {
    Record record;
    record.topic = "orders";
    record.partition = 2;
    record.offset = offset;
    record.at = FromMillis(1'767'225'600'000);
    record.key = key;
    record.value = value;
    record.headers = {{"colour", "red"}};
    record.foreign = true;
    Message message;
    message.id = Derived(Uuid{}, {"record", std::to_string(offset)});
    message.event = "orders";
    message.key = key;
    message.record = std::make_shared<const Record>(std::move(record));
    return message;
  }
  void Arrive(const std::vector<Message>& messages) {
    if (!executor_) Boot();
    ASSERT_TRUE(engine_->bus().Publish(messages));
    Run();
  }
  std::vector<std::string> Ids(const std::string& pipeline = "flow") {
    SagaFilter filter;
    filter.pipeline = pipeline;
    const auto sagas = engine_->journal().ListSagas(filter);
    std::vector<std::string> out;
    for (const Saga& saga : *sagas)
      out.push_back(saga.root.Text("id") + " " + std::string(Name(saga.state)));
    std::sort(out.begin(), out.end());
    return out;
  }
  Reply Letter(const std::string& what, std::int64_t id) {
    Verb verb;
    verb.what = what;
    verb.letter = id;
    return Do(std::move(verb));
  }
  Result<bool> Feed(const std::string& value, const std::string& topic = "orders") {
    if (!executor_) Boot();
    Record record;
    record.topic = topic;
    record.offset = 0;
    record.value = value;
    record.foreign = true;
    Start start;
    start.record = std::make_shared<const Record>(std::move(record));
    Result<bool> out = Error{Code::kInternal, "never told"};
    start.done = [&](Result<bool> said) { out = std::move(said); };
    executor_->Submit(std::move(start));
    Run();
    return out;
  }
};

TEST_F(InputsTest, ARecordBeginsASagaAndItsDuplicateNone) {
  Flow({A("a", "start")});
  Listen(Orders());
  Arrive(
      {Arriving(R"({"id":"A"})", 7), Arriving(R"({"id":"A"})", 8), Arriving(R"({"id":"B"})", 9)});
  Arrive({Arriving(R"({"id":"B"})", 10)});
  EXPECT_THAT(Ids(), ElementsAre("A done", "B done"));
  EXPECT_TRUE(Letters().empty());
  EXPECT_EQ(engine_->bus().Lag().value(), 0);
}

TEST_F(InputsTest, TheTraceOfARecordGoesOnInItsSagaAndOneWithoutHasItsSagas) {
  std::vector<std::string> traces;
  plugins_.On("p.a", [&](Call& call) {
    traces.emplace_back(call.trace.substr(3, 32));
    Ok(call);
  });
  Flow({A("a", "start")});
  Listen(Orders());
  Message traced = Arriving(R"({"id":"A"})", 7);
  Record record = *traced.record;
  record.headers.emplace_back("traceparent",
                              "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  traced.record = std::make_shared<const Record>(std::move(record));
  Arrive({traced});
  Arrive({Arriving(R"({"id":"B"})", 8)});
  ASSERT_EQ(traces.size(), 2U);
  EXPECT_EQ(traces[0], "4bf92f3577b34da6a3ce929d0e0e4736");
  SagaFilter newest;
  newest.limit = 1;
  std::string saga = engine_->journal().ListSagas(newest)->front().id.ToString();
  std::erase(saga, '-');
  EXPECT_EQ(traces[1], saga);
}

TEST_F(InputsTest, EveryPipelineThatListensBeginsItsOwn) {
  Flow({A("a", "start")});
  Listen(Orders());
  Flow({A("b", "start")}, {}, "audit");
  Listen(Orders());
  Arrive({Arriving(R"({"id":"A"})", 7)});
  EXPECT_THAT(Ids("flow"), ElementsAre("A done"));
  EXPECT_THAT(Ids("audit"), ElementsAre("A done"));
}

TEST_F(InputsTest, WhatCannotBeReadIsADeadLetterWithAllThatItWasAndTheRestGoesOn) {
  Flow({A("a", "start")});
  Listen(Orders());
  Arrive({Arriving("not json", 7, "K"), Arriving(R"({"id":"A"})", 8)});
  EXPECT_THAT(Ids(), ElementsAre("A done"));
  ASSERT_EQ(Letters().size(), 1U);
  const DeadLetter letter = Letters()[0];
  EXPECT_EQ(letter.code, "unreadable");
  EXPECT_EQ(letter.pipeline, "flow");
  EXPECT_EQ(letter.step, "topic orders");
  EXPECT_EQ(letter.payload, "not json");
  EXPECT_EQ(letter.key, "K");
  ASSERT_TRUE(letter.record);
  EXPECT_EQ(letter.record->topic, "orders");
  EXPECT_EQ(letter.record->partition, 2);
  EXPECT_EQ(letter.record->offset, 7);
  EXPECT_THAT(letter.record->headers, ElementsAre(std::pair("colour", "red")));
  Arrive({Arriving("not json", 7, "K")});
  EXPECT_EQ(Letters().size(), 1U) << "the same record again";
}

TEST_F(InputsTest, ACheckAddsFieldsOrRefuses) {
  Flow({A("a", "start")});
  Topic topic = Orders();
  topic.check = {{"p", "known"}};
  Listen(topic);
  plugins_.Answer("p.known", [](Asked& asked) {
    if (asked.fields->Text("id") == "A") {
      asked.kind = Asked::kAdd;
      asked.fields_out["price"] = 5;
    } else {
      asked.kind = Asked::kRefuse;
      asked.code = "no_such_item";
    }
  });
  std::string price;
  plugins_.On("p.a", [&](Call& call) { price = call.payload->Text("price"), Ok(call); });
  Arrive({Arriving(R"({"id":"A"})", 7), Arriving(R"({"id":"B"})", 8)});
  EXPECT_EQ(price, "5");
  EXPECT_THAT(Ids(), ElementsAre("A done"));
  ASSERT_EQ(Letters().size(), 1U);
  EXPECT_EQ(Letters()[0].code, "no_such_item");
}

TEST_F(InputsTest, ADeadLetterIsReadAgainOnceItsCauseIsGone) {
  Flow({A("a", "start")});
  Topic topic = Orders();
  topic.check = {{"p", "known"}};
  Listen(topic);
  bool known = false;
  plugins_.Answer("p.known", [&](Asked& asked) {
    asked.kind = known ? Asked::kAdd : Asked::kRefuse;
    asked.code = known ? "" : "no_such_item";
  });
  Arrive({Arriving(R"({"id":"A"})", 7)});
  ASSERT_EQ(Letters().size(), 1U);
  const std::int64_t id = Letters()[0].id;
  EXPECT_EQ(Letter("dlq-replay", id).code, "not_replayable");
  EXPECT_EQ(Letters().size(), 1U) << "it waits as before";
  known = true;
  EXPECT_EQ(Letter("dlq-replay", id).status, 200);
  EXPECT_THAT(Ids(), ElementsAre("A done"));
  EXPECT_TRUE(Letters().empty());
  Arrive({Arriving(R"({"id":"A"})", 8)});
  EXPECT_THAT(Ids(), ElementsAre("A done")) << "the replayed one is remembered";
}

TEST_F(InputsTest, ACrashAtAnyCommitBeginsEachOnce) {
  for (std::uint64_t at = 1; at <= 4; ++at) {
    SCOPED_TRACE(at);
    Flow({A("a", "start")}, {}, "flow" + std::to_string(at));
    Listen(Orders());
    executor_.reset();
    commits_ = 0;
    crash_at_ = at;
    Boot();
    // Its records come again, as Kafka's do from where the journal is.
    const std::vector<Message> records = {Arriving(R"({"id":"A"})", 7),
                                          Arriving(R"({"id":"B"})", 8)};
    Arrive(records);
    Arrive(records);
    EXPECT_THAT(Ids("flow" + std::to_string(at)), ElementsAre("A done", "B done"));
  }
}

TEST_F(InputsTest, WhatIsFedByHandIsToldToWhoeverDid) {
  Flow({A("a", "start")});
  Listen(Orders());
  EXPECT_EQ(Feed(R"({"id":"A"})").value(), true);
  EXPECT_EQ(Feed(R"({"id":"A"})").value(), false);
  const auto refused = Feed("not json");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::kInvalid);
  EXPECT_THAT(refused.error().message, HasSubstr("no JSON object"));
  EXPECT_EQ(Feed("{}", "nobody").error().code, Code::kNotFound);
  EXPECT_TRUE(Letters().empty()) << "a person was told";
}

TEST_F(InputsTest, EveryDeadLetterAlsoGoesToItsTopicOnceAndALetterAboutALetterNowhere) {
  dead_topic_ = "shop.dead";
  Flow({A("a", "start"), Side("s", "a.ok")});
  Listen(Orders());
  plugins_.On("p.s", [](Call& call) { Fail(call); });
  Arrive({Arriving("not json", 7, "K"), Arriving(R"({"id":"A"})", 8)});
  Arrive({Arriving("not json", 7, "K")});
  Message refused;
  refused.id = Derived(Uuid{}, {"refused"});
  refused.event = "shop.dead";
  refused.refused = true;
  refused.broken = "shop.dead: MSG_SIZE_TOO_LARGE";
  Arrive({refused});
  EXPECT_EQ(Letters().size(), 2U);
  std::ifstream file(folder_ / "test.db.topics" / "shop.dead.jsonl");
  std::vector<std::string> values;
  for (std::string line; std::getline(file, line);) {
    const json::value value = json::parse(line).at("value");
    values.push_back(value.is_string() ? std::string(value.as_string()) : json::serialize(value));
  }
  EXPECT_THAT(values, ElementsAre("not json", R"({"id":"A"})"));
}

}  // namespace
}  // namespace reprise::runtime
