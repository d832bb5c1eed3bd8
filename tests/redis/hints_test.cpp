#include "redis/hints.h"

#include <mutex>

#include "redis_fixture.h"

namespace reprise::runtime::redis {
namespace {

class RedisHintsTest : public RedisTest {
 protected:
  std::function<void(const std::string&)> Listener() {
    return [this](const std::string& channel) {
      const std::lock_guard lock(mutex_);
      heard_.push_back(channel);
    };
  }
  std::vector<std::string> Heard() {
    const std::lock_guard lock(mutex_);
    return heard_;
  }
  bool Hears(const std::string& channel) {
    return Until([&] {
      const auto heard = Heard();
      return std::find(heard.begin(), heard.end(), channel) != heard.end();
    });
  }

  std::mutex mutex_;
  std::vector<std::string> heard_;
  Connection connection_ = Connection::To(options_).value();
  HintPublisher they_{connection_, "them"}, me_{connection_, "me"};
};

TEST_F(RedisHintsTest, OthersAreHeardAndOneselfIsNot) {
  const HintSubscriber subscriber(options_, "me", Listener());
  ASSERT_TRUE(Until([&] { return subscriber.listening(); }));
  me_.Publish(std::vector<std::string>{"mine"});
  they_.Publish(std::vector<std::string>{"user 7", "", "last"});
  ASSERT_TRUE(Hears("last"));
  EXPECT_EQ(Heard(), (std::vector<std::string>{"", "user 7", "", "last"}));
}

TEST_F(RedisHintsTest, AnotherPrefixIsAnotherRuntime) {
  Options other = options_;
  other.prefix = "warehouse";
  const HintSubscriber elsewhere(other, "me", [](const std::string& channel) {
    EXPECT_EQ(channel, "");  // only that it listens
  });
  const HintSubscriber here(options_, "me", Listener());
  ASSERT_TRUE(Until([&] { return here.listening() && elsewhere.listening(); }));
  they_.Publish(std::vector<std::string>{"a"});
  EXPECT_TRUE(Hears("a"));
}

TEST_F(RedisHintsTest, ListensAgainAndSaysThatSomeMayBeMissing) {
  const HintSubscriber subscriber(options_, "me", Listener());
  ASSERT_TRUE(Until([&] { return subscriber.listening(); }));
  own_.Kill("redis");
  ASSERT_TRUE(Until([&] { return !subscriber.listening(); }));
  they_.Publish(std::vector<std::string>{"lost"});
  own_.Restart("redis");
  ASSERT_TRUE(Until([&] { return subscriber.listening(); }));
  ASSERT_TRUE(Until([&] {
    they_.Publish(std::vector<std::string>{"again"});
    const auto heard = Heard();
    return std::find(heard.begin(), heard.end(), "again") != heard.end();
  }));
  const auto heard = Heard();
  EXPECT_EQ(std::count(heard.begin(), heard.end(), ""), 2);
  EXPECT_EQ(std::count(heard.begin(), heard.end(), "lost"), 0);
}

TEST_F(RedisHintsTest, EndsAtOnceWhileRedisHangsOrIsGone) {
  for (const bool gone : {false, true}) {
    auto subscriber = std::make_unique<HintSubscriber>(options_, "me", Listener());
    ASSERT_TRUE(Until([&] { return subscriber->listening(); }));
    if (gone) {
      own_.Kill("redis");
    } else {
      own_.Pause("redis");
    }
    const auto began = std::chrono::steady_clock::now();
    subscriber.reset();
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(3));
    if (!gone) own_.Resume("redis");
  }
}

}  // namespace
}  // namespace reprise::runtime::redis
