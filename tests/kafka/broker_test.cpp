// The same wire on a real Kafka: topics are made, groups meet, and a log loses its beginning.
#include <gmock/gmock.h>

#include "cluster.h"
#include "servers.h"

namespace reprise::runtime::kafka {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class BrokerTest : public KafkaTest {
 protected:
  BrokerTest() {
    prefix_ = FreshName("wire");
    brokers_ = Servers::Get().kafka;
  }

  std::string Topic() const { return prefix_ + ".order.take"; }

  /// A worker that consumed the messages 0 to `end`, and has stopped.
  void ConsumeUpTo(int end) {
    const auto worker = StartWith(2 * kPartitions);
    std::vector<Message> outbox;
    for (int n = 0; n < end; ++n) outbox.push_back(MessageOf(n));
    Send(*worker, outbox);
    const auto all = static_cast<std::size_t>(end);
    EXPECT_TRUE(Until([&] { return worker->got.size() >= all; }, {worker.get()}));
    EXPECT_TRUE(Until([&] { return worker->bus->unacknowledged() == 0; }, {worker.get()}));
  }
  std::set<std::string> TopicsLike(const std::string& beginning) {
    auto conf = Configure(OptionsOf(), ProducerSettings());
    const auto client = std::move(*Create(RD_KAFKA_PRODUCER, std::move(*conf)));
    const struct rd_kafka_metadata* raw = nullptr;
    EXPECT_EQ(rd_kafka_metadata(client.get(), 1, nullptr, &raw, 20'000),
              RD_KAFKA_RESP_ERR_NO_ERROR);
    const Owned<const struct rd_kafka_metadata> metadata(raw);
    std::set<std::string> out;
    for (int i = 0; metadata && i < metadata->topic_cnt; ++i) {
      const std::string name = metadata->topics[i].topic;
      if (name.starts_with(beginning)) out.insert(name);
    }
    return out;
  }
  /// As retention does.
  void Remove(std::int64_t before) {
    const Owned<rd_kafka_topic_partition_list_t> list(rd_kafka_topic_partition_list_new(1));
    rd_kafka_topic_partition_list_add(list.get(), Topic().c_str(),
                                      static_cast<int>(PartitionOf(Lane("take"))))
        ->offset = before;
    rd_kafka_DeleteRecords_t* records = rd_kafka_DeleteRecords_new(list.get());
    auto conf = Configure(OptionsOf(), ProducerSettings());
    const auto client = std::move(*Create(RD_KAFKA_PRODUCER, std::move(*conf)));
    const Owned<rd_kafka_queue_t> queue(rd_kafka_queue_new(client.get()));
    rd_kafka_DeleteRecords(client.get(), &records, 1, nullptr, queue.get());
    const Owned<rd_kafka_event_t> event(rd_kafka_queue_poll(queue.get(), 20'000));
    rd_kafka_DeleteRecords_destroy(records);
    ASSERT_TRUE(event);
    ASSERT_EQ(rd_kafka_event_error(event.get()), RD_KAFKA_RESP_ERR_NO_ERROR);
  }
};

TEST_F(BrokerTest, TopicsOfOnePrefixAreRemovedAndNoOthers) {
  ASSERT_TRUE(EnsureTopics(OptionsOf(), TopicsOf()));
  ASSERT_TRUE(EnsureTopic(OptionsOf(), prefix_ + "s.order.take"));
  ASSERT_TRUE(RemoveTopics(OptionsOf()));
  EXPECT_TRUE(Until([&] { return TopicsLike(prefix_) == std::set{prefix_ + "s.order.take"}; }, {}));
  KafkaOptions others = OptionsOf();
  others.prefix = prefix_ + "s";
  EXPECT_TRUE(RemoveTopics(others));
  EXPECT_TRUE(Until([&] { return TopicsLike(prefix_).empty(); }, {}));
  EXPECT_TRUE(RemoveTopics(others)) << "there is nothing left to remove";
  others.prefix = "";
  EXPECT_EQ(RemoveTopics(others).error().code, Code::kInvalid);
}

TEST_F(BrokerTest, TopicsAreMadeOnceWithThePartitionsTheyKeep) {
  EXPECT_TRUE(EnsureTopics(OptionsOf(), TopicsOf()));
  EXPECT_TRUE(EnsureTopics(OptionsOf(), TopicsOf())) << "another process finds them";
  Topics others(prefix_, kPartitions * 2);
  others.Add("order", "take", true);
  const auto said = EnsureTopics(OptionsOf(), others);
  ASSERT_FALSE(said);
  EXPECT_EQ(said.error().code, Code::kInvalid);
  EXPECT_THAT(said.error().message, HasSubstr(Topic() + " has 4"));
}

TEST_F(BrokerTest, GoesOnWhereTheJournalSaysAfterARestart) {
  ConsumeUpTo(50);
  const auto next = StartWith(2 * kPartitions);
  Send(*next, {MessageOf(50), MessageOf(51)});
  EXPECT_TRUE(Until([&] { return next->got.size() >= 2; }, {next.get()}));
  EXPECT_THAT(next->Numbers(), ElementsAre(50, 51));
  EXPECT_THAT(next->bus->Stopped(), IsEmpty());
}

TEST_F(BrokerTest, RetentionOfWhatWasConsumedIsNoLoss) {
  ConsumeUpTo(5);
  Remove(5);
  const auto next = StartWith(2 * kPartitions);
  Send(*next, {MessageOf(5)});
  EXPECT_TRUE(Until([&] { return next->got.size() >= 1; }, {next.get()}));
  EXPECT_THAT(next->Numbers(), ElementsAre(5));
  EXPECT_THAT(next->bus->Stopped(), IsEmpty());
}

TEST_F(BrokerTest, RetentionOfWhatWasNotConsumedStopsTheLane) {
  ConsumeUpTo(5);
  book_.lanes[Lane("take")].next = 3;
  Remove(4);
  const auto next = StartWith(2 * kPartitions);
  EXPECT_TRUE(Until([&] { return !next->bus->Stopped().empty(); }, {next.get()}));
  EXPECT_THAT(next->bus->Stopped()[0], HasSubstr("messages were lost"));
  EXPECT_THAT(next->got, IsEmpty());
}

TEST_F(BrokerTest, ATopicOfOthersIsMadeIfItIsMissing) {
  const auto worker = Start(false);
  Send(*worker, {}, {{FreshName("elsewhere"), "k", "{}", FromMillis(1)}});
  std::vector<Message> refused;
  EXPECT_TRUE(Until(
      [&] {
        auto polled = worker->bus->Poll(100);
        std::move(polled->begin(), polled->end(), std::back_inserter(refused));
        return worker->bus->unacknowledged() == 0;
      },
      {}));
  EXPECT_THAT(refused, IsEmpty());
}

TEST_F(BrokerTest, ATopicThatCannotBeMadeRefusesItsRecords) {
  const auto worker = Start(false);
  Send(*worker, {},
       {{"no name of a topic", "k", "{}", FromMillis(1)}, {Topic(), "k", "{}", Time{}}});
  std::vector<Message> refused;
  ASSERT_TRUE(Until(
      [&] {
        auto polled = worker->bus->Poll(100);
        std::move(polled->begin(), polled->end(), std::back_inserter(refused));
        return !refused.empty();
      },
      {}));
  EXPECT_THAT(refused[0].broken, HasSubstr("TOPIC"));
  EXPECT_EQ(refused[0].raw, "{}");
}

}  // namespace
}  // namespace reprise::runtime::kafka
