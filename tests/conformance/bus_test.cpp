// Contract of ports/bus.h: nothing committed is lost, nothing consumed comes again.
//
// A bus never waits, and a wire takes its time: what must come is looked for until it is there.
// That nothing comes is shown by what is sent afterwards, since a lane keeps its order.
#include <chrono>
#include <condition_variable>
#include <functional>
#include <iterator>
#include <mutex>

#include "engine_under_test.h"

namespace reprise::runtime {
namespace {

class BusContract : public EngineContract {
 protected:
  /// A message on its way: stored with a transaction, published after it.
  void Send(const std::vector<Message>& outbox) {
    const auto tx = Begin();
    Store(*tx, outbox);
    ASSERT_GOOD(bus().Publish(outbox));
    ASSERT_TRUE(Until([&] { return engine_->sent(); }));
  }
  void Store(Transaction& tx, const std::vector<Message>& outbox = {}) {
    const std::string sealed = bus().Seal(outbox, {});
    ASSERT_GOOD(tx.Commit(outbox, sealed));
  }
  /// The next `count` messages, or fewer if they do not come.
  std::vector<Message> Poll(std::size_t count) {
    std::vector<Message> out;
    Look([&] {
      auto polled = bus().Poll(count - out.size());
      EXPECT_TRUE(polled.ok());
      if (polled.ok()) std::move(polled->begin(), polled->end(), std::back_inserter(out));
      return out.size() == count;
    });
    return out;
  }
  /// What is sent now is what comes next.
  void ExpectNothing() {
    const std::vector<Message> last{MessageOf(99)};
    Send(last);
    EXPECT_EQ(Ids(Poll(1)), Ids(last));
    const auto more = bus().Poll(100);
    EXPECT_TRUE(more.ok() && more->empty());
  }
  /// Whether it becomes so; what comes meanwhile is given back.
  bool Until(const std::function<bool()>& so) {
    return Look([&] {
      auto polled = bus().Poll(100);
      EXPECT_TRUE(polled.ok());
      if (polled.ok()) bus().Return(std::move(*polled));
      return so();
    });
  }
  static bool Look(const std::function<bool()>& found) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    std::mutex mutex;
    std::unique_lock lock(mutex);
    std::condition_variable nobody;
    while (!found()) {
      if (std::chrono::steady_clock::now() > until) return false;
      nobody.wait_for(lock, std::chrono::milliseconds(5));  // polls: a wire
    }
    return true;
  }
  std::int64_t Lag() {
    const auto lag = bus().Lag();
    EXPECT_TRUE(lag.ok());
    return lag.ok() ? *lag : -1;
  }
  static std::vector<Uuid> Ids(const std::vector<Message>& messages) {
    std::vector<Uuid> out;
    for (const Message& m : messages) out.push_back(m.id);
    return out;
  }
};

TEST_P(BusContract, DeliversWhatACommitStoredInOrder) {
  Send({MessageOf(1), MessageOf(2), MessageOf(3)});
  EXPECT_TRUE(Until([&] { return Lag() == 3; }));
  EXPECT_EQ(bus().Oldest(), MessageOf(1).at);
  EXPECT_EQ(Ids(Poll(2)), Ids({MessageOf(1), MessageOf(2)}));
  EXPECT_EQ(Ids(Poll(1)), Ids({MessageOf(3)}));
  EXPECT_EQ(Lag(), 0);
  EXPECT_EQ(bus().Oldest(), std::nullopt);
  ExpectNothing();
}

TEST_P(BusContract, CarriesEveryFieldOverARestart) {
  Message sent = MessageOf(7, 3);
  sent.phase = Phase::kUndo;
  sent.bit = 2;
  sent.undo_last = true;
  sent.round = 4;
  sent.trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  Send({sent});
  engine_->Crash();
  const auto got = Poll(1);
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got[0].id, sent.id);
  EXPECT_EQ(got[0].saga, sent.saga);
  EXPECT_EQ(got[0].plan, sent.plan);
  EXPECT_EQ(got[0].step, 3);
  EXPECT_EQ(got[0].phase, Phase::kUndo);
  EXPECT_EQ(got[0].bit, 2);
  EXPECT_TRUE(got[0].undo_last);
  EXPECT_EQ(got[0].key, "A-7");
  EXPECT_EQ(got[0].round, 4u);
  EXPECT_EQ(got[0].trace, sent.trace);
}

TEST_P(BusContract, GivesPolledMessagesAgainAfterARollback) {
  Send({MessageOf(1), MessageOf(2), MessageOf(3)});
  auto polled = Poll(2);
  bus().Return(std::move(polled));
  EXPECT_TRUE(Until([&] { return Lag() == 3; }));
  EXPECT_EQ(Ids(Poll(3)), Ids({MessageOf(1), MessageOf(2), MessageOf(3)}));
  ExpectNothing();
}

TEST_P(BusContract, KeepsAMessageUntilItsConsumerHasCommitted) {
  Send({MessageOf(1), MessageOf(2)});
  {
    const auto polled = Poll(2);
    const auto tx = Begin();
    ASSERT_GOOD(tx->Consume(polled));
  }  // rolled back
  engine_->Crash();
  EXPECT_EQ(Ids(Poll(2)), Ids({MessageOf(1), MessageOf(2)}));
}

TEST_P(BusContract, NeverGivesAConsumedMessageAgain) {
  Send({MessageOf(1), MessageOf(2)});
  const auto polled = Poll(1);
  const auto tx = Begin();
  ASSERT_GOOD(tx->Consume(polled));
  Store(*tx);
  engine_->Crash();
  EXPECT_EQ(Ids(Poll(1)), Ids({MessageOf(2)}));
  ExpectNothing();
}

TEST_P(BusContract, KeepsWhatWasCommittedButNeverPublished) {
  const auto tx = Begin();
  const std::vector<Message> outbox{MessageOf(5)};
  Store(*tx, outbox);
  engine_->Crash();
  EXPECT_EQ(Ids(Poll(1)), Ids(outbox));
}

TEST_P(BusContract, ForgetsTheOutboxOfARollback) {
  {
    const auto tx = Begin();
    ASSERT_GOOD(tx->Create(std::vector{SagaOf(1)}));
  }
  engine_->Restart();
  ExpectNothing();
}

TEST_P(BusContract, ConsumesADuplicateOncePerDelivery) {
  Send({MessageOf(1), MessageOf(1)});
  const auto first = Poll(1);
  {
    const auto tx = Begin();
    ASSERT_GOOD(tx->Consume(first));
    Store(*tx);
  }
  engine_->Crash();
  const auto second = Poll(1);
  ASSERT_EQ(second.size(), 1u);
  const auto tx = Begin();
  ASSERT_GOOD(tx->Consume(second));
  Store(*tx);
  engine_->Crash();
  ExpectNothing();
}

TEST_P(BusContract, HandlesLocalMessagesWithoutTheWire) {
  const auto tx = Begin();
  std::vector<Message> outbox{MessageOf(1), MessageOf(2)};
  const auto local = tx->TakeLocal(outbox);
  EXPECT_EQ(local.size() + outbox.size(), 2u) << "every message is either taken or left";
  ASSERT_GOOD(tx->Consume(local));
  Store(*tx, outbox);
  ASSERT_GOOD(bus().Publish(outbox));
  EXPECT_TRUE(Until([&] { return static_cast<size_t>(Lag()) == outbox.size(); }));
  EXPECT_EQ(Ids(Poll(outbox.size())), Ids(outbox));
}

TEST_P(BusContract, StopsTakingMessagesThatChaseEachOtherForever) {
  const auto tx = Begin();
  for (int hop = 0; hop < 10'000; ++hop) {
    std::vector<Message> outbox{MessageOf(1)};
    if (tx->TakeLocal(outbox).empty()) return;
  }
  FAIL() << "one transaction would never end";
}

TEST_P(BusContract, KeepsASagaFromBeingIdleWhileItsMessageIsOnItsWay) {
  if (!engine_->journal_has_messages()) GTEST_SKIP() << "there the journal goes by time alone";
  Make({SagaOf(1), SagaOf(3)});
  Send({MessageOf(3)});
  const auto idle = journal().Idle(At(60), 10);
  ASSERT_GOOD(idle);
  EXPECT_EQ(*idle, std::vector{Id(1)});
}

RUN_ON_EVERY_BUS(BusContract);

}  // namespace
}  // namespace reprise::runtime
