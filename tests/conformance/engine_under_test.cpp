#include "engine_under_test.h"

namespace reprise::runtime {

std::unique_ptr<Transaction> EngineContract::Begin() {
  auto tx = journal().Begin();
  EXPECT_TRUE(tx.ok()) << tx.error().message;
  return tx.ok() ? std::move(*tx) : nullptr;
}

void EngineContract::Commit(Transaction& tx, std::span<const Message> outbox) {
  const Status done = tx.Commit(outbox);
  EXPECT_TRUE(done.ok()) << done.error().message;
}

Uuid EngineContract::Id(std::uint32_t n) {
  Uuid id = DerivedAt(FromMillis(1'767'225'600'000), {"conformance"});
  for (size_t i = 0; i < 4; ++i) id.bytes[12 + i] = static_cast<std::uint8_t>(n >> (24 - 8 * i));
  return id;
}

Saga EngineContract::SagaOf(std::uint32_t n, SagaState state, const std::string& pipeline) {
  Saga saga;
  saga.id = Id(n);
  saga.pipeline = pipeline;
  saga.plan = "hash-of-" + pipeline;
  saga.state = state;
  saga.open = 1;
  saga.subject = "customer-" + std::to_string(n % 10);
  saga.root = Payload(json::object{{"item", n}, {"name", "caf\u00e9"}});
  saga.created = saga.changed = At(n);
  if (state == SagaState::kDone || state == SagaState::kUndone) saga.ended = At(n + 1);
  return saga;
}

StepRow EngineContract::StepOf(std::uint32_t saga, StepIndex step, StepState state) {
  StepRow row;
  row.saga = Id(saga);
  row.step = step;
  row.state = state;
  row.attempt = 1;
  row.do_id = Derived(row.saga, {std::to_string(step)});
  row.began = At(saga);
  return row;
}

Due EngineContract::DueOf(std::uint32_t saga, StepIndex step, DueKind kind, std::int64_t seconds,
                          const std::string& event) {
  Due due;
  due.saga = Id(saga);
  due.pipeline = "order";
  due.plan = "hash-of-order";
  due.step = step;
  due.kind = kind;
  due.event = event;
  due.due = At(seconds);
  return due;
}

Message EngineContract::MessageOf(std::uint32_t n, StepIndex step) {
  Message message;
  message.id = Derived(Id(n), {"message"});
  message.saga = Id(n);
  message.pipeline = "order";
  message.plan = "hash-of-order";
  message.step = step;
  message.event = "requested";
  message.key = "A-" + std::to_string(n);
  message.payload = Payload(json::object{{"n", n}});
  message.at = At(n);
  message.lane = LaneOf(step);
  return message;
}

void EngineContract::Make(std::vector<Saga> sagas) {
  const auto tx = Begin();
  ASSERT_GOOD(tx->Create(sagas));
  Commit(*tx);
}

void EngineContract::Put(std::vector<StepRow> rows) {
  const auto tx = Begin();
  ASSERT_GOOD(tx->Record(rows));
  Commit(*tx);
}

std::int64_t EngineContract::Number(const std::string& sql) {
  std::int64_t out = -1;
  const auto ran =
      journal().reads().Run(sql, {}, [&](std::span<const SqlValue> row) { out = row[0].integer; });
  EXPECT_TRUE(ran.ok()) << ran.error().message;
  return out;
}

}  // namespace reprise::runtime
