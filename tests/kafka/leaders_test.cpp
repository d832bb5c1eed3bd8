// Row 9: three brokers, whose leaders move and whose coordinator is lost while messages go through.
#include <algorithm>

#include <gmock/gmock.h>

#include "cluster.h"

namespace reprise::runtime::kafka {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::int16_t kProduce = 0, kFetch = 1, kJoinGroup = 11, kHeartbeat = 12;
constexpr int kBrokers = 3;

class LeadersTest : public KafkaTest {
 protected:
  LeadersTest() : KafkaTest(kBrokers) {}
  void SetUp() override {
    processes_.push_back(Start());
    processes_.push_back(Start());
    EXPECT_TRUE(BothWork());
  }

  std::vector<Worker*> Both() const { return {processes_[0].get(), processes_[1].get()}; }
  testing::AssertionResult BothWork() {
    return Until(
        [&] {
          return std::ranges::all_of(processes_, [](const auto& worker) {
            return worker->bus->held().size() == kPartitions;
          });
        },
        Both());
  }
  /// Fifty more messages of eight keys, by each worker in turn.
  void SendMore() {
    std::vector<Message> outbox;
    for (int i = 0; i < 50; ++i, ++sent_)
      outbox.push_back(MessageOf(sent_, "take", "k" + std::to_string(sent_ % 8)));
    Send(*processes_[static_cast<std::size_t>(sent_ / 50) % 2], outbox);
  }
  void Lead(int broker) {
    for (const char* step : {"take", "charge"}) {
      for (int p = 0; p < static_cast<int>(kPartitions); ++p) {
        const std::string topic = prefix_ + ".order." + step;
        ASSERT_EQ(rd_kafka_mock_partition_set_leader(mock_, topic.c_str(), p,
                                                     1 + (broker + p) % kBrokers),
                  RD_KAFKA_RESP_ERR_NO_ERROR);
      }
    }
  }
  /// What is published twice (a report that was lost) has the id it had, and its place behind the
  /// first.
  std::vector<int> First() const {
    std::vector<int> all;
    for (const auto& worker : processes_) {
      for (const int n : worker->Numbers()) all.push_back(n);
    }
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
    return all;
  }
  /// Two minutes: a request that is lost with its leader is missed after one (socket.timeout.ms).
  void AllArrives() {
    const auto all = [&] {
      return First().size() == static_cast<std::size_t>(sent_) &&
             std::ranges::all_of(
                 processes_, [](const auto& worker) { return worker->bus->unacknowledged() == 0; });
    };
    for (int half_minutes = 1; half_minutes < 5 && !Until(all, Both()); ++half_minutes) continue;
    EXPECT_TRUE(all()) << First().size() << " of " << sent_;
    for (const auto& worker : processes_) EXPECT_THAT(worker->bus->Stopped(), IsEmpty());
  }

  std::vector<std::unique_ptr<Worker>> processes_;
  int sent_ = 0;
};

TEST_F(LeadersTest, LeadersMoveAgainAndAgainAndEveryMessageArrives) {
  for (int move = 0; move < 6; ++move) {
    SendMore();
    Lead(move);
    SendMore();
    AllArrives();
  }
}

TEST_F(LeadersTest, ABrokerThatIsLostWithItsLeadersIsDoneWithout) {
  for (int lost = 1; lost <= kBrokers; ++lost) {
    Lead(lost);
    SendMore();
    rd_kafka_mock_broker_set_down(mock_, lost);
    for (int p = 0; p < static_cast<int>(kPartitions); ++p) {
      for (const char* step : {"take", "charge"})
        rd_kafka_mock_partition_set_leader(mock_, (prefix_ + ".order." + step).c_str(), p,
                                           1 + lost % kBrokers);
    }
    rd_kafka_mock_coordinator_set(mock_, "group", prefix_.c_str(), 1 + lost % kBrokers);
    SendMore();
    AllArrives();
    rd_kafka_mock_broker_set_up(mock_, lost);
  }
  EXPECT_TRUE(BothWork());
}

TEST_F(LeadersTest, ABrokerThatLacksReplicasOrIsNoLeaderIsAskedAgainUntilItTakesThem) {
  for (int i = 0; i < 5; ++i) {
    rd_kafka_mock_push_request_errors(mock_, kProduce, 4, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
                                      RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
                                      RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
                                      RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION);
    rd_kafka_mock_push_request_errors(mock_, kFetch, 2, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
                                      RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE);
    SendMore();
  }
  AllArrives();
}

TEST_F(LeadersTest, AProducerThatIsFatalByABrokersWordIsMadeAnew) {
  SendMore();
  AllArrives();
  for (int i = 0; i < 2; ++i) {
    rd_kafka_mock_push_request_errors(mock_, kProduce, 2,
                                      RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER,
                                      RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
    SendMore();
    AllArrives();
  }
  EXPECT_THAT(metrics_.Text(), HasSubstr("reprise_kafka_producer_rebuilt_total"));
}

TEST_F(LeadersTest, ACoordinatorThatMovesLeavesBothAtWork) {
  for (int broker = 1; broker <= kBrokers; ++broker) {
    SendMore();
    rd_kafka_mock_coordinator_set(mock_, "group", prefix_.c_str(), broker);
    rd_kafka_mock_push_request_errors(mock_, kHeartbeat, 2, RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
                                      RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE);
    rd_kafka_mock_push_request_errors(mock_, kJoinGroup, 1, RD_KAFKA_RESP_ERR_NOT_COORDINATOR);
    SendMore();
    AllArrives();
  }
  EXPECT_TRUE(BothWork());
}

}  // namespace
}  // namespace reprise::runtime::kafka
