// push.notion against a real HTTP server on loopback.  REPRISE_PLUGIN comes from push_test.cpp's
// program.
#include "notion.h"

#include <gtest/gtest.h>

#include <reprise/testkit.hpp>

namespace push {
namespace {

using namespace std::chrono_literals;

const Fields kStuck{
    {"reservationId", "R1"},
    {"$saga",
     Json{
         R"({"id":"S1","pipeline":"reservation","state":"stuck",)"
         R"("step":"hold-seat","phase":"undo",)"
         R"("attempts":20,"code":"unavailable","detail":"no answer","at":"2030-01-01T00:00:00.000Z"})"}}};
const Fields kFailed{
    {"reservationId", "R1"},
    {"$saga",
     Json{R"({"id":"S1","pipeline":"reservation","state":"undoing","step":"deadline","phase":"do",)"
          R"("attempts":1,"code":"bad_time","at":"2030-01-01T00:00:00.000Z"})"}}};

Settings With(const HttpServer& server) {
  Settings settings;
  settings.notion_url = server.url();
  settings.notion_token = "ntn_secret";
  settings.notion_database = "db-1";
  return settings;
}

const boost::json::value& At(const boost::json::value& value, std::string_view pointer) {
  return value.at_pointer({pointer.data(), pointer.size()});
}

std::string Text(const boost::json::value& value, std::string_view pointer) {
  return std::string(At(value, pointer).as_string());
}

TEST(Notion, CreatesAPageInTheFormNotionWants) {
  HttpServer server;
  server.On("POST /v1/pages", 200, R"({"object":"page","id":"page-1"})");
  Kit<Notion> kit({}, With(server));
  const Ran ran = kit.Do({}, kStuck);
  ASSERT_TRUE(ran.done()) << ran;
  EXPECT_EQ(ran.memo, "page-1");
  ASSERT_EQ(server.requests().size(), 1U);
  const HttpServer::Request request = server.requests()[0];
  EXPECT_EQ(request.headers.at("authorization"), "Bearer ntn_secret");
  EXPECT_EQ(request.headers.at("notion-version"), "2025-09-03");
  EXPECT_EQ(request.headers.at("content-type"), "application/json");
  EXPECT_NE(request.headers.at("idempotency-key").find(ran.saga), std::string::npos);
  const auto page = ParseJson(request.body);
  ASSERT_TRUE(page) << request.body;
  EXPECT_EQ(Text(*page, "/parent/type"), "data_source_id");
  EXPECT_EQ(Text(*page, "/parent/data_source_id"), "db-1");
  EXPECT_EQ(Text(*page, "/properties/Name/title/0/text/content"),
            "reservation/hold-seat is stuck: unavailable");
  EXPECT_EQ(Text(*page, "/properties/Severity/select/name"), "P1");
  const std::string facts = Text(*page, "/children/0/paragraph/rich_text/0/text/content");
  for (const char* fact :
       {"saga S1", "step hold-seat (undo)", "attempts 20", "no answer", "reprise saga show S1"}) {
    EXPECT_NE(facts.find(fact), std::string::npos) << facts;
  }
  EXPECT_NE(facts.find(request.headers.at("idempotency-key")), std::string::npos);
  EXPECT_NE(
      Text(*page, "/children/1/code/rich_text/0/text/content").find(R"("reservationId":"R1")"),
      std::string::npos);
}

TEST(Notion, AFailedStepIsLessSevereThanAStuckOne) {
  HttpServer server;
  server.On("POST /v1/pages", 200, R"({"id":"page-1"})");
  Kit<Notion> kit({}, With(server));
  kit.Do({}, kFailed);
  const auto page = ParseJson(server.requests().at(0).body);
  EXPECT_EQ(Text(*page, "/properties/Severity/select/name"), "P2");
  EXPECT_EQ(Text(*page, "/properties/Name/title/0/text/content"),
            "reservation/deadline failed: bad_time");
}

TEST(Notion, NamesTheDatabaseToOlderVersions) {
  HttpServer server;
  server.On("POST /v1/pages", 200, R"({"id":"page-1"})");
  Settings settings = With(server);
  settings.notion_version = "2022-06-28";
  Kit<Notion> kit({}, settings);
  kit.Do({}, kFailed);
  const auto request = server.requests().at(0);
  EXPECT_EQ(request.headers.at("notion-version"), "2022-06-28");
  const auto page = ParseJson(request.body);
  EXPECT_EQ(Text(*page, "/parent/type"), "database_id");
  EXPECT_EQ(Text(*page, "/parent/database_id"), "db-1");
}

TEST(Notion, CutsLongTextsBetweenCharacters) {
  HttpServer server;
  server.On("POST /v1/pages", 200, R"({"id":"page-1"})");
  Kit<Notion> kit({}, With(server));
  std::string korean;
  for (int i = 0; i < 100'000; ++i) korean += "석";
  ASSERT_TRUE(kit.Do({}, {{"text", korean}, {"$saga", *kFailed.Find("$saga")}}).done());
  const auto page = ParseJson(server.requests().at(0).body);
  ASSERT_TRUE(page);  // so it is UTF-8
  const auto& pieces = At(*page, "/children/1/code/rich_text").as_array();
  EXPECT_EQ(pieces.size(), kRichTextsMax);
  for (const auto& piece : pieces)
    EXPECT_LE(Text(piece, "/text/content").size(), kRichTextBytesMax);
}

TEST(Notion, WaitsAsLongAsNotionAsks) {
  HttpServer server;
  server.Once("POST /v1/pages", 429, R"({"code":"rate_limited"})", {{"Retry-After", "7"}})
      .On("POST /v1/pages", 200, R"({"id":"page-1"})");
  Kit<Notion> kit({}, With(server));
  const Ran limited = kit.Do({}, kStuck);
  EXPECT_TRUE(limited.retry()) << limited;
  EXPECT_EQ(limited.after, 7s);
  EXPECT_TRUE(kit.Do({}, kStuck).done());
  const auto requests = server.requests();
  EXPECT_EQ(requests.at(0).headers.at("idempotency-key"),
            requests.at(1).headers.at("idempotency-key"));
}

TEST(Notion, TriesAgainWhenTheAnswerIsLostOrTheServerFails) {
  HttpServer server;
  server.Drop("POST /v1/pages")
      .Once("POST /v1/pages", 502)
      .On("POST /v1/pages", 200, R"({"id":"p"})");
  Kit<Notion> kit({}, With(server));
  EXPECT_TRUE(kit.Do({}, kStuck).retry());
  EXPECT_TRUE(kit.Do({}, kStuck).retry());
  EXPECT_TRUE(kit.Do({}, kStuck).done());
}

TEST(Notion, FailsWhenNotionRefuses) {
  HttpServer server;
  for (const int status : {400, 401, 403, 404}) {
    server.On("POST /v1/pages", status, R"({"code":"validation_error"})");
    Kit<Notion> kit({}, With(server));
    const Ran ran = kit.Do({}, kStuck);
    EXPECT_TRUE(ran.failed()) << ran;
    EXPECT_EQ(ran.code, "http_refused");
  }
}

TEST(Notion, NeverShowsItsTokenInTheLog) {
  HttpServer server;
  server.On("POST /v1/pages", 401, "{}");
  Kit<Notion> kit({}, With(server));
  const Ran ran = kit.Do({}, kStuck);
  for (const std::string& line : ran.log)
    EXPECT_EQ(line.find("ntn_secret"), std::string::npos) << line;
  EXPECT_EQ(ran.detail.find("ntn_secret"), std::string::npos);
}

TEST(Notion, WithoutAUrlTheAlertGoesToTheLogAndATopic) {
  Kit<Notion> kit;
  const Ran ran = kit.Do({}, kStuck);
  ASSERT_TRUE(ran.done()) << ran;
  EXPECT_TRUE(ran.memo.empty());
  ASSERT_FALSE(ran.log.empty());
  EXPECT_NE(ran.log[0].find("reservation/hold-seat is stuck"), std::string::npos) << ran.log[0];
  ASSERT_EQ(ran.sent.size(), 1U);
  EXPECT_EQ(ran.sent[0].topic, "alerts");
  EXPECT_EQ(ran.sent[0].key, "S1");
  const auto line = ParseJson(ran.sent[0].bytes);
  ASSERT_TRUE(line) << ran.sent[0].bytes;
  EXPECT_EQ(Text(*line, "/severity"), "P1");
  EXPECT_EQ(Text(*line, "/payload/reservationId"), "R1");
  EXPECT_EQ(Text(*line, "/payload/$saga/code"), "unavailable");
}

TEST(Notion, AlertsAlsoOfWhatHasNoSaga) {
  Kit<Notion> kit;
  EXPECT_TRUE(kit.Do({}, {{"text", "x"}}).done());
}

TEST(Notion, RefusesToStartWithHalfAnAddress) {
  Settings settings;
  settings.notion_url = "https://api.notion.com";
  EXPECT_THROW(Kit<Notion>({}, settings), std::runtime_error);
  settings.notion_token = "t";
  EXPECT_THROW(Kit<Notion>({}, settings), std::runtime_error);
  settings.notion_database = "d";
  EXPECT_NO_THROW(Kit<Notion>({}, settings));
}

TEST(Notion, UndoMovesThePageToTheTrash) {
  HttpServer server;
  server.On("POST /v1/pages", 200, R"({"id":"0a1b-2c"})").On("PATCH /v1/pages/0a1b-2c", 200, "{}");
  Kit<Notion> kit({}, With(server));
  kit.Do({}, kStuck);
  EXPECT_TRUE(kit.Undo().done());
  EXPECT_EQ(server.requests().at(1).body, R"({"in_trash":true})");
}

TEST(Notion, UndoWithoutAPageCallsNobody) {
  HttpServer server;
  Kit<Notion> kit({}, With(server));
  EXPECT_TRUE(kit.UndoNever({}).done());
  EXPECT_TRUE(kit.UndoUnknown(Nothing{}).kept());
  EXPECT_TRUE(server.requests().empty());
}

TEST(Notion, KeepsTheLaws) {
  HttpServer server;
  server.On("POST /v1/pages", 200, R"({"id":"p1"})").On("PATCH /v1/pages/p1", 200, "{}");
  EXPECT_EQ((Kit<Notion>({}, With(server)).More(kStuck).Laws(Nothing{})), kLawful);
}

TEST(Notion, KeepsTheLawsWithoutAUrlToo) {
  // But for one: only a call whose answer was lost is made again, and nothing is called here.  A
  // reader of the topic would know a second record by its id.
  const auto broken = Kit<Notion>().More(kStuck).Laws(Nothing{});
  ASSERT_EQ(broken.size(), 1U);
  EXPECT_TRUE(broken[0].starts_with("do twice is do once: new: sent: alerts")) << broken[0];
}

}  // namespace
}  // namespace push
