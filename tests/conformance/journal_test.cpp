// Contract of ports/journal.h, rows of sagas: what is committed is there, what is not never was.
#include <gmock/gmock.h>

#include "engine_under_test.h"

namespace reprise::runtime {
namespace {

using testing::ElementsAre;

class JournalContract : public EngineContract {
 protected:
  Saga Find(std::uint32_t n) {
    auto found = journal().FindSaga(Id(n));
    EXPECT_TRUE(found.ok() && *found);
    return found.ok() && *found ? **found : Saga{};
  }
  std::vector<Claimed> Claim(Transaction& tx, std::vector<Transaction::StepKey> keys) {
    auto claimed = tx.Claim(keys);
    EXPECT_TRUE(claimed.ok());
    return claimed.ok() ? *claimed : std::vector<Claimed>();
  }
  int Disarm(Transaction& tx, Transaction::StepKey step, std::vector<DueKind> kinds,
             std::string_view event = {}) {
    const auto gone = tx.Disarm(step, kinds, event);
    EXPECT_TRUE(gone.ok());
    return gone.ok() ? *gone : -1;
  }
  std::vector<Due> TakeDue(Time now, std::size_t most = 100) {
    const auto tx = Begin();
    auto taken = tx->TakeDue(now, most);
    EXPECT_TRUE(taken.ok());
    Commit(*tx);
    return taken.ok() ? *taken : std::vector<Due>();
  }
  std::optional<Time> NextDue() {
    const auto next = journal().NextDue();
    EXPECT_TRUE(next.ok());
    return next.ok() ? *next : std::nullopt;
  }
  void Arm(std::vector<Due> due) {
    const auto tx = Begin();
    ASSERT_GOOD(tx->Arm(due));
    Commit(*tx);
  }
};

// ---------------------------------------------------------------- sagas

TEST_P(JournalContract, KeepsEveryFieldOfASaga) {
  Saga saga = SagaOf(1, SagaState::kUndoing);
  saga.open = 7;
  saga.scope = StepSet(0xFFFF'FFFF'FFFF'FFFF);
  saga.sent = StepSet(2);
  saga.settled = StepSet(3);
  saga.last_sent = StepSet(4);
  saga.last_settled = StepSet(5);
  saga.stuck = StepSet(6);
  saga.kept = StepSet(7);
  saga.undone = StepSet(8);
  saga.failed = StepSet(9);
  saga.half = StepSet(10);
  saga.final = true;
  saga.done_told = true;
  saga.code = "sold_out";
  saga.ended = At(99);
  Make({saga});
  engine_->Crash();
  const Saga found = Find(1);
  EXPECT_EQ(found.id, saga.id);
  EXPECT_EQ(found.pipeline, "order");
  EXPECT_EQ(found.plan, "hash-of-order");
  EXPECT_EQ(found.state, SagaState::kUndoing);
  EXPECT_EQ(found.open, 7);
  EXPECT_EQ(found.scope, saga.scope);
  EXPECT_EQ(found.sent, saga.sent);
  EXPECT_EQ(found.settled, saga.settled);
  EXPECT_EQ(found.last_sent, saga.last_sent);
  EXPECT_EQ(found.last_settled, saga.last_settled);
  EXPECT_EQ(found.stuck, saga.stuck);
  EXPECT_EQ(found.kept, saga.kept);
  EXPECT_EQ(found.undone, saga.undone);
  EXPECT_EQ(found.failed, saga.failed);
  EXPECT_EQ(found.half, saga.half);
  EXPECT_TRUE(found.final && found.done_told);
  EXPECT_EQ(found.subject, saga.subject);
  EXPECT_EQ(found.code, "sold_out");
  EXPECT_EQ(found.root.object(), saga.root.object());
  EXPECT_EQ(found.created, saga.created);
  EXPECT_EQ(found.changed, saga.changed);
  EXPECT_EQ(found.ended, saga.ended);
}

TEST_P(JournalContract, LeavesASagaAloneWhoseIdExists) {
  Make({SagaOf(1), SagaOf(3)});
  const auto tx = Begin();
  Saga other = SagaOf(1);
  other.open = 99;
  const auto fresh = tx->Create(std::vector{SagaOf(2), other, SagaOf(4), SagaOf(2)});
  ASSERT_GOOD(fresh);
  EXPECT_THAT(*fresh, ElementsAre(true, false, true, false));
  Commit(*tx);
  EXPECT_EQ(Find(1).open, 1);
  Find(2);
  Find(4);
}

TEST_P(JournalContract, LocksInOrderOfIdsAndLeavesUnknownOnesOut) {
  Make({SagaOf(3), SagaOf(1)});
  const auto tx = Begin();
  ASSERT_GOOD(tx->Create(std::vector{SagaOf(2)}));
  const std::vector<Uuid> ids{Id(3), Id(9), Id(2), Id(1), Id(3)};
  const auto locked = tx->Lock(ids);
  ASSERT_GOOD(locked);
  ASSERT_EQ(locked->size(), 3u);
  EXPECT_EQ((*locked)[0].id, Id(1));
  EXPECT_EQ((*locked)[1].id, Id(2));
  EXPECT_EQ((*locked)[2].id, Id(3));
}

TEST_P(JournalContract, SeesItsOwnWritesBeforeTheCommit) {
  Make({SagaOf(1)});
  const auto tx = Begin();
  const std::vector<Uuid> ids{Id(1)};
  auto locked = tx->Lock(ids);
  ASSERT_GOOD(locked);
  locked->front().open = 5;
  ASSERT_GOOD(tx->Store(*locked));
  EXPECT_EQ(tx->Lock(ids)->front().open, 5);
  Commit(*tx);
  EXPECT_EQ(Find(1).open, 5);
}

TEST_P(JournalContract, RollsBackUnlessCommitted) {
  Make({SagaOf(1)});
  {
    const auto tx = Begin();
    ASSERT_GOOD(tx->Create(std::vector{SagaOf(2)}));
    auto locked = tx->Lock(std::vector{Id(1)});
    locked->front().open = 5;
    ASSERT_GOOD(tx->Store(*locked));
    ASSERT_GOOD(tx->Record(std::vector{StepOf(1, 0)}));
    ASSERT_GOOD(tx->Arm(std::vector{DueOf(1, 0, DueKind::kTimer, 5, "x")}));
    ASSERT_GOOD(tx->PutMeta("name", "value"));
    ASSERT_GOOD(tx->AddHistory(std::vector{History{.saga = Id(1), .at = At(0), .what = "retry"}}));
  }
  EXPECT_EQ(Find(1).open, 1);
  EXPECT_FALSE(journal().FindSaga(Id(2))->has_value());
  EXPECT_FALSE(journal().Meta("name")->has_value());
  EXPECT_FALSE(NextDue());
  const auto detail = journal().ShowSaga(Id(1));
  ASSERT_TRUE(detail.ok() && *detail);
  EXPECT_TRUE((*detail)->steps.empty());
  EXPECT_TRUE((*detail)->history.empty());
  const auto tx = Begin();  // the rolled-back saga is new again
  EXPECT_THAT(*tx->Create(std::vector{SagaOf(2)}), ElementsAre(true));
}

TEST_P(JournalContract, RefusesToStoreASagaThatIsNotThere) {
  const auto tx = Begin();
  const Status stored = tx->Store(std::vector{SagaOf(1)});
  ASSERT_FALSE(stored.ok());
  EXPECT_EQ(stored.error().code, Code::kNotFound);
}

TEST_P(JournalContract, AllowsOneTransactionAtATime) {
  const auto first = Begin();
  EXPECT_FALSE(journal().Begin().ok());
}

// ---------------------------------------------------------------- step rows

TEST_P(JournalContract, KeepsEveryFieldOfAStepRow) {
  Make({SagaOf(1)});
  StepRow row = StepOf(1, 63, StepState::kUnknown);
  row.item = -5;
  row.attempt = 8;
  row.undo_attempt = 3;
  row.round = 2;
  row.undo_id = Id(50);
  row.last_id = Id(51);
  row.bits = 0x8000'0000'0000'0001;
  row.arrivals = json::array{json::array{0, "id", json::object{{"a", 1}}}};
  row.added = json::object{{"version", 4}, {"expiresAt", "2026"}};
  row.memo = "receipt-1";
  row.code = "timeout";
  row.detail = "no answer in 30s";
  row.cancelled = row.kept = row.unknown = row.undo_wanted = row.undo_running = true;
  row.timers = 2;
  row.done = At(11);
  row.undone = At(12);
  row.intent = At(13);
  row.later_since = At(14);
  Put({row});
  engine_->Crash();
  const auto tx = Begin();
  const auto claimed = Claim(*tx, {{Id(1), 63, -5}, {Id(1), 63, 0}});
  ASSERT_EQ(claimed.size(), 2u);
  const StepRow& r = claimed[0].row;
  EXPECT_EQ(r.saga, row.saga);
  EXPECT_EQ(r.step, 63);
  EXPECT_EQ(r.item, -5);
  EXPECT_EQ(r.state, StepState::kUnknown);
  EXPECT_EQ(r.attempt, 8u);
  EXPECT_EQ(r.undo_attempt, 3u);
  EXPECT_EQ(r.round, 2u);
  EXPECT_EQ(r.do_id, row.do_id);
  EXPECT_EQ(r.undo_id, row.undo_id);
  EXPECT_EQ(r.last_id, row.last_id);
  EXPECT_EQ(r.bits, row.bits);
  EXPECT_EQ(r.arrivals, row.arrivals);
  EXPECT_EQ(r.added, row.added);
  EXPECT_EQ(r.memo, row.memo);
  EXPECT_EQ(r.code, row.code);
  EXPECT_EQ(r.detail, row.detail);
  EXPECT_TRUE(r.cancelled && r.kept && r.unknown && r.undo_wanted && r.undo_running);
  EXPECT_EQ(r.timers, 2u);
  EXPECT_EQ(r.began, row.began);
  EXPECT_EQ(r.done, row.done);
  EXPECT_EQ(r.undone, row.undone);
  EXPECT_EQ(r.intent, row.intent);
  EXPECT_EQ(r.later_since, row.later_since);
  EXPECT_EQ(claimed[1].row.state, StepState::kWaiting) << "another item is another row";
  EXPECT_TRUE(claimed[1].row.do_id.nil());
}

TEST_P(JournalContract, ClaimsAFreshRowAndSaysWhetherTheSagaIsKnown) {
  Make({SagaOf(1)});
  const auto tx = Begin();
  ASSERT_GOOD(tx->Create(std::vector{SagaOf(3)}));
  const auto claimed = Claim(*tx, {{Id(1), 2, 0}, {Id(2), 0, 0}, {Id(3), 0, 0}});
  ASSERT_EQ(claimed.size(), 3u);
  EXPECT_TRUE(claimed[0].known);
  EXPECT_EQ(claimed[0].row.saga, Id(1));
  EXPECT_EQ(claimed[0].row.step, 2);
  EXPECT_EQ(claimed[0].row.state, StepState::kWaiting);
  EXPECT_FALSE(claimed[1].known);
  EXPECT_TRUE(claimed[2].known);
}

TEST_P(JournalContract, ClaimsWhatTheSameTransactionRecorded) {
  Make({SagaOf(1)});
  const auto tx = Begin();
  Claim(*tx, {{Id(1), 0, 0}});
  ASSERT_GOOD(
      tx->Record(std::vector{StepOf(1, 0, StepState::kDone), StepOf(1, 1, StepState::kRetrying)}));
  const auto again = Claim(*tx, {{Id(1), 0, 0}, {Id(1), 1, 0}});
  EXPECT_EQ(again[0].row.state, StepState::kDone);
  EXPECT_EQ(again[1].row.state, StepState::kRetrying);
}

TEST_P(JournalContract, RecordsOverARowThatNobodyClaimed) {
  Make({SagaOf(1)});
  Put({StepOf(1, 0, StepState::kRunning)});
  Put({StepOf(1, 0, StepState::kDone)});
  const auto detail = journal().ShowSaga(Id(1));
  ASSERT_TRUE(detail.ok() && *detail);
  ASSERT_EQ((*detail)->steps.size(), 1u);
  EXPECT_EQ((*detail)->steps[0].state, StepState::kDone);
}

// ---------------------------------------------------------------- due rows

TEST_P(JournalContract, TakesDueRowsOldestFirstAndOnce) {
  Make({SagaOf(1), SagaOf(2)});
  Due timer = DueOf(2, 1, DueKind::kTimer, 10, "expired");
  timer.added = json::object{{"n", 1}};
  timer.item = 4;
  Arm({DueOf(1, 0, DueKind::kHold, 30), timer, DueOf(1, 0, DueKind::kRetryDo, 20),
       DueOf(1, 9, DueKind::kTimeout, 99)});
  EXPECT_EQ(NextDue(), At(10));
  EXPECT_TRUE(TakeDue(At(9)).empty()) << "never early";
  engine_->Crash();
  auto due = TakeDue(At(30), 2);
  ASSERT_EQ(due.size(), 2u);
  EXPECT_EQ(due[0].saga, Id(2));
  EXPECT_EQ(due[0].pipeline, "order");
  EXPECT_EQ(due[0].plan, "hash-of-order");
  EXPECT_EQ(due[0].step, 1);
  EXPECT_EQ(due[0].item, 4);
  EXPECT_EQ(due[0].kind, DueKind::kTimer);
  EXPECT_EQ(due[0].event, "expired");
  EXPECT_EQ(due[0].due, At(10));
  EXPECT_EQ(due[0].added, timer.added);
  EXPECT_EQ(due[1].kind, DueKind::kRetryDo);
  due = TakeDue(At(30));
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].kind, DueKind::kHold);
  EXPECT_EQ(NextDue(), At(99));
}

TEST_P(JournalContract, GivesDueRowsAgainAfterARollback) {
  Make({SagaOf(1)});
  Arm({DueOf(1, 0, DueKind::kTimer, 10, "x")});
  {
    const auto tx = Begin();
    ASSERT_EQ(tx->TakeDue(At(10), 5)->size(), 1u);
  }
  EXPECT_EQ(TakeDue(At(10)).size(), 1u);
}

TEST_P(JournalContract, ReplacesADueRowOfTheSameKey) {
  Make({SagaOf(1)});
  Arm({DueOf(1, 0, DueKind::kRetryDo, 10)});
  Arm({DueOf(1, 0, DueKind::kRetryDo, 50)});
  EXPECT_EQ(NextDue(), At(50));
  EXPECT_EQ(TakeDue(At(99)).size(), 1u);
}

TEST_P(JournalContract, TakesWhatTheSameTransactionArmed) {
  const auto tx = Begin();
  ASSERT_GOOD(tx->Create(std::vector{SagaOf(1)}));
  ASSERT_GOOD(tx->Arm(
      std::vector{DueOf(1, 0, DueKind::kTimer, 10, "x"), DueOf(1, 1, DueKind::kTimer, 60, "y")}));
  EXPECT_EQ(tx->TakeDue(At(10), 5)->size(), 1u);
  EXPECT_EQ(tx->TakeDue(At(10), 5)->size(), 0u);
  EXPECT_EQ(Disarm(*tx, {Id(1), 0, 0}, {DueKind::kTimer}), 0);
  Commit(*tx);
  EXPECT_EQ(NextDue(), At(60));
}

TEST_P(JournalContract, ShowsALineInOrderAsTheTransactionHasIt) {
  Make({SagaOf(1), SagaOf(2), SagaOf(3)});
  const auto in_line = [](Due due, const char* line) {
    due.line = line;
    return due;
  };
  Arm({in_line(DueOf(1, 0, DueKind::kRetryDo, 30), "order/pack/k"),
       in_line(DueOf(2, 0, DueKind::kCall, 20), "order/pack/k"),
       in_line(DueOf(3, 0, DueKind::kRetryDo, 10), "order/pack/other"),
       DueOf(3, 1, DueKind::kRetryDo, 10)});
  const auto tx = Begin();
  auto line = tx->Line("order/pack/k");
  ASSERT_GOOD(line);
  ASSERT_EQ(line->size(), 2u);
  EXPECT_EQ((*line)[0].saga, Id(2));
  EXPECT_EQ((*line)[1].saga, Id(1));
  EXPECT_EQ((*line)[1].line, "order/pack/k");
  EXPECT_EQ((*line)[1].plan, "hash-of-order");
  Disarm(*tx, {Id(2), 0, 0}, {DueKind::kCall});
  ASSERT_GOOD(tx->Arm(std::vector{in_line(DueOf(3, 0, DueKind::kHold, 5), "order/pack/k")}));
  line = tx->Line("order/pack/k");
  ASSERT_EQ(line->size(), 2u);
  EXPECT_EQ((*line)[0].saga, Id(3));
  EXPECT_EQ((*line)[1].saga, Id(1));
  EXPECT_TRUE(tx->Line("nobody")->empty());
}

TEST_P(JournalContract, DisarmsByStepKindAndEventAndCountsTimers) {
  Make({SagaOf(1), SagaOf(2)});
  Arm({DueOf(1, 0, DueKind::kTimer, 10, "a"), DueOf(1, 0, DueKind::kTimer, 11, "b"),
       DueOf(1, 0, DueKind::kHold, 12), DueOf(1, 1, DueKind::kTimer, 13, "a"),
       DueOf(2, 0, DueKind::kTimer, 14, "a")});
  {
    const auto tx = Begin();
    EXPECT_EQ(Disarm(*tx, {Id(1), 0, 0}, {DueKind::kTimer}, "a"), 1);
    EXPECT_EQ(Disarm(*tx, {Id(1), 0, 0}, {DueKind::kTimer}, "a"), 0) << "gone already";
    EXPECT_EQ(Disarm(*tx, {Id(1), 0, 0}, {DueKind::kHold}), 0) << "a hold is no timer, but goes";
    EXPECT_EQ(Disarm(*tx, {Id(1), 0, 7}, {DueKind::kTimer}), 0) << "another item";
    Commit(*tx);
  }
  std::vector<Time> left;
  for (const Due& due : TakeDue(At(99))) left.push_back(due.due);
  EXPECT_THAT(left, ElementsAre(At(11), At(13), At(14)));
}

TEST_P(JournalContract, MergesArmsAndDisarmsOfOneTransaction) {
  Make({SagaOf(1)});
  Arm({DueOf(1, 0, DueKind::kTimer, 10, "a")});
  const auto tx = Begin();
  ASSERT_GOOD(tx->Arm(
      std::vector{DueOf(1, 0, DueKind::kTimer, 20, "a"), DueOf(1, 0, DueKind::kTimer, 30, "b")}));
  EXPECT_EQ(Disarm(*tx, {Id(1), 0, 0}, {DueKind::kTimer}), 2)
      << "the row in the file was replaced, not doubled";
  ASSERT_GOOD(tx->Arm(std::vector{DueOf(1, 0, DueKind::kTimer, 40, "b")}));
  Commit(*tx);
  const auto due = TakeDue(At(99));
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].due, At(40));
}

// ---------------------------------------------------------------- the rest

TEST_P(JournalContract, KeepsOneDeadLetterPerMessage) {
  DeadLetter letter;
  letter.message = Id(70);
  letter.saga = Id(1);
  letter.pipeline = "order";
  letter.step = "pack";
  letter.event = "requested";
  letter.phase = "do";
  letter.code = "second_event";
  letter.detail = "twice";
  letter.attempts = 3;
  letter.payload = std::string("{\"a\":\0}", 7);
  letter.key = "A-1";
  letter.side = true;
  letter.at = At(5);
  Record record;
  record.topic = "orders";
  record.partition = 3;
  record.offset = 17;
  record.headers = {{"colour", "red"}, {"bytes", std::string("\xFF\x00", 2)}};
  record.foreign = true;
  letter.record = std::make_shared<const Record>(record);
  {
    const auto tx = Begin();
    EXPECT_TRUE(*tx->AddDeadLetter(letter));
    EXPECT_FALSE(*tx->AddDeadLetter(letter));
    DeadLetter other = letter;
    other.message = Id(71);
    other.code = "expired";
    EXPECT_TRUE(*tx->AddDeadLetter(other));
    Commit(*tx);
  }
  EXPECT_EQ(*journal().CountDeadLetters(), 2);
  const auto listed = journal().ListDeadLetters({.code = "second_event"});
  ASSERT_TRUE(listed.ok() && listed->size() == 1);
  const auto found = journal().FindDeadLetter(listed->front().id);
  ASSERT_TRUE(found.ok() && *found);
  const DeadLetter& l = **found;
  EXPECT_EQ(l.message, letter.message);
  EXPECT_EQ(l.saga, letter.saga);
  EXPECT_EQ(l.pipeline + l.step + l.event + l.phase, "orderpackrequesteddo");
  EXPECT_EQ(l.detail, "twice");
  EXPECT_EQ(l.attempts, 3u);
  EXPECT_EQ(l.payload, letter.payload);
  ASSERT_TRUE(l.record);
  EXPECT_EQ(l.record->topic, "orders");
  EXPECT_EQ(l.record->offset, 17);
  EXPECT_EQ(l.record->headers, record.headers);
  EXPECT_EQ(l.record->value, letter.payload);
  EXPECT_EQ(l.record->key, "A-1");
  EXPECT_TRUE(l.record->foreign);
  EXPECT_EQ(l.key, "A-1");
  EXPECT_TRUE(l.side);
  EXPECT_EQ(l.at, At(5));
  EXPECT_EQ(l.state, "new");
  {
    const auto tx = Begin();
    ASSERT_GOOD(tx->SetDeadLetterState(l.id, "replayed"));
    EXPECT_FALSE(tx->SetDeadLetterState(999, "dropped").ok());
    Commit(*tx);
  }
  EXPECT_EQ(*journal().CountDeadLetters(), 1);
  EXPECT_EQ(journal().ListDeadLetters({.state = "replayed"})->size(), 1u);
  EXPECT_EQ(journal().ListDeadLetters({.state = ""})->size(), 2u);
  EXPECT_EQ(journal().ListDeadLetters({.state = "", .after_id = l.id})->size(), 1u);
  EXPECT_EQ(journal().ListDeadLetters({.pipeline = "other"})->size(), 0u);
  EXPECT_FALSE(journal().FindDeadLetter(999)->has_value());
}

TEST_P(JournalContract, FindsAnIdempotencyRowByRouteCallerAndKey) {
  const IdempotencyRow running{"POST /orders", "u1", "k1", "hash", Id(1), 0, "", ""};
  IdempotencyRow done = running;
  done.status = 200;
  done.answer = "{\"id\":1}";
  done.headers = "{}";
  for (const IdempotencyRow& row : {running, done}) {
    const auto tx = Begin();
    ASSERT_GOOD(tx->PutIdempotency(row));
    Commit(*tx);
  }
  const auto found = journal().FindIdempotency("POST /orders", "u1", "k1");
  ASSERT_TRUE(found.ok() && *found);
  EXPECT_EQ((*found)->status, 200);
  EXPECT_EQ((*found)->saga, Id(1));
  EXPECT_EQ((*found)->body_hash, "hash");
  EXPECT_EQ((*found)->answer, "{\"id\":1}");
  EXPECT_EQ((*found)->headers, "{}");
  EXPECT_FALSE(journal().FindIdempotency("POST /orders", "u2", "k1")->has_value());
  EXPECT_FALSE(journal().FindIdempotency("POST /other", "u1", "k1")->has_value());
}

TEST_P(JournalContract, KeepsSignalsInOrderUntilTheyAreTaken) {
  Make({SagaOf(1)});
  const auto tx = Begin();
  ASSERT_GOOD(tx->PutSignal({Id(1), "approved", {{"n", 1}}}));
  ASSERT_GOOD(tx->PutSignal({Id(1), "approved", {{"n", 2}}}));
  ASSERT_GOOD(tx->PutSignal({Id(1), "empty", {}}));
  EXPECT_EQ((*tx->TakeSignal(Id(1), "approved"))->fields.at("n"), 1);
  EXPECT_EQ((*tx->TakeSignal(Id(1), "approved"))->fields.at("n"), 2);
  EXPECT_FALSE(tx->TakeSignal(Id(1), "approved")->has_value());
  EXPECT_FALSE(tx->TakeSignal(Id(2), "empty")->has_value());
  EXPECT_TRUE((*tx->TakeSignal(Id(1), "empty"))->fields.empty());
}

TEST_P(JournalContract, KeepsMeta) {
  {
    const auto tx = Begin();
    ASSERT_GOOD(tx->PutMeta("secret", std::string("a\0b", 3)));
    ASSERT_GOOD(tx->PutMeta("empty", ""));
    Commit(*tx);
  }
  engine_->Restart();
  EXPECT_EQ(**journal().Meta("secret"), std::string("a\0b", 3));
  EXPECT_EQ(**journal().Meta("empty"), "");
  EXPECT_FALSE(journal().Meta("other")->has_value());
}

TEST_P(JournalContract, KeepsPlansAndCountsTheirOpenSagas) {
  ASSERT_GOOD(journal().PutPlan("hash-of-order", "order", "pipeline: order\n"));
  ASSERT_GOOD(journal().PutPlan("hash-2", "order", "pipeline: order # 2\n"));
  Make({SagaOf(1), SagaOf(2, SagaState::kDone), SagaOf(3, SagaState::kStuck),
        SagaOf(4, SagaState::kUndoing)});
  ASSERT_GOOD(journal().PutPlan("hash-of-order", "order", "pipeline: order\n"));
  engine_->Crash();
  const auto plans = journal().Plans();
  ASSERT_TRUE(plans.ok() && plans->size() == 2);
  EXPECT_EQ((*plans)[0].hash, "hash-of-order");
  EXPECT_EQ((*plans)[0].pipeline, "order");
  EXPECT_EQ((*plans)[0].text, "pipeline: order\n");
  EXPECT_EQ((*plans)[0].open_sagas, 3);
  EXPECT_EQ((*plans)[1].open_sagas, 0);
}

// ---------------------------------------------------------------- counters

TEST_P(JournalContract, CountsFromOneAndRespectsTheFloor) {
  EXPECT_EQ(*journal().Count("order", 1, 0), 1);
  EXPECT_EQ(*journal().Count("order", 1, 0), 2);
  EXPECT_EQ(*journal().Count("order", 1, 100), 100);
  EXPECT_EQ(*journal().Count("order", 5, 0), 105);
  EXPECT_EQ(*journal().Count("other", 1, 0), 1);
}

TEST_P(JournalContract, NeverRepeatsACountAfterACrash) {
  std::int64_t highest = 0;
  for (int life = 0; life < 4; ++life) {
    for (int i = 0; i < 700; ++i) {
      const auto next = journal().Count("order", 3, life == 2 && i == 5 ? 1'000'000 : 0);
      ASSERT_GOOD(next);
      ASSERT_GT(*next, highest);
      highest = *next;
    }
    engine_->Crash();
  }
}

TEST_P(JournalContract, SkipsAtMostAThousandDeltasAtACrash) {
  const auto before = journal().Count("order", 3, 0);
  engine_->Crash();
  const auto after = journal().Count("order", 3, 0);
  EXPECT_GT(*after, *before);
  EXPECT_LE(*after, *before + 1'001 * 3);
}

TEST_P(JournalContract, GoesOnCountingAfterACleanStop) {
  if (!engine_->stops_cleanly()) GTEST_SKIP() << "it knows no clean stop";
  EXPECT_EQ(*journal().Count("order", 1, 0), 1);
  engine_->Restart();
  EXPECT_EQ(*journal().Count("order", 1, 0), 2);
}

RUN_ON_EVERY_ENGINE(JournalContract);

}  // namespace
}  // namespace reprise::runtime
