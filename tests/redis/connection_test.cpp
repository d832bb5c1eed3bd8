#include "redis/connection.h"

#include "base/log.h"
#include "redis/tls.h"
#include "redis_fixture.h"

namespace reprise::runtime::redis {
namespace {

class RedisConnectionTest : public RedisTest {};

TEST_F(RedisConnectionTest, AnswersAllCommandsInTheirOrder) {
  auto connection = Connection::To(options_);
  const std::vector<Command> commands = {{"SET", "a", std::string("x\0y", 3)},
                                         {"GET", "a"},
                                         {"GET", "b"},
                                         {"INCR", "n"},
                                         {"KEYS", "*"},
                                         {"INCR", "a"}};
  const auto replies = connection->RunAll(commands);
  ASSERT_TRUE(replies.ok()) << replies.error().message;
  ASSERT_EQ(replies->size(), 6U);
  EXPECT_EQ((*replies)[1].text, std::string("x\0y", 3));
  EXPECT_EQ((*replies)[2].type, Reply::kNil);
  EXPECT_EQ((*replies)[3].integer, 1);
  EXPECT_EQ((*replies)[4].list.size(), 2U);
  EXPECT_EQ((*replies)[5].type, Reply::kError);
  EXPECT_FALSE(connection->trouble());
}

TEST_F(RedisConnectionTest, UsesTheDatabaseOfItsUrl) {
  Ask({"SET", "here", "0"});
  options_.url.back() = '3';
  EXPECT_EQ(Ask({"GET", "here"}).type, Reply::kNil);
}

TEST_F(RedisConnectionTest, AWrongPasswordIsSaidWithoutIt) {
  const LogCapture log;
  options_.url = "redis://reprise:hunter2" + options_.url.substr(options_.url.rfind('@'));
  auto connection = Connection::To(options_);
  const auto reply = connection->Run({"PING"});
  ASSERT_FALSE(reply.ok());
  EXPECT_EQ(reply.error().code, Code::kUnavailable);
  EXPECT_NE(reply.error().message.find("WRONGPASS"), std::string::npos) << reply.error().message;
  EXPECT_EQ(reply.error().message.find("hunter2"), std::string::npos);
  EXPECT_NE(log.Text().find("redis is away"), std::string::npos);
  EXPECT_EQ(log.Text().find("hunter2"), std::string::npos);
}

TEST_F(RedisConnectionTest, AnAnswerThatComesLateIsNotTakenForTheNext) {
  auto connection = Connection::To(options_);
  ASSERT_TRUE(connection->Run({"SET", "a", "late"}).ok());
  own_.Pause("redis");
  const auto began = std::chrono::steady_clock::now();
  EXPECT_FALSE(connection->Run({"GET", "a"}).ok());
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(5));
  EXPECT_EQ(connection->trouble(), "no answer in time");
  own_.Resume("redis");
  Result<Reply> reply = Error{};
  ASSERT_TRUE(Until([&] {
    reply = connection->Run({"GET", "b"});
    return reply.ok();
  }));
  EXPECT_EQ(reply->type, Reply::kNil);
  EXPECT_FALSE(connection->trouble());
}

TEST_F(RedisConnectionTest, WhileItIsAwayACommandFailsAtOnce) {
  options_.again.first = options_.again.max = Millis(3'600'000);
  auto connection = Connection::To(options_);
  own_.Pause("redis");
  EXPECT_FALSE(connection->Run({"PING"}).ok());
  own_.Resume("redis");
  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < 1'000; ++i) EXPECT_FALSE(connection->Run({"PING"}).ok());
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(1));
}

TEST_F(RedisConnectionTest, AServerThatCannotServeIsAway) {
  auto connection = Connection::To(options_);
  Ask({"REPLICAOF", "127.0.0.1", "1"});  // and replicas take no writes
  EXPECT_FALSE(connection->Run({"SET", "a", "1"}).ok());
  EXPECT_TRUE(connection->trouble());
  Ask({"REPLICAOF", "NO", "ONE"});
  EXPECT_TRUE(Until([&] { return connection->Run({"SET", "a", "1"}).ok(); }));
}

TEST(RedisConnection, TlsThatThisBuildDoesNotHaveIsRefusedAtOnce) {
  if (HasTls()) GTEST_SKIP() << "this build has TLS";
  Options options;
  options.url = "rediss://u:hunter2@localhost";
  const auto connection = Connection::To(options);
  ASSERT_FALSE(connection.ok());
  EXPECT_EQ(connection.error().code, Code::kInvalid);
  EXPECT_NE(connection.error().message.find("hiredis 1.0"), std::string::npos);
  EXPECT_EQ(connection.error().message.find("hunter2"), std::string::npos);
}

}  // namespace
}  // namespace reprise::runtime::redis
