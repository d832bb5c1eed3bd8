// A worker whose lanes were taken commits nothing more of what it held; a taker waits for what is
// being committed.
#include "postgres/params.h"
#include "workers.h"

namespace reprise::runtime {
namespace {

using FencingTest = WorkersTest;
constexpr LaneId kLane = 0x10000, kOther = 0x20000;

TEST_F(FencingTest, AWorkerWhoseLanesWereTakenIsFencedUntilItLooks) {
  const auto one = Worker();
  const auto two = Worker();
  Take(*one, {kLane, kOther});
  Take(*two, {kLane});
  EXPECT_CODE(one->journal().Begin(), Code::kFenced);
  EXPECT_TRUE(one->lanes().fenced());
  EXPECT_CODE(one->journal().Begin(), Code::kFenced);
  ASSERT_GOOD(one->lanes().Refresh());
  EXPECT_FALSE(one->lanes().Holds(kLane));
  EXPECT_TRUE(one->lanes().Holds(kOther));
  ASSERT_GOOD(Begin(*one)->Commit({}));
  EXPECT_EQ(one->stats().fenced, 1);
}

TEST_F(FencingTest, TakingWaitsForTheOpenTransactionAndSeesWhereItEnded) {
  const auto one = Worker();
  const auto two = Worker({.take_wait = Millis(60'000)});
  Take(*one, {kLane});
  auto tx = Begin(*one);
  ASSERT_GOOD(tx->Consume(std::vector{MessageOf(kLane, 0), MessageOf(kLane, 1)}));
  auto taking =
      std::async(std::launch::async, [&] { return two->lanes().Take(std::vector<LaneId>{kLane}); });
  AwaitBlocked();
  ASSERT_GOOD(tx->Commit({}));
  tx.reset();
  const auto taken = taking.get();
  ASSERT_GOOD(taken);
  EXPECT_EQ(taken->front().next_offset, 2);
  EXPECT_EQ(taken->front().last_message, MessageOf(kLane, 1).id);
  EXPECT_CODE(one->journal().Begin(), Code::kFenced);
}

// Whoever takes lanes must not stand still until the database ends a paused process's transaction.
TEST_F(FencingTest, LanesOfAWorkerThatSitsInItsTransactionStayAndTheOthersAreTaken) {
  const auto paused = Worker();
  const auto other = Worker();
  const auto taker = Worker({.take_wait = Millis(20)});
  Take(*paused, {kLane});
  Take(*other, {kOther});
  auto tx = Begin(*paused);
  const auto taken = taker->lanes().Take(std::vector<LaneId>{kLane, kOther});
  ASSERT_GOOD(taken);
  ASSERT_EQ(taken->size(), 1U);
  EXPECT_EQ(taken->front().lane, kOther);
  EXPECT_FALSE(taker->lanes().Holds(kLane));
  EXPECT_CODE(other->journal().Begin(), Code::kFenced);
  ASSERT_GOOD(tx->Commit({}));  // it was not fenced: it still has its lane
  tx.reset();
  Take(*taker, {kLane});
  EXPECT_CODE(paused->journal().Begin(), Code::kFenced);
}

TEST_F(FencingTest, ALaneThatWasLeftIsTakenWithoutAFence) {
  const auto one = Worker();
  const auto two = Worker();
  Take(*one, {kLane, kOther});
  ASSERT_GOOD(one->lanes().Leave(std::vector<LaneId>{kLane}));
  EXPECT_FALSE(one->lanes().Holds(kLane));
  Take(*two, {kLane});
  ASSERT_GOOD(Begin(*one)->Commit({}));
}

TEST_F(FencingTest, DueRowsAreOnlyTheOwnersOfTheirLane) {
  const auto one = Worker();
  const auto two = Worker();
  Take(*one, {kLane});
  Make(*one, {SagaOf(1)});
  {
    const auto tx = Begin(*two);
    Due due;
    due.saga = Id(1);
    due.pipeline = "order";
    due.plan = "hash";
    due.due = FromMillis(5);
    due.lane = kLane;
    due.key = std::string("k\0\xff", 3);
    ASSERT_GOOD(tx->Arm(std::vector{due}));
    ASSERT_GOOD(tx->Commit({}));
  }
  EXPECT_FALSE(two->journal().NextDue()->has_value());
  EXPECT_TRUE(Begin(*two)->TakeDue(FromMillis(9), 10)->empty());
  EXPECT_EQ(**one->journal().NextDue(), FromMillis(5));
  const auto taken = Begin(*one)->TakeDue(FromMillis(9), 10);
  ASSERT_EQ(taken->size(), 1u);
  EXPECT_EQ(taken->front().lane, kLane);
  EXPECT_EQ(taken->front().key, std::string("k\0\xff", 3));
}

TEST_F(FencingTest, OnlyMessagesOfHeldLanesAreHandledInTheSameTransaction) {
  const auto one = Worker({.rounds = 1});
  Take(*one, {kLane});
  const auto tx = Begin(*one);
  std::vector<Message> outbox{MessageOf(kOther, -1), MessageOf(kLane, -1), MessageOf(kOther, -1)};
  const auto local = tx->TakeLocal(outbox);
  ASSERT_EQ(local.size(), 1u);
  EXPECT_EQ(local[0].lane, kLane);
  EXPECT_EQ(outbox.size(), 2u);
  outbox = {MessageOf(kLane, -1)};
  EXPECT_TRUE(tx->TakeLocal(outbox).empty()) << "the rounds are used up";
}

// ---------------------------------------------------------------- contiguity

TEST_F(FencingTest, AGapInALaneIsNeverConsumed) {
  const auto one = Worker();
  Take(*one, {kLane});
  {
    const auto tx = Begin(*one);
    EXPECT_CODE(tx->Consume(std::vector{MessageOf(kLane, 4), MessageOf(kLane, 6)}), Code::kFenced);
    EXPECT_FALSE(tx->Commit({}).ok());
  }
  ASSERT_GOOD(one->lanes().Refresh());
  {
    const auto tx = Begin(*one);
    ASSERT_GOOD(tx->Consume(std::vector{MessageOf(kLane, 4), MessageOf(kLane, 5)}));
    ASSERT_GOOD(tx->Commit({}));
  }
  const auto tx = Begin(*one);
  EXPECT_CODE(tx->Consume(std::vector{MessageOf(kLane, 7)}), Code::kFenced);
}

TEST_F(FencingTest, ATopicOfOthersMayHaveGapsButNothingComesTwice) {
  const auto one = Worker();
  Take(*one, {kLane});
  const auto record = [](std::int64_t offset) {
    Message message = MessageOf(kLane, offset);
    Record others;
    others.foreign = true;
    message.record = std::make_shared<const Record>(others);
    return message;
  };
  {
    const auto tx = Begin(*one);
    ASSERT_GOOD(tx->Consume(std::vector{record(4), record(6)}));
    ASSERT_GOOD(tx->Commit({}));
  }
  {
    const auto tx = Begin(*one);
    ASSERT_GOOD(tx->Consume(std::vector{record(9)}));
    ASSERT_GOOD(tx->Commit({}));
  }
  EXPECT_EQ(Ask("SELECT next_offset FROM rp_lane"), "10");
  const auto tx = Begin(*one);
  EXPECT_CODE(tx->Consume(std::vector{record(9)}), Code::kFenced);
}

TEST_F(FencingTest, ATopicOfOthersBeginsWhereItWasFirstSeen) {
  const auto one = Worker();
  const LaneId base = LaneBase("", "topic orders");
  ASSERT_GOOD(one->lanes().Begin(base, std::vector<std::int64_t>{7, 0}));
  ASSERT_GOOD(one->lanes().Begin(base, std::vector<std::int64_t>{9, 9, 9}));
  const auto taken = one->lanes().Take(std::vector<LaneId>{base, base | 1, base | 2});
  ASSERT_GOOD(taken);
  ASSERT_EQ(taken->size(), 3U);
  EXPECT_EQ((*taken)[0].next_offset, 7);
  EXPECT_EQ((*taken)[1].next_offset, 0);
  EXPECT_EQ((*taken)[2].next_offset, -1) << "a partition that came later";
}

TEST_F(FencingTest, WhatIsConsumedFromALaneOfOthersIsNotCommitted) {
  const auto one = Worker();
  const auto tx = Begin(*one);
  EXPECT_CODE(tx->Consume(std::vector{MessageOf(kLane, 0)}), Code::kFenced);
}

TEST_F(FencingTest, ALaneThatMovedUnseenIsFoundAtTheCommit) {
  const auto one = Worker();
  Take(*one, {kLane});
  const auto tx = Begin(*one);
  ASSERT_GOOD(tx->Create(std::vector{SagaOf(1)}));
  ASSERT_GOOD(tx->Consume(std::vector{MessageOf(kLane, 0)}));
  Ask("UPDATE rp_lane SET next_offset = 9");
  EXPECT_CODE(tx->Commit({}), Code::kFenced);
  EXPECT_EQ(Ask("SELECT count(*) FROM rp_saga"), "0");
}

// ---------------------------------------------------------------- lanes that stand still

TEST_F(FencingTest, ALaneThatStandsStillSaysSoToAllUntilItIsTaken) {
  const auto one = Worker(), two = Worker();
  Take(*one, {kLane, kLane | 1});
  ASSERT_GOOD(two->lanes().Stand(kLane, "it is not this worker's"));
  ASSERT_GOOD(one->lanes().Stand(kLane, "made \xff anew"));
  auto places = two->lanes().Places();
  ASSERT_GOOD(places);
  ASSERT_EQ(places->size(), 2U);
  EXPECT_EQ((*places)[0].why, postgres::Clean("made \xff anew"));
  EXPECT_EQ((*places)[0].next_offset, -1);
  EXPECT_FALSE((*places)[0].worker.nil());
  EXPECT_EQ((*places)[1].why, "");
  Take(*one, {kLane});
  EXPECT_EQ(two->lanes().Places().value()[0].why, postgres::Clean("made \xff anew"))
      << "taking it anew, as after a fence, mends nothing";
  Take(*two, {kLane});
  EXPECT_EQ(two->lanes().Places().value()[0].why, "") << "who took it finds out for itself";
  ASSERT_GOOD(two->lanes().Stand(kLane, "made anew"));
  {
    const auto tx = Begin(*two);
    ASSERT_GOOD(tx->Consume(std::vector{MessageOf(kLane, 0)}));
    ASSERT_GOOD(tx->Commit({}));
  }
  EXPECT_EQ(Ask("SELECT stopped IS NULL FROM rp_lane ORDER BY id LIMIT 1"), "t");
}

TEST_F(FencingTest, ALaneGoesOnWhereAPersonSaysAndItsWorkerTakesItAnew) {
  const auto one = Worker(), two = Worker();
  Take(*one, {kLane});
  {
    const auto tx = Begin(*one);
    ASSERT_GOOD(tx->Consume(std::vector{MessageOf(kLane, 4)}));
    ASSERT_GOOD(tx->Commit({}));
  }
  EXPECT_CODE(two->lanes().Resume(kLane, 0), Code::kNotFound);
  EXPECT_EQ(Ask("SELECT count(*) FROM rp_lane_log"), "2");
  ASSERT_GOOD(one->lanes().Stand(kLane, "made anew"));
  ASSERT_GOOD(two->lanes().Resume(kLane, 2));
  EXPECT_EQ(Ask("SELECT count(*) FROM rp_lane_log"), "0") << "the jump is no loss";
  EXPECT_CODE(one->journal().Begin(), Code::kFenced);
  ASSERT_GOOD(one->lanes().Refresh());
  const auto taken = one->lanes().Take(std::vector<LaneId>{kLane});
  ASSERT_GOOD(taken);
  EXPECT_EQ((*taken)[0].next_offset, 2);
  EXPECT_TRUE((*taken)[0].last_message.nil());
  const auto tx = Begin(*one);
  ASSERT_GOOD(tx->Consume(std::vector{MessageOf(kLane, 2)}));
  ASSERT_GOOD(tx->Commit({}));
}

TEST_F(FencingTest, AWorkerMayLetItsOwnLaneGoOn) {
  const auto one = Worker();
  Take(*one, {kLane});
  ASSERT_GOOD(one->lanes().Stand(kLane, "made anew"));
  ASSERT_GOOD(one->lanes().Resume(kLane, 0));
  EXPECT_CODE(one->journal().Begin(), Code::kFenced);
  ASSERT_GOOD(one->lanes().Refresh());
  EXPECT_TRUE(one->lanes().Holds(kLane));
}

TEST_F(FencingTest, ALaneOfABusyWorkerIsLetGoOnALittleLater) {
  const auto one = Worker(), two = Worker();
  Take(*one, {kLane});
  ASSERT_GOOD(one->lanes().Stand(kLane, "made anew"));
  const auto tx = Begin(*one);
  EXPECT_CODE(two->lanes().Resume(kLane, 0), Code::kContended);
  ASSERT_GOOD(tx->Commit({}));
  ASSERT_GOOD(two->lanes().Resume(kLane, 0));
}

// ---------------------------------------------------------------- the log of lanes

TEST_F(FencingTest, EveryTakingAndEveryBatchSaysWhichLanesItMovedAndUnderWhichEpoch) {
  const auto one = Worker(), two = Worker();
  Take(*one, {kLane});
  {
    const auto tx = Begin(*one);
    ASSERT_GOOD(tx->Consume(std::vector{MessageOf(kLane, 0), MessageOf(kLane, 1)}));
    ASSERT_GOOD(tx->Commit({}));
  }
  Take(*two, {kLane});
  const auto log = two->ReadLaneLog();
  ASSERT_GOOD(log);
  ASSERT_EQ(log->lines.size(), 3U);
  const LaneLine& batch = log->lines[1];
  EXPECT_EQ(batch.worker, one->worker());
  EXPECT_EQ(std::tie(batch.lane, batch.epoch, batch.first, batch.next, batch.records, batch.gaps),
            std::tuple(kLane, 1, 0, 2, 2, 0));
  const LaneLine& taking = log->lines[2];
  EXPECT_EQ(taking.worker, two->worker());
  EXPECT_EQ(std::tie(taking.epoch, taking.first, taking.next), std::tuple(2, 2, 2));
  EXPECT_EQ(log->places.at(kLane).next, 2);
}

TEST_F(FencingTest, ABatchOfTimersIsInTheLogToo) {
  const auto one = Worker();
  Take(*one, {kLane});
  Due due;
  due.saga = Id(1);
  due.lane = kLane;
  due.due = FromMillis(1000);
  Make(*one, {SagaOf(1)});
  for (const bool take : {false, true}) {
    const auto tx = Begin(*one);
    if (take) {
      ASSERT_EQ(tx->TakeDue(FromMillis(2000), 9)->size(), 1U);
    } else {
      ASSERT_GOOD(tx->Arm(std::vector{due}));
    }
    ASSERT_GOOD(tx->Commit({}));
  }
  const auto log = one->ReadLaneLog();
  ASSERT_GOOD(log);
  ASSERT_EQ(log->lines.size(), 2U);
  EXPECT_EQ(log->lines[1].records, 0);
}

TEST_F(FencingTest, OnlyTheLatestOfTheLogIsKept) {
  const auto one = Worker({.lane_log_lines = 100});
  Take(*one, {kLane});
  for (int i = 0; i < 1'100; ++i) {
    const auto tx = Begin(*one);
    ASSERT_GOOD(tx->Consume(std::vector{MessageOf(kLane, i)}));
    ASSERT_GOOD(tx->Commit({}));
  }
  const auto log = one->ReadLaneLog();
  ASSERT_GOOD(log);
  EXPECT_LT(log->lines.size(), 300U);
  EXPECT_EQ(log->lines.back().next, 1'100);
}

// ---------------------------------------------------------------- orphans

TEST_F(FencingTest, AnOrphanIsAdoptedOnceWithWhatItHadNotPublished) {
  auto lost = Worker();
  Take(*lost, {kLane});
  {
    const auto tx = Begin(*lost);
    ASSERT_GOOD(tx->Commit({}, std::string_view("sealed\0bytes", 12)));
  }
  ASSERT_GOOD(Begin(*lost)->Commit({}));  // no batch: the outbox stays
  const auto two = Worker();
  const auto three = Worker();
  EXPECT_TRUE(two->lanes().Adopt()->empty()) << "it lives";
  const Uuid id = lost->worker();
  lost->Abandon();
  EXPECT_EQ(two->lanes().Unowned(std::vector<LaneId>{kLane, kOther})->size(), 1u);
  Ask("UPDATE rp_worker SET lease_until = clock_timestamp() - interval '1 s' WHERE id = '" +
      id.ToString() + "'");
  EXPECT_EQ(two->lanes().Unowned(std::vector<LaneId>{kLane, kOther})->size(), 2u);
  const auto orphans = two->lanes().Adopt();
  ASSERT_GOOD(orphans);
  ASSERT_EQ(orphans->size(), 1u);
  EXPECT_EQ(orphans->front().worker, id);
  EXPECT_EQ(orphans->front().sealed, std::string("sealed\0bytes", 12));
  EXPECT_TRUE(two->lanes().Adopt()->empty());
  EXPECT_TRUE(three->lanes().Adopt()->empty());
  ASSERT_GOOD(two->lanes().Bury(id));
  EXPECT_EQ(Ask("SELECT sealed IS NULL FROM rp_worker WHERE dead"), "t");
}

TEST_F(FencingTest, AnOrphanOfAnAdopterThatDiedIsAdoptedAgain) {
  auto lost = Worker();
  ASSERT_GOOD(Begin(*lost)->Commit({}, "sealed"));
  lost.reset();  // a clean stop: the lease is over
  auto two = Worker();
  ASSERT_EQ(two->lanes().Adopt()->size(), 1u);
  two.reset();
  const auto three = Worker();
  EXPECT_EQ(three->lanes().Adopt()->size(), 2u) << "the first, and its adopter";
}

TEST_F(FencingTest, AWorkerThatWasBuriedBeginsAnew) {
  const auto one = Worker();
  const auto two = Worker();
  Take(*one, {kLane});
  const Uuid before = one->worker();
  Ask("UPDATE rp_worker SET lease_until = clock_timestamp() - interval '1 s' WHERE id = '" +
      before.ToString() + "'");
  ASSERT_EQ(two->lanes().Adopt()->size(), 1u);
  EXPECT_CODE(one->lanes().Renew(), Code::kFenced);
  EXPECT_CODE(one->journal().Begin(), Code::kFenced);
  ASSERT_GOOD(one->lanes().Refresh());
  EXPECT_NE(one->worker(), before);
  EXPECT_FALSE(one->lanes().Holds(kLane));
  ASSERT_GOOD(Begin(*one)->Commit({}));
}

TEST_F(FencingTest, AWorkerInsideATransactionIsNotAdopted) {
  const auto one = Worker();
  const auto two = Worker();
  const auto tx = Begin(*one);
  Ask("SET lock_timeout = '100ms'");
  EXPECT_TRUE(two->lanes().Adopt()->empty());
  ASSERT_GOOD(tx->Commit({}));
}

TEST_F(FencingTest, ACommitAndARenewalKeepTheLease) {
  const auto one = Worker({.lease = Millis(60'000)});
  const std::string left =
      "SELECT (lease_until - clock_timestamp()) > interval '50 s' FROM rp_worker";
  const std::string shorten = "UPDATE rp_worker SET lease_until = clock_timestamp()";
  Ask(shorten);
  ASSERT_GOOD(one->lanes().Renew());
  EXPECT_EQ(Ask(left), "t");
  Ask(shorten);
  ASSERT_GOOD(Begin(*one)->Commit({}));
  EXPECT_EQ(Ask(left), "t");
}

}  // namespace
}  // namespace reprise::runtime
