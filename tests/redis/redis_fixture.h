/// A Redis of the test's own, and a journal's marks in the PostgreSQL of the fixture.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "redis/connection.h"
#include "redis/counters.h"
#include "servers.h"

namespace reprise::runtime::redis {

/// Whether it holds before the time is over.
template <class Holds>
bool Until(Holds holds) {
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > limit) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // polls: another process's state
  }
  return true;
}

/// The high-water marks as a journal keeps them, in a database that several may share.
class Marks {
 public:
  explicit Marks(const std::string& url) : to_(PQconnectdb(url.c_str()), PQfinish) {
    Ask("SET client_min_messages = error");
    Ask("CREATE TABLE IF NOT EXISTS mark(name text PRIMARY KEY, mark bigint NOT NULL)");
  }

  Reserve hook() {
    return [this](std::string_view counter, std::int64_t at_least,
                  std::int64_t block) -> Result<std::int64_t> {
      if (away) return Error{Code::kUnavailable, "the journal is away"};
      ++reserved;
      const std::string least = std::to_string(at_least), more = std::to_string(block);
      const std::string mark =
          Ask("INSERT INTO mark VALUES('" + std::string(counter) + "', greatest(0, " + least +
              ") + " + more + ") ON CONFLICT (name) DO UPDATE SET mark = greatest(mark.mark, " +
              least + ") + " + more + " RETURNING mark");
      return std::stoll(mark);
    };
  }

  int reserved = 0;
  bool away = false;

 private:
  std::string Ask(const std::string& sql) {
    const std::unique_ptr<PGresult, void (*)(PGresult*)> got(PQexec(to_.get(), sql.c_str()),
                                                             PQclear);
    if (PQresultStatus(got.get()) == PGRES_COMMAND_OK) return "";
    if (PQntuples(got.get()) != 1) throw std::runtime_error(PQerrorMessage(to_.get()));
    return PQgetvalue(got.get(), 0, 0);
  }

  std::unique_ptr<PGconn, void (*)(PGconn*)> to_;
};

/// One process of the cluster, as far as its counters go.
struct Process {
  Process(const Options& options, const std::string& database)
      : connection(Connection::To(options).value()),
        marks(database),
        counters(connection, marks.hook()) {}

  /// The next value, or the test's failure.
  std::int64_t Count(const std::string& counter = "order", std::int64_t delta = 1,
                     std::int64_t floor = 0) {
    const auto value = counters.Count(counter, delta, floor);
    if (!value) throw std::runtime_error(value.error().message);
    return *value;
  }

  Connection connection;
  Marks marks;
  Counters counters;
};

class RedisTest : public testing::Test {
 protected:
  RedisTest() {
    options_.url = own_.at().redis;
    options_.prefix = "shop";
    options_.again.first = Millis(10);
    options_.again.max = Millis(50);
  }

  /// A command of somebody else's.
  Reply Ask(const Command& command) { return Ask(options_, command); }
  static Reply Ask(const Options& options, const Command& command) {
    Options patient = options;
    patient.command_wait = Millis(10'000);
    auto other = Connection::To(patient);
    auto reply = other->Run(command);
    if (!reply) throw std::runtime_error(reply.error().message);
    return *reply;
  }

  OwnServers own_{"redis"};
  Options options_;
};

}  // namespace reprise::runtime::redis
