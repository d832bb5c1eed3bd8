#include "http/wire.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/problem.h"

namespace reprise::runtime {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(Wire, RendersAResponse) {
  const std::string text =
      RenderResponse({.status = 202, .body = "{}", .headers = {{"Location", "/a/1"}}}, {});
  EXPECT_THAT(text, StartsWith("HTTP/1.1 202 Accepted\r\nDate: "));
  EXPECT_THAT(text, HasSubstr(" GMT\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
                              "Location: /a/1\r\n\r\n{}"));
}

TEST(Wire, LeavesOutHeadersThatWouldSplitTheResponse) {
  const HttpResponse response{
      .headers = {{"Location", "/a\r\nSet-Cookie: x"}, {"Bad Name", "x"}, {"", "x"}}};
  const std::string text = RenderResponse(response, {});
  EXPECT_THAT(text, Not(HasSubstr("Set-Cookie")));
  EXPECT_THAT(text, Not(HasSubstr("Bad Name")));
  EXPECT_THAT(text, Not(HasSubstr("\r\n: ")));
}

TEST(Wire, AnswersHeadWithTheLengthAlone) {
  const std::string text = RenderResponse({.body = "{\"a\":1}"}, {.head_only = true});
  EXPECT_THAT(text, HasSubstr("Content-Length: 7\r\n"));
  EXPECT_TRUE(text.ends_with("\r\n\r\n"));
}

TEST(Wire, GivesNoContentNoLength) {
  EXPECT_THAT(RenderResponse({.status = 204}, {}), Not(HasSubstr("Content-Length")));
}

TEST(Wire, SaysWhetherTheConnectionGoesOn) {
  EXPECT_THAT(RenderResponse({}, {.keep_alive = false}), HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(RenderResponse({}, {.http10 = true}), HasSubstr("Connection: keep-alive\r\n"));
  EXPECT_THAT(RenderResponse({}, {}), Not(HasSubstr("Connection")));
}

TEST(Wire, FramesEventsSoThatDataCannotForgeFields) {
  EXPECT_EQ(RenderEvent("7", "held", "{\"a\":1}"), "id: 7\nevent: held\ndata: {\"a\":1}\n\n");
  EXPECT_EQ(RenderEvent("7\nevent: x", "a\rb", "1"), "id: 7event: x\nevent: ab\ndata: 1\n\n");
  EXPECT_EQ(RenderEvent("", "", "a\nb\r\nc\rd"), "data: a\ndata: b\ndata: c\ndata: d\n\n");
  EXPECT_EQ(RenderEvent("", "reset", ""), "event: reset\ndata: \n\n");
}

TEST(Wire, ChunksAStreamOnlyInHttp11) {
  EXPECT_EQ(RenderChunk("0123456789abcdef", {}), "10\r\n0123456789abcdef\r\n");
  EXPECT_EQ(RenderChunk("abc", {.http10 = true}), "abc");
  const std::string head = RenderStreamHead({});
  EXPECT_THAT(head, HasSubstr("Content-Type: text/event-stream\r\n"));
  EXPECT_THAT(head, HasSubstr("Cache-Control: no-store\r\n"));
  EXPECT_THAT(head, HasSubstr("X-Accel-Buffering: no\r\n"));
  EXPECT_THAT(head, HasSubstr("retry: 2000\n\n"));
}

Problem Example(int status) {
  Problem problem;
  problem.status = status;
  problem.code = "seat.held";
  problem.detail = "say \"please\"";
  return problem;
}

TEST(ProblemJson, HasTheMembersOfRfc9457) {
  Problem problem = Example(409);
  problem.instance = "/a/1";
  problem.trace_id = "0af7";
  problem.errors = {{"x", "body.wrong_type", "must be integer"}};
  const HttpResponse response = RenderProblem(problem, false);
  EXPECT_EQ(response.status, 409);
  EXPECT_EQ(response.content_type, "application/problem+json");
  EXPECT_EQ(response.body,
            "{\"type\":\"/problems/seat.held\",\"title\":\"Conflict\",\"status\":409,"
            "\"detail\":\"say "
            "\\\"please\\\"\",\"instance\":\"/a/1\",\"code\":\"seat.held\",\"traceId\":\"0af7\","
            "\"errors\":[{\"field\":\"x\",\"code\":\"body.wrong_type\",\"detail\":\"must be "
            "integer\"}]}");
}

TEST(ProblemJson, TellsWhatTokenIsWantedAndOnlyBlamesOneThatWasSent) {
  using Headers = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(RenderProblem(Example(401), false).headers,
            (Headers{{"WWW-Authenticate", "Bearer realm=\"reprise\""}}));
  EXPECT_EQ(RenderProblem(Example(401), true).headers,
            (Headers{{"WWW-Authenticate", "Bearer realm=\"reprise\", error=\"invalid_token\""}}));
  EXPECT_TRUE(RenderProblem(Example(403), true).headers.empty());
}

TEST(ProblemJson, SaysWhenToTryAgain) {
  using Headers = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(RenderProblem(Example(503), false).headers, (Headers{{"Retry-After", "1"}}));
  Problem problem = Example(429);
  problem.retry_after_s = 7;
  EXPECT_EQ(RenderProblem(problem, false).headers, (Headers{{"Retry-After", "7"}}));
}

TEST(ProblemJson, HasATitleForEveryStatusInUse) {
  for (const int status :
       {400, 401, 402, 403, 404, 405, 408, 409, 413, 415, 422, 429, 431, 500, 501, 503, 505}) {
    EXPECT_THAT(StatusTitle(status), Not(StartsWith("Status"))) << status;
  }
  EXPECT_EQ(StatusTitle(498), "Status 498");
}

}  // namespace
}  // namespace reprise::runtime
