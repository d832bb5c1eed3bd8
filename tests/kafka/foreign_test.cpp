// Topics of others, on a real Kafka: read from where they were first seen, gaps and all.
#include <gmock/gmock.h>

#include "cluster.h"
#include "servers.h"

namespace reprise::runtime::kafka {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ForeignTest : public KafkaTest {
 protected:
  ForeignTest() {
    prefix_ = FreshName("wire");
    brokers_ = Servers::Get().kafka;
    topic_ = prefix_ + "-orders";
    auto conf = Configure(OptionsOf(), {{"transactional.id", prefix_}, {"linger.ms", "0"}});
    sender_ = std::move(*Create(RD_KAFKA_PRODUCER, std::move(*conf)));
    const Owned<rd_kafka_error_t> failed(rd_kafka_init_transactions(sender_.get(), 30'000));
    EXPECT_FALSE(failed) << rd_kafka_error_string(failed.get());
  }

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"  // of librdkafka's macros
  /// One transaction of another's producer, of partition 0: its end takes an offset too.
  void SendTogether(const std::vector<std::string>& values) {
    ASSERT_TRUE(Fine(rd_kafka_begin_transaction(sender_.get())));
    for (const std::string& value : values) {
      const auto sent = rd_kafka_producev(
          sender_.get(), RD_KAFKA_V_TOPIC(topic_.c_str()), RD_KAFKA_V_PARTITION(0),
          RD_KAFKA_V_KEY("k", 1), RD_KAFKA_V_VALUE(const_cast<char*>(value.data()), value.size()),
          RD_KAFKA_V_HEADER("colour", "red", 3), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
          RD_KAFKA_V_END);
      ASSERT_EQ(sent, RD_KAFKA_RESP_ERR_NO_ERROR);
    }
    ASSERT_TRUE(Fine(rd_kafka_commit_transaction(sender_.get(), 30'000)));
  }
#pragma GCC diagnostic pop
  /// As retention does.
  void Remove(std::int64_t before) {
    const Owned<rd_kafka_topic_partition_list_t> list(rd_kafka_topic_partition_list_new(1));
    rd_kafka_topic_partition_list_add(list.get(), topic_.c_str(), 0)->offset = before;
    rd_kafka_DeleteRecords_t* records = rd_kafka_DeleteRecords_new(list.get());
    const Owned<rd_kafka_queue_t> queue(rd_kafka_queue_new(sender_.get()));
    rd_kafka_DeleteRecords(sender_.get(), &records, 1, nullptr, queue.get());
    const Owned<rd_kafka_event_t> event(rd_kafka_queue_poll(queue.get(), 20'000));
    rd_kafka_DeleteRecords_destroy(records);
    ASSERT_TRUE(event);
    ASSERT_EQ(rd_kafka_event_error(event.get()), RD_KAFKA_RESP_ERR_NO_ERROR);
  }
  static bool Fine(rd_kafka_error_t* error) {
    const Owned<rd_kafka_error_t> owned(error);
    EXPECT_FALSE(owned) << rd_kafka_error_string(owned.get());
    return !owned;
  }
  static std::vector<std::string> Values(const Worker& worker) {
    std::vector<std::string> out;
    for (const Message& m : worker.got) out.push_back(m.record ? m.record->value : "?");
    return out;
  }
  testing::AssertionResult Got(Worker& worker, std::size_t count) {
    return Until([&] { return worker.got.size() >= count; }, {&worker});
  }
  LaneId Lane0() const {
    return LaneBase("", "topic " + topic_);
  }

  std::string topic_;
  Owned<rd_kafka_t> sender_;
};

TEST_F(ForeignTest, ARecordComesAsItIsAndGapsOfTransactionsAreNoMistake) {
  foreign_ = {{topic_, false}};
  const auto worker = StartWith(3 * kPartitions);
  SendTogether({"a", "b"});
  SendTogether({"c"});
  ASSERT_TRUE(Got(*worker, 3));
  EXPECT_THAT(Values(*worker), ElementsAre("a", "b", "c"));
  const Message& last = worker->got[2];
  EXPECT_TRUE(last.input());
  EXPECT_EQ(last.lane, Lane0());
  EXPECT_EQ(last.offset, 3) << "the end of the first transaction has offset 2";
  EXPECT_EQ(last.record->topic, topic_);
  EXPECT_EQ(last.record->partition, 0);
  EXPECT_EQ(last.record->key, "k");
  EXPECT_GT(ToMillis(last.record->at), 1'700'000'000'000);
  EXPECT_THAT(last.record->headers, ElementsAre(std::pair("colour", "red")));
  EXPECT_THAT(worker->bus->Stopped(), IsEmpty());
}

TEST_F(ForeignTest, WhatIsGivenBackComesAgainWithItsGaps) {
  foreign_ = {{topic_, false}};
  const auto worker = StartWith(3 * kPartitions);
  SendTogether({"a", "b"});
  SendTogether({"c"});
  std::vector<Message> polled;
  ASSERT_TRUE(Until(
      [&] {
        auto more = worker->bus->Poll(100);
        std::move(more->begin(), more->end(), std::back_inserter(polled));
        return polled.size() == 3;
      },
      {}));
  worker->bus->Return(std::move(polled));
  ASSERT_TRUE(Got(*worker, 3));
  EXPECT_THAT(Values(*worker), ElementsAre("a", "b", "c"));
}

TEST_F(ForeignTest, AnotherWorkerGoesOnBehindAGap) {
  foreign_ = {{topic_, false}};
  {
    const auto worker = StartWith(3 * kPartitions);
    SendTogether({"a"});
    ASSERT_TRUE(Got(*worker, 1));
  }
  SendTogether({"b"});
  const auto next = StartWith(3 * kPartitions);
  ASSERT_TRUE(Got(*next, 1));
  EXPECT_THAT(Values(*next), ElementsAre("b"));
  EXPECT_THAT(next->bus->Stopped(), IsEmpty());
}

TEST_F(ForeignTest, FromItsEndMeansTheEndWhenItWasFirstSeen) {
  ASSERT_TRUE(EnsureTopic(OptionsOf(), topic_));
  SendTogether({"before"});
  foreign_ = {{topic_, true}};
  { const auto worker = StartWith(3 * kPartitions); }
  SendTogether({"meanwhile"});
  const auto worker = StartWith(3 * kPartitions);
  ASSERT_TRUE(Got(*worker, 1));
  EXPECT_THAT(Values(*worker), ElementsAre("meanwhile"));
}

TEST_F(ForeignTest, ALogWhoseBeginningIsGoneBeginsWhereItDoes) {
  ASSERT_TRUE(EnsureTopic(OptionsOf(), topic_));
  SendTogether({"a", "b", "c"});
  Remove(2);
  foreign_ = {{topic_, false}};
  const auto worker = StartWith(3 * kPartitions);
  ASSERT_TRUE(Got(*worker, 1));
  EXPECT_THAT(Values(*worker), ElementsAre("c"));
}

TEST_F(ForeignTest, WhatRetentionTookUnreadIsToldAndPassedOver) {
  foreign_ = {{topic_, false}};
  {
    const auto worker = StartWith(3 * kPartitions);
    SendTogether({"a"});
    ASSERT_TRUE(Got(*worker, 1));
  }
  SendTogether({"b", "c", "d"});  // offsets 2, 3, 4
  Remove(4);
  const auto next = StartWith(3 * kPartitions);
  ASSERT_TRUE(Got(*next, 2));
  EXPECT_FALSE(next->got[0].input());
  EXPECT_THAT(next->got[0].broken, HasSubstr("removed the records 1 to 3 before they were read"));
  EXPECT_EQ(next->got[1].record->value, "d");
  EXPECT_EQ(next->got[1].offset, 4);
  EXPECT_THAT(next->bus->Stopped(), IsEmpty());
}

TEST_F(ForeignTest, ATopicOfAStepIsNoTopicOfOthers) {
  Topics topics = TopicsOf();
  const Status said = topics.AddForeign(prefix_ + ".order.take", false, true);
  ASSERT_FALSE(said);
  EXPECT_THAT(said.error().message, HasSubstr("is the topic of a step"));
}

TEST(ForeignTopics, NamedTwiceIsOneAndAnyWhoWantsTheBeginningGetsIt) {
  Topics topics("shop", 3);
  EXPECT_TRUE(topics.AddForeign("orders", true, false));
  EXPECT_TRUE(topics.Named("orders")->latest);
  EXPECT_TRUE(topics.AddForeign("orders", false, true));
  EXPECT_EQ(topics.All().size(), 1U);
  EXPECT_FALSE(topics.Named("orders")->latest);
  EXPECT_TRUE(topics.Named("orders")->mine);
  EXPECT_NE(topics.Of(topics.Named("orders")->lane | 99), nullptr) << "partitions may be added";
}

}  // namespace
}  // namespace reprise::runtime::kafka
