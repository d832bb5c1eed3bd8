// What every test with servers stands on: they answer, and what a test is given is its own.
#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>

#include "servers.h"

namespace reprise::runtime {
namespace {

std::string Ask(const std::string& url, const std::string& sql) {
  const std::unique_ptr<PGconn, void (*)(PGconn*)> to(PQconnectdb(url.c_str()), PQfinish);
  const std::unique_ptr<PGresult, void (*)(PGresult*)> got(PQexec(to.get(), sql.c_str()), PQclear);
  return PQntuples(got.get()) == 1 ? PQgetvalue(got.get(), 0, 0) : PQerrorMessage(to.get());
}

TEST(ServersFixture, GivesEachTestADatabaseOfItsOwn) {
  const FreshDatabase one;
  const FreshDatabase other;
  EXPECT_NE(one.url(), other.url());
  EXPECT_EQ(Ask(one.url(), "CREATE TABLE here(); SELECT current_database()"), one.name());
  EXPECT_EQ(Ask(one.url(), "SELECT count(*) FROM pg_class WHERE relname = 'here'"), "1");
  EXPECT_EQ(Ask(other.url(), "SELECT count(*) FROM pg_class WHERE relname = 'here'"), "0");
}

TEST(ServersFixture, ADatabaseGoesWithItsTestThoughSomeoneIsConnected) {
  std::string name;
  std::unique_ptr<PGconn, void (*)(PGconn*)> left(nullptr, PQfinish);
  {
    const FreshDatabase database;
    name = database.name();
    left.reset(PQconnectdb(database.url().c_str()));
    ASSERT_EQ(PQstatus(left.get()), CONNECTION_OK);
  }
  EXPECT_EQ(Ask(Servers::Get().postgres,
                "SELECT count(*) FROM pg_database WHERE datname = '" + name + "'"),
            "0");
}

TEST(ServersFixture, HasAKafkaBroker) {
  char why[512];
  rd_kafka_conf_t* settings = rd_kafka_conf_new();
  rd_kafka_conf_set(settings, "bootstrap.servers", Servers::Get().kafka.c_str(), why, sizeof why);
  const std::unique_ptr<rd_kafka_t, void (*)(rd_kafka_t*)> producer(
      rd_kafka_new(RD_KAFKA_PRODUCER, settings, why, sizeof why), rd_kafka_destroy);
  const rd_kafka_metadata_t* metadata = nullptr;
  ASSERT_EQ(rd_kafka_metadata(producer.get(), 1, nullptr, &metadata, 20'000),
            RD_KAFKA_RESP_ERR_NO_ERROR);
  EXPECT_EQ(metadata->broker_cnt, 1);
  rd_kafka_metadata_destroy(metadata);
}

TEST(ServersFixture, OwnServersAreNotTheSharedOnes) {
  const OwnServers own("redis");
  EXPECT_FALSE(own.at().redis.empty());
  EXPECT_NE(own.at().redis, Servers::Get().redis);
  EXPECT_TRUE(own.at().kafka.empty());
}

TEST(ServersFixture, NamesAreFresh) {
  EXPECT_NE(FreshName(), FreshName());
}

}  // namespace
}  // namespace reprise::runtime
