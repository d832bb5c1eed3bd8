// The process dies, the disk is full: what was committed is there, what was not never was.
#include <functional>

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scratch.h"

namespace reprise::runtime {
namespace {

using testing::HasSubstr;

class CrashTest : public Scratch {
 protected:
  /// Runs `body` in another process, which is killed as soon as it says so (or ends).
  static void KillIn(const std::function<void(const std::function<void()>& here)>& body) {
    const pid_t child = ::fork();
    if (child == 0) {
      body([] { ::kill(::getpid(), SIGKILL); });
      ::_exit(1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status)) << "the body ended before it was killed";
  }
};

TEST_F(CrashTest, KeepsWhatWasCommittedWhenKilledInMidTransaction) {
  KillIn([&](const auto& die) {
    auto engine = SqliteEngine::Open({.file = File()});
    Journal& j = (*engine)->journal();
    (void)j.Migrate(
        std::vector<Journal::PluginMigration>{{"shop", 1, "CREATE TABLE shop(id INTEGER)"}});
    {
      auto tx = j.Begin();
      (void)(*tx)->Create(std::vector{SagaOf(1)});
      (void)(*tx)->sql().Run("INSERT INTO shop VALUES(1)", {}, {});
      (void)(*tx)->Commit({});
    }
    for (int i = 0; i < 100; ++i) (void)j.Count("order", 1, 0);
    auto tx = j.Begin();
    (void)(*tx)->Create(std::vector{SagaOf(2)});
    (void)(*tx)->sql().Run("INSERT INTO shop VALUES(2)", {}, {});
    die();
  });
  Open();
  EXPECT_TRUE(engine_->recovered());
  EXPECT_TRUE(journal().FindSaga(SagaOf(1).id)->has_value());
  EXPECT_FALSE(journal().FindSaga(SagaOf(2).id)->has_value());
  EXPECT_EQ(Number("SELECT sum(id) FROM shop"), 1);
  EXPECT_GT(*journal().Count("order", 1, 0), 100);
}

TEST_F(CrashTest, NeverRepeatsACountWhenKilledOverAndOver) {
  std::int64_t highest = 0;
  for (int life = 0; life < 5; ++life) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    KillIn([&](const auto& die) {
      auto engine = SqliteEngine::Open({.file = File()});
      std::int64_t last = 0;
      for (int i = 0; i < 999 + life * 7; ++i) last = *(*engine)->journal().Count("order", 1, 0);
      (void)!::write(ends[1], &last, sizeof last);
      die();
    });
    std::int64_t last = 0;
    ASSERT_EQ(::read(ends[0], &last, sizeof last), static_cast<ssize_t>(sizeof last));
    ::close(ends[0]);
    ::close(ends[1]);
    EXPECT_GE(last, highest + 999);
    highest = last;
  }
}

TEST_F(CrashTest, SaysThatAFullDiskRolledTheTransactionBackAndGoesOnAfterwards) {
  Open({.file = File(), .pages_max = 120});
  MakeShop();
  const std::string big(3000, 'x');
  const SqlValue args[] = {{.type = SqlValue::kText, .text = big}};
  {
    const auto tx = Begin();
    ASSERT_TRUE(tx->Create(std::vector{SagaOf(1)}).ok());
    ASSERT_TRUE(tx->Savepoint().ok());
    Result<std::int64_t> ran = std::int64_t{0};
    for (int i = 0; i < 1000 && ran.ok(); ++i)
      ran = tx->sql().Run("INSERT INTO shop(name) VALUES($1)", args, {});
    ASSERT_FALSE(ran.ok());
    EXPECT_TRUE(ran.error().transient());
    EXPECT_THAT(ran.error().message, HasSubstr("full"));
    // SQLite may roll back the statement alone or everything; either way nothing half may be
    // committed.
    const Status committed = tx->Commit({});
    if (!committed.ok()) {
      EXPECT_FALSE(tx->sql().Run("SELECT 1", {}, {}).ok());
      EXPECT_FALSE(tx->Claim(std::vector<Transaction::StepKey>{{SagaOf(1).id, 0, 0}}).ok());
      EXPECT_FALSE(tx->RollbackToSavepoint().ok());
      EXPECT_FALSE(tx->Consume({}).ok());
    }
    const bool kept = journal().FindSaga(SagaOf(1).id)->has_value();
    EXPECT_EQ(kept, committed.ok());
  }
  const auto tx = Begin();
  ASSERT_TRUE(tx->sql().Run("DELETE FROM shop", {}, {}).ok());
  ASSERT_TRUE(tx->Create(std::vector{SagaOf(3)}).ok());
  EXPECT_TRUE(tx->Commit({}).ok());
}

TEST_F(CrashTest, RollsBackEverythingWhenAFlushFindsTheDiskFull) {
  Open({.file = File(), .pages_max = 60});
  const std::vector<Message> outbox(1);
  {
    const auto tx = Begin();
    std::vector<Saga> many;
    for (std::uint32_t n = 0; n < 5000; ++n) many.push_back(SagaOf(n));
    ASSERT_TRUE(tx->Create(many).ok());
    const Status committed = tx->Commit(outbox);
    ASSERT_FALSE(committed.ok());
    EXPECT_THAT(committed.error().message, HasSubstr("full"));
  }
  EXPECT_FALSE(journal().FindSaga(SagaOf(0).id)->has_value());
  EXPECT_TRUE(journal().CountSagas()->empty());
  EXPECT_EQ(*engine_->bus().Lag(), 0);
  const auto tx = Begin();
  EXPECT_EQ(tx->Create(std::vector{SagaOf(0)})->front(), true);
  EXPECT_TRUE(tx->Commit({}).ok());
}

TEST_F(CrashTest, IsDeadOnceAStatementRolledTheTransactionBack) {
  Open();
  MakeShop();
  const auto tx = Begin();
  ASSERT_TRUE(tx->Create(std::vector{SagaOf(1)}).ok());
  ASSERT_TRUE(tx->sql().Run("INSERT INTO shop VALUES(1, 'a')", {}, {}).ok());
  // What a full disk does too: it ends the whole transaction, not only the statement.
  const auto ran = tx->sql().Run("INSERT OR ROLLBACK INTO shop VALUES(1, 'b')", {}, {});
  ASSERT_FALSE(ran.ok());
  EXPECT_THAT(ran.error().message, HasSubstr("the transaction was rolled back"));
  EXPECT_FALSE(tx->sql().Run("INSERT INTO shop VALUES(2, 'c')", {}, {}).ok());
  EXPECT_FALSE(tx->Savepoint().ok());
  EXPECT_FALSE(tx->AddDeadLetter(DeadLetter{}).ok());
  EXPECT_FALSE(tx->PutMeta("a", "b").ok());
  EXPECT_FALSE(tx->Consume({}).ok());
  const Status committed = tx->Commit({});
  ASSERT_FALSE(committed.ok());
  EXPECT_EQ(Number("SELECT count(*) FROM shop"), 0);
  EXPECT_FALSE(journal().FindSaga(SagaOf(1).id)->has_value());
}

}  // namespace
}  // namespace reprise::runtime
