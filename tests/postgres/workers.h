/// Workers of one database, and an onlooker beside them.
#pragma once

#include <chrono>
#include <future>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "postgres/engine.h"
#include "servers.h"

namespace reprise::runtime {

#define ASSERT_GOOD(expression)                       \
  do {                                                \
    const auto& good_ = (expression);                 \
    ASSERT_TRUE(good_.ok()) << good_.error().message; \
  } while (false)

#define EXPECT_GOOD(expression)                       \
  do {                                                \
    const auto& good_ = (expression);                 \
    EXPECT_TRUE(good_.ok()) << good_.error().message; \
  } while (false)

#define EXPECT_CODE(expression, wanted)                                   \
  do {                                                                    \
    const auto& answer_ = (expression);                                   \
    EXPECT_FALSE(answer_.ok());                                           \
    if (!answer_.ok()) {                                                  \
      EXPECT_EQ(answer_.error().code, wanted) << answer_.error().message; \
    }                                                                     \
  } while (false)

class WorkersTest : public testing::Test {
 protected:
  std::unique_ptr<PostgresEngine> Worker(PostgresEngine::Options options = {}) {
    if (options.url.empty()) options.url = database_.url();
    auto opened = PostgresEngine::Open(std::move(options));
    if (!opened) throw std::runtime_error(opened.error().message);
    return std::move(*opened);
  }
  std::unique_ptr<Transaction> Begin(PostgresEngine& worker) {
    auto tx = worker.journal().Begin();
    if (!tx) throw std::runtime_error(tx.error().message);
    return std::move(*tx);
  }
  static void Take(PostgresEngine& worker, std::vector<LaneId> lanes) {
    const auto taken = worker.lanes().Take(lanes);
    ASSERT_GOOD(taken);
    ASSERT_EQ(taken->size(), lanes.size());
  }

  static Uuid Id(std::uint8_t n) {
    Uuid id = DerivedAt(FromMillis(1'767'225'600'000), {"workers"});
    id.bytes[15] = n;
    return id;
  }
  static Saga SagaOf(std::uint8_t n) {
    Saga saga;
    saga.id = Id(n);
    saga.pipeline = "order";
    saga.plan = "hash";
    saga.open = 1;
    saga.created = saga.changed = FromMillis(1'767'225'600'000);
    return saga;
  }
  static Message MessageOf(LaneId lane, std::int64_t offset) {
    Message message;
    message.id = Id(static_cast<std::uint8_t>(100 + offset));
    message.saga = Id(1);
    message.lane = lane;
    message.offset = offset;
    return message;
  }
  void Make(PostgresEngine& worker, std::vector<Saga> sagas) {
    const auto tx = Begin(worker);
    ASSERT_GOOD(tx->Create(sagas));
    ASSERT_GOOD(tx->Commit({}));
  }

  /// The onlooker's question or order.
  std::string Ask(const std::string& sql) {
    if (!onlooker_) onlooker_.reset(PQconnectdb(database_.url().c_str()));
    const std::unique_ptr<PGresult, void (*)(PGresult*)> got(PQexec(onlooker_.get(), sql.c_str()),
                                                             PQclear);
    if (PQresultStatus(got.get()) == PGRES_TUPLES_OK)
      return PQntuples(got.get()) == 0 ? "" : PQgetvalue(got.get(), 0, 0);
    EXPECT_EQ(PQresultStatus(got.get()), PGRES_COMMAND_OK) << PQerrorMessage(onlooker_.get());
    return "";
  }
  /// Waits until a question is answered so.
  void Await(const std::string& sql, const std::string& answer) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (std::chrono::steady_clock::now() < until) {
      if (Ask(sql) == answer) return;
      Ask("SELECT pg_sleep(0.01)");  // polls: the server's own view of its sessions
    }
    FAIL() << sql << " never was " << answer;
  }
  void AwaitBlocked(int sessions = 1) {
    Await(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND wait_event_type = 'Lock'",
        std::to_string(sessions));
  }
  /// Ends the sessions of all workers, as an operator or a crash of the server does.
  void EndSessions() {
    Ask("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name = 'reprise'");
    Await(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND application_name = 'reprise'",
        "0");
  }

  FreshDatabase database_;
  std::unique_ptr<PGconn, void (*)(PGconn*)> onlooker_{nullptr, PQfinish};
};

}  // namespace reprise::runtime
