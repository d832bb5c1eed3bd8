#include "http/routes.h"

#include <atomic>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/ids.h"
#include "http/headers.h"
#include "routes_fixture.h"

namespace reprise::runtime {
namespace {

using testing::HasSubstr;

Route Sending() {
  Route route = ARoute("POST", "/parcels/{town}", RouteKind::kStart);
  BodyType weight;
  weight.kind = BodyType::kInteger;
  weight.min = 1;
  weight.max = 9;
  route.body.fields.push_back({"weight", weight});
  BodyType fragile;
  fragile.kind = BodyType::kBoolean;
  fragile.optional = true;
  route.query.fields.push_back({"fragile", fragile});
  return route;
}

/// One request to a route, answered with `reply`; what Ingress saw, and what the client got.
struct Exchange {
  Request seen;
  bool reached = false;
  Reading got;
};
Exchange Ask(Route route, const std::string& request, Reply reply = {},
             RoutesOptions options = {}) {
  Exchange exchange;
  RoutesFixture fixture({std::move(route)});  // ends first: Ingress' thread uses `exchange`
  fixture.options = std::move(options);
  fixture.ingress.on_request = [&](Request asked) {
    exchange.seen = asked;
    exchange.reached = true;
    asked.reply(reply);
  };
  fixture.Start();
  Client client(fixture.port());
  client.Send(request);
  exchange.got = client.Read(request.starts_with("HEAD"));
  fixture.ingress.Stop();
  return exchange;
}

std::string Post(const std::string& target, const std::string& body,
                 const std::string& headers = "") {
  return "POST " + target +
         " HTTP/1.1\r\nHost: t\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         headers + "\r\n" + body;
}
std::string Get(const std::string& target, const std::string& headers = "") {
  return "GET " + target + " HTTP/1.1\r\nHost: t\r\n" + headers + "\r\n";
}

Reply Refusal(int status, const std::string& code) {
  Reply reply;
  reply.status = status;
  reply.code = code;
  reply.detail = "because";
  return reply;
}

TEST(Routes, HandOverBodyQueryAndPathTogether) {
  const Exchange e = Ask(Sending(), Post("/parcels/New%20York?fragile=true", "{\"weight\":7}",
                                         "Authorization: Bearer a.b.c\r\n"));
  ASSERT_TRUE(e.reached);
  EXPECT_EQ(e.seen.fields.at("town"), "New York");
  EXPECT_EQ(e.seen.fields.at("weight"), 7);
  EXPECT_EQ(e.seen.fields.at("fragile"), true);
  EXPECT_EQ(e.seen.bearer, "a.b.c");
  EXPECT_EQ(e.seen.route, &e.seen.pipeline->routes[0]);
  EXPECT_EQ(e.seen.body_hash, Sha256("{\"fragile\":true,\"town\":\"New York\",\"weight\":7}"));
  EXPECT_EQ(e.seen.deadline, Time{});
  EXPECT_FALSE(e.seen.checked);
}

TEST(Routes, AnswerWhatTheReplySays) {
  Reply reply;
  reply.status = 202;
  reply.body = "{\"id\":\"1\"}";
  reply.location = "/parcels/1";
  const Exchange e = Ask(Sending(), Post("/parcels/x", "{\"weight\":1}"), reply);
  EXPECT_EQ(e.got.status, 202);
  EXPECT_EQ(e.got.body, "{\"id\":\"1\"}");
  EXPECT_EQ(e.got.Header("content-type"), "application/json");
  EXPECT_EQ(e.got.Header("location"), "/parcels/1");
  EXPECT_EQ(e.got.Header("retry-after"), "1");
  EXPECT_EQ(e.got.Header("cache-control"), "no-store");
  EXPECT_EQ(e.got.Header("idempotency-replayed"), "");
}

TEST(Routes, SayThatAnAnswerIsAReplay) {
  Reply reply;
  reply.replayed = true;
  const Exchange e = Ask(ARoute("POST", "/a"), Post("/a", ""), reply);
  EXPECT_EQ(e.got.status, 200);
  EXPECT_EQ(e.got.Header("idempotency-replayed"), "true");
  EXPECT_EQ(e.got.Header("retry-after"), "");
}

TEST(Routes, CarryTheTrace) {
  const std::string given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const Exchange e = Ask(ARoute("GET", "/a"), Get("/a", "traceparent: " + given + "\r\n"));
  EXPECT_EQ(TraceId(e.seen.trace), TraceId(given));
  EXPECT_EQ(e.got.Header("traceparent"), e.seen.trace);
  const Exchange refused =
      Ask(ARoute("GET", "/a"), Get("/a", "traceparent: " + given + "\r\n"), Refusal(409, "taken"));
  EXPECT_EQ(refused.got.Field("traceId"), TraceId(given));
}

TEST(Routes, MakeAProblemOfARefusal) {
  for (const int status : {400, 402, 403, 404, 409, 422, 500}) {
    const Exchange e = Ask(ARoute("GET", "/a/{id}"), Get("/a/7"), Refusal(status, "parcel.lost"));
    EXPECT_EQ(e.got.status, status);
    EXPECT_EQ(e.got.Header("content-type"), "application/problem+json");
    EXPECT_EQ(e.got.Field("code"), "parcel.lost");
    EXPECT_EQ(e.got.Field("type"), "/problems/parcel.lost");
    EXPECT_EQ(e.got.Field("detail"), "because");
    EXPECT_EQ(e.got.Field("instance"), "/a/7");
    EXPECT_EQ(e.got.Field("status"), std::to_string(status));
  }
}

TEST(Routes, ChallengeWhoIsNotKnown) {
  const Route route = ARoute("GET", "/a");
  EXPECT_EQ(Ask(route, Get("/a"), Refusal(401, "token.missing")).got.Header("www-authenticate"),
            "Bearer realm=\"reprise\"");
  EXPECT_EQ(Ask(route, Get("/a", "Authorization: bearer x\r\n"), Refusal(401, "token.bad"))
                .got.Header("www-authenticate"),
            "Bearer realm=\"reprise\", error=\"invalid_token\"");
}

TEST(Routes, RefuseATokenThatCannotBeOne) {
  const Exchange e = Ask(ARoute("GET", "/a"), Get("/a", "Authorization: Bearer a\xff\r\n"));
  EXPECT_EQ(e.got.status, 401);
  EXPECT_FALSE(e.reached);
  EXPECT_EQ(Ask(ARoute("GET", "/a"), Get("/a", "Authorization: Basic abc\r\n")).seen.bearer, "");
}

TEST(Routes, SayWhenToComeBack) {
  Reply busy = Refusal(503, "unavailable");
  EXPECT_EQ(Ask(ARoute("GET", "/a"), Get("/a"), busy).got.Header("retry-after"), "1");
  busy.retry_after_s = 9;
  EXPECT_EQ(Ask(ARoute("GET", "/a"), Get("/a"), busy).got.Header("retry-after"), "9");
}

TEST(Routes, RefuseUnderLoadBeforeAnythingIsAccepted) {
  RoutesFixture fixture({ARoute("POST", "/a", RouteKind::kStart)});
  fixture.ingress.overloaded = {{"overloaded", "too many are waiting"}};
  fixture.ingress.on_request = [](Request) { ADD_FAILURE() << "reached Ingress"; };
  fixture.Start();
  Client client(fixture.port());
  const Reading got = client.Post("/a", "{}");
  EXPECT_EQ(got.status, 503);
  EXPECT_EQ(got.Field("code"), "overloaded");
  EXPECT_EQ(got.Header("retry-after"), "1");
}

TEST(Routes, RefuseFieldsThatDoNotFitWithAllThatIsWrong) {
  const Exchange e =
      Ask(Sending(), Post("/parcels/x?fragile=perhaps&x=1", "{\"weight\":10,\"wieght\":1}"));
  EXPECT_EQ(e.got.status, 400);
  EXPECT_FALSE(e.reached);
  EXPECT_EQ(e.got.Field("code"), "query.unknown_field");
  for (const char* error :
       {"query.unknown_field", "query.wrong_type", "body.out_of_range", "body.unknown_field"}) {
    EXPECT_THAT(e.got.Field("errors"), HasSubstr(error));
  }
}

TEST(Routes, RefuseEveryKindOfBadBody) {
  const auto code_of = [](const std::string& request) {
    const Exchange e = Ask(Sending(), request);
    EXPECT_FALSE(e.reached);
    return std::to_string(e.got.status) + " " + e.got.Field("code");
  };
  EXPECT_EQ(code_of(Post("/parcels/x", "{")), "400 body.invalid_json");
  EXPECT_EQ(code_of(Post("/parcels/x", "{}")), "400 body.missing_field");
  EXPECT_EQ(code_of(Post("/parcels/x", "{\"weight\":\"1\"}")), "400 body.wrong_type");
  EXPECT_EQ(code_of(Post("/parcels/x", "{\"weight\":1.5}")), "400 body.wrong_type");
  EXPECT_EQ(code_of(Post("/parcels/x", "{\"weight\":1,\"a\":\"\\u0000\"}")),
            "400 body.invalid_json");
  EXPECT_EQ(code_of(Post("/parcels/x", std::string(100, '['))), "400 body.too_deep");
  EXPECT_EQ(code_of(Post("/parcels/x", "weight=1",
                         "Content-Type: application/x-www-form-urlencoded\r\n")),
            "415 body.media_type");
  EXPECT_EQ(code_of(Post("/parcels/" + std::string(129, 'x'), "{\"weight\":1}")),
            "400 path.out_of_range");
  EXPECT_EQ(code_of(Post("/parcels/%zz", "{\"weight\":1}")), "400 http.bad_target");
}

TEST(Routes, AnswerUnknownPathsAndMethods) {
  const Route route = ARoute("POST", "/a");
  const Reading missing = Ask(route, Get("/b")).got;
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(missing.Field("code"), "no_route");
  EXPECT_EQ(Ask(route, Post("/a/", "")).got.status, 404);
  const Reading wrong = Ask(route, "DELETE /a HTTP/1.1\r\nHost: t\r\n\r\n").got;
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(wrong.Field("code"), "method_not_allowed");
  EXPECT_EQ(wrong.Header("allow"), "OPTIONS, POST");
  const Reading options = Ask(route, "OPTIONS /a HTTP/1.1\r\nHost: t\r\n\r\n").got;
  EXPECT_EQ(options.status, 204);
  EXPECT_EQ(options.Header("allow"), "OPTIONS, POST");
}

TEST(Routes, AnswerHeadAsGetWithoutABody) {
  Reply reply;
  reply.body = "{\"a\":1}";
  const Exchange e = Ask(ARoute("GET", "/a"), "HEAD /a HTTP/1.1\r\nHost: t\r\n\r\n", reply);
  EXPECT_TRUE(e.reached);
  EXPECT_EQ(e.got.Header("content-length"), "7");
}

TEST(Routes, WantAnIdempotencyKeyWhereItIsRequired) {
  Route route = ARoute("POST", "/a", RouteKind::kRun);
  route.idempotency_required = true;
  const Exchange missing = Ask(route, Post("/a", ""));
  EXPECT_EQ(missing.got.status, 400);
  EXPECT_EQ(missing.got.Field("code"), "idempotency_key.missing");
  for (const std::string& header :
       {std::string("Idempotency-Key: \r\n"), std::string("Idempotency-Key: \"a\r\n"),
        "Idempotency-Key: " + std::string(256, 'k') + "\r\n",
        std::string("Idempotency-Key: a\r\nIdempotency-Key: a\r\n")}) {
    const Exchange e = Ask(route, Post("/a", "", header));
    EXPECT_EQ(e.got.status, 400);
    EXPECT_EQ(e.got.Field("code"), "idempotency_key.malformed") << header;
    EXPECT_FALSE(e.reached);
  }
  EXPECT_EQ(Ask(route, Post("/a", "", "Idempotency-Key: \"k-1\"\r\n")).seen.idempotency_key, "k-1");
  EXPECT_EQ(Ask(route, Post("/a", "", "idempotency-key: k-1\r\n")).seen.idempotency_key, "k-1");
  EXPECT_EQ(
      Ask(ARoute("POST", "/a"), Post("/a", "", "Idempotency-Key: k\r\n")).seen.idempotency_key,
      "k");
}

TEST(Routes, GiveOneHashToEqualBodiesAndAnotherToOthers) {
  const auto hash = [](const std::string& target, const std::string& body) {
    return Ask(Sending(), Post(target, body)).seen.body_hash;
  };
  const std::string first = hash("/parcels/x?fragile=true", "{\"weight\":1}");
  EXPECT_EQ(hash("/parcels/%78?fragile=true", " { \"weight\" : 1 } "), first);
  EXPECT_NE(hash("/parcels/y?fragile=true", "{\"weight\":1}"), first);
  EXPECT_NE(hash("/parcels/x", "{\"weight\":1}"), first);
  EXPECT_NE(hash("/parcels/x?fragile=true", "{\"weight\":2}"), first);
}

TEST(Routes, KeepTheAdministratorsRoutesForTheAdministrator) {
  Route route = ARoute("POST", "/a");
  route.admin_token = true;
  RoutesOptions options;
  options.admin_token = "s3cret";
  const Exchange missing = Ask(route, Post("/a", ""), {}, options);
  EXPECT_EQ(missing.got.status, 401);
  EXPECT_EQ(missing.got.Field("code"), "unauthorized");
  EXPECT_EQ(missing.got.Header("www-authenticate"), "Bearer realm=\"reprise\"");
  const Exchange wrong =
      Ask(route, Post("/a", "", "Authorization: Bearer s3creT\r\n"), {}, options);
  EXPECT_EQ(wrong.got.status, 401);
  EXPECT_THAT(wrong.got.Header("www-authenticate"), HasSubstr("invalid_token"));
  EXPECT_FALSE(wrong.reached);
  const Exchange right =
      Ask(route, Post("/a", "", "Authorization: bearer s3cret\r\n"), {}, options);
  EXPECT_TRUE(right.reached);
  EXPECT_EQ(right.seen.bearer, "") << "no plugin sees the administrator's token";
  EXPECT_TRUE(Ask(route, Post("/a", "")).reached) << "open if no token is set";
}

TEST(Routes, GiveARequestItsDeadlineByTheJournalsClock) {
  Route route = ARoute("POST", "/a");
  route.deadline = Millis(1500);
  const Exchange e = Ask(route, Post("/a", ""));
  EXPECT_EQ(e.seen.deadline, ManualClock().Now() + Millis(1500));
}

TEST(Routes, ExplainTheCodesOfProblems) {
  RoutesOptions options;
  options.problems["parcel.lost"] = {
      {410, "Nobody knows where it is.", "Ask the sender.", "p.find"}};
  const Reading known = Ask(ARoute("GET", "/a"), Get("/problems/parcel.lost"), {}, options).got;
  EXPECT_EQ(known.status, 200);
  EXPECT_EQ(known.Field("about"), "Nobody knows where it is.");
  EXPECT_EQ(known.Field("title"), "Gone");
  EXPECT_EQ(known.Field("status"), "410");
  EXPECT_EQ(known.Field("remedy"), "Ask the sender.");
  const Reading unknown = Ask(ARoute("GET", "/a"), Get("/problems/other"), {}, options).got;
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(unknown.Field("code"), "not_found");
  EXPECT_THAT(unknown.Field("detail"), HasSubstr("'other'"));
}

TEST(Routes, CountRequestsByRouteAndStatus) {
  Metrics metrics;
  RoutesOptions options;
  options.metrics = &metrics;
  Ask(ARoute("GET", "/a/{id}"), Get("/a/7"), {}, options);
  Ask(ARoute("GET", "/a/{id}"), Get("/a/8"), Refusal(409, "taken"), options);
  EXPECT_THAT(metrics.Text(),
              HasSubstr("reprise_http_requests_total{route=\"GET /a/{id}\",status=\"200\"} 1"));
  EXPECT_THAT(metrics.Text(),
              HasSubstr("reprise_http_requests_total{route=\"GET /a/{id}\",status=\"409\"} 1"));
}

TEST(Routes, DoNotStartWithTwoRoutesForTheSameRequests) {
  FakeIngress ingress;
  HttpServer server(OnAnyPort());
  RoutesOptions options;
  options.loop = server.loop();
  auto a = std::make_shared<Pipeline>();
  a->name = "a";
  a->routes.push_back(ARoute("GET", "/x"));
  auto b = std::make_shared<Pipeline>(*a);
  b->name = "b";
  const auto routes = Routes::Make({a, b}, ingress, options);
  ASSERT_FALSE(routes);
  EXPECT_THAT(routes.error().message, HasSubstr("pipeline 'b'"));
}

TEST(Routes, AnswerAnIngressThatForgets) {
  RoutesFixture fixture({ARoute("GET", "/a")});
  fixture.ingress.on_request = [](const Request&) {};
  fixture.Start();
  Client client(fixture.port());
  EXPECT_EQ(client.Get("/a").status, 500);
}

TEST(Routes, AnswerTwoHundredAtOnceEachItsOwn) {
  std::vector<Request> waiting;
  RoutesFixture fixture({ARoute("GET", "/a/{id}")});
  fixture.ingress.on_request = [&](Request request) {
    waiting.push_back(std::move(request));
    if (waiting.size() < 200) return;
    for (Request& asked : waiting) {
      Reply reply;
      if (asked.fields.at("id") == "7") {
        reply.body = "{\"id\":\"7\"}";
      } else {
        reply = Refusal(409, "taken");
      }
      asked.reply(std::move(reply));
    }
    waiting.clear();
  };
  fixture.Start();
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 200; ++i) {
    clients.push_back(std::make_unique<Client>(fixture.port()));
    clients.back()->Send(Get("/a/" + std::to_string(i)));
  }
  for (int i = 0; i < 200; ++i)
    EXPECT_EQ(clients[static_cast<std::size_t>(i)]->Read().status, i == 7 ? 200 : 409);
}

}  // namespace
}  // namespace reprise::runtime
