#include "redis/url.h"

#include <gtest/gtest.h>

namespace reprise::runtime::redis {
namespace {

TEST(RedisUrl, NamesServerUserAndDatabase) {
  const auto full = ParseUrl("redis://shop:p%40ss%2Fword@db.example:6380/7");
  ASSERT_TRUE(full.ok());
  EXPECT_EQ(full->host, "db.example");
  EXPECT_EQ(full->port, 6380);
  EXPECT_EQ(full->user, "shop");
  EXPECT_EQ(full->password, "p@ss/word");
  EXPECT_EQ(full->db, 7);
  EXPECT_FALSE(full->tls);
}

TEST(RedisUrl, LeavesOutWhatHasADefault) {
  const auto bare = ParseUrl("redis://localhost");
  ASSERT_TRUE(bare.ok());
  EXPECT_EQ(bare->port, 6379);
  EXPECT_EQ(bare->db, 0);
  EXPECT_EQ(ParseUrl("redis://:secret@localhost")->password, "secret");
  EXPECT_EQ(ParseUrl("redis://localhost/")->db, 0);
  EXPECT_EQ(ParseUrl("redis://[::1]:6380/1")->ToString(), "[::1]:6380/1");
  EXPECT_TRUE(ParseUrl("rediss://localhost")->tls);
}

TEST(RedisUrl, RefusesWhatIsNoneAndShowsNothingOfIt) {
  for (const char* url :
       {"", "hunter2", "http://hunter2", "redis://", "redis://u:hunter2@", "redis://u:hunter2@h:x",
        "redis://u:hunter2@h:0", "redis://u:hunter2@h:65536", "redis://u:hunter2@h/x",
        "redis://u:hunter2@h/-1", "redis://hunter2@h", "redis://u:hunter2%4@h",
        "redis://u:hunter2%zz@h", "redis://u:hunter2@[::1"}) {
    const auto parsed = ParseUrl(url);
    ASSERT_FALSE(parsed.ok()) << url;
    EXPECT_EQ(parsed.error().code, Code::kInvalid) << url;
    EXPECT_EQ(parsed.error().message.find("hunter2"), std::string::npos) << parsed.error().message;
  }
}

TEST(RedisUrl, InLogsIsWithoutUserAndPassword) {
  EXPECT_EQ(ParseUrl("redis://u:hunter2@h:1/2")->ToString(), "h:1/2");
}

}  // namespace
}  // namespace reprise::runtime::redis
