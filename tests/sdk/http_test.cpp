// HTTP out, against a real server on a loopback port.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <reprise/testkit.hpp>

#include "sample.h"

namespace reprise::sample {
namespace {

using testing::AllOf;
using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class HttpTest : public testing::Test {
 protected:
  Kit<Call> kit_{
      {}, [](const HttpServer& http) { return Settings{.url = http.url(), .token = "secret"}; }};
  HttpServer& server_ = kit_.Http();

  Ran Answered(int status, HttpServer::Headers headers = {}) {
    server_.On("POST /things", status, "body", std::move(headers));
    return kit_.Do({.id = "a"});
  }
};

TEST_F(HttpTest, CarriesTheKeyTheTokenAndTheBody) {
  const Ran ran = Answered(201);
  EXPECT_TRUE(ran.done()) << ran;
  EXPECT_EQ(ran.memo, "body");
  const HttpServer::Request request = server_.requests().at(0);
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.path, "/things");
  EXPECT_EQ(request.body, R"({"id":"a"})");
  EXPECT_EQ(request.headers.at("idempotency-key"), ran.saga + ".do");
  EXPECT_EQ(request.headers.at("authorization"), "Bearer secret");
  EXPECT_EQ(request.headers.at("content-type"), "application/json");
}

TEST_F(HttpTest, TurnsStatusesIntoVerdicts) {
  EXPECT_TRUE(Answered(200).done());
  for (const int status : {408, 425, 500, 502, 504})
    EXPECT_TRUE(Answered(status).retry()) << status;
  for (const int status : {301, 400, 401, 404, 409, 422}) {
    EXPECT_TRUE(Answered(status).failed()) << status;
    EXPECT_EQ(Answered(status).code, "http_refused");
  }
  EXPECT_EQ(Answered(429, {{"Retry-After", "7"}}).after, 7s);
  EXPECT_EQ(Answered(503, {{"Retry-After", "2"}}).after, 2s);
  EXPECT_TRUE(Answered(429).retry());
}

TEST_F(HttpTest, FollowsNoRedirect) {
  HttpServer other;
  other.On("POST /things", 200);
  EXPECT_TRUE(Answered(307, {{"Location", other.url() + "/things"}}).failed());
  EXPECT_TRUE(other.requests().empty());
}

TEST_F(HttpTest, RetriesWithTheSameKeyWhenTheAnswerIsLost) {
  server_.On("POST /things", 201, "t-1");
  server_.Drop("POST /things");
  const Ran first = kit_.Do({.id = "a"});
  EXPECT_TRUE(first.retry());
  EXPECT_EQ(first.code, "unavailable");
  EXPECT_TRUE(kit_.Do({.id = "a"}).done());
  const auto requests = server_.requests();
  ASSERT_EQ(requests.size(), 2U);
  EXPECT_EQ(requests[0].headers.at("idempotency-key"), requests[1].headers.at("idempotency-key"));
}

TEST_F(HttpTest, GivesUpAtTheDeadline) {
  server_.Hang("POST /things");
  EXPECT_EQ(kit_.Remaining(100ms).Do({.id = "a"}).code, "timeout");
  EXPECT_EQ(kit_.Remaining(0ms).Do({.id = "a"}).code, "timeout");
  EXPECT_EQ(server_.requests().size(), 1U);
}

TEST_F(HttpTest, StopsWhenCancelled) {
  server_.Hang("POST /things");
  EXPECT_EQ(kit_.Cancel().Do({.id = "a"}).code, "cancelled");
}

TEST_F(HttpTest, RefusesAReplyThatIsTooLarge) {
  server_.On("POST /things", 200, std::string(Http::kBodyBytesMax + 1, 'x'));
  EXPECT_EQ(kit_.Do({.id = "a"}).code, "reply_too_large");
}

TEST_F(HttpTest, RetriesWhenNobodyListens) {
  EXPECT_EQ((Kit<Call>{{}, {.url = "http://127.0.0.1:1"}}.Do({.id = "a"}).code), "unavailable");
}

TEST_F(HttpTest, RefusesUrlsThatAreNone) {
  for (const char* url : {"", "ftp://x", "http://", "http://user@host", "http://a b",
                          "file:///etc/passwd", "http://x\r\nA: b"}) {
    const Ran ran = Kit<Call>{{}, {.url = url}}.Do({.id = "a"});
    EXPECT_TRUE(ran.failed()) << url;
  }
  EXPECT_EQ((Kit<Call>{{}, {.url = server_.url(), .token = "a\r\nB: c"}}.Do({.id = "a"}).detail),
            "a header has control characters");
}

TEST_F(HttpTest, ReconcilesWhatTheServerKnows) {
  Answered(201);
  server_.On("GET /things", 200, "t-1");
  EXPECT_EQ(kit_.Reconcile().found.what, Found::kDone);
  EXPECT_EQ(kit_.Reconcile().found.memo, "t-1");
  server_.On("GET /things", 404);
  EXPECT_EQ(kit_.Reconcile().found.what, Found::kNotDone);
  server_.On("GET /things", 500);
  EXPECT_EQ(kit_.Reconcile().found.what, Found::kUnknown);
}

TEST_F(HttpTest, KeepsTheLawsOfAnExternalAction) {
  server_.On("POST /things", 201, "t-1").On("PATCH /things", 200);
  EXPECT_EQ(kit_.Laws({.id = "a"}), kLawful);
  for (const auto& request : server_.requests())
    EXPECT_EQ(request.headers.count("idempotency-key"), 1U);
}

TEST_F(HttpTest, BreaksTheLawsWhenACallChangesBetweenAttempts) {
  Kit<Changing> kit{{}, [](const HttpServer& http) { return Settings{.url = http.url()}; }};
  kit.Http().On("POST /things", 201, "t-1");
  EXPECT_THAT(kit.Laws({.id = "a"}),
              AllOf(Not(IsEmpty()), Each(HasSubstr("new: request: POST /things"))));
}

}  // namespace
}  // namespace reprise::sample
