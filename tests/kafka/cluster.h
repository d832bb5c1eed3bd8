/// A Kafka of librdkafka's own making (its mock cluster), a journal's lanes in memory, and workers.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
// clang-format off: the second wants the first
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
// clang-format on

#include "kafka/bus.h"
#include "ports/lanes.h"

namespace reprise::runtime::kafka {

/// What the journal's rows would say.
struct Book {
  struct Lane {
    Uuid worker;
    std::int64_t next = -1;
    Uuid last;
    std::string why;  // it stands still
  };
  struct Worker {
    std::string sealed;
    bool dead = false, fenced = false, published = false;
    Uuid adopter;
  };
  std::map<LaneId, Lane> lanes;
  std::map<Uuid, Worker> workers;
  std::vector<Uuid> buried;
  bool down = false;
  int renewed = 0;
};

class BookLanes : public Lanes {
 public:
  BookLanes(Book& book, const Uuid& me) : book_(book), me_(me) { book_.workers[me]; }

  Result<std::vector<Taken>> Take(std::span<const LaneId> lanes) override;
  Status Begin(LaneId base, std::span<const std::int64_t> offsets) override;
  Status Leave(std::span<const LaneId> lanes) override;
  bool Holds(LaneId lane) const override;
  bool fenced() const override { return book_.workers.at(me_).fenced; }
  Status Refresh() override;
  Status Renew() override {
    ++book_.renewed;
    return {};
  }
  Result<std::vector<Orphan>> Adopt() override;
  Status Bury(const Uuid& worker) override;
  void Published() override { book_.workers.at(me_).published = true; }
  Status Stand(LaneId lane, std::string_view why) override;
  Result<std::vector<Where>> Places() override;
  Status Resume(LaneId lane, std::int64_t from) override;
  Result<std::vector<LaneId>> Unowned(std::span<const LaneId>) override {
    return std::vector<LaneId>();
  }

 private:
  Book& book_;
  const Uuid me_;
};

class KafkaTest : public testing::Test {
 protected:
  static constexpr std::uint32_t kPartitions = 4;

  /// One worker: its lanes, its bus, and what it consumed.
  struct Worker {
    Uuid id;
    std::unique_ptr<BookLanes> lanes;
    std::unique_ptr<KafkaBus> bus;
    std::vector<Message> got;

    std::vector<int> Numbers() const;  // `n` of what it got
  };

  /// Of a mock cluster with these many brokers; each partition has a copy on every one.
  explicit KafkaTest(int brokers = 1);
  ~KafkaTest() override;

  KafkaOptions OptionsOf() const;
  Topics TopicsOf(bool mine = true) const;
  /// Joins the group; `consumes` false: it only publishes.
  std::unique_ptr<Worker> Start(bool consumes = true);
  /// The same, and waits until it has these many lanes.
  std::unique_ptr<Worker> StartWith(std::size_t lanes);

  /// Number `n` for this step's lane of this key.
  static Message MessageOf(int n, const std::string& step = "take", const std::string& key = "k");
  /// One transaction that only sends.
  void Send(Worker& worker, const std::vector<Message>& outbox,
            const std::vector<Transaction::Foreign>& records = {});
  /// One turn: what is there is consumed, or given back if the journal fences.
  void Turn(Worker& worker);
  bool Consume(Worker& worker, const std::vector<Message>& messages);
  /// Turns of these workers until it is so, or half a minute has passed.
  testing::AssertionResult Until(const std::function<bool()>& so, std::vector<Worker*> workers);
  /// The records of a topic, as far as they are there, in order per partition.
  std::size_t CountRecords(const std::string& topic);

  static LaneId Lane(const std::string& step, const std::string& key = "k") {
    return LaneBase("order", step) | PartitionOfKey(key, kPartitions);
  }

  std::vector<std::pair<std::string, bool>> foreign_;  // topics of others; whether from their end
  std::string prefix_ = "shop", brokers_;              // the mock cluster's
  Owned<rd_kafka_t> home_;                             // of the mock cluster
  rd_kafka_mock_cluster_t* mock_ = nullptr;
  Metrics metrics_;
  Book book_;
  std::uint32_t workers_ = 0;

  std::mutex mutex_;
  std::condition_variable arrival_;
};

}  // namespace reprise::runtime::kafka
