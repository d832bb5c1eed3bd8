// Contract of ports/journal.h, locks: whose transaction has one, has it until it ends, however it
// ends.  What two workers do to each other: tests/postgres/contention_test.cpp.
#include <gmock/gmock.h>

#include "engine_under_test.h"

namespace reprise::runtime {
namespace {

using testing::Each;
using testing::SizeIs;

class LocksContract : public EngineContract {
 protected:
  static std::vector<bool> Take(Transaction& tx, const std::vector<std::string>& names) {
    const auto taken = tx.TakeLocks(names);
    EXPECT_TRUE(taken.ok()) << taken.error().message;
    return taken.ok() ? *taken : std::vector<bool>();
  }
  static testing::Matcher<const std::vector<bool>&> AllOf(std::size_t count) {
    return testing::AllOf(SizeIs(count), Each(true));
  }
};

TEST_P(LocksContract, AnswersOncePerNameAlsoForOneThatComesTwice) {
  const auto tx = Begin();
  EXPECT_THAT(Take(*tx, {"userId=b", "userId=a", "userId=b"}), AllOf(3));
  EXPECT_THAT(Take(*tx, {}), AllOf(0));
}

TEST_P(LocksContract, WhoHasALockIsGivenItAgain) {
  const auto tx = Begin();
  EXPECT_THAT(Take(*tx, {"userId=a"}), AllOf(1));
  EXPECT_THAT(Take(*tx, {"userId=a", "userId=b"}), AllOf(2));
  Commit(*tx);
}

TEST_P(LocksContract, IsFreeAgainAfterACommitARollbackAStopAndACrash) {
  const auto take = [&](bool commit) {
    const auto tx = Begin();
    EXPECT_THAT(Take(*tx, {"userId=a"}), AllOf(1));
    if (commit) Commit(*tx);
  };
  take(true);
  take(false);
  take(true);
  engine_->Restart();
  take(false);
  engine_->Crash();
  take(true);
}

TEST_P(LocksContract, TakesAnyNameAndAsManyAsComeAtOnce) {
  std::vector<std::string> names{"", std::string("a\0b", 3), "\xff\xfe", std::string(4000, 'x')};
  for (int i = 0; i < 20'000; ++i) names.push_back("userId=" + std::to_string(i));
  const auto tx = Begin();
  EXPECT_THAT(Take(*tx, names), AllOf(names.size()));
  Commit(*tx);
}

RUN_ON_EVERY_ENGINE(LocksContract);

}  // namespace
}  // namespace reprise::runtime
