// Pictures of a pipeline: the do flow, the undo flow against it, and what is beside.
#include "app/graph.h"

#include <gtest/gtest.h>

#include "config/load.h"

namespace reprise::runtime {
namespace {

constexpr const char* kText = R"(pipeline: orders
about: From a request to a parcel.
timeout: 2h
routes:
  POST /orders: { body: { id: string }, start: requested }
  GET /orders/{id}: { ask: shop.show }
  POST /orders/{id}/ok: { signal: ok }
steps:
  take: { plugin: shop.take, on: requested, key: id }
  ask: { on: take.taken, wait: { for: ok, at_most: 1h } }
  remind: { plugin: shop.remind, on: take.taken, on_failure: { hold: forever, undo: none } }
  send: { plugin: shop.take, on: { all: [ask.ok, remind.due] }, final: true }
  tell: { plugin: shop.tell, on: take.taken, undo: last, on_failure: { undo: none } }
  stop: { on: ask.late, fail: too_late }
side:
  log: { plugin: shop.tell, on: "*" }
  bill: { plugin: shop.tell, on: send.taken, undo_on: $undone }
)";

class GraphTest : public testing::Test {
 protected:
  GraphTest() {
    PluginInfo shop;
    shop.name = "shop";
    shop.actions = {Action("take", "taken", false), Action("remind", "due", true),
                    Action("tell", "", false)};
    shop.questions.emplace_back().name = "show";
    catalog["shop"] = shop;
    const auto plan = CompilePlan(kText, catalog, [](const std::string&) { return std::nullopt; });
    EXPECT_TRUE(plan) << plan.error().message;
    if (plan) pipeline = *plan;
  }

  static ActionInfo Action(std::string name, std::string event, bool timer) {
    ActionInfo action;
    action.name = std::move(name);
    if (!event.empty()) {
      action.events.emplace_back().name = std::move(event);
      action.events.back().timer = timer;
    }
    return action;
  }

  PluginCatalog catalog;
  PipelineRef pipeline;
};

TEST_F(GraphTest, ATopicOfOthersIsABeginning) {
  const auto plan = CompilePlan(R"(pipeline: listening
topics:
  shop.orders: { body: { id: string }, dedupe: id, start: ordered }
steps:
  take: { plugin: shop.take, on: ordered, key: id, on_failure: { undo: all } }
side:
  log: { plugin: shop.tell, on: "*" }
)",
                                catalog, [](const std::string&) { return std::nullopt; });
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_NE(AsciiGraph(**plan, &catalog).find("topic shop.orders\n  `-- ordered --> take"),
            std::string::npos)
      << AsciiGraph(**plan, &catalog);
}

TEST_F(GraphTest, DrawsDoAsATreeAndUndoAsWaves) {
  ASSERT_TRUE(pipeline);
  EXPECT_EQ(AsciiGraph(*pipeline, &catalog), R"(orders: From a request to a parcel.
undone if it is not through after 2h

do
POST /orders
  `-- requested --> take  shop.take  [key id]
      |-- taken --> ask  waits 1h for ok
      |   |-- ok --> send  shop.take  [joins ask.ok and remind.due]  [final]
      |   `-- timer late --> stop  fails with too_late
      |-- taken --> remind  shop.remind
      |   `-- timer due --> send (above)
      `-- taken --> tell  shop.tell  [undo: last]

undo: each step after all that depends on it
  1. send, stop
  2. ask, remind
  3. take
  last. tell

failure of
  take undoes all
  remind waits for a person, then undoes nothing
  send undoes all
  tell undoes nothing
  stop undoes all

side steps
  * --> log  shop.tell
  send.taken --> bill  shop.tell  [undone on $undone]

other routes
  GET /orders/{id} asks shop.show
  POST /orders/{id}/ok signals ok
)");
}

TEST_F(GraphTest, DrawsMermaidWithDashedUndo) {
  ASSERT_TRUE(pipeline);
  const std::string text = MermaidGraph(*pipeline, &catalog);
  EXPECT_TRUE(text.starts_with("flowchart LR\n"));
  for (const char* line :
       {"  s0[\"take<br/>shop.take\"]\n", "  s1[/\"ask<br/>waits 1h for ok\"/]\n",
        "  s3{{\"send<br/>shop.take<br/>final\"}}\n", "  b0 -->|\"requested\"| s0\n",
        "  s2 -->|\"timer due\"| s3\n", "  s3 -.->|\"undo\"| s1\n", "  s3 -.->|\"undo\"| s2\n",
        "  s0 -.->|\"undo, last\"| s4\n", "  e2a((\"any event\"))\n", "  s3 --o|\"taken\"| s7\n",
        "  class s6,s7 side\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
  }
  EXPECT_EQ(text.find("s4 -.->"), std::string::npos) << "the last to be undone is before nobody";
}

}  // namespace
}  // namespace reprise::runtime
