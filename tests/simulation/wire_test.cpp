#include "simulation/wire.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace reprise::runtime::simulation {
namespace {

/// A bus that only keeps records for topics of others.
class NoBus : public Bus {
 public:
  Result<std::vector<Message>> Poll(std::size_t) override { return std::vector<Message>(); }
  void Return(std::vector<Message>) override {}
  Status Publish(std::span<const Message>) override { return {}; }
  Result<std::int64_t> Lag() override { return std::int64_t{0}; }
  std::optional<Time> Oldest() override { return std::nullopt; }
};

Message MessageOf(int n, const std::string& key) {
  Message message;
  message.id = Derived(Uuid{}, {std::to_string(n)});
  message.saga = Derived(Uuid{}, {"saga"});
  message.plan = "plan";
  message.key = key;
  message.round = static_cast<std::uint32_t>(n);
  return message;
}

class WireOf : public testing::Test {
 protected:
  void Open(std::uint64_t seed, int processes, bool healed) {
    dice_ = std::make_unique<Dice>(seed);
    if (healed) dice_->Heal();
    wire_ = std::make_unique<Wire>(*dice_, clock_, processes);
    for (int n = 0; n < processes; ++n) ports_.push_back(wire_->PortOf(n, none_));
  }
  /// As the executor does it: committed, then published.
  void Send(int process, const std::vector<Message>& outbox) {
    wire_->Committed(process, outbox, false);
    ASSERT_TRUE(ports_[static_cast<std::size_t>(process)]->Publish(outbox).ok());
  }
  std::vector<std::uint32_t> Poll(int process, bool commit = true) {
    const auto polled = ports_[static_cast<std::size_t>(process)]->Poll(100);
    if (commit) wire_->Committed(process, {}, true);
    std::vector<std::uint32_t> out;
    for (const Message& message : *polled) out.push_back(message.round);
    return out;
  }
  std::vector<std::uint32_t> PollAll(int process) {
    std::vector<std::uint32_t> all;
    for (auto some = Poll(process); !some.empty(); some = Poll(process))
      all.insert(all.end(), some.begin(), some.end());
    return all;
  }

  ManualClock clock_;
  NoBus none_;
  std::unique_ptr<Dice> dice_;
  std::unique_ptr<Wire> wire_;
  std::vector<std::unique_ptr<Bus>> ports_;
};

TEST_F(WireOf, KeepsTheOrderWithinAKeyAndMixesKeys) {
  bool mixed = false;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    ports_.clear();
    Open(seed, 1, true);
    Send(0, {MessageOf(1, "a"), MessageOf(2, "b"), MessageOf(3, "a"), MessageOf(4, "b")});
    const auto got = PollAll(0);
    ASSERT_EQ(got.size(), 4u);
    const auto at = [&](std::uint32_t n) { return std::find(got.begin(), got.end(), n); };
    EXPECT_LT(at(1), at(3));
    EXPECT_LT(at(2), at(4));
    mixed = mixed || got != std::vector<std::uint32_t>{1, 2, 3, 4};
  }
  EXPECT_TRUE(mixed);
}

TEST_F(WireOf, GivesAgainWhatADeadProcessHadPolled) {
  Open(1, 1, true);
  Send(0, {MessageOf(1, "a")});
  EXPECT_EQ(Poll(0, false), std::vector<std::uint32_t>{1});
  wire_->Die(0);
  wire_->Rise(0);
  EXPECT_EQ(PollAll(0), std::vector<std::uint32_t>{1});
}

TEST_F(WireOf, PublishesWhatADeadProcessHadCommittedOnceItsLeaseHasEnded) {
  Open(1, 2, true);
  const std::vector<Message> outbox{MessageOf(1, "a")};
  wire_->Committed(0, outbox, false);
  wire_->Die(0);
  EXPECT_TRUE(PollAll(1).empty());
  EXPECT_EQ(wire_->Next(), clock_.Now() + Millis(5'000));
  clock_.Advance(Millis(5'000));
  EXPECT_EQ(PollAll(1), std::vector<std::uint32_t>{1});
  EXPECT_EQ(wire_->adopted(), 1);
}

TEST_F(WireOf, EveryMessageComesAndSomeComeTwice) {
  int repeated = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    ports_.clear();
    Open(seed, 1, false);
    std::vector<std::uint32_t> got;
    for (int n = 1; n <= 40; ++n) {
      try {
        Send(0, {MessageOf(n, std::to_string(n % 5))});
      } catch (const ProcessDied&) {
        wire_->Die(0);
        wire_->Rise(0);
      }
    }
    for (auto next = wire_->Next(); next; next = wire_->Next()) {
      clock_.Set(std::max(*next, clock_.Now()));
      const auto some = PollAll(0);
      got.insert(got.end(), some.begin(), some.end());
    }
    EXPECT_EQ(std::set<std::uint32_t>(got.begin(), got.end()).size(), 40u) << "seed " << seed;
    repeated += static_cast<int>(got.size()) - 40;
  }
  EXPECT_GT(repeated, 0);
}

TEST_F(WireOf, OnlyOneOfTheLivingOwnsALane) {
  Open(1, 3, true);
  for (int n = 1; n <= 20; ++n) {
    const Message message = MessageOf(n, std::to_string(n));
    EXPECT_EQ(wire_->Owns(0, message) + wire_->Owns(1, message) + wire_->Owns(2, message), 1);
  }
  wire_->Die(1);
  for (int n = 1; n <= 20; ++n) {
    const Message message = MessageOf(n, std::to_string(n));
    EXPECT_FALSE(wire_->Owns(1, message));
    EXPECT_EQ(wire_->Owns(0, message) + wire_->Owns(2, message), 1);
  }
}

}  // namespace
}  // namespace reprise::runtime::simulation
