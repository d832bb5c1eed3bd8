// Several workers want the same rows: nobody loses, nobody waits for ever, and who may come again
// is told so.
#include "workers.h"

namespace reprise::runtime {
namespace {

using ContentionTest = WorkersTest;

TEST_F(ContentionTest, ARowThatStaysLockedIsContended) {
  const auto one = Worker();
  const auto two = Worker({.lock_wait = Millis(100)});
  Make(*one, {SagaOf(1), SagaOf(2)});
  const auto holds = Begin(*one);
  ASSERT_EQ(holds->Lock(std::vector{Id(1)})->size(), 1u);
  {
    const auto tx = Begin(*two);
    EXPECT_CODE(tx->Lock(std::vector{Id(1)}), Code::kContended);
    ASSERT_TRUE(tx->lost());
    EXPECT_EQ(tx->lost()->code, Code::kContended);
    EXPECT_CODE(tx->Commit({}), Code::kContended);
  }
  EXPECT_EQ(two->stats().contended, 1);
  ASSERT_GOOD(holds->Commit({}));
  EXPECT_EQ(Begin(*two)->Lock(std::vector{Id(1)})->size(), 1u);
}

TEST_F(ContentionTest, TheFirstRowsAreWaitedForAndLaterOnesAreNot) {
  const auto one = Worker();
  const auto two = Worker({.lock_wait = Millis(60'000)});
  Make(*one, {SagaOf(1), SagaOf(2)});
  {
    const auto holds = Begin(*one);
    ASSERT_EQ(holds->Lock(std::vector{Id(1)})->size(), 1u);
    const auto tx = Begin(*two);
    ASSERT_EQ(tx->Lock(std::vector{Id(2)})->size(), 1u);
    EXPECT_CODE(tx->Lock(std::vector{Id(1)}), Code::kContended);  // at once
  }
  auto holds = Begin(*one);
  ASSERT_EQ(holds->Lock(std::vector{Id(1)})->size(), 1u);
  auto waiting =
      std::async(std::launch::async, [&] { return Begin(*two)->Lock(std::vector{Id(1)}); });
  AwaitBlocked();
  ASSERT_GOOD(holds->Commit({}));
  EXPECT_EQ(waiting.get()->size(), 1u);
}

TEST_F(ContentionTest, TwoThatMakeTheSameRowAreNotBothRight) {
  const auto one = Worker();
  const auto two = Worker();
  const auto late = Begin(*two);
  EXPECT_TRUE((*late->Create(std::vector{SagaOf(1)}))[0]);
  Make(*one, {SagaOf(1)});
  EXPECT_CODE(late->Commit({}), Code::kContended);
  EXPECT_EQ(Ask("SELECT sum(sagas) FROM rp_count"), "1");
}

TEST_F(ContentionTest, AnIdempotencyKeyBelongsToTheFirstSagaThatCommits) {
  const auto one = Worker();
  const auto two = Worker();
  const auto put = [&](Transaction& tx, std::uint8_t saga) {
    return tx.PutIdempotency({"r", "c", "k", "hash", Id(saga), 202, "", ""});
  };
  auto late = Begin(*two);
  ASSERT_GOOD(put(*late, 2));
  {
    const auto tx = Begin(*one);
    ASSERT_GOOD(put(*tx, 1));
    ASSERT_GOOD(tx->Commit({}));
  }
  EXPECT_CODE(late->Commit({}), Code::kContended);
  late.reset();
  EXPECT_EQ((*two->journal().FindIdempotency("r", "c", "k"))->saga, Id(1));
}

TEST_F(ContentionTest, ALockOfARouteIsTakenByOne) {
  const auto one = Worker();
  const auto two = Worker();
  const std::vector<std::string> names{"userId=a", "userId=b"};
  auto holds = Begin(*one);
  EXPECT_EQ(*holds->TakeLocks(std::span(names).first(1)), (std::vector<bool>{true}));
  EXPECT_EQ(*Begin(*two)->TakeLocks(names), (std::vector<bool>{false, true}));
  ASSERT_GOOD(holds->Commit({}));
  holds.reset();
  EXPECT_EQ(*Begin(*two)->TakeLocks(names), (std::vector<bool>{true, true}));
}

TEST_F(ContentionTest, WhoLosesItsSessionLosesItsLockAndWhatItDidUnderIt) {
  const auto one = Worker();
  const auto two = Worker();
  const std::vector<std::string> names{"userId=a"};
  auto holds = Begin(*one);
  EXPECT_EQ(*holds->TakeLocks(names), (std::vector<bool>{true}));
  ASSERT_GOOD(holds->Create(std::vector{SagaOf(1)}));
  ASSERT_EQ(Ask("SELECT count(pg_terminate_backend(pid, 20000)) FROM pg_stat_activity WHERE"
                " datname = current_database() AND state = 'idle in transaction'"),
            "1");
  EXPECT_EQ(*Begin(*two)->TakeLocks(names), (std::vector<bool>{true}));
  EXPECT_FALSE(holds->Commit({}).ok());
  holds.reset();
  EXPECT_FALSE(*two->journal().FindSaga(Id(1)));
}

/// What a lock guarded can be put in order by it, whoever had it.
TEST_F(ContentionTest, ALocksTokenRisesWithEveryTakingThatIsCommittedAndNoOther) {
  const auto one = Worker();
  const auto two = Worker();
  const std::vector<std::string> names{"userId=a"};
  const auto take = [&](PostgresEngine& worker, bool commit) {
    const auto tx = Begin(worker);
    EXPECT_EQ(*tx->TakeLocks(names), (std::vector<bool>{true}));
    if (commit) ASSERT_GOOD(tx->Commit({}));
  };
  take(*one, true);
  take(*two, true);
  take(*two, false);
  take(*one, true);
  EXPECT_EQ(Ask("SELECT max(token) || ' ' || sum(token) FROM rp_lock"), "3 3");
}

TEST_F(ContentionTest, TwoThatPurgeTheSameSagasCountThemOnce) {
  const auto one = Worker();
  const auto two = Worker();
  Saga done = SagaOf(1);
  done.state = SagaState::kDone;
  done.ended = done.created;
  Make(*one, {done});
  const auto first = Begin(*one);
  const auto second = Begin(*two);
  EXPECT_EQ(*first->Purge(std::vector{Id(1)}), 1);
  EXPECT_EQ(*second->Purge(std::vector{Id(1)}), 0);
  ASSERT_GOOD(second->Commit({}));
  ASSERT_GOOD(first->Commit({}));
  EXPECT_TRUE(two->journal().CountSagas()->empty());
}

TEST_F(ContentionTest, SeveralWorkersCountWithoutRepeatingAValue) {
  const auto one = Worker();
  const auto two = Worker();
  EXPECT_EQ(*one->journal().Count("order", 1, 0), 1);
  EXPECT_EQ(*two->journal().Count("order", 1, 0), 2);
  const auto block = two->Reserve("order", 0, 1'000);
  EXPECT_EQ(*block, 3);
  EXPECT_EQ(*one->journal().Count("order", 1, 0), 1'003);
  EXPECT_EQ(*one->Reserve("order", 5'000, 10), 5'001);
  EXPECT_EQ(*two->Reserve("other", 0, 10), 1);
}

TEST_F(ContentionTest, SagasOfEveryWorkerAreCountedAlsoOfThoseThatAreGone) {
  auto one = Worker();
  const auto two = Worker();
  Make(*one, {SagaOf(1), SagaOf(2)});
  Make(*two, {SagaOf(3)});
  const Uuid gone = one->worker();
  one.reset();
  ASSERT_EQ(two->lanes().Adopt()->size(), 1u);
  ASSERT_GOOD(two->lanes().Bury(gone));
  const auto counts = two->journal().CountSagas();
  ASSERT_EQ(counts->size(), 1u);
  EXPECT_EQ(counts->front().sagas, 3);
  EXPECT_EQ(Ask("SELECT count(*) FROM rp_count WHERE worker = '" + gone.ToString() + "'"), "0");
}

}  // namespace
}  // namespace reprise::runtime
