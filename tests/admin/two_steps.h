/// A pipeline and sagas of it that the tests of this folder look at.
#pragma once

#include "admin/view.h"
#include "fakes.h"

namespace reprise::runtime {

inline const Time kNow = FromMillis(1'767'225'600'000);  // 2026-01-01T00:00:00Z

/// `first` then `second`, and a side step `note`.  Sagas begin with `asked`.
inline PipelineRef TwoSteps() {
  Pipeline p;
  p.name = "order";
  p.about = "Two steps.";
  p.hash = "plan-1";
  p.subject = "orderId";
  Step first;
  first.name = "first";
  first.plugin = "shop";
  first.action = "hold";
  first.on = {"asked"};
  first.key_field = "orderId";
  first.events = {"held", "rejected"};
  first.with = {{"for", 5}, {"secret_key", "hush"}};
  Step second;
  second.name = "second";
  second.plugin = "shop";
  second.action = "take";
  second.on = {"first.held"};
  second.events = {"taken"};
  Step note;
  note.name = "note";
  note.side = true;
  note.plugin = "shop";
  note.action = "note";
  note.on = {"*"};
  p.steps = {first, second, note};
  p.main_count = 2;
  Route route;
  route.method = "POST";
  route.path = "/orders";
  route.kind = RouteKind::kStart;
  route.start = "asked";
  p.routes = {route};
  Link(p);
  return std::make_shared<const Pipeline>(std::move(p));
}

inline PluginCatalog ShopCatalog() {
  PluginInfo shop;
  shop.name = "shop";
  shop.version = "1.2.0";
  shop.settings = {{.name = "url", .doc = "where alerts go", .optional = true},
                   {.name = "key", .doc = "of the provider", .optional = true, .secret = true}};
  ActionInfo hold;
  hold.name = "hold";
  hold.in = {{.name = "card", .secret = true}};
  hold.with = {{.name = "secret_key", .secret = true}};
  shop.actions = {hold};
  return {{"shop", shop}};
}

inline Saga SagaNo(int number, SagaState state) {
  Saga saga;
  saga.id = *Uuid::Parse("019b76da-a80" + std::to_string(number) + "-7000-8000-00000000000" +
                         std::to_string(number));
  saga.pipeline = "order";
  saga.plan = "plan-1";
  saga.state = state;
  saga.subject = "o-" + std::to_string(number);
  saga.root = Payload({{"orderId", saga.subject}, {"card", "4000-1234"}});
  saga.created = kNow - Millis(60'000 * number);
  saga.changed = kNow - Millis(1000);
  if (Ended(state)) saga.ended = kNow - Millis(1000);
  return saga;
}

inline StepRow Row(const Saga& saga, StepIndex step, StepState state) {
  StepRow row;
  row.saga = saga.id;
  row.step = step;
  row.state = state;
  row.attempt = 1;
  row.began = saga.created + Millis(10 * (step + 1));
  if (state == StepState::kDone) row.done = row.began + Millis(4);
  return row;
}

/// 1 is done, 2 retries `second`, 3 is stuck at the undo of `first`, 4 waits at a held `second`.
inline void Fill(FakeJournal& journal) {
  const Saga done = SagaNo(1, SagaState::kDone);
  journal.sagas.push_back(
      {done, {Row(done, 0, StepState::kDone), Row(done, 1, StepState::kDone)}, {}, {}});

  const Saga retrying = SagaNo(2, SagaState::kRunning);
  StepRow again = Row(retrying, 1, StepState::kRetrying);
  again.attempt = 4;
  again.code = "retry";
  again.detail = "connection refused";
  Due next{.saga = retrying.id, .step = 1, .kind = DueKind::kRetryDo, .due = kNow + Millis(6000)};
  journal.sagas.push_back({retrying, {Row(retrying, 0, StepState::kDone), again}, {next}, {}});

  Saga stuck = SagaNo(3, SagaState::kStuck);
  stuck.code = "declined";
  stuck.scope = StepSet(3);
  StepRow undo = Row(stuck, 0, StepState::kStuck);
  undo.done = undo.began + Millis(4);
  undo.undo_attempt = 8;
  undo.code = "locked";
  undo.detail = "row is locked";
  StepRow failed = Row(stuck, 1, StepState::kFailed);
  failed.code = "declined";
  const History gave_up{.saga = stuck.id,
                        .at = stuck.created + Millis(3120),
                        .step = "second",
                        .phase = "do",
                        .what = "failed",
                        .code = "declined",
                        .detail = "no points"};
  const History tried{.saga = stuck.id,
                      .at = stuck.created + Millis(9000),
                      .step = "first",
                      .what = "verb retry",
                      .code = "stuck -> undoing",
                      .detail = "lock is gone",
                      .who = "kim@ops"};
  journal.sagas.push_back({stuck, {undo, failed}, {}, {gave_up, tried}});

  const Saga held = SagaNo(4, SagaState::kRunning);
  StepRow second = Row(held, 1, StepState::kHeld);
  second.attempt = 8;
  second.code = "declined";
  journal.sagas.push_back({held, {Row(held, 0, StepState::kDone), second}, {}, {}});
}

inline View ViewOf(const PipelineRef& pipeline, const PluginCatalog& catalog) {
  View view;
  view.plan = [pipeline](const std::string& hash) {
    return hash == pipeline->hash ? pipeline : nullptr;
  };
  view.pipelines = [pipeline] { return std::vector<PipelineRef>{pipeline}; };
  view.catalog = &catalog;
  view.settings["shop"] = {{"url", ""}, {"key", "s3cret"}};
  view.now = kNow;
  return view;
}

}  // namespace reprise::runtime
