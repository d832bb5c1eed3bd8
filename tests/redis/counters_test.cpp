#include "redis/counters.h"

#include <algorithm>
#include <limits>
#include <set>

#include "redis_fixture.h"

namespace reprise::runtime::redis {
namespace {

class RedisCountersTest : public RedisTest {
 protected:
  std::unique_ptr<Process> NewProcess() {
    return std::make_unique<Process>(options_, database_.url());
  }
  /// Counts; the value must be above all that were given before.
  void Rises(Process& process, int times = 1) {
    for (int i = 0; i < times; ++i) {
      const auto value = process.Count();
      EXPECT_GT(value, highest_);
      highest_ = value;
    }
  }
  /// Counts; the value must be one that nobody was given before.
  std::int64_t Differs(Process& process) {
    const auto value = process.Count();
    EXPECT_TRUE(given_.insert(value).second) << value << " was given twice";
    return value;
  }
  /// Goes on counting until Redis serves it again.
  void IsBack(Process& process) {
    EXPECT_TRUE(Until([&] {
      Rises(process);
      return !process.connection.trouble();
    }));
  }

  FreshDatabase database_;
  std::int64_t highest_ = 0;
  std::set<std::int64_t> given_;
};

TEST_F(RedisCountersTest, AddTheDeltaAndKeepToTheFloor) {
  const auto process = NewProcess();
  EXPECT_EQ(process->Count("order", 1, 0), 1);
  EXPECT_EQ(process->Count("order", 1, 0), 2);
  EXPECT_EQ(process->Count("order", 1, 100), 100);
  EXPECT_EQ(process->Count("order", 5, 0), 105);
  EXPECT_EQ(process->Count("order", 0, 0), 105);
  EXPECT_EQ(process->Count("order", 1, 1'000'000), 1'000'000);  // past the block
  EXPECT_EQ(process->Count("other", 1, 0), 1);
  EXPECT_EQ(process->Count("first", 1, 5'000), 5'000);
  EXPECT_FALSE(process->connection.trouble());
}

TEST_F(RedisCountersTest, CostTheJournalOneBlockInAThousand) {
  const auto process = NewProcess();
  for (int i = 1; i <= 2'500; ++i) ASSERT_EQ(process->Count(), i);
  EXPECT_EQ(process->marks.reserved, 3);
}

TEST_F(RedisCountersTest, AreExactWhereADoubleIsNot) {
  const std::int64_t big = (std::int64_t{1} << 60) + 1;
  const auto process = NewProcess();
  EXPECT_EQ(process->Count("order", 1, big), big);
  for (int i = 1; i <= 2'000; ++i) ASSERT_EQ(process->Count("order", 1, big - 1), big + i);
  EXPECT_EQ(process->Count("order", 1, big + 2'010), big + 2'010);
  EXPECT_EQ(process->Count("order", 1, big + 2'009), big + 2'011);
}

TEST_F(RedisCountersTest, EndAtTheLastNumber) {
  const std::int64_t last = std::numeric_limits<std::int64_t>::max();
  const auto process = NewProcess();
  EXPECT_EQ(process->Count("order", 0, last - 1), last - 1);
  EXPECT_EQ(process->Count("order", 1, 0), last);
  const auto over = process->counters.Count("order", 1, 0);
  ASSERT_FALSE(over.ok());
  EXPECT_EQ(over.error().code, Code::kExhausted);
  EXPECT_EQ(process->counters.Count("order", -1, 0).error().code, Code::kInvalid);
}

TEST_F(RedisCountersTest, AreOneLineForAllProcesses) {
  const auto one = NewProcess();
  const auto other = NewProcess();
  for (int i = 1; i <= 1'500; ++i) {
    ASSERT_EQ(one->Count(), 2 * i - 1);
    ASSERT_EQ(other->Count(), 2 * i);
  }
}

// One is between its block of the journal and putting it there when the other comes to the end of
// the old block too, takes the next one and is faster.
TEST_F(RedisCountersTest, RiseThoughTwoComeToTheEndOfABlockAtOnce) {
  const auto other = NewProcess();
  Marks marks(database_.url());
  auto connection = Connection::To(options_).value();
  bool met = false;
  Counters counters(connection, [&](auto counter, auto at_least, auto block) {
    auto mark = marks.hook()(counter, at_least, block);
    met = true;
    Rises(*other, 10);
    return mark;
  });
  Rises(*other, 1'000);
  const auto value = counters.Count("order", 1, 0);
  ASSERT_TRUE(value.ok() && met);
  EXPECT_GT(*value, highest_);
}

TEST_F(RedisCountersTest, GoOnAfterAProcessThatWasReplaced) {
  {
    const auto first = NewProcess();
    EXPECT_EQ(first->Count(), 1);
  }
  EXPECT_EQ(NewProcess()->Count(), 2);
}

TEST_F(RedisCountersTest, RiseAfterEverythingWasFlushed) {
  const auto one = NewProcess();
  const auto other = NewProcess();
  for (int i = 0; i < 5; ++i) {
    Rises(*one, 20);
    Rises(*other, 20);
    Ask({"FLUSHALL"});
  }
  Rises(*other, 20);
  Rises(*one, 20);
  EXPECT_FALSE(one->connection.trouble());
}

TEST_F(RedisCountersTest, RiseAfterKillAndAnEmptyStart) {
  const auto process = NewProcess();
  Rises(*process, 50);
  own_.Kill("redis");
  Rises(*process, 50);
  own_.RestartEmpty("redis");
  Rises(*process, 50);
  IsBack(*process);
  Rises(*NewProcess(), 10);
}

TEST_F(RedisCountersTest, RiseThoughAnOlderSnapshotWasRestored) {
  const auto process = NewProcess();
  Rises(*process, 50);
  EXPECT_EQ(Ask({"SAVE"}).text, "OK");
  Rises(*process, 250);
  own_.Kill("redis");
  own_.Restart("redis");
  ASSERT_EQ(Ask({"HGET", "shop:count:order", "value"}).text, "50");  // it did forget the 250
  Rises(*NewProcess(), 10);                                          // who has seen nothing of them
  IsBack(*process);
}

TEST_F(RedisCountersTest, RiseThoughTheSameServerWentBack) {
  const auto process = NewProcess();
  Rises(*process, 50);
  Ask({"COPY", "shop:count:order", "old"});
  Rises(*process, 50);
  Ask({"COPY", "old", "shop:count:order", "REPLACE"});
  Rises(*process, 50);
}

TEST_F(RedisCountersTest, GoOnWhileRedisHangsAndReturnToIt) {
  const auto process = NewProcess();
  const auto other = NewProcess();
  Rises(*process, 50);
  own_.Pause("redis");
  Rises(*process, 1'500);
  EXPECT_TRUE(process->connection.trouble());
  own_.Resume("redis");
  IsBack(*process);
  Rises(*other, 10);  // in one line again
  Rises(*process, 10);
}

TEST_F(RedisCountersTest, BeginWithoutRedis) {
  own_.Kill("redis");
  const auto process = NewProcess();
  EXPECT_EQ(process->Count(), 1);
  EXPECT_EQ(process->Count(), 2);
  EXPECT_EQ(process->Count("order", 1, 7'000), 7'000);
  EXPECT_EQ(process->Count("order", 0, 0), 7'000);
  const auto other = NewProcess();
  EXPECT_GT(other->Count(), 7'000);  // a block of its own
}

TEST_F(RedisCountersTest, NeedTheJournalOnlyForABlock) {
  const auto process = NewProcess();
  Rises(*process);
  process->marks.away = true;
  Rises(*process, 999);
  EXPECT_EQ(process->counters.Count("order", 1, 0).error().code, Code::kUnavailable);
  process->marks.away = false;
  Rises(*process);
}

class RedisFailoverTest : public RedisCountersTest {
 protected:
  RedisFailoverTest() { there_.url = second_.at().redis; }

  /// `who` takes over the data of `whom`, and then stands alone.
  void Copy(const Options& who, const Options& whom) {
    const auto from = ParseUrl(whom.url);
    Ask(who, {"CONFIG", "SET", "masteruser", from->user, "masterauth", from->password});
    Ask(who, {"REPLICAOF", from->host, std::to_string(from->port)});
    ASSERT_TRUE(Until([&] {
      const Reply state = Ask(who, {"INFO", "replication"});
      return state.text.find("master_link_status:up") != std::string::npos;
    }));
    Ask(who, {"REPLICAOF", "NO", "ONE"});
  }
  void Differ(Process& process, int times) {
    for (int i = 0; i < times; ++i) Differs(process);
  }

  OwnServers second_{"redis"};
  Options there_ = options_;
};

TEST_F(RedisFailoverTest, ValuesDifferThereAndBackAgain) {
  const auto before = NewProcess();
  Differ(*before, 50);
  Copy(there_, options_);
  Process after(there_, database_.url());
  for (int i = 0; i < 50; ++i) {  // the old one has not heard that it is none any more
    Differs(*before);
    Differs(after);
  }
  Copy(options_, there_);  // the same server as at first, with another's data
  Differ(*NewProcess(), 50);
  Differ(after, 50);
}

// The other one gave this counter nothing: its data are the server's own, but old.
TEST_F(RedisFailoverTest, ValuesDifferThoughAServerGotItsOwnOldDataBack) {
  const auto before = NewProcess();
  Differ(*before, 20);
  Copy(there_, options_);
  Differ(*before, 100);
  Copy(options_, there_);
  ASSERT_EQ(Ask({"HGET", "shop:count:order", "value"}).text, "20");
  Differ(*NewProcess(), 100);  // who has seen none of the hundred
}

TEST_F(RedisCountersTest, DifferWhileRedisIsFlushedUnderThreeProcesses) {
  constexpr int kProcesses = 3, kEach = 700;
  std::vector<std::vector<std::int64_t>> given(kProcesses);
  std::vector<std::thread> threads;
  for (auto& values : given) {
    threads.emplace_back([&values, process = NewProcess()] {
      for (int i = 0; i < kEach; ++i) values.push_back(process->Count());
    });
  }
  for (int i = 0; i < 30; ++i) Ask({"FLUSHALL"});
  for (auto& thread : threads) thread.join();
  std::set<std::int64_t> all;
  for (const auto& values : given) {
    EXPECT_TRUE(std::is_sorted(values.begin(), values.end()));
    all.insert(values.begin(), values.end());
  }
  EXPECT_EQ(all.size(), static_cast<std::size_t>(kProcesses * kEach));
}

}  // namespace
}  // namespace reprise::runtime::redis
