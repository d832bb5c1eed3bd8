#include "http/server.h"

#include <atomic>
#include <future>
#include <memory>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server_fixture.h"

namespace reprise::runtime {
namespace {

using testing::HasSubstr;

/// Sends raw bytes to an echoing server; the status of the answer, and whether the connection was
/// closed then.
struct Outcome {
  int status = 0;
  bool closed = false;
  std::string code;
};
Outcome SendRaw(const std::string& bytes, HttpOptions options = OnAnyPort()) {
  Serving serving(Echo, std::move(options));
  Client client(serving.port());
  client.Send(bytes);
  const Reading reading = client.Read();
  const bool closed = reading.status >= 400 && client.ReadEnd();
  return {reading.status, closed, reading.Field("code")};
}

void ExpectRefused(const std::string& bytes, int status,
                   const std::string& code = "http.bad_request") {
  const Outcome outcome = SendRaw(bytes);
  EXPECT_EQ(outcome.status, status) << bytes.substr(0, 200);
  EXPECT_EQ(outcome.code, code) << bytes.substr(0, 200);
  EXPECT_TRUE(outcome.closed) << bytes.substr(0, 200);
}

TEST(Server, AnswersManyRequestsOnOneConnection) {
  Serving serving(Echo);
  Client client(serving.port());
  for (int i = 0; i < 3; ++i) {
    const Reading reading = client.Post("/a?b=c", "hello");
    EXPECT_EQ(reading.status, 200);
    EXPECT_EQ(reading.body, "POST /a hello");
    EXPECT_EQ(reading.Header("connection"), "");
  }
}

TEST(Server, AnswersPipelinedRequestsInOrder) {
  Serving serving(Echo);
  Client client(serving.port());
  client.Send("GET /1 HTTP/1.1\r\nHost: t\r\n\r\n\r\nGET /2 HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_EQ(client.Read().body, "GET /1 ");
  EXPECT_EQ(client.Read().body, "GET /2 ");
}

TEST(Server, TakesARequestThatComesByteByByte) {
  Serving serving(Echo);
  Client client(serving.port());
  for (const char byte :
       std::string("POST /a HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\n\r\nabc")) {
    client.Send(std::string(1, byte));
  }
  EXPECT_EQ(client.Read().body, "POST /a abc");
}

TEST(Server, TakesAChunkedBody) {
  Serving serving(Echo);
  Client client(serving.port());
  client.Send(
      "POST / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: "
      "chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  EXPECT_EQ(client.Read().body, "POST / abcde");
  EXPECT_EQ(client.Get("/next").body, "GET /next ");
}

TEST(Server, DecodesTheTargetForItsHandler) {
  HttpRequest seen;
  Serving serving([&](HttpRequest request, std::shared_ptr<Responder> responder) {
    seen = request;
    responder->Send({});
  });
  Client client(serving.port());
  EXPECT_EQ(
      client.Get("/a%20b/c?x=%41&verbose", "X-Thing: v\r\nAuthorization: BEARER  abc\r\n").status,
      200);
  EXPECT_EQ(seen.segments, (std::vector<std::string>{"a b", "c"}));
  EXPECT_EQ(seen.Query("x"), "A");
  EXPECT_EQ(seen.Query("verbose"), "");
  EXPECT_FALSE(seen.Query("y"));
  EXPECT_EQ(seen.Header("x-thing"), "v");
  EXPECT_EQ(seen.bearer(), "abc");
  EXPECT_EQ(seen.remote, "127.0.0.1");
}

TEST(Server, SpeaksHttp10) {
  Serving serving(Echo);
  Client closing(serving.port());
  closing.Send("GET /a HTTP/1.0\r\n\r\n");
  EXPECT_EQ(closing.Read().Header("connection"), "close");
  EXPECT_TRUE(closing.ReadEnd());
  Client keeping(serving.port());
  keeping.Send("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(keeping.Read().Header("connection"), "keep-alive");
  EXPECT_EQ(keeping.Get("/b").body, "GET /b ");
}

TEST(Server, AnswersHeadWithoutABody) {
  Serving serving(Echo);
  Client client(serving.port());
  client.Send("HEAD /a HTTP/1.1\r\nHost: t\r\n\r\n");
  const Reading reading = client.Read(true);
  EXPECT_EQ(reading.status, 200);
  EXPECT_EQ(reading.Header("content-length"), "8");
  EXPECT_EQ(client.Get("/b").body, "GET /b ");
}

TEST(Server, AnswersOptionsForItself) {
  Serving serving(Echo);
  Client client(serving.port());
  client.Send("OPTIONS * HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_EQ(client.Read().status, 204);
  EXPECT_EQ(client.Get("/b").body, "GET /b ");
}

TEST(Server, InvitesABodyThatWaitsToBeAskedFor) {
  Serving serving(Echo);
  Client client(serving.port());
  client.Send("POST /a HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.Read().status, 100);
  client.Send("abc");
  EXPECT_EQ(client.Read().body, "POST /a abc");
}

TEST(Server, RefusesOtherExpectations) {
  ExpectRefused("POST /a HTTP/1.1\r\nHost: t\r\nExpect: wonders\r\n\r\n", 417, "http.expectation");
}

TEST(Smuggling, IsRefusedAndTheConnectionClosed) {
  const std::string post = "POST / HTTP/1.1\r\nHost: t\r\n";
  const std::string hidden = "GET /hidden HTTP/1.1\r\nHost: t\r\n\r\n";
  ExpectRefused(post + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden,
                400);
  ExpectRefused(post + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + hidden,
                400);
  ExpectRefused(post + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + hidden, 501,
                "http.transfer_encoding");
  ExpectRefused(post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + hidden, 501,
                "http.transfer_encoding");
  ExpectRefused(post + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab" + hidden, 400);
  ExpectRefused(post + "Host: other\r\n\r\n" + hidden, 400);
  ExpectRefused("POST / HTTP/1.1\nHost: t\n\n" + hidden, 400);
  ExpectRefused("POST / HTTP/1.1\r\nHost: t\nContent-Length: 0\r\n\r\n" + hidden, 400);
  ExpectRefused(post + std::string("X: a\0b\r\n\r\n", 10) + hidden, 400);
  ExpectRefused(post + "X: a\r\n b\r\n\r\n" + hidden, 400);
  ExpectRefused("POST / HTTP/1.1\r\n\r\n" + hidden, 400);
}

TEST(Smuggling, IsRefusedInsideChunks) {
  const std::string post = "POST / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n";
  ExpectRefused(post + "3\nabc\r\n0\r\n\r\n", 400);
  ExpectRefused(post + "3\r\nabcX\r\n0\r\n\r\n", 400);
  ExpectRefused(post + "-3\r\nabc\r\n0\r\n\r\n", 400);
  ExpectRefused(post + "0x3\r\nabc\r\n0\r\n\r\n", 400);
  ExpectRefused(post + "3;a\nb\r\nabc\r\n0\r\n\r\n", 400);
  ExpectRefused(post + "zz\r\n", 400);
  ExpectRefused(post + "fffffffffffffffff\r\nabc\r\n0\r\n\r\n", 400);
  ExpectRefused(post + "1;" + std::string(20'000, 'x'), 400);
}

TEST(Limits, RefuseAHeadThatIsTooLarge) {
  ExpectRefused("GET / HTTP/1.1\r\nHost: t\r\nX: " + std::string(9'000, 'x') + "\r\n\r\n", 431,
                "http.head_too_large");
  ExpectRefused("GET /" + std::string(9'000, 'x'), 431, "http.head_too_large");
}

TEST(Limits, TakeAHeadThatIsJustNotTooLarge) {
  const std::string fixed = "GET / HTTP/1.1\r\nHost: t\r\nX: ";
  const std::string head = fixed + std::string(8 * 1024 - fixed.size() - 4, 'x') + "\r\n\r\n";
  EXPECT_EQ(SendRaw(head).status, 200);
}

TEST(Limits, RefuseABodyThatIsTooLarge) {
  HttpOptions options = OnAnyPort();
  options.body_bytes_max = 10;
  const std::string post = "POST / HTTP/1.1\r\nHost: t\r\n";
  EXPECT_EQ(SendRaw(post + "Content-Length: 10\r\n\r\n0123456789", options).status, 200);
  for (const std::string& bytes :
       {post + "Content-Length: 11\r\n\r\n01234567890",
        post + "Content-Length: 11\r\nExpect: 100-continue\r\n\r\n",
        post + "Content-Length: 99999999999999999999\r\n\r\n",
        post + "Transfer-Encoding: chunked\r\n\r\n6\r\n012345\r\n6\r\n012345\r\n0\r\n\r\n"}) {
    const Outcome outcome = SendRaw(bytes, options);
    EXPECT_EQ(outcome.status, 413) << bytes;
    EXPECT_EQ(outcome.code, "http.body_too_large") << bytes;
    EXPECT_TRUE(outcome.closed);
  }
}

TEST(Limits, AnswerAClientThatIsStillSendingATooLargeBody) {
  HttpOptions options = OnAnyPort();
  options.body_bytes_max = 1000;
  Serving serving(Echo, options);
  Client client(serving.port());
  const std::string body(400'000, 'x');
  client.Send("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 400000\r\n\r\n" + body);
  EXPECT_EQ(client.Read().status, 413);
}

TEST(Limits, EndASlowHead) {
  HttpOptions options = OnAnyPort();
  options.head_deadline = Millis(50);
  const Outcome outcome = SendRaw("GET / HTTP/1.1\r\nHost:", options);
  EXPECT_EQ(outcome.status, 408);
  EXPECT_EQ(outcome.code, "http.timeout");
  EXPECT_TRUE(outcome.closed);
}

TEST(Limits, EndASlowHeadThoughBytesKeepComing) {
  HttpOptions options = OnAnyPort();
  options.head_deadline = Millis(100);
  options.head_bytes_max = 64 * 1024 * 1024;  // so that only time can end it
  Serving serving(Echo, options);
  Client client(serving.port());
  client.Send("GET / HTTP/1.1\r\nHost: t\r\nX: ");
  std::atomic<bool> over = false;
  std::thread dripping([&] {
    while (!over && client.Send("y")) std::this_thread::yield();
  });
  EXPECT_EQ(client.Read().status, 408);
  over = true;
  dripping.join();
}

TEST(Limits, EndASlowBody) {
  HttpOptions options = OnAnyPort();
  options.body_deadline = Millis(50);
  const Outcome outcome =
      SendRaw("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 9\r\n\r\nab", options);
  EXPECT_EQ(outcome.status, 408);
  EXPECT_TRUE(outcome.closed);
}

TEST(Limits, CloseAnIdleConnectionWithoutAWord) {
  HttpOptions options = OnAnyPort();
  options.idle_deadline = Millis(50);
  Serving serving(Echo, options);
  Client client(serving.port());
  EXPECT_EQ(client.Get("/a").status, 200);
  EXPECT_EQ(client.Read().status, 0);
  HttpOptions silent = OnAnyPort();
  silent.head_deadline = Millis(50);
  Serving other(Echo, silent);
  Client never(other.port());
  EXPECT_EQ(never.Read().status, 0);
}

TEST(Limits, TellAClientThatIsOneTooMany) {
  HttpOptions options = OnAnyPort();
  options.connections_max = 2;
  Serving serving(Echo, options);
  {
    Client first(serving.port());
    Client second(serving.port());
    EXPECT_EQ(first.Get("/a").status, 200);
    EXPECT_EQ(second.Get("/a").status, 200);
    Client third(serving.port());
    const Reading refused = third.Read();
    EXPECT_EQ(refused.status, 503);
    EXPECT_EQ(refused.Field("code"), "http.too_many_connections");
    EXPECT_EQ(refused.Header("retry-after"), "1");
    third.EndSending();
    EXPECT_TRUE(third.ReadEnd());
    EXPECT_EQ(first.Get("/b").status, 200) << "who was in stays in";
  }
  Eventually eventually;
  ASSERT_TRUE(eventually.Wait([&] { return serving.server.connections() == 0; }));
  Client again(serving.port());
  EXPECT_EQ(again.Get("/a").status, 200);
}

TEST(Limits, HoldForOneClientIfTold) {
  HttpOptions options = OnAnyPort();
  options.connections_per_client_max = 1;
  Serving serving(Echo, options);
  Client first(serving.port());
  EXPECT_EQ(first.Get("/a").status, 200);
  Client second(serving.port());
  EXPECT_EQ(second.Read().status, 429);
}

TEST(Limits, LetOthersThroughBesideManyIdleConnections) {
  Serving serving(Echo);
  std::vector<std::unique_ptr<Client>> idle;
  for (int i = 0; i < 300; ++i) {
    idle.push_back(std::make_unique<Client>(serving.port()));
    idle.back()->Send("GET / HT");
  }
  Client client(serving.port());
  EXPECT_EQ(client.Get("/a").status, 200);
}

TEST(Server, AnswersFromAnyThreadAndInAnyOrder) {
  std::mutex mutex;
  std::vector<std::shared_ptr<Responder>> waiting;
  Serving serving([&](HttpRequest, std::shared_ptr<Responder> responder) {
    const std::lock_guard lock(mutex);
    waiting.push_back(std::move(responder));
  });
  constexpr std::size_t kRequests = 200;
  std::vector<std::unique_ptr<Client>> clients;
  for (std::size_t i = 0; i < kRequests; ++i) {
    clients.push_back(std::make_unique<Client>(serving.port()));
    clients.back()->Send("GET / HTTP/1.1\r\nHost: t\r\n\r\n");
  }
  Eventually eventually;
  ASSERT_TRUE(eventually.Wait([&] {
    const std::lock_guard lock(mutex);
    return waiting.size() == kRequests;
  }));
  std::thread answering([&] {
    for (std::size_t i = waiting.size(); i-- > 0;) waiting[i]->Send({.body = std::to_string(i)});
    waiting.clear();
  });
  for (auto& client : clients) EXPECT_EQ(client->Read().status, 200);
  answering.join();
}

TEST(Server, CountsOnlyTheFirstAnswer) {
  Serving serving([](HttpRequest, std::shared_ptr<Responder> responder) {
    responder->Send({.body = "first"});
    responder->Send({.body = "second"});
    responder->Refuse({.status = 409, .code = "third"});
    EXPECT_EQ(responder->Stream(), nullptr);
  });
  Client client(serving.port());
  EXPECT_EQ(client.Get("/").body, "first");
  EXPECT_EQ(client.Get("/").body, "first");
}

TEST(Server, Answers500ForAHandlerThatThrowsOrForgets) {
  Serving serving([](HttpRequest request, std::shared_ptr<Responder>) {
    if (request.path == "/throws") throw std::runtime_error("secret inside");
  });
  Client client(serving.port());
  const Reading thrown = client.Get("/throws");
  EXPECT_EQ(thrown.status, 500);
  EXPECT_EQ(thrown.body.find("secret"), std::string::npos);
  EXPECT_EQ(client.Get("/forgets").status, 500);
}

TEST(Server, RefusesATargetThatDoesNotDecode) {
  ExpectRefused("GET /a%zz HTTP/1.1\r\nHost: t\r\n\r\n", 400, "http.bad_target");
  ExpectRefused("GET /a%00 HTTP/1.1\r\nHost: t\r\n\r\n", 400, "http.bad_target");
  ExpectRefused("CONNECT host:80 HTTP/1.1\r\nHost: t\r\n\r\n", 400, "http.bad_target");
}

TEST(Listen, SaysThatAPortIsInUseAndWhatToDo) {
  Serving first(Echo);
  HttpOptions options = OnAnyPort();
  options.port = first.port();
  HttpServer second(options);
  const Status listening = second.Listen();
  ASSERT_FALSE(listening);
  EXPECT_THAT(listening.error().message, HasSubstr("127.0.0.1:" + std::to_string(first.port()) +
                                                   " is in use by another process; try --listen "
                                                   "127.0.0.1:0"));
}

TEST(Listen, SaysThatAnAddressIsNotOfThisMachine) {
  HttpOptions options = OnAnyPort();
  options.host = "192.0.2.1";
  HttpServer server(options);
  const Status listening = server.Listen();
  ASSERT_FALSE(listening);
  EXPECT_THAT(listening.error().message, HasSubstr("cannot listen on 192.0.2.1:0"));
}

TEST(Listen, TellsTheAddressItReallyTook) {
  HttpServer server(OnAnyPort());
  ASSERT_TRUE(server.Listen());
  EXPECT_NE(server.port(), 0);
  EXPECT_EQ(server.address(), "127.0.0.1:" + std::to_string(server.port()));
}

TEST(Listen, ReadsAddresses) {
  HttpOptions options;
  ASSERT_TRUE(ParseListen("0.0.0.0:81", options));
  EXPECT_EQ(options.host, "0.0.0.0");
  EXPECT_EQ(options.port, 81);
  ASSERT_TRUE(ParseListen("[::1]:0", options));
  EXPECT_EQ(options.host, "::1");
  ASSERT_TRUE(ParseListen(":82", options));
  EXPECT_EQ(options.host, "0.0.0.0");
  ASSERT_TRUE(ParseListen("83", options));
  EXPECT_EQ(options.host, "127.0.0.1");
  EXPECT_EQ(options.port, 83);
  for (const char* bad :
       {"", "host", "host:", "host:99999", "host:-1", "::1:80", "[::1:80", "a:8o"}) {
    EXPECT_FALSE(ParseListen(bad, options)) << bad;
  }
}

TEST(Stop, FinishesWhatIsInFlightAndClosesTheIdle) {
  std::promise<std::shared_ptr<Responder>> arrived;
  Serving serving(
      [&](HttpRequest, std::shared_ptr<Responder> r) { arrived.set_value(std::move(r)); });
  Client busy(serving.port());
  busy.Send("GET / HTTP/1.1\r\nHost: t\r\n\r\n");
  std::shared_ptr<Responder> responder = arrived.get_future().get();
  Client idle(serving.port());
  Eventually eventually;
  ASSERT_TRUE(eventually.Wait([&] { return serving.server.connections() == 2; }));
  std::thread stopping([&] { serving.server.Stop(Millis(20'000)); });
  EXPECT_TRUE(idle.ReadEnd());
  responder->Send({.body = "done"});
  const Reading reading = busy.Read();
  EXPECT_EQ(reading.body, "done");
  EXPECT_EQ(reading.Header("connection"), "close");
  busy.EndSending();
  stopping.join();
  EXPECT_EQ(serving.server.connections(), 0U);
}

TEST(Stop, BeginsNothingThatItWillNotAnswer) {
  for (int round = 0; round < 60; ++round) {
    std::atomic<int> begun = 0, answered = 0;
    Serving serving([&](HttpRequest, std::shared_ptr<Responder> r) {
      ++begun;
      r->Send({.body = "done"});
    });
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < 4; ++i) clients.push_back(std::make_unique<Client>(serving.port()));
    std::vector<std::thread> threads;
    for (auto& client : clients) {
      threads.emplace_back([&answered, &client = *client] {
        while (client.Post("/", "x").status == 200) ++answered;
        client.EndSending();
      });
    }
    Eventually eventually;
    EXPECT_TRUE(eventually.Wait([&] { return answered > 50 + round; }));
    serving.server.Stop(Millis(20'000));
    for (std::thread& thread : threads) thread.join();
    ASSERT_EQ(begun, answered) << "in round " << round;
  }
}

TEST(Stop, CutsWhatIsNotDoneInTime) {
  std::promise<std::shared_ptr<Responder>> arrived;
  std::shared_ptr<Responder> responder;
  {
    Serving serving(
        [&](HttpRequest, std::shared_ptr<Responder> r) { arrived.set_value(std::move(r)); });
    Client busy(serving.port());
    busy.Send("GET / HTTP/1.1\r\nHost: t\r\n\r\n");
    responder = arrived.get_future().get();
    serving.server.Stop(Millis(10));
    EXPECT_EQ(busy.Read().status, 0);
  }
  responder->Send({.body = "too late, and harmless"});
  EXPECT_EQ(responder->Stream(), nullptr);
}

}  // namespace
}  // namespace reprise::runtime
