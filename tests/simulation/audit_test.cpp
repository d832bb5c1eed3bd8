// The audit must find what it is there for: each test plants the mistake of one runtime.
#include "simulation/audit.h"

#include <gtest/gtest.h>

namespace reprise::runtime::simulation {
namespace {

/// take, and ship, which depends on it.
PipelineRef Order() {
  auto pipeline = std::make_shared<Pipeline>();
  pipeline->name = "order";
  pipeline->hash = "order";
  pipeline->main_count = 2;
  Step take, ship;
  take.name = "take";
  take.on = {"placed"};
  take.events = {"taken"};
  ship.name = "ship";
  ship.on = {"take.taken"};
  pipeline->steps = {take, ship};
  Link(*pipeline);
  return pipeline;
}

class AuditOf : public testing::Test {
 protected:
  AuditOf() : audit_([plan = Order()](const std::string&) { return plan; }) {
    saga_.id = Derived(Uuid{}, {"saga"});
    saga_.plan = saga_.pipeline = "order";
  }
  StepRow Row(StepIndex step, StepState state) {
    StepRow row;
    row.saga = saga_.id;
    row.step = step;
    row.state = state;
    return row;
  }
  void Commit(std::vector<StepRow> rows) {
    Written written;
    written.sagas = {saga_};
    written.steps = std::move(rows);
    audit_.Committed(written, Time{});
  }

  Saga saga_;
  Audit audit_;
};

TEST_F(AuditOf, IsSilentOverAnOrderlyUndo) {
  Commit({Row(0, StepState::kDone), Row(1, StepState::kDone)});
  saga_.scope = StepSet(3);
  saga_.settled = StepSet::Of(1);
  Commit({Row(1, StepState::kUndone)});
  saga_.settled = StepSet(3);
  Commit({Row(0, StepState::kUndone)});
  EXPECT_EQ(audit_.broken(), "");
}

TEST_F(AuditOf, FindsADoThatTookEffectAfterItsUndo) {
  Commit({Row(1, StepState::kTombstone)});
  Commit({Row(1, StepState::kDone)});
  EXPECT_NE(audit_.broken().find("order/ship"), std::string::npos) << audit_.broken();
  EXPECT_NE(audit_.broken().find("was tombstone and is done"), std::string::npos);
}

TEST_F(AuditOf, FindsAStepThatTwoMessagesDid) {
  StepRow row = Row(0, StepState::kDone);
  row.do_id = Derived(Uuid{}, {"one"});
  Commit({row});
  row.do_id = Derived(Uuid{}, {"other"});
  Commit({row});
  EXPECT_NE(audit_.broken().find("done by two messages"), std::string::npos) << audit_.broken();
}

TEST_F(AuditOf, FindsAnUndoBeforeThatOfADependent) {
  Commit({Row(0, StepState::kDone), Row(1, StepState::kDone)});
  saga_.scope = StepSet(3);
  saga_.settled = StepSet::Of(0);
  Commit({Row(0, StepState::kUndone)});
  EXPECT_NE(audit_.broken().find("was undone before ship"), std::string::npos) << audit_.broken();
}

TEST_F(AuditOf, FindsATimerThatIsEarly) {
  Written written;
  written.fired = {Due{}};
  written.fired[0].due = FromMillis(2);
  audit_.Committed(written, FromMillis(1));
  EXPECT_NE(audit_.broken().find("early"), std::string::npos);
}

TEST_F(AuditOf, FindsACallUnderAnotherIdempotencyKey) {
  audit_.CallBegins(saga_.id, "ship.do 0", "key");
  audit_.CallBegins(saga_.id, "ship.do 0", "key");
  EXPECT_EQ(audit_.broken(), "");
  EXPECT_TRUE(audit_.seen().contains("a call was made again"));
  audit_.CallBegins(saga_.id, "ship.do 0", "another");
  EXPECT_NE(audit_.broken().find("two idempotency keys"), std::string::npos);
}

TEST_F(AuditOf, SeesALateDoThatIsRefused) {
  Commit({Row(1, StepState::kTombstone)});
  StepRow late = Row(1, StepState::kTombstone);
  late.do_id = Derived(Uuid{}, {"late"});
  Commit({late});
  EXPECT_EQ(audit_.broken(), "");
  EXPECT_TRUE(audit_.seen().contains("a late do was refused"));
}

}  // namespace
}  // namespace reprise::runtime::simulation
