// Connections break: between transactions, inside one, and in the very COMMIT.  What was answered
// is true, and the worker goes on.
#include <gmock/gmock.h>

#include "proxy.h"
#include "workers.h"

namespace reprise::runtime {
namespace {

using testing::HasSubstr;
using testing::Not;

class ConnectionTest : public WorkersTest {
 protected:
  /// A COMMIT that lasts this long if there is a row in `slow`.
  void MakeSlow(const std::string& seconds) {
    Ask("CREATE TABLE slow(id int)");
    Ask("CREATE FUNCTION nap() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN PERFORM pg_sleep(" +
        seconds + "); RETURN NULL; END'");
    Ask("CREATE CONSTRAINT TRIGGER nap AFTER INSERT ON slow DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION nap()");
  }
  /// A saga and a slow COMMIT, in another thread.
  std::future<Status> CommitSlowly(PostgresEngine& worker, std::unique_ptr<Transaction>& tx) {
    tx = Begin(worker);
    EXPECT_TRUE(tx->Create(std::vector{SagaOf(1)}).ok());
    EXPECT_TRUE(tx->sql().Run("INSERT INTO slow VALUES(1)", {}, {}).ok());
    auto done = std::async(std::launch::async, [&] { return tx->Commit({}, "sealed"); });
    Await(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND wait_event = 'PgSleep' AND application_name = 'reprise'",
        "1");
    return done;
  }
  std::string Through(const Proxy& proxy) const {
    const std::string url = database_.url();
    const std::size_t from = url.rfind(':') + 1, to = url.rfind('/');
    return url.substr(0, from) + std::to_string(proxy.port()) + url.substr(to);
  }
  int ServerPort() const {
    const std::string url = database_.url();
    return std::stoi(url.substr(url.rfind(':') + 1));
  }
};

TEST_F(ConnectionTest, GoesOnAfterItsSessionWasEndedBetweenTransactions) {
  const auto worker = Worker();
  Make(*worker, {SagaOf(1)});
  EndSessions();
  Make(*worker, {SagaOf(2)});
  EXPECT_EQ(worker->stats().connections, 2);
  EXPECT_TRUE(worker->journal().FindSaga(Id(1))->has_value());
}

TEST_F(ConnectionTest, LosesTheTransactionInWhichItsSessionWasEnded) {
  const auto worker = Worker();
  Make(*worker, {SagaOf(1)});
  {
    const auto tx = Begin(*worker);
    ASSERT_GOOD(tx->Create(std::vector{SagaOf(2)}));
    EndSessions();
    EXPECT_CODE(tx->Lock(std::vector{Id(1)}), Code::kUnavailable);
    EXPECT_TRUE(tx->lost());
    EXPECT_CODE(tx->sql().Run("SELECT 1", {}, {}), Code::kUnavailable);
    EXPECT_CODE(tx->Commit({}), Code::kUnavailable);
  }
  EXPECT_FALSE(worker->journal().FindSaga(Id(2))->has_value());
  Make(*worker, {SagaOf(2)});
}

TEST_F(ConnectionTest, ACommitThatTheServerBrokeOffDidNotHappen) {
  MakeSlow("60");
  const auto worker = Worker({.statement_wait = Millis(120'000)});
  std::unique_ptr<Transaction> tx;
  auto done = CommitSlowly(*worker, tx);
  Ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
      " AND datname = current_database() AND application_name = 'reprise'");
  EXPECT_CODE(done.get(), Code::kUnavailable);
  tx.reset();
  EXPECT_EQ(worker->stats().in_doubt, 1);
  EXPECT_FALSE(worker->journal().FindSaga(Id(1))->has_value());
  Make(*worker, {SagaOf(1)});
}

TEST_F(ConnectionTest, ACommitWhoseAnswerWasLostOnTheWayDidHappen) {
  MakeSlow("2");
  Proxy proxy(ServerPort());
  const auto worker = Worker({.url = Through(proxy)});
  std::unique_ptr<Transaction> tx;
  auto done = CommitSlowly(*worker, tx);
  proxy.Cut();
  ASSERT_GOOD(done.get());
  tx.reset();
  EXPECT_EQ(worker->stats().in_doubt, 1);
  EXPECT_TRUE(worker->journal().FindSaga(Id(1))->has_value());
  EXPECT_EQ(Ask("SELECT seq FROM rp_worker"), "1");
  Make(*worker, {SagaOf(2)});
}

TEST_F(ConnectionTest, ACommitInDoubtIsGivenUpOnlyWhenAsked) {
  MakeSlow("60");
  std::atomic<bool> giving_up = false;
  const auto worker =
      Worker({.lock_wait = Millis(100), .statement_wait = Millis(120'000), .waiting = [&] {
                return giving_up.load();
              }});
  std::unique_ptr<Transaction> tx;
  Proxy proxy(ServerPort());
  const auto cut = Worker({.url = Through(proxy),
                           .lock_wait = Millis(100),
                           .statement_wait = Millis(120'000),
                           .waiting = [&] { return giving_up.load(); }});
  auto done = CommitSlowly(*cut, tx);
  proxy.Cut();
  AwaitBlocked();  // the old session still holds the row, so nobody can know
  giving_up = true;
  EXPECT_CODE(done.get(), Code::kInDoubt);
  tx.reset();
  giving_up = false;
  Ask("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
      " AND datname = current_database()");
  Make(*cut, {SagaOf(1)});  // it finds out first, and so is not fenced by itself
}

TEST_F(ConnectionTest, AServerThatIsNotThereIsUnavailable) {
  EXPECT_CODE(PostgresEngine::Open({.url = "postgresql://nobody@127.0.0.1:1/none"}),
              Code::kUnavailable);
}

TEST_F(ConnectionTest, NeverSaysAPassword) {
  for (const std::string url :
       {"postgresql://u:s%zzecret@127.0.0.1:1/d", "host=127.0.0.1 password='secret oops",
        "postgresql://u:secret@127.0.0.1:1/d", "postgresql://u:secret@127.0.0.1:x/d"}) {
    const auto opened = PostgresEngine::Open({.url = url});
    ASSERT_FALSE(opened.ok());
    EXPECT_THAT(opened.error().message, Not(HasSubstr("ecret"))) << url;
  }
  EXPECT_CODE(PostgresEngine::Open({.url = ""}), Code::kInvalid);
  const auto worker = Worker();
  EXPECT_THAT(worker->journal().About(), HasSubstr("PostgreSQL "));
  EXPECT_THAT(worker->journal().About(), HasSubstr(database_.name()));
  EXPECT_THAT(worker->journal().About(), Not(HasSubstr("@")));
}

TEST_F(ConnectionTest, TellsTheTimeOfTheDatabaseAtEveryBegin) {
  Time told{};
  const auto worker = Worker({.on_time = [&](Time now) { told = now; }});
  ASSERT_GOOD(Begin(*worker)->Commit({}));
  const std::int64_t now =
      std::stoll(Ask("SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint"));
  EXPECT_LE(ToMillis(told), now);
  EXPECT_GT(ToMillis(told), now - 60'000);
}

TEST_F(ConnectionTest, RefusesABackupAndNamesTheRightTool) {
  const auto refused = Worker()->journal().Backup("x");
  EXPECT_CODE(refused, Code::kInvalid);
  EXPECT_THAT(refused.error().message, HasSubstr("pg_dump"));
}

// ---------------------------------------------------------------- starting together

TEST_F(ConnectionTest, SeveralMayStartAtOnceOnAnEmptyDatabase) {
  const std::vector<Journal::PluginMigration> migrations{
      {"shop", 1,
       "CREATE TABLE shop_item(id bigint PRIMARY KEY); INSERT INTO shop_item VALUES(1)"}};
  std::vector<std::future<Status>> starts;
  for (int i = 0; i < 4; ++i) {
    starts.push_back(std::async(std::launch::async, [&]() -> Status {
      auto opened = PostgresEngine::Open({.url = database_.url()});
      if (!opened) return opened.error();
      return (*opened)->journal().Migrate(migrations);
    }));
  }
  for (auto& start : starts) EXPECT_GOOD(start.get());
  EXPECT_EQ(Ask("SELECT count(*) FROM shop_item"), "1");
  EXPECT_EQ(Ask("SELECT count(*) FROM rp_worker"), "4");
}

TEST_F(ConnectionTest, RefusesASchemaFromTheFuture) {
  Worker().reset();
  Ask("UPDATE rp_meta SET value = '99' WHERE name = 'rp.schema'");
  const auto opened = PostgresEngine::Open({.url = database_.url()});
  EXPECT_CODE(opened, Code::kInvalid);
  EXPECT_THAT(opened.error().message, HasSubstr("newer Reprise"));
}

}  // namespace
}  // namespace reprise::runtime
