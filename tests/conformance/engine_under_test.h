/// An engine under test: a journal and a bus that can be stopped, killed and opened again.
///
/// A new implementation joins the suites by one more factory in engines.cpp.
#pragma once

#include <functional>
#include <memory>
#include <ostream>
#include <string>

#include <gtest/gtest.h>

#include "model/lane.h"
#include "ports/bus.h"
#include "ports/journal.h"

namespace reprise::runtime {

class EngineUnderTest {
 public:
  virtual ~EngineUnderTest() = default;
  virtual Journal& journal() = 0;
  virtual Bus* bus() = 0;  // null: this engine is only a journal
  /// Whether the bus has all that was published, so that a crash leaves none of it to be sent
  /// again.
  virtual bool sent() { return true; }
  /// Whether messages on their way are the journal's.  Else they are the wire's.
  virtual bool journal_has_messages() const { return true; }
  virtual void Restart() = 0;  // a clean stop, and a start
  /// Whether there is a clean stop; else Restart is a crash.
  virtual bool stops_cleanly() const { return true; }
  virtual void Crash() = 0;  // without a stop, as after kill -9, and a start
};

struct EngineFactory {
  std::string name;
  std::function<std::unique_ptr<EngineUnderTest>()> make;
  bool has_bus = true;
};
inline std::ostream& operator<<(std::ostream& out, const EngineFactory& factory) {
  return out << factory.name;
}

std::vector<EngineFactory> Engines();
std::vector<EngineFactory> EnginesWithBus();

/// The lane of a step of pipeline `order`, where an engine has lanes: the one partition of its
/// topic.
inline LaneId LaneOf(StepIndex step) {
  return LaneBase("order", "step-" + std::to_string(step));
}

/// The fixture of both suites, with short words for the rows they write.
class EngineContract : public testing::TestWithParam<EngineFactory> {
 protected:
  void SetUp() override { engine_ = GetParam().make(); }

  Journal& journal() { return engine_->journal(); }
  Bus& bus() { return *engine_->bus(); }
  std::unique_ptr<Transaction> Begin();
  void Commit(Transaction& tx, std::span<const Message> outbox = {});

  /// Ids rise with `n`.
  static Uuid Id(std::uint32_t n);
  static Time At(std::int64_t seconds) { return FromMillis(1'767'225'600'000 + seconds * 1000); }
  static Saga SagaOf(std::uint32_t n, SagaState state = SagaState::kRunning,
                     const std::string& pipeline = "order");
  static StepRow StepOf(std::uint32_t saga, StepIndex step, StepState state = StepState::kDone);
  static Due DueOf(std::uint32_t saga, StepIndex step, DueKind kind, std::int64_t seconds,
                   const std::string& event = "");
  static Message MessageOf(std::uint32_t n, StepIndex step = 0);

  /// Stores sagas in a transaction of their own.
  void Make(std::vector<Saga> sagas);
  void Put(std::vector<StepRow> rows);
  std::int64_t Number(const std::string& sql);

  std::unique_ptr<EngineUnderTest> engine_;
};

#define RUN_ON_EVERY_ENGINE(suite)                                       \
  INSTANTIATE_TEST_SUITE_P(Engines, suite, testing::ValuesIn(Engines()), \
                           [](const auto& tested) { return tested.param.name; })

#define RUN_ON_EVERY_BUS(suite)                                                 \
  INSTANTIATE_TEST_SUITE_P(Engines, suite, testing::ValuesIn(EnginesWithBus()), \
                           [](const auto& tested) { return tested.param.name; })

#define ASSERT_GOOD(expression)                       \
  do {                                                \
    const auto& good_ = (expression);                 \
    ASSERT_TRUE(good_.ok()) << good_.error().message; \
  } while (false)

}  // namespace reprise::runtime
