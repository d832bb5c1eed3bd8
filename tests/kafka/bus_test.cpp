// Kafka's wire between workers: order, takeovers, fences, orphans, and logs that are others.
#include "kafka/bus.h"

#include <algorithm>

#include <gmock/gmock.h>

#include "cluster.h"
#include "kafka/wire.h"

namespace reprise::runtime::kafka {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<Message> Numbered(int from, int to, const std::function<Message(int)>& make) {
  std::vector<Message> out;
  for (int n = from; n < to; ++n) out.push_back(make(n));
  return out;
}

std::vector<int> UpTo(int end) {
  std::vector<int> out;
  for (int n = 0; n < end; ++n) out.push_back(n);
  return out;
}

TEST_F(KafkaTest, DeliversALaneInOrderAndOnce) {
  const auto worker = StartWith(2 * kPartitions);
  Send(*worker, Numbered(0, 150, [](int n) { return MessageOf(n); }));
  Send(*worker, Numbered(150, 300, [](int n) { return MessageOf(n); }));
  EXPECT_TRUE(Until([&] { return worker->got.size() >= 300; }, {worker.get()}));
  EXPECT_EQ(worker->Numbers(), UpTo(300));
  EXPECT_EQ(book_.lanes[Lane("take")].next, 300);
  EXPECT_EQ(worker->bus->Lag().value(), 0);
}

TEST_F(KafkaTest, GivesBackWhatWasNotCommittedInItsOldPlace) {
  const auto worker = StartWith(2 * kPartitions);
  Send(*worker, Numbered(0, 5, [](int n) { return MessageOf(n); }));
  std::vector<Message> polled;
  EXPECT_TRUE(Until(
      [&] {
        auto more = worker->bus->Poll(3 - polled.size());
        std::move(more->begin(), more->end(), std::back_inserter(polled));
        return polled.size() == 3;
      },
      {}));
  worker->bus->Return(std::move(polled));
  EXPECT_TRUE(Until([&] { return worker->got.size() >= 5; }, {worker.get()}));
  EXPECT_EQ(worker->Numbers(), UpTo(5));
}

TEST_F(KafkaTest, ANewWorkerGoesOnWhereTheJournalSays) {
  auto first = StartWith(2 * kPartitions);
  Send(*first, Numbered(0, 10, [](int n) { return MessageOf(n); }));
  EXPECT_TRUE(Until([&] { return first->got.size() >= 10; }, {first.get()}));
  EXPECT_TRUE(Until([&] { return first->bus->unacknowledged() == 0; }, {first.get()}));
  first->bus.reset();
  EXPECT_TRUE(book_.lanes[Lane("take")].worker.nil()) << "a worker that stops leaves its lanes";
  const auto second = StartWith(2 * kPartitions);
  Send(*second, Numbered(10, 12, [](int n) { return MessageOf(n); }));
  EXPECT_TRUE(Until([&] { return second->got.size() >= 2; }, {second.get()}));
  EXPECT_THAT(second->Numbers(), ElementsAre(10, 11));
  EXPECT_THAT(second->bus->Stopped(), IsEmpty());
}

TEST_F(KafkaTest, TwoWorkersShareTheLanesAndNothingIsLostOrTwice) {
  const auto first = StartWith(2 * kPartitions);
  const auto keyed = [](int n) { return MessageOf(n, "take", "k" + std::to_string(n % 16)); };
  Send(*first, Numbered(0, 200, keyed));
  const auto second = Start();
  EXPECT_TRUE(Until(
      [&] {
        return first->bus->held().size() == kPartitions &&
               second->bus->held().size() == kPartitions;
      },
      {first.get(), second.get()}));
  Send(*second, Numbered(200, 400, keyed));
  EXPECT_TRUE(Until([&] { return first->got.size() + second->got.size() >= 400; },
                    {first.get(), second.get()}));
  std::vector<int> all = first->Numbers();
  for (const int n : second->Numbers()) all.push_back(n);
  std::sort(all.begin(), all.end());
  EXPECT_EQ(all, UpTo(400));
  EXPECT_THAT(second->got, Not(IsEmpty()));
  // Range, and equal partition numbers: a key's lanes of both steps are in one worker.
  for (const LaneId lane : second->bus->held()) {
    const LaneId other =
        PartitionOf(lane) |
        LaneBase("order", BaseOf(lane) == LaneBase("order", "take") ? "charge" : "take");
    EXPECT_THAT(second->bus->held(), testing::Contains(other));
  }
}

TEST_F(KafkaTest, AFencedWorkerForgetsWhatItPolledAndBeginsAtTheJournal) {
  const auto worker = StartWith(2 * kPartitions);
  Send(*worker, Numbered(0, 6, [](int n) { return MessageOf(n); }));
  std::vector<Message> polled;
  EXPECT_TRUE(Until(
      [&] {
        auto more = worker->bus->Poll(6 - polled.size());
        std::move(more->begin(), more->end(), std::back_inserter(polled));
        return polled.size() == 6;
      },
      {}));
  // Another worker takes the lane, handles two of them and is gone; Kafka says nothing of it.
  Book::Lane& lane = book_.lanes[Lane("take")];
  lane = {Derived(Uuid{}, {"other"}), 2, polled[1].id};
  book_.workers[worker->id].fenced = true;
  ASSERT_FALSE(Consume(*worker, polled));
  worker->bus->Return(std::move(polled));
  EXPECT_TRUE(Until([&] { return worker->got.size() >= 4; }, {worker.get()}));
  EXPECT_THAT(worker->Numbers(), ElementsAre(2, 3, 4, 5));
}

TEST_F(KafkaTest, AWorkerWithoutTrafficAsksWhetherItsLanesAreStillItsOwn) {
  const auto worker = StartWith(2 * kPartitions);
  const int before = book_.renewed;
  EXPECT_TRUE(Until([&] { return book_.renewed > before; }, {worker.get()}));
  EXPECT_THAT(worker->got, IsEmpty());
}

TEST_F(KafkaTest, NothingIsHandedOutWhileTheJournalCannotSayWhoseItIs) {
  const auto worker = StartWith(2 * kPartitions);
  book_.down = true;
  book_.workers[worker->id].fenced = true;
  Send(*worker, {MessageOf(0)});
  EXPECT_TRUE(Until([&] { return worker->bus->unacknowledged() == 0; }, {worker.get()}));
  EXPECT_THAT(worker->bus->Poll(100).value(), IsEmpty());
  book_.down = false;
  EXPECT_TRUE(Until([&] { return worker->got.size() == 1; }, {worker.get()}));
}

TEST_F(KafkaTest, LanesAreTakenOnceTheJournalIsBack) {
  book_.down = true;
  const auto worker = Start();
  Send(*worker, {MessageOf(0)});
  EXPECT_TRUE(Until([&] { return worker->bus->unacknowledged() == 0; }, {worker.get()}));
  EXPECT_THAT(worker->bus->held(), IsEmpty());
  book_.down = false;
  EXPECT_TRUE(Until([&] { return worker->got.size() == 1; }, {worker.get()}));
}

TEST_F(KafkaTest, WhatADeadWorkerLeftIsPublishedAndThenItIsBuried) {
  const auto dead = Start(false);
  const std::vector<Message> left = {MessageOf(0), MessageOf(1)};
  book_.workers[dead->id].sealed = dead->bus->Seal(left, {});
  book_.workers[dead->id].dead = true;  // committed, and killed before Publish
  dead->bus.reset();
  const auto worker = StartWith(2 * kPartitions);
  EXPECT_TRUE(Until([&] { return !book_.buried.empty(); }, {worker.get()}));
  EXPECT_THAT(book_.buried, ElementsAre(dead->id));
  EXPECT_TRUE(Until([&] { return worker->got.size() >= 2; }, {worker.get()}));
  EXPECT_EQ(worker->Numbers(), UpTo(2));
}

TEST_F(KafkaTest, WhoStopsInOrderLeavesNothingToPublish) {
  const auto stops = Start(false), dies = Start(false);
  Send(*stops, {MessageOf(0)});
  (void)dies->bus->Seal(std::vector{MessageOf(1)}, {});  // committed, and gone before Publish
  stops->bus.reset();
  dies->bus.reset();
  EXPECT_TRUE(book_.workers[stops->id].published);
  EXPECT_FALSE(book_.workers[dies->id].published);
}

TEST_F(KafkaTest, AnOrphanThatCannotBeReadStays) {
  const Uuid dead = Derived(Uuid{}, {"dead"});
  book_.workers[dead] = {"\x07 not ours", true, false, {}};
  const auto worker = StartWith(2 * kPartitions);
  Send(*worker, {MessageOf(0)});
  EXPECT_TRUE(Until([&] { return worker->got.size() == 1; }, {worker.get()}));
  EXPECT_THAT(book_.buried, IsEmpty());
  EXPECT_TRUE(book_.workers.contains(dead));
}

TEST_F(KafkaTest, ALogThatIsNotTheJournalsStandsStill) {
  auto first = StartWith(2 * kPartitions);
  Send(*first, Numbered(0, 3, [](int n) { return MessageOf(n); }));
  EXPECT_TRUE(Until([&] { return first->got.size() >= 3; }, {first.get()}));
  first->bus.reset();
  book_.lanes[Lane("take")].last = Derived(Uuid{}, {"another message"});
  const auto second = StartWith(2 * kPartitions);
  Send(*second, {MessageOf(3), MessageOf(4, "charge")});
  EXPECT_TRUE(Until([&] { return second->got.size() >= 1 && !second->bus->Stopped().empty(); },
                    {second.get()}));
  EXPECT_THAT(second->Numbers(), ElementsAre(4)) << "other lanes go on";
  ASSERT_THAT(second->bus->Stopped(), SizeIs(1));
  EXPECT_THAT(second->bus->Stopped()[0], HasSubstr("shop.order.take["));
  EXPECT_THAT(second->bus->Stopped()[0], HasSubstr("truncated or made anew"));
}

TEST_F(KafkaTest, ALogThatEndsBeforeTheJournalStandsStill) {
  book_.lanes[Lane("take")] = {{}, 7, Derived(Uuid{}, {"seventh"})};
  const auto worker = StartWith(2 * kPartitions);
  EXPECT_TRUE(Until([&] { return !worker->bus->Stopped().empty(); }, {worker.get()}));
  EXPECT_THAT(worker->bus->Stopped()[0],
              HasSubstr("the journal comes to offset 7, and the topic ends at 0"));
}

TEST_F(KafkaTest, ALaneThatStandsStillGoesOnWhereAPersonSays) {
  auto first = StartWith(2 * kPartitions);
  Send(*first, Numbered(0, 3, [](int n) { return MessageOf(n); }));
  EXPECT_TRUE(Until([&] { return first->got.size() >= 3; }, {first.get()}));
  first->bus.reset();
  const LaneId lane = Lane("take");
  book_.lanes[lane].last = Derived(Uuid{}, {"another message"});
  const auto second = StartWith(2 * kPartitions);
  book_.down = true;
  EXPECT_TRUE(Until([&] { return !second->bus->Stopped().empty(); }, {second.get()}));
  book_.down = false;
  EXPECT_TRUE(Until([&] { return !book_.lanes[lane].why.empty(); }, {second.get()}))
      << "the journal is told as soon as it can be";

  const auto rows = second->bus->desk().List();
  ASSERT_TRUE(rows.ok());
  const auto row = std::find_if(rows->begin(), rows->end(),
                                [](const LaneDesk::Row& r) { return !r.why.empty(); });
  ASSERT_NE(row, rows->end());
  EXPECT_EQ(row->topic, "shop.order.take");
  EXPECT_THAT(row->why, HasSubstr("truncated or made anew"));
  const auto beyond = second->bus->desk().Resume(row->topic, row->partition, 4);
  EXPECT_EQ(beyond.error().code, Code::kInvalid);
  EXPECT_THAT(beyond.error().message, HasSubstr("begins at offset 0, and 3 comes next: not 4"));
  EXPECT_EQ(second->bus->desk().Resume("shop.order.give", 0, {}).error().code, Code::kNotFound);
  EXPECT_EQ(second->bus->desk().Resume(row->topic, kPartitions, {}).error().code, Code::kNotFound);

  EXPECT_EQ(second->bus->desk().Resume(row->topic, row->partition, {}).value(), 0);
  EXPECT_TRUE(Until([&] { return second->got.size() >= 3; }, {second.get()}));
  EXPECT_THAT(second->Numbers(), ElementsAre(0, 1, 2));
  EXPECT_THAT(second->bus->Stopped(), IsEmpty());
  EXPECT_EQ(second->bus->desk().Resume(row->topic, row->partition, {}).error().code,
            Code::kNotFound);
}

TEST_F(KafkaTest, ALaneThatStoodStillAndIsAsItWasAgainSaysSo) {
  auto first = StartWith(2 * kPartitions);
  Send(*first, Numbered(0, 3, [](int n) { return MessageOf(n); }));
  EXPECT_TRUE(Until([&] { return first->got.size() >= 3; }, {first.get()}));
  first->bus.reset();
  Book::Lane& lane = book_.lanes[Lane("take")];
  const Uuid last = std::exchange(lane.last, Derived(Uuid{}, {"another message"}));
  const auto second = StartWith(2 * kPartitions);
  EXPECT_TRUE(Until([&] { return !lane.why.empty(); }, {second.get()}));
  lane.last = last;
  book_.workers[second->id].fenced = true;  // it takes its lanes anew
  EXPECT_TRUE(Until([&] { return second->bus->Stopped().empty(); }, {second.get()}));
  EXPECT_FALSE(lane.why.empty()) << "what is taken anew may stand still again";
  Send(*second, {MessageOf(3)});
  EXPECT_TRUE(Until([&] { return lane.why.empty(); }, {second.get()}));
  EXPECT_THAT(second->Numbers(), ElementsAre(3));
}

TEST_F(KafkaTest, SaysThatNoBrokerCanBeReachedUntilOneIsThereAgain) {
  const auto worker = Start(false);
  EXPECT_FALSE(worker->bus->away());
  rd_kafka_mock_broker_set_down(mock_, -1);
  EXPECT_TRUE(Until([&] { return worker->bus->away(); }, {worker.get()}));
  EXPECT_EQ(worker->bus->Overloaded(), std::nullopt) << "nothing is on its way";
  rd_kafka_mock_broker_set_up(mock_, -1);
  EXPECT_TRUE(Until([&] { return !worker->bus->away(); }, {worker.get()}));
}

TEST_F(KafkaTest, UnreadableRecordsComeInTheirPlace) {
  const auto worker = StartWith(2 * kPartitions);
  Send(*worker, {MessageOf(0)}, {{"shop.order.take", "k", "not json", FromMillis(1)}});
  EXPECT_TRUE(Until([&] { return worker->got.size() >= 2; }, {worker.get()}));
  EXPECT_THAT(worker->got[1].broken, HasSubstr("no CloudEvent"));
  EXPECT_EQ(worker->got[1].raw, "not json");
  EXPECT_EQ(worker->got[1].key, "k");
}

TEST_F(KafkaTest, ARefusedRecordComesBackUntilItIsCommitted) {
  const auto worker = Start(false);
  Message large = MessageOf(0);
  large.payload = Payload(json::object{{"n", 0}, {"padding", std::string(2U << 20, 'x')}});
  Send(*worker, {large});
  auto polled = worker->bus->Poll(100);
  ASSERT_THAT(*polled, SizeIs(1));
  EXPECT_TRUE((*polled)[0].refused);
  EXPECT_EQ((*polled)[0].id, large.id);
  EXPECT_EQ((*polled)[0].payload.object(), large.payload.object());
  worker->bus->Return(std::move(*polled));  // the journal refused the dead letter
  EXPECT_GT(worker->bus->Seal({}, {}).size(), 2U << 20) << "it is still in the outbox";
  polled = worker->bus->Poll(100);
  ASSERT_THAT(*polled, SizeIs(1));
  (void)worker->bus->Seal({}, {});
  ASSERT_TRUE(worker->bus->Publish({}));
  EXPECT_THAT(worker->bus->Poll(100).value(), IsEmpty());
  EXPECT_EQ(worker->bus->Seal({}, {}), kSealedVersion);
}

TEST_F(KafkaTest, AProcessWithoutStepsOnlyPublishes) {
  const auto ingress = Start(false);
  const auto worker = StartWith(2 * kPartitions);
  Send(*ingress, {MessageOf(0)});
  EXPECT_TRUE(Until([&] { return worker->got.size() >= 1; }, {ingress.get(), worker.get()}));
  EXPECT_THAT(ingress->got, IsEmpty());
  EXPECT_EQ(ingress->bus->Lag().value(), 0);
}

TEST_F(KafkaTest, TellsTheGroupAndTheMetricsHowFarLanesAre) {
  const auto worker = StartWith(2 * kPartitions);
  Send(*worker, Numbered(0, 5, [](int n) { return MessageOf(n); }));
  auto conf = Configure(OptionsOf(), ConsumerSettings("shop"));
  const auto reader = std::move(*Create(RD_KAFKA_CONSUMER, std::move(*conf)));
  const auto told = [&] {
    const Owned<rd_kafka_topic_partition_list_t> list(rd_kafka_topic_partition_list_new(1));
    rd_kafka_topic_partition_list_add(list.get(), "shop.order.take",
                                      static_cast<int>(PartitionOf(Lane("take"))));
    rd_kafka_committed(reader.get(), list.get(), 5000);
    return list->elems[0].offset;
  };
  EXPECT_TRUE(Until([&] { return worker->got.size() >= 5 && told() == 5; }, {worker.get()}));
  EXPECT_THAT(metrics_.Text(), HasSubstr("reprise_consumer_lag_messages{"));
}

}  // namespace
}  // namespace reprise::runtime::kafka
