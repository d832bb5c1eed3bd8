// Contract of ports/journal.h, what operators read and what is removed.
#include <atomic>
#include <filesystem>
#include <thread>

#include <gmock/gmock.h>

#include "engine_under_test.h"

namespace reprise::runtime {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class ReadingContract : public EngineContract {
 protected:
  /// The numbers of the sagas that match, in the order given.
  std::vector<int> List(const SagaFilter& filter) {
    std::vector<int> out;
    auto found = journal().ListSagas(filter);
    EXPECT_TRUE(found.ok()) << found.error().message;
    if (!found.ok()) return out;
    for (const Saga& saga : *found) out.push_back(NumberOf(saga.id));
    return out;
  }
  static int NumberOf(const Uuid& id) { return id.bytes[14] * 256 + id.bytes[15]; }
  static std::vector<int> NumbersOf(const std::vector<Uuid>& ids) {
    std::vector<int> out;
    for (const Uuid& id : ids) out.push_back(NumberOf(id));
    return out;
  }
  void MakeSix() {
    Make({SagaOf(1, SagaState::kDone), SagaOf(2), SagaOf(3, SagaState::kStuck),
          SagaOf(4, SagaState::kUndone), SagaOf(5, SagaState::kRunning, "refund"),
          SagaOf(6, SagaState::kUndoing)});
  }
};

TEST_P(ReadingContract, ListsSagasNewestFirstInPages) {
  MakeSix();
  EXPECT_THAT(List({}), ElementsAre(6, 5, 4, 3, 2, 1));
  EXPECT_THAT(List({.limit = 2}), ElementsAre(6, 5));
  EXPECT_THAT(List({.before = Id(5), .limit = 2}), ElementsAre(4, 3));
  EXPECT_THAT(List({.before = Id(1)}), IsEmpty());
}

TEST_P(ReadingContract, ListsSagasByStatePipelineSubjectAndAge) {
  MakeSix();
  EXPECT_THAT(List({.states = {SagaState::kRunning}}), ElementsAre(5, 2));
  EXPECT_THAT(List({.states = {SagaState::kStuck, SagaState::kUndoing}}), ElementsAre(6, 3));
  EXPECT_THAT(List({.states = {SagaState::kDone, SagaState::kUndone}}), ElementsAre(4, 1));
  EXPECT_THAT(List({.states = {SagaState::kDone, SagaState::kRunning}}), ElementsAre(5, 2, 1));
  EXPECT_THAT(List({.states = {SagaState::kRunning}, .pipeline = "order"}), ElementsAre(2));
  EXPECT_THAT(List({.pipeline = "refund"}), ElementsAre(5));
  EXPECT_THAT(List({.pipeline = "nobody"}), IsEmpty());
  EXPECT_THAT(List({.subject = "customer-3"}), ElementsAre(3));
  EXPECT_THAT(List({.states = {SagaState::kRunning}, .subject = "customer-3"}), IsEmpty());
  EXPECT_THAT(List({.older_than = At(3)}), ElementsAre(2, 1));
  EXPECT_THAT(List({.newer_than = At(4)}), ElementsAre(6, 5));
  EXPECT_THAT(List({.states = {SagaState::kUndone}, .older_than = At(3)}), IsEmpty());
}

TEST_P(ReadingContract, ListsSagasByTheBeginningOfTheirId) {
  MakeSix();
  const std::string whole = Id(3).ToString();
  EXPECT_THAT(List({.id_prefix = whole}), ElementsAre(3));
  EXPECT_EQ(List({.id_prefix = whole.substr(0, 8)}).size(), 6u);
  EXPECT_EQ(List({.id_prefix = whole.substr(0, 9)}).size(), 6u) << "a prefix may end with a dash";
  EXPECT_THAT(List({.id_prefix = "ffff"}), IsEmpty());
  EXPECT_THAT(List({.id_prefix = "no id"}), IsEmpty());
  EXPECT_THAT(List({.id_prefix = whole + "0"}), IsEmpty());
  EXPECT_THAT(List({.id_prefix = whole, .before = Id(3)}), IsEmpty());
}

TEST_P(ReadingContract, ListsSagasByTheStateOfTheirSteps) {
  MakeSix();
  Put({StepOf(2, 0, StepState::kDone), StepOf(2, 1, StepState::kRetrying),
       StepOf(5, 0, StepState::kHeld), StepOf(6, 0, StepState::kUndone),
       StepOf(3, 1, StepState::kStuck)});
  EXPECT_THAT(List({.step_states = {StepState::kRetrying}}), ElementsAre(2));
  EXPECT_THAT(List({.step_states = {StepState::kRetrying, StepState::kHeld}}), ElementsAre(5, 2));
  EXPECT_THAT(List({.step_states = {StepState::kDone}}), ElementsAre(2));
  EXPECT_THAT(List({.step_states = {StepState::kUndone, StepState::kHeld}}), ElementsAre(6, 5));
  EXPECT_THAT(List({.states = {SagaState::kRunning},
                    .pipeline = "refund",
                    .step_states = {StepState::kRetrying}}),
              IsEmpty());
}

TEST_P(ReadingContract, ListsSagasByAStepInTrouble) {
  MakeSix();
  Put({StepOf(2, 1, StepState::kRetrying), StepOf(3, 1, StepState::kDone),
       StepOf(5, 1, StepState::kFailed)});
  const auto tx = Begin();
  ASSERT_GOOD(tx->AddHistory(
      std::vector{History{.saga = Id(2), .at = At(1), .step = "pack", .what = "retry"},
                  History{.saga = Id(3), .at = At(1), .step = "pack", .what = "retry"}}));
  Commit(*tx);
  EXPECT_THAT(List({.step = "pack"}), ElementsAre(2)) << "3 has recovered";
  EXPECT_THAT(List({.step = "ship"}), IsEmpty());
  SagaFilter exact{.step = "pack"};
  exact.step_of_plan = {{"hash-of-order", StepIndex{1}}, {"hash-of-refund", StepIndex{0}}};
  EXPECT_THAT(List(exact), ElementsAre(2)) << "step 1 of refund is another step";
}

TEST_P(ReadingContract, ShowsEverythingOfASaga) {
  Make({SagaOf(1)});
  {
    const auto tx = Begin();
    ASSERT_GOOD(tx->Record(std::vector{StepOf(1, 2), StepOf(1, 0, StepState::kHeld)}));
    ASSERT_GOOD(tx->Arm(std::vector{DueOf(1, 0, DueKind::kHold, 600)}));
    ASSERT_GOOD(tx->AddHistory(std::vector{
        History{Id(1), At(3), "pack", "do", "retry", "busy", "a detail", "", 1},
        History{Id(1), At(4), "pack", "do", "hold", "busy", "", "admin", 2},
    }));
    Commit(*tx);
  }
  const auto shown = journal().ShowSaga(Id(1));
  ASSERT_TRUE(shown.ok() && *shown);
  const SagaDetail& detail = **shown;
  EXPECT_EQ(detail.saga.id, Id(1));
  EXPECT_EQ(detail.saga.pipeline, "order");
  ASSERT_EQ(detail.steps.size(), 2u);
  EXPECT_EQ(detail.steps[0].step, 0);
  EXPECT_EQ(detail.steps[0].saga, Id(1));
  EXPECT_EQ(detail.steps[1].step, 2);
  ASSERT_EQ(detail.due.size(), 1u);
  EXPECT_EQ(detail.due[0].plan, "hash-of-order");
  ASSERT_EQ(detail.history.size(), 2u);
  EXPECT_EQ(detail.history[0].what + detail.history[0].code + detail.history[0].detail,
            "retrybusya detail");
  EXPECT_EQ(detail.history[1].who, "admin");
  EXPECT_EQ(detail.history[1].attempt, 2u);
  EXPECT_EQ(detail.history[1].at, At(4));
  EXPECT_FALSE(journal().ShowSaga(Id(9))->has_value());
}

TEST_P(ReadingContract, CountsSagasByPipelineAndState) {
  MakeSix();
  {
    const auto tx = Begin();
    auto saga = tx->Lock(std::vector{Id(2)})->front();
    saga.state = SagaState::kDone;
    saga.ended = At(50);
    ASSERT_GOOD(tx->Store(std::vector{saga}));
    Commit(*tx);
  }
  engine_->Crash();
  std::map<std::pair<std::string, SagaState>, std::int64_t> counts;
  const auto counted = journal().CountSagas();
  ASSERT_GOOD(counted);
  for (const auto& c : *counted) {
    counts[{c.pipeline, c.state}] = c.sagas;
    if (c.pipeline == "order" && c.state == SagaState::kDone) {
      EXPECT_EQ(c.oldest, At(1));
    }
    if (c.state == SagaState::kStuck) {
      EXPECT_EQ(c.oldest, At(3));
    }
  }
  EXPECT_EQ(counts.size(), 5u);
  EXPECT_EQ((counts[{"order", SagaState::kDone}]), 2);
  EXPECT_EQ((counts[{"order", SagaState::kRunning}]), 0);
  EXPECT_EQ((counts[{"refund", SagaState::kRunning}]), 1);
}

TEST_P(ReadingContract, PurgesEndedSagasWithAllThatHangsOnThem) {
  MakeSix();
  {
    const auto tx = Begin();
    ASSERT_GOOD(tx->Record(std::vector{StepOf(1, 0), StepOf(2, 0)}));
    ASSERT_GOOD(tx->Arm(
        std::vector{DueOf(1, 0, DueKind::kTimeout, 5), DueOf(2, 0, DueKind::kTimer, 500, "x")}));
    ASSERT_GOOD(tx->AddHistory(std::vector{History{.saga = Id(1), .at = At(1), .what = "retry"}}));
    ASSERT_GOOD(tx->PutIdempotency({"r", "c", "k1", "h", Id(1), 200, "", ""}));
    ASSERT_GOOD(tx->PutIdempotency({"r", "c", "k2", "h", Id(2), 200, "", ""}));
    ASSERT_GOOD(tx->PutSignal({Id(1), "late", {}}));
    Commit(*tx);
  }
  const auto expired = journal().Expired("order", At(3), At(9), 10);
  ASSERT_GOOD(expired);
  EXPECT_THAT(NumbersOf(*expired), UnorderedElementsAre(1, 4));
  EXPECT_THAT(NumbersOf(*journal().Expired("order", At(2), At(5), 10)), IsEmpty())
      << "it ended at that instant";
  EXPECT_EQ(journal().Expired("order", At(9), At(9), 1)->size(), 1u);
  EXPECT_THAT(*journal().Expired("refund", At(99), At(99), 10), IsEmpty());
  {
    const auto tx = Begin();
    EXPECT_EQ(*tx->Purge(std::vector{Id(1), Id(2), Id(4), Id(9)}), 2)
        << "2 is running, 9 is not there";
    Commit(*tx);
  }
  EXPECT_FALSE(journal().FindSaga(Id(1))->has_value());
  EXPECT_FALSE(journal().FindIdempotency("r", "c", "k1")->has_value());
  EXPECT_TRUE(journal().FindIdempotency("r", "c", "k2")->has_value());
  EXPECT_EQ(**journal().NextDue(), At(500));
  const auto tx = Begin();
  EXPECT_FALSE(tx->TakeSignal(Id(1), "late")->has_value());
  const auto claimed = tx->Claim(std::vector<Transaction::StepKey>{{Id(1), 0, 0}});
  EXPECT_EQ(claimed->front().row.state, StepState::kWaiting);
  EXPECT_FALSE(claimed->front().known);
  EXPECT_THAT(*tx->Create(std::vector{SagaOf(1)}), ElementsAre(true));
}

TEST_P(ReadingContract, KeepsADeadLetterThatWaitsForAPersonWhenItsSagaGoes) {
  Make({SagaOf(1, SagaState::kDone)});
  {
    const auto tx = Begin();
    for (std::uint32_t n : {1u, 2u}) {
      DeadLetter letter;
      letter.message = Id(100 + n);
      letter.saga = Id(1);
      ASSERT_GOOD(tx->AddDeadLetter(letter));
    }
    Commit(*tx);
  }
  const auto tx = Begin();
  ASSERT_GOOD(tx->SetDeadLetterState(journal().ListDeadLetters({})->front().id, "dropped"));
  EXPECT_EQ(*tx->Purge(std::vector{Id(1)}), 1);
  Commit(*tx);
  EXPECT_EQ(journal().ListDeadLetters({.state = ""})->size(), 1u);
  EXPECT_EQ(*journal().CountDeadLetters(), 1);
}

TEST_P(ReadingContract, FindsRunningSagasThatNothingWillMove) {
  Make({SagaOf(1), SagaOf(2), SagaOf(4, SagaState::kUndoing), SagaOf(5, SagaState::kStuck),
        SagaOf(6, SagaState::kDone), SagaOf(70)});
  {
    const auto tx = Begin();
    ASSERT_GOOD(tx->Arm(std::vector{DueOf(2, 0, DueKind::kTimer, 500, "x")}));
    Commit(*tx);
  }
  const auto idle = journal().Idle(At(60), 10);
  ASSERT_GOOD(idle);
  EXPECT_THAT(NumbersOf(*idle), UnorderedElementsAre(1, 4));
  EXPECT_EQ(journal().Idle(At(60), 1)->size(), 1u);
}

TEST_P(ReadingContract, LooksAtEverySagaWithinAFewCallsOfIdle) {
  std::vector<Saga> many;
  for (std::uint32_t n = 1; n <= 12'000; ++n) many.push_back(SagaOf(n));
  Make(many);
  const auto tx = Begin();
  std::vector<Due> due;
  for (std::uint32_t n = 1; n < 12'000; ++n)
    due.push_back(DueOf(n, 0, DueKind::kTimer, 99'999, "x"));
  ASSERT_GOOD(tx->Arm(due));
  Commit(*tx);
  for (int call = 0; call < 10; ++call) {
    const auto idle = journal().Idle(At(50'000), 10);
    ASSERT_GOOD(idle);
    if (!idle->empty()) {
      EXPECT_EQ(idle->front(), Id(12'000));
      return;
    }
  }
  FAIL() << "the last saga was never looked at";
}

TEST_P(ReadingContract, AnswersPingAndSaysWhatItIs) {
  EXPECT_TRUE(journal().Ping().ok());
  EXPECT_FALSE(journal().About().empty());
}

// A runtime that said so in its log while its journal was at work ruined the file.
TEST_P(ReadingContract, SaysWhatItIsToAnyThreadWhileItWorks) {
  std::atomic<bool> done = false;
  std::thread other([&] {
    while (!done) EXPECT_FALSE(journal().About().empty());
  });
  for (std::uint32_t n = 1; n <= 300; ++n) Make({SagaOf(n)});
  done = true;
  other.join();
  EXPECT_EQ(journal().ListSagas({.limit = 500})->size(), 300u);
}

RUN_ON_EVERY_ENGINE(ReadingContract);

}  // namespace
}  // namespace reprise::runtime
