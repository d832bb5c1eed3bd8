// Sealed outboxes on their way: nothing counts as published before its report.
#include "kafka/producer.h"

#include <gmock/gmock.h>

#include "base/log.h"
#include "cluster.h"
#include "kafka/wire.h"

namespace reprise::runtime::kafka {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::int16_t kProduceRequest = 0;

class ProducerTest : public KafkaTest {
 protected:
  ProducerTest() : options_(OptionsOf()), producer_(options_, metrics_) {
    EXPECT_TRUE(producer_.Open([this] {
      const std::lock_guard lock(mutex_);
      arrival_.notify_one();
    }));
  }

  void Put(int from, int to, std::size_t padding = 0, const Uuid& orphan = {}) {
    std::string bytes;
    std::vector<std::uint32_t> starts;
    for (int n = from; n < to; ++n) {
      Message m = MessageOf(n);
      if (padding > 0)
        m.payload = Payload(json::object{{"n", n}, {"padding", std::string(padding, 'x')}});
      starts.push_back(static_cast<std::uint32_t>(bytes.size()));
      AppendMessage(bytes, m, topics_);
    }
    producer_.Put(std::move(bytes), std::move(starts), orphan);
  }
  testing::AssertionResult Serve(const std::function<bool()>& so) {
    return Until(
        [&] {
          producer_.Serve();
          return so();
        },
        {});
  }
  bool Outstanding() const {
    std::string bytes;
    producer_.AppendOutstanding(bytes);
    return !bytes.empty();
  }

  const KafkaOptions options_;
  const Topics topics_ = TopicsOf();
  Producer producer_;
};

TEST_F(ProducerTest, AnOutboxIsKeptUntilEveryReportIsThere) {
  rd_kafka_mock_broker_set_down(mock_, 1);
  Put(0, 10);
  EXPECT_TRUE(Outstanding());
  EXPECT_EQ(producer_.unacknowledged(), 10U);
  rd_kafka_mock_broker_set_up(mock_, 1);
  EXPECT_TRUE(Serve([&] { return producer_.unacknowledged() == 0; }));
  EXPECT_FALSE(Outstanding());
  EXPECT_EQ(CountRecords("shop.order.take"), 10U);
}

TEST_F(ProducerTest, TheFirstRecordOfATopicIsNotHeldUp) {
  const auto began = std::chrono::steady_clock::now();
  for (int step = 0; step < 10; ++step) {
    const std::string name = "step-" + std::to_string(step);
    Topics topics(prefix_, kPartitions);
    topics.Add("order", name, true);
    rd_kafka_mock_topic_create(mock_, topics.Mine().front().c_str(), kPartitions, 1);
    std::string bytes;
    AppendMessage(bytes, MessageOf(1, name), topics);
    producer_.Put(std::move(bytes), {0});
    EXPECT_TRUE(Serve([&] { return producer_.unacknowledged() == 0; }));
  }
  EXPECT_LT(std::chrono::steady_clock::now() - began, 7s)  // a tenth of one, else nine
      << "librdkafka looks for topics once a second";
}

TEST_F(ProducerTest, WhatKafkaWillNeverTakeIsRefusedAndKeptUntilItIsSettled) {
  Put(0, 1);
  Put(1, 2, 2U << 20);
  Put(2, 3);
  EXPECT_TRUE(Serve([&] { return producer_.unacknowledged() == 1; }));
  const auto refusals = producer_.TakeRefusals();
  ASSERT_EQ(refusals.size(), 1U);
  EXPECT_THAT(refusals[0].reason, HasSubstr("MSG_SIZE_TOO_LARGE"));
  EXPECT_EQ(refusals[0].record.Header("ce_id"), MessageOf(1).id.ToString());
  EXPECT_TRUE(Outstanding());
  producer_.Settle(refusals[0].where);
  EXPECT_FALSE(Outstanding());
  EXPECT_EQ(producer_.unacknowledged(), 0U);
  EXPECT_EQ(CountRecords("shop.order.take"), 2U);
}

TEST_F(ProducerTest, ARefusalByTheBrokerIsOneToo) {
  rd_kafka_mock_push_request_errors(mock_, kProduceRequest, 1,
                                    RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
  Put(0, 1);
  std::vector<Producer::Refusal> refusals;
  ASSERT_TRUE(Serve([&] {
    for (auto& refusal : producer_.TakeRefusals()) refusals.push_back(std::move(refusal));
    return !refusals.empty();
  }));
  EXPECT_THAT(refusals[0].reason, HasSubstr("TOPIC_AUTHORIZATION_FAILED"));
  EXPECT_EQ(producer_.rebuilt(), 0);
}

TEST_F(ProducerTest, AFatalProducerIsMadeAnewAndNothingIsLost) {
  rd_kafka_mock_broker_set_down(mock_, 1);
  Put(0, 20);
  rd_kafka_test_fatal_error(producer_.handle(), RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER,
                            "as a broker says it");
  EXPECT_TRUE(Serve([&] { return producer_.rebuilt() == 1; }));
  EXPECT_EQ(producer_.unacknowledged(), 20U);
  rd_kafka_mock_broker_set_up(mock_, 1);
  Put(20, 30);
  EXPECT_TRUE(Serve([&] { return producer_.unacknowledged() == 0; }));
  EXPECT_EQ(CountRecords("shop.order.take"), 30U);
}

TEST_F(ProducerTest, ErrorsThatPassDoNotLoseOrReorder) {
  rd_kafka_mock_push_request_errors(
      mock_, kProduceRequest, 3, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
      RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT);
  Put(0, 50);
  EXPECT_TRUE(Serve([&] { return producer_.unacknowledged() == 0; }));
  EXPECT_GE(CountRecords("shop.order.take"), 50U);
}

TEST_F(ProducerTest, ThatALaterRecordIsThereIsNoWordForAnEarlierOne) {
  Put(0, 1);  // connects
  ASSERT_TRUE(Serve([&] { return producer_.unacknowledged() == 0; }));
  rd_kafka_mock_broker_set_rtt(mock_, 1, 100);
  rd_kafka_mock_push_request_errors(mock_, kProduceRequest, 1,
                                    RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION);
  int n = 1;
  ASSERT_TRUE(Serve([&] {  // requests of one record each, on their way together
    if (n < 6) Put(n, n + 1);
    ++n;
    return metrics_.Text().find("reprise_kafka_records_guessed_total") != std::string::npos;
  }));
  EXPECT_TRUE(Serve([&] { return producer_.unacknowledged() == 0; }));
  EXPECT_EQ(CountRecords("shop.order.take"), 6U);
}

TEST_F(ProducerTest, AnOrphansOutboxIsToldOnceItIsThereAndIsNoPartOfOurs) {
  const Uuid orphan = Derived(Uuid{}, {"orphan"});
  rd_kafka_mock_broker_set_down(mock_, 1);
  Put(0, 3, 0, orphan);
  EXPECT_FALSE(Outstanding());
  EXPECT_THAT(producer_.TakePublished(), ElementsAre());
  rd_kafka_mock_broker_set_up(mock_, 1);
  EXPECT_TRUE(Serve([&] { return producer_.unacknowledged() == 0; }));
  EXPECT_THAT(producer_.TakePublished(), ElementsAre(orphan));
  EXPECT_THAT(producer_.TakePublished(), ElementsAre());
}

TEST_F(KafkaTest, WhatTheGuaranteesStandOnIsNotADeploymentsToSet) {
  KafkaOptions options = OptionsOf();
  options.options["acks"] = "0";
  const Status opened = Producer(options, metrics_).Open({});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().message, "kafka: option 'acks' is not to be changed");
}

TEST_F(KafkaTest, TooMuchUnacknowledgedIsOverload) {
  KafkaOptions options = OptionsOf();
  options.unacknowledged_bytes_max = 1000;
  Producer producer(options, metrics_);
  ASSERT_TRUE(producer.Open({}));
  EXPECT_EQ(producer.Overloaded(), std::nullopt);
  rd_kafka_mock_broker_set_down(mock_, 1);
  std::string bytes;
  AppendForeign(bytes, {"warehouse", "k", std::string(2000, 'x'), Time{}});
  producer.Put(bytes, {0});
  EXPECT_THAT(producer.Overloaded().value_or(""), HasSubstr("bytes are on their way"));
  rd_kafka_mock_broker_set_up(mock_, 1);
  EXPECT_TRUE(Until(
      [&] {
        producer.Serve();
        return !producer.Overloaded();
      },
      {}));
}

TEST_F(KafkaTest, ASilentKafkaIsOverloadAndTheProducerIsMadeAnew) {
  KafkaOptions options = OptionsOf();
  options.unacknowledged_max = 100ms;
  options.producer_stalled = 200ms;
  Producer producer(options, metrics_);
  ASSERT_TRUE(producer.Open({}));
  rd_kafka_mock_broker_set_down(mock_, 1);
  std::string bytes;
  AppendForeign(bytes, {"shop.order.take", "k", "{}", Time{}});
  producer.Put(bytes, {0});
  EXPECT_TRUE(Until(
      [&] {
        producer.Serve();
        return producer.Overloaded() && producer.rebuilt() > 0;
      },
      {}));
  rd_kafka_mock_broker_set_up(mock_, 1);
  EXPECT_TRUE(Until(
      [&] {
        producer.Serve();
        return !producer.Overloaded() && producer.unacknowledged() == 0;
      },
      {}));
}

}  // namespace
}  // namespace reprise::runtime::kafka
