// One planted mistake per rule of lint: each is found, at its place, with its code, and nothing
// else is.
#include <set>

#include <gtest/gtest.h>

#include "catalogs.h"
#include "config/codes.h"
#include "config/report.h"
#include "folder.h"

namespace reprise::runtime::test {
namespace {

struct Planted {
  std::string name, yaml, expected;  // expected: "line:col code" lines
};

/// A pipeline without a mistake; cases change one line of it.
const std::string kGood = R"(pipeline: orders
routes:
  POST /orders: { body: { id: string(1..64) }, start: requested }
steps:
  begin: { plugin: demo.begin, on: requested, key: id }
  work: { plugin: demo.work, on: begin.began, on_failure: { undo: all } }
side:
  record: { plugin: demo.plain, on: "*" }
)";

/// `kGood` with the first occurrence of `from` replaced.
std::string But(const std::string& from, const std::string& to) {
  std::string text = kGood;
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

/// `kGood` with further steps behind `work`.
std::string And(const std::string& steps) {
  return But("side:\n", steps + "side:\n");
}

/// `kGood` with further routes, from line 4.
std::string Route(const std::string& routes) {
  return But("steps:\n", routes + "steps:\n");
}

std::vector<Planted> Reading() {
  return {
      {"Syntax", But("{ undo: all }", "{ undo: all"), "7:1 RPR002\n"},
      {"QuoteWithoutEnd", kGood + "about: \"no end\n", "9:8 RPR002\n"},
      {"QuoteThatAFileEnds", kGood + "about: 'it''s\nmore: \"x\"\n", "9:8 RPR002\n"},
      {"ValueIsMissing", kGood + "subject:\n\n\nabout: x\n", "9:1 RPR012\n"},
      {"Tag", But("POST /orders: { body", "POST /orders: !!map { body"), "3:17 RPR002\n"},
      {"Tab", But("  work:", "\twork:"), "6:1 RPR003\n"},
      {"SecondDocument", kGood + "---\npipeline: more\n", "9:1 RPR004\n"},
      {"Alias", And("  more: &x { plugin: demo.plain, on: *x }\n"), "7:38 RPR007\n"},
      {"MergeKey", But("on_failure: {", "on_failure: { <<: { undo: none },"), "6:61 RPR008\n"},
      {"Duplicate", But("on: requested,", "on: requested, on: requested,"), "5:47 RPR009\n"},
      {"SideNamedAsStep", But("  record:", "  work:"), "5:3 RPR070\n8:3 RPR009\n"},
      {"UnknownKey", But("key: id", "kye: id"), "5:47 RPR010\n"},
      {"UnknownTopKey", kGood + "stesp: {}\n", "9:1 RPR010\n"},
      {"MissingKey", kGood + "topics:\n  orders: { format: json }\n", "10:11 RPR011\n"},
      {"WrongKind", But("{ undo: all }", "[all]"), "6:59 RPR012\n"},
      {"WrongValue", kGood + "timeout: soon\n", "9:10 RPR013\n"},
      {"WrongWord", But("undo: all", "undo: al"), "6:67 RPR013\n"},
      {"Ordering", But("key: id", "key: id, ordering: loose"), "5:66 RPR013\n"},
      {"Name", But("pipeline: orders", "pipeline: My orders"), "1:11 RPR014\n"},
      {"FieldName", But("{ id: string(1..64) }", "{ id: string(1..64), a-b: string }"),
       "3:46 RPR014\n"},
      {"Unset", But("{ undo: all }", "{ undo: \"${NOBODY}\" }"), "6:68 RPR020\n"},
      {"Unclosed", kGood + "about: ${NOBODY\n", "9:8 RPR021\n"},
      {"NoVariable", kGood + "about: ${1:x}\n", "9:8 RPR021\n"},
      {"Unquoted", But("{ undo: all }", "{ undo: ${UNDO:all} }"), "6:67 RPR022\n"},
      {"NoFile", kGood + "about: see ${file:/no/such/file}\n", "9:12 RPR023\n"},
  };
}

std::vector<Planted> Naming() {
  return {
      {"Type", But("string(1..64)", "strng(1..64)"), "3:31 RPR030\n"},
      {"TypeBounds", But("string(1..64)", "string(64..1)"), "3:31 RPR030\n"},
      {"UnknownSetting", But("key: id", "with: { limti: 5 }"), "5:55 RPR031\n"},
      {"MissingSetting",
       And("  tick: { plugin: demo.tick, on: work.worked, on_failure: { undo: all } }\n"),
       "7:3 RPR032\n"},
      {"SettingType", But("key: id", "with: { limit: many }"), "5:62 RPR033\n"},
      {"SettingTooBig", But("key: id", "with: { limit: 101 }"), "5:62 RPR033\n"},
      {"Plugin", But("demo.work", "dmo.work"), "6:19 RPR040\n"},
      {"Action", But("demo.plain", "demo.plian"), "8:21 RPR041\n"},
      {"Question", Route("  GET /orders/{id}: { ask: demo.shwo }\n"), "4:28 RPR042\n"},
      {"EventOfRoute", But("on: requested", "on: reqested"), "5:36 RPR043\n"},
      {"EventOfStep", But("on: begin.began", "on: begin.begun"), "6:34 RPR043\n"},
      {"DollarEvent", But("\"*\"", "$don"), "5:3 RPR070\n8:37 RPR043\n"},
      {"StepOfEvent", But("on: begin.began", "on: beginn.began"), "6:34 RPR044\n"},
      {"StepOfUndo", But("undo: all", "undo: [begin, wrok]"), "6:75 RPR044\n"},
      {"SideInUndo", But("undo: all", "undo: [begin, record]"), "6:75 RPR044\n"},
      {"Pipeline", But("on: begin.began", "on: others/$done"), "5:3 RPR081\n6:34 RPR045\n"},
      {"FailCode", And("  stop: { on: begin.refused, fail: Not-Now }\n"), "7:36 RPR046\n"},
      {"Signal", Route("  POST /orders/{id}/go: { signal: go }\n"), "4:35 RPR047\n"},
  };
}

std::vector<Planted> Routing() {
  return {
      {"Method", Route("  FETCH /orders: { ask: demo.secret }\n"), "4:3 RPR050\n"},
      {"Path", Route("  GET /orders/{}: { ask: demo.secret }\n"), "4:3 RPR050\n"},
      {"NoKind", Route("  GET /orders: { check: [demo.who] }\n"), "4:3 RPR051\n"},
      {"TwoKinds", Route("  GET /orders: { ask: demo.secret, stream: demo.secret }\n"),
       "4:3 RPR051\n"},
      {"LockOnAsk", Route("  GET /orders/{id}: { ask: demo.show, lock: id }\n"), "4:39 RPR052\n"},
      {"BodyOnGet", Route("  GET /orders: { body: { id: string }, ask: demo.show }\n"),
       "4:18 RPR052\n"},
      {"SameRoute",
       Route(
           "  GET /orders/{id}: { ask: demo.show }\n  GET /orders/{name}: { ask: demo.secret }\n"),
       "5:3 RPR053\n"},
      {"OwnPath", Route("  GET /metrics: { ask: demo.secret }\n"), "4:3 RPR054\n"},
      {"CheckSetsBody",
       Route("  POST /more: { body: { id: string, userId: string }, check: [demo.who], ask: "
             "demo.show }\n"),
       "4:63 RPR055\n"},
      {"QuestionField", Route("  GET /orders: { ask: demo.show }\n"), "4:23 RPR057\n"},
      {"NamedTwice", Route("  POST /orders/{id}: { body: { id: string }, ask: demo.show }\n"),
       "4:32 RPR058\n"},
      {"PathNamesTwice", Route("  GET /orders/{id}/parts/{id}: { ask: demo.show }\n"),
       "4:3 RPR058\n"},
      {"IdIsTaken", But("start: requested", "id: id, start: requested"), "3:52 RPR058\n"},
      {"Location", But("start: requested", "start: requested, location: \"/orders/{orderId}\""),
       "3:76 RPR058\n"},
      {"Lock", But("start: requested", "start: requested, lock: ide"), "3:72 RPR075\n"},
  };
}

/// `kGood` with this topic, at 10:3.
std::string Listening(const std::string& topic) {
  return kGood + "topics:\n  " + topic + "\n";
}

std::vector<Planted> Topics() {
  return {
      {"TopicName", Listening("my orders: { start: requested }"), "10:3 RPR014\n"},
      {"TopicKind", Listening("orders: [requested]"), "10:11 RPR012\n"},
      {"TopicWord", Listening("orders: { formt: json, start: requested }"), "10:13 RPR010\n"},
      {"TopicFormat", Listening("orders: { format: jsn, start: requested }"), "10:21 RPR013\n"},
      {"TopicFrom", Listening("orders: { from: first, start: requested }"), "10:19 RPR013\n"},
      {"TopicStart", Listening("orders: { start: Requested! }"), "10:20 RPR014\n"},
      {"TopicBody", Listening("orders: { body: { id: strng }, start: requested }"),
       "10:25 RPR030\n"},
      {"TopicCheck", Listening("orders: { check: [demo.whoo], start: requested }"),
       "10:21 RPR042\n"},
      {"TopicNobodyHandles",
       But("\"*\"", "[begin.refused, work.worked]") +
           "topics:\n  orders: { body: { id: string }, start: other }\n",
       "10:42 RPR070\n"},
      {"TopicCeId",
       Listening("orders: { format: json, dedupe: ce_id, body: { id: string }, start: requested }"),
       "10:35 RPR059\n"},
      {"TopicDedupe", Listening("orders: { body: { id: string }, dedupe: di, start: requested }"),
       "10:43 RPR075\n"},
      {"TopicDedupeMayLack",
       Listening(
           "orders: { body: { id: string, n: optional string }, dedupe: n, start: requested }"),
       "10:63 RPR075\n"},
      {"TopicRecordKey", Listening("orders: { body: { id: string }, key: ide, start: requested }"),
       "10:40 RPR075\n"},
      {"TopicNumberKey",
       Listening("orders: { body: { id: string, n: integer }, key: n, start: requested }"),
       "10:52 RPR078\n"},
      {"TopicRawBody", Listening("orders: { format: raw, body: { id: string }, start: arrived }"),
       "10:32 RPR059\n"},
  };
}

std::vector<Planted> Stepping() {
  std::string many = "  s0: { plugin: demo.work, on: requested, on_failure: { undo: all } }\n";
  for (int i = 1; i < 63; ++i) {
    std::string line = many.substr(0, many.find('\n') + 1);
    many += line.replace(2, 2, "s" + std::to_string(i));
  }
  return {
      {"NoPlugin", But("plugin: demo.work, ", ""), "6:3 RPR060\n"},
      {"SideWithoutPlugin", But("plugin: demo.plain, ", ""), "8:3 RPR060\n"},
      {"SideJoin", But("on: \"*\"", "on: { all: [begin.began, work.worked, begin.refused] }"),
       "8:37 RPR061\n"},
      {"TooMany", And(many), "69:3 RPR062\n"},
      {"SideWithoutOn", But(", on: \"*\"", ""), "5:3 RPR070\n8:3 RPR063\n"},
      {"RunAndOn", Route("  POST /now: { body: { id: string }, run: [begin] }\n"), "6:32 RPR063\n"},
      {"StarOnStep", But("on: begin.began", "on: \"*\""), "5:3 RPR081\n6:34 RPR064\n"},
      {"DollarOnStep", But("on: begin.began", "on: $done"), "5:3 RPR081\n6:34 RPR064\n"},
      {"BehindASide", But("on: begin.began", "on: record.x"), "5:3 RPR081\n6:34 RPR064\n"},
      {"OwnPipeline", But("on: begin.began", "on: orders/begin.began"),
       "5:3 RPR081\n6:34 RPR064\n"},
      {"RunNamesNothing", Route("  POST /now: { run: [pause] }\n"), "4:22 RPR044\n"},
  };
}

std::vector<Planted> Flowing() {
  return {
      {"UnhandledOfRoute", But("\"*\"", "work.worked"), "5:3 RPR070\n"},
      {"UnhandledOfStep", But("\"*\"", "$done"), "5:3 RPR070\n"},
      {"Unreachable", But(", on: begin.began", ""), "5:3 RPR081\n6:3 RPR071\n"},
      {"Cycle", But("on: requested", "on: [requested, work.worked]"), "5:36 RPR072\n"},
      {"BothCanHappen",
       And("  more: { plugin: demo.plain, on: [begin.began, work.worked], on_failure: { undo: all "
           "} }\n"),
       "7:49 RPR073\n"},
      {"NeverJoined",
       And("  more: { plugin: demo.plain, on: { all: [begin.began, begin.refused] }, on_failure: { "
           "undo: all } }\n"),
       "7:56 RPR074\n"},
      {"Key", But("key: id", "key: di"), "5:52 RPR075\n"},
      {"Subject", kGood + "subject: customer\n", "9:10 RPR075\n"},
      {"KeyFromAnEvent", But("on: begin.began", "on: begin.began, key: number"), "6:52 RPR075\n"},
      {"PayloadLacks",
       And("  more: { plugin: demo.need, on: begin.refused, on_failure: { undo: all } }\n"),
       "7:19 RPR076\n"},
      {"OptionalIsNotEnough", But("id: string(1..64)", "id: optional string(1..64)"),
       "5:20 RPR076\n5:52 RPR075\n6:19 RPR076\n"},
      {"SettingNamesNothing",
       And("  more: { plugin: demo.at, on: begin.began, with: { field: nmber }, on_failure: { "
           "undo: all } }\n"),
       "7:60 RPR077\n"},
      {"OtherType", But("id: string(1..64)", "id: boolean"),
       "5:20 RPR078\n5:52 RPR078\n6:19 RPR078\n"},
      {"EventSetsTheKey",
       And("  more: { plugin: demo.rename, on: begin.began, on_failure: { undo: all } }\n"),
       "7:3 RPR079\n"},
      {"NoUndoInScope",
       And("  more: { plugin: demo.mail, on: begin.began, on_failure: { undo: none } }\n"),
       "7:19 RPR080\n"},
      {"LeafWithoutPolicy", But(", on_failure: { undo: all }", ""), "6:3 RPR081\n"},
      {"BehindUndoLast", But("key: id", "undo: last"), "6:34 RPR082\n"},
      {"LongTimer",
       And("  tick: { plugin: demo.tick, on: begin.began, with: { after: 10m }, on_failure: { "
           "undo: all } }\n") +
           "timeout: 10m\n",
       "7:62 RPR083\n"},
      {"LongWait",
       And("  hold: { on: begin.began, wait: { for: go, at_most: 1h } }\n") + "timeout: 10m\n",
       "7:54 RPR083\n"},
  };
}

/// Whole files that are not one line away from kGood.
std::vector<Planted> Whole() {
  const std::string now =
      "pipeline: now\nroutes:\n  POST /now: { body: { id: string }, run: [first] }\nsteps:\n";
  return {
      {"InlineIsExternal", now + "  first: { plugin: demo.call }\n", "5:20 RPR065\n"},
      {"InlineIsAWait", now + "  first: { wait: { for: go, at_most: 1h } }\n", "5:3 RPR066\n"},
      {"InlineKeyFromRun",
       "pipeline: now\nroutes:\n  POST /now: { body: { id: string }, run: [first, second] "
       "}\nsteps:\n"
       "  first: { plugin: demo.begin }\n  second: { plugin: demo.work, key: number }\n",
       "6:37 RPR075\n"},
      {"SignalNeedsAnId",
       "pipeline: now\nroutes:\n  POST /now: { body: { id: string }, start: begun }\n"
       "  POST /go: { signal: go }\nsteps:\n  hold: { on: begun, wait: { for: go, at_most: 1h } "
       "}\n",
       "4:3 RPR056\n"},
      {"TellNobodyHears",
       "pipeline: now\nroutes:\n  POST /now: { ask: demo.secret, tell: asked }\n", "3:40 RPR070\n"},
      {"ToldSecret",
       "pipeline: now\nroutes:\n  POST /now: { ask: demo.secret, tell: asked }\nside:\n"
       "  s: { plugin: demo.at, on: asked, with: { field: token } }\n",
       "5:51 RPR077\n"},
      {"StepHearsWhatIsTold",
       "pipeline: now\nroutes:\n  POST /now: { ask: demo.secret, tell: asked }\nsteps:\n"
       "  s: { plugin: demo.plain, on: asked, on_failure: { undo: none } }\n",
       "5:32 RPR064\n"},
      {"TwoCycles",
       "pipeline: now\nsteps:\n  a: { plugin: demo.work, on: b.worked }\n  b: { plugin: demo.work, "
       "on: a.worked }\n",
       "3:3 RPR071\n3:31 RPR072\n4:3 RPR071\n"},
      {"NotOurs", "steps: {}\n", "1:1 RPR015\n"},
      {"Empty", "", "1:1 RPR015\n"},
  };
}

class PlantedMistake : public testing::TestWithParam<Planted> {};

TEST_P(PlantedMistake, IsFoundAtItsPlace) {
  Folder folder;
  folder.Write("it.yaml", GetParam().yaml);
  const Loaded loaded = Load({folder.Path("it.yaml")}, DemoCatalog(), Variables({}));
  EXPECT_EQ(Places(loaded.findings), GetParam().expected) << RenderText(loaded.findings);
  for (const Finding& finding : loaded.findings)
    EXPECT_NE(FindCode(finding.code), nullptr) << finding.code;
}

std::string NameOf(const testing::TestParamInfo<Planted>& info) {
  return info.param.name;
}
INSTANTIATE_TEST_SUITE_P(Reading, PlantedMistake, testing::ValuesIn(Reading()), NameOf);
INSTANTIATE_TEST_SUITE_P(Naming, PlantedMistake, testing::ValuesIn(Naming()), NameOf);
INSTANTIATE_TEST_SUITE_P(Routing, PlantedMistake, testing::ValuesIn(Routing()), NameOf);
INSTANTIATE_TEST_SUITE_P(Topics, PlantedMistake, testing::ValuesIn(Topics()), NameOf);
INSTANTIATE_TEST_SUITE_P(Stepping, PlantedMistake, testing::ValuesIn(Stepping()), NameOf);
INSTANTIATE_TEST_SUITE_P(Flowing, PlantedMistake, testing::ValuesIn(Flowing()), NameOf);
INSTANTIATE_TEST_SUITE_P(Whole, PlantedMistake, testing::ValuesIn(Whole()), NameOf);

TEST(Lint, FindsNothingInAGoodPipeline) {
  Folder folder;
  folder.Write("it.yaml", kGood);
  EXPECT_EQ(RenderText(Load({folder.Path()}, DemoCatalog(), Variables({})).findings), "");
}

TEST(Lint, HasAPlantedMistakeForEveryCode) {
  std::set<std::string> planted = {"RPR001", "RPR005", "RPR006", "RPR016",
                                   "RPR024"};  // in yaml_test and load_test
  for (const auto& group :
       {Reading(), Naming(), Routing(), Topics(), Stepping(), Flowing(), Whole()}) {
    for (const Planted& one : group) {
      for (size_t at = one.expected.find("RPR"); at != std::string::npos;
           at = one.expected.find("RPR", at + 1)) {
        planted.insert(one.expected.substr(at, 6));
      }
    }
  }
  for (const CodeInfo& info : AllCodes())
    EXPECT_TRUE(planted.contains(std::string(info.code))) << info.code;
}

TEST(Lint, ReportsAllMistakesOfAFileAtOnce) {
  Folder folder;
  folder.Write("it.yaml", R"(pipeline: orders
timeuot: 5m
routes:
  POST /orders: { body: { id: strng }, start: requested }
steps:
  begin: { plugin: dmo.begin, on: requested, retry: { attempts: 0, frist: 1s } }
  work: { plugin: demo.work, on: [requested, nothing], timeout: ${T} , timeout: 5s }
)");
  const Loaded loaded = Load({folder.Path()}, DemoCatalog(), Variables({}));
  const std::string places = Places(loaded.findings);
  for (const char* one : {"2:1 RPR010", "4:31 RPR030", "6:20 RPR040", "6:65 RPR013", "6:68 RPR010",
                          "7:46 RPR043", "7:65 RPR022", "7:72 RPR009"}) {
    EXPECT_NE(places.find(one), std::string::npos) << one << "\n" << RenderText(loaded.findings);
  }
  EXPECT_TRUE(loaded.pipelines.empty());
}

TEST(Lint, TakesAnEventForAnEventThatIsNamedLikeARouteInside) {
  for (const std::string event : {"run:7", "run:x", "run:", "run:0", "run:99999999999999999999"}) {
    Folder folder;
    folder.Write("it.yaml", "pipeline: it\nsteps:\n  one: { plugin: demo.work, on: '" + event +
                                "', key: id, on_failure: { undo: all } }\n");
    const Loaded loaded = Load({folder.Path()}, DemoCatalog(), Variables({}));
    EXPECT_NE(RenderText(loaded.findings).find("unknown event '" + event + "'"), std::string::npos)
        << RenderText(loaded.findings);
  }
}

TEST(Lint, SaysDidYouMean) {
  Folder folder;
  folder.Write("it.yaml", But("demo.work", "demo.wrok"));
  const Loaded loaded = Load({folder.Path()}, DemoCatalog(), Variables({}));
  ASSERT_EQ(loaded.findings.size(), 1u);
  EXPECT_EQ(loaded.findings[0].message, "plugin 'demo' has no action 'wrok'; did you mean 'work'?");
}

TEST(Lint, TakesAlternativesOfDifferentStepsForExclusive) {
  Folder folder;
  folder.Write("it.yaml", And("  other: { plugin: demo.work, on: begin.refused }\n"
                              "  end: { plugin: demo.work, on: [work.worked, other.worked], "
                              "on_failure: { undo: all } }\n"));
  EXPECT_EQ(RenderText(Load({folder.Path()}, DemoCatalog(), Variables({})).findings), "");
}

TEST(Lint, KnowsTheFieldsOfASignal) {
  Folder folder;
  const std::string text =
      "pipeline: a\nroutes:\n  POST /a: { body: { id: string }, start: begun }\n"
      "  POST /a/{id}/ok: { body: { number: integer }, signal: ok }\nsteps:\n"
      "  ask: { on: begun, wait: { for: ok, at_most: 1h } }\n"
      "  use: { plugin: demo.need, on: ask.ok, on_failure: { undo: all } }\n"
      "  stop: { on: ask.late, fail: too_late }\n";
  folder.Write("it.yaml", text);
  const Loaded loaded = Load({folder.Path()}, DemoCatalog(), Variables({}));
  EXPECT_EQ(RenderText(loaded.findings), "");
  ASSERT_EQ(loaded.pipelines.size(), 1u);
  EXPECT_EQ(loaded.pipelines[0]->steps[0].kind, StepKind::kWait);
  EXPECT_EQ(loaded.pipelines[0]->steps[0].events, (std::vector<std::string>{"ok", "late"}));
  EXPECT_EQ(loaded.pipelines[0]->steps[2].fail_code, "too_late");
}

TEST(Lint, FollowsPayloadsFromAnotherPipeline) {
  Folder folder;
  folder.Write("a.yaml", kGood);
  folder.Write("b.yaml",
               "pipeline: b\nsteps:\n  use: { plugin: demo.need, on: orders/work.worked, "
               "on_failure: { undo: all } }\n");
  EXPECT_EQ(RenderText(Load({folder.Path()}, DemoCatalog(), Variables({})).findings), "");
  folder.Write("b.yaml",
               "pipeline: b\nsteps:\n  use: { plugin: demo.need, on: orders/$done, on_failure: { "
               "undo: all } }\n");
  EXPECT_EQ(Places(Load({folder.Path()}, DemoCatalog(), Variables({})).findings), "3:18 RPR076\n");
}

}  // namespace
}  // namespace reprise::runtime::test
