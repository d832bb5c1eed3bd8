// Test files of pipelines: what they say, and their mistakes.
#include "config/tests.h"

#include <gtest/gtest.h>

#include "catalogs.h"
#include "config/report.h"
#include "folder.h"

namespace reprise::runtime::test {
namespace {

const std::string kTested = R"(pipeline: orders
routes:
  POST /orders/{shop}: { body: { id: string(1..64) }, start: requested }
  POST /orders/{id}/ok: { signal: ok }
steps:
  begin: { plugin: demo.begin, on: requested }
  ask: { on: begin.began, wait: { for: ok, at_most: 1h } }
  work: { plugin: demo.work, on: ask.ok, on_failure: { undo: all } }
side:
  record: { plugin: demo.plain, on: "*" }
)";

Loaded LoadTest(const std::string& text) {
  Folder folder;
  folder.Write("orders.yaml", kTested).Write("orders.test.yaml", text);
  return Load({folder.Path()}, DemoCatalog(), Variables({}));
}

TEST(TestFiles, SayWhatToStartToBreakAndToExpect) {
  const Loaded loaded = LoadTest(R"(test: orders
cases:
  - name: all of it
    start: { requested: { id: A, shop: s, n: 5, deep: { x: [1, "2"] } } }
    faults: { work.do: fail, begin.undo: "retry:3", orders/work.undo: crash:2, record.do: unknown }
    crash: every_commit
    then:
      - advance: 4m59s
      - signal: { ok: { by: ann } }
      - signal: ok
      - request: { POST /orders/s1: { id: B }, bearer: $token, idempotency_key: K, status: 202, reply: { state: NEW }, save: { order: sagaId } }
      - verb: { skip: begin, event: began }
      - verb: undo
      - expect: { saga: running }
    expect:
      saga: undone
      steps: { begin: undone, work: failed }
      events: [begin.began, $failed]
      rows: { "SELECT 1": [[1, A]] }
      pushes: { u1: [a.b], u2: [] }
)");
  EXPECT_EQ(RenderText(loaded.findings), "");
  ASSERT_EQ(loaded.tests.size(), 1u);
  const TestCase& it = loaded.tests[0].cases.at(0);
  EXPECT_EQ(it.start->event, "requested");
  EXPECT_EQ(json::serialize(it.start->root), R"({"id":"A","shop":"s","n":5,"deep":{"x":[1,"2"]}})");
  ASSERT_EQ(it.faults.size(), 4u);
  EXPECT_EQ(it.faults[1].kind, TestFault::kRetry);
  EXPECT_EQ(it.faults[1].times, 3);
  EXPECT_TRUE(it.faults[1].undo);
  EXPECT_EQ(it.faults[2].step.pipeline, "orders");
  EXPECT_TRUE(it.crash_every_commit);
  ASSERT_EQ(it.then.size(), 7u);
  EXPECT_EQ(it.then[0].advance, Millis(299'000));
  EXPECT_EQ(json::serialize(it.then[1].signal.fields), R"({"by":"ann"})");
  EXPECT_EQ(it.then[2].signal.name, "ok");
  EXPECT_EQ(it.then[3].request.path, "/orders/s1");
  EXPECT_EQ(it.then[3].request.status, 202);
  EXPECT_EQ(it.then[3].request.save.at("order"), "sagaId");
  EXPECT_EQ(it.then[4].verb.what, "skip");
  EXPECT_EQ(it.then[4].verb.event, "began");
  EXPECT_EQ(it.then[5].verb.what, "undo");
  EXPECT_EQ(it.then[6].expect.saga, "running");
  EXPECT_EQ(it.expect.steps.at(1).second, "failed");
  EXPECT_EQ(json::serialize(it.expect.rows.at(0).second), R"([[1,"A"]])");
  EXPECT_TRUE(it.expect.pushes.at(1).second.empty());
}

TEST(TestFiles, NameTheirMistakes) {
  const Loaded loaded = LoadTest(R"(test: orders
cases:
  - name: mistakes
    start: { reqested: {} }
    faults: { wrok.do: fail, work: fail, work.do: sometimes, others/work.do: fail }
    then: [ { advance: soon }, { signal: okk }, { request: { POST /ordres/x: {} } }, { verb: { retry: wrok } }, { wait: 1s } ]
    expect:
      saga: finished
      steps: { begni: done, work: finished }
      events: [begin.begun]
      rows: { "SELECT 1": [1] }
  - name: nothing
)");
  EXPECT_EQ(Places(loaded.findings),
            "4:14 RPR043\n5:15 RPR044\n5:30 RPR013\n5:51 RPR013\n5:62 RPR045\n6:24 RPR013\n6:42 "
            "RPR047\n6:62 RPR050\n"
            "6:103 RPR044\n6:115 RPR010\n8:13 RPR013\n9:16 RPR044\n9:35 RPR013\n10:16 "
            "RPR043\n11:27 RPR012\n"
            "12:5 RPR011\n12:5 RPR011\n")
      << RenderText(loaded.findings);
}

TEST(TestFiles, NameAPipelineThatIsThere) {
  const Loaded loaded = LoadTest("test: ordres\ncases: []\n");
  ASSERT_EQ(loaded.findings.size(), 1u);
  EXPECT_EQ(loaded.findings[0].message, "unknown pipeline 'ordres'; did you mean 'orders'?");
}

}  // namespace
}  // namespace reprise::runtime::test
