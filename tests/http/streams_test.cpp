#include "http/streams.h"

#include <atomic>
#include <future>
#include <map>
#include <mutex>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "routes_fixture.h"

namespace reprise::runtime {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr Millis kNever{3'600'000};

/// News by channel: the channel is the query field `who`, ids count from 1, batches hold at most
/// three.
class News : public RoutesFixture {
 public:
  explicit News(HttpOptions http = OnAnyPort(), Millis every = kNever)
      : RoutesFixture({Watching()}, std::move(http)) {
    options.stream_every = every;
    ingress.on_stream = [this](const Request& request, const std::string& after,
                               const FakeIngress::Answer& answer) { Tell(request, after, answer); };
    Start();
  }

  ~News() {
    server.Stop(Millis(0));
    ingress.Stop();  // what it still runs uses us
  }

  /// On the executor's thread, as a commit is.
  void Add(const std::string& who, const std::string& what, bool hint = true) {
    ingress.Post([this, who, what] { events_[who].push_back(what); });
    if (hint) ingress.Hint(who);
  }

  std::atomic<int> asked = 0, unchecked = 0;
  std::atomic<bool> refuse = false, unavailable = false;

 private:
  static Route Watching() {
    Route route = ARoute("GET", "/news", RouteKind::kStream);
    route.query.fields.push_back({"who", BodyType{}});
    route.deadline = Millis(1);  // of one ask; a stream lives on
    return route;
  }

  void Tell(const Request& request, const std::string& after, const FakeIngress::Answer& answer) {
    if (!request.checked) ++unchecked;
    ++asked;
    EXPECT_EQ(request.checked, request.fields.contains("added"));
    EXPECT_EQ(request.deadline, Time{});
    if (refuse || unavailable) {
      Reply refused;
      refused.status = refuse ? 403 : 503;
      refused.code = "news.refused";
      return answer(refused, {});
    }
    StreamBatch batch;
    batch.channel = std::string(request.fields.at("who").get_string());
    batch.fields = request.fields;
    batch.fields["added"] = true;
    const std::vector<std::string>& all = events_[batch.channel];
    std::size_t at = after.empty() ? 0 : std::stoul(after);
    if (at > all.size()) {
      batch.reset = true;
      at = 0;
    }
    for (; at < all.size() && batch.events.size() < 3; ++at) {
      batch.events.push_back({std::to_string(at + 1), "news", all[at]});
    }
    answer({}, std::move(batch));
  }

  std::map<std::string, std::vector<std::string>> events_;  // on the executor's thread
};

void Watch(Client& client, const std::string& who, const std::string& headers = "",
           const std::string& more = "") {
  client.Send("GET /news?who=" + who + more + " HTTP/1.1\r\nHost: t\r\n" + headers + "\r\n");
}

TEST(Streams, BeginAsServerSentEvents) {
  News news;
  Client client(news.port());
  Watch(client, "ann");
  const Reading head = client.Read();
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.Header("content-type"), "text/event-stream");
  EXPECT_EQ(head.Header("cache-control"), "no-store");
  EXPECT_EQ(head.Header("x-accel-buffering"), "no");
  EXPECT_EQ(head.Header("transfer-encoding"), "chunked");
  EXPECT_THAT(client.ReadUntil("\n\n"), HasSubstr("retry: 2000"));
}

TEST(Streams, SendWhatIsThereInOrderThoughItTakesManyAsks) {
  News news;
  for (int i = 1; i <= 8; ++i) news.Add("ann", "e" + std::to_string(i));
  Client client(news.port());
  Watch(client, "ann");
  std::string seen = client.ReadUntil("data: e8\n\n");
  std::size_t at = 0;
  for (int i = 1; i <= 8; ++i) {
    const std::string event =
        "id: " + std::to_string(i) + "\nevent: news\ndata: e" + std::to_string(i) + "\n\n";
    EXPECT_NE(at = seen.find(event, at), std::string::npos) << event;
  }
}

TEST(Streams, SendNewsWhenAHintComes) {
  News news;
  Client client(news.port());
  Watch(client, "ann");
  client.ReadUntil("retry: 2000\n\n");
  news.Add("bob", "not for ann");
  news.Add("ann", "hello");
  EXPECT_THAT(client.ReadUntil("data: hello\n\n"), Not(HasSubstr("not for ann")));
  news.Add("ann", "again");
  EXPECT_THAT(client.ReadUntil("data: again\n\n"), HasSubstr("id: 2\n"));
}

TEST(Streams, LookAgainWithoutAHintEverySoOften) {
  News news(OnAnyPort(), Millis(20));
  Client client(news.port());
  Watch(client, "ann");
  client.ReadUntil("retry: 2000\n\n");
  news.Add("ann", "unheard", false);
  EXPECT_THAT(client.ReadUntil("data: unheard\n\n"), HasSubstr("id: 1\n"));
}

TEST(Streams, RunTheChecksOnlyOnce) {
  News news(OnAnyPort(), Millis(5));
  Client client(news.port());
  Watch(client, "ann");
  Eventually eventually;
  EXPECT_TRUE(eventually.Wait([&] { return news.asked >= 3; }));
  EXPECT_EQ(news.unchecked, 1);
}

TEST(Streams, ResumeAfterTheLastEventSeen) {
  News news;
  for (int i = 1; i <= 5; ++i) news.Add("ann", "e" + std::to_string(i));
  Client client(news.port());
  Watch(client, "ann", "Last-Event-ID: 3\r\n");
  const std::string seen = client.ReadUntil("data: e5\n\n");
  EXPECT_THAT(seen, HasSubstr("data: e4\n"));
  EXPECT_THAT(seen, Not(HasSubstr("data: e3\n")));
  Client by_query(news.port());
  Watch(by_query, "ann", "", "&last_event_id=4");
  EXPECT_THAT(by_query.ReadUntil("data: e5\n\n"), Not(HasSubstr("data: e4\n")));
}

TEST(Streams, SayResetWhenTheLastEventIsNotKnown) {
  News news;
  news.Add("ann", "e1");
  Client client(news.port());
  Watch(client, "ann", "Last-Event-ID: 99\r\n");
  const std::string seen = client.ReadUntil("data: e1\n\n");
  EXPECT_THAT(seen, HasSubstr("event: reset\ndata: {}\n\n"));
  news.Add("ann", "e2");
  EXPECT_THAT(client.ReadUntil("data: e2\n\n"), Not(HasSubstr("reset")));
}

TEST(Streams, RefuseBeforeTheyBegin) {
  News news;
  news.refuse = true;
  Client client(news.port());
  Watch(client, "ann");
  const Reading refused = client.Read();
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(refused.Field("code"), "news.refused");
  EXPECT_EQ(refused.Header("content-type"), "application/problem+json");
  Client wrong(news.port());
  EXPECT_EQ(wrong.Get("/news?whom=ann").Field("code"), "query.unknown_field");
  EXPECT_EQ(news.routes->streams(), 0U);
}

TEST(Streams, EndWhenLaterRefusedSoThatTheClientHearsWhy) {
  News news;
  Client client(news.port());
  Watch(client, "ann");
  client.ReadUntil("retry: 2000\n\n");
  news.refuse = true;
  news.Add("ann", "secret");
  EXPECT_THAT(client.ReadUntil("0\r\n\r\n"), Not(HasSubstr("secret")));
  EXPECT_TRUE(client.ReadEnd());
}

TEST(Streams, OutliveAnUnavailableJournal) {
  News news(OnAnyPort(), Millis(20));
  Client client(news.port());
  Watch(client, "ann");
  client.ReadUntil("retry: 2000\n\n");
  news.unavailable = true;
  news.Add("ann", "late");
  const int before = news.asked;
  Eventually eventually;
  EXPECT_TRUE(eventually.Wait([&] { return news.asked > before + 1; }));
  news.unavailable = false;
  EXPECT_THAT(client.ReadUntil("data: late\n\n"), HasSubstr("id: 1\n"));
}

TEST(Streams, ReachEveryViewerOfAChannel) {
  News news;
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 30; ++i) {
    clients.push_back(std::make_unique<Client>(news.port()));
    Watch(*clients.back(), i % 2 == 0 ? "ann" : "bob");
    clients.back()->ReadUntil("retry: 2000\n\n");
  }
  news.Add("ann", "for ann");
  news.Add("bob", "for bob");
  for (std::size_t i = 0; i < clients.size(); ++i) {
    const std::string mine = i % 2 == 0 ? "data: for ann\n\n" : "data: for bob\n\n";
    EXPECT_THAT(clients[i]->ReadUntil(mine), HasSubstr(mine));
  }
}

TEST(Streams, ForgetAClientThatHasGone) {
  News news;
  Eventually eventually;
  {
    Client client(news.port());
    Watch(client, "ann");
    client.ReadUntil("retry: 2000\n\n");
    ASSERT_TRUE(eventually.Wait([&] { return news.routes->streams() == 1; }));
  }
  EXPECT_TRUE(eventually.Wait([&] { return news.routes->streams() == 0; }));
  EXPECT_TRUE(eventually.Wait([&] { return news.server.connections() == 0; }));
}

TEST(Streams, PingASilentClient) {
  HttpOptions options = OnAnyPort();
  options.ping_every = Millis(20);
  News news(options);
  Client client(news.port());
  Watch(client, "ann");
  EXPECT_THAT(client.ReadUntil(": ping\n\n"), HasSubstr(": ping\n\n"));
  EXPECT_THAT(client.ReadUntil(": ping\n\n"), HasSubstr(": ping\n\n"));
}

TEST(Streams, SpeakHttp10WithoutChunks) {
  News news;
  news.Add("ann", "hello");
  Client client(news.port());
  client.Send("GET /news?who=ann HTTP/1.0\r\n\r\n");
  EXPECT_THAT(client.ReadUntil("\r\n\r\n"), Not(HasSubstr("chunked")));
  EXPECT_EQ(client.ReadUntil("data: hello\n\n"),
            "retry: 2000\n\nid: 1\nevent: news\ndata: hello\n\n");
}

TEST(Streams, DropAClientThatDoesNotRead) {
  HttpOptions options = OnAnyPort();
  options.write_deadline = Millis(100);
  News news(options);
  Client client(news.port(), 4096);
  Watch(client, "ann");
  const std::string much(64 * 1024, 'x');
  Eventually eventually;
  ASSERT_TRUE(eventually.Wait([&] { return news.routes->streams() == 1; }));
  for (int i = 0; i < 200; ++i) news.Add("ann", much);
  EXPECT_TRUE(eventually.Wait([&] { return news.server.connections() == 0; }));
  EXPECT_TRUE(eventually.Wait([&] { return news.routes->streams() == 0; }));
  Client other(news.port());
  Watch(other, "bob");
  other.ReadUntil("retry: 2000\n\n");
  news.Add("bob", "still here");
  EXPECT_THAT(other.ReadUntil("data: still here\n\n"), HasSubstr("still here"));
}

TEST(Streams, GiveASlowReaderEverythingInItsOwnTime) {
  News news;
  const std::string much(60 * 1024, 'x');
  for (int i = 0; i < 100; ++i) news.Add("ann", much);
  Client client(news.port(), 4096);
  Watch(client, "ann");
  for (int i = 1; i <= 100; ++i) {
    EXPECT_THAT(client.ReadUntil("\ndata: "), HasSubstr("id: " + std::to_string(i) + "\n"));
  }
}

TEST(EventStream, DropsAClientWhenItsQueueIsFull) {
  HttpOptions options = OnAnyPort();
  options.stream_bytes_max = 10'000;
  std::promise<void> closed;
  std::promise<std::shared_ptr<EventStream>> opened;
  Serving serving([&](HttpRequest, std::shared_ptr<Responder> r) { opened.set_value(r->Stream()); },
                  options);
  Client client(serving.port(), 4096);
  client.Send("GET / HTTP/1.1\r\nHost: t\r\n\r\n");
  const std::shared_ptr<EventStream> stream = opened.get_future().get();
  ASSERT_TRUE(stream);
  stream->OnClosed([&] { closed.set_value(); });
  const std::string data(5'000, 'x');
  int sent = 0;
  while (stream->Send("", "", data) && sent < 100'000) ++sent;
  EXPECT_LT(sent, 100'000);
  EXPECT_TRUE(stream->closed());
  EXPECT_FALSE(stream->Send("", "", "more"));
  closed.get_future().wait();
  bool late = false;
  stream->OnClosed([&] { late = true; });
  EXPECT_TRUE(late) << "at once if it has ended";
}

TEST(EventStream, ClosesAfterWhatIsQueued) {
  Serving serving([](HttpRequest, std::shared_ptr<Responder> responder) {
    const auto stream = responder->Stream();
    for (int i = 0; i < 100; ++i) stream->Send(std::to_string(i), "", "x");
    stream->Close();
    EXPECT_FALSE(stream->Send("", "", "late"));
  });
  Client client(serving.port());
  client.Send("GET / HTTP/1.1\r\nHost: t\r\n\r\n");
  const std::string all = client.ReadUntil("0\r\n\r\n");
  EXPECT_THAT(all, HasSubstr("id: 99\ndata: x\n\n"));
  EXPECT_TRUE(client.ReadEnd());
}

TEST(Stop, ClosesStreamsInOrder) {
  News news;
  Client client(news.port());
  Watch(client, "ann");
  client.ReadUntil("retry: 2000\n\n");
  news.server.Stop(Millis(20'000));
  EXPECT_THAT(client.ReadUntil("0\r\n\r\n"), testing::EndsWith("0\r\n\r\n"));
  EXPECT_TRUE(client.ReadEnd());
  EXPECT_EQ(news.server.connections(), 0U);
}

TEST(Stop, HappensWhileStreamsAreBusy) {
  for (int round = 0; round < 5; ++round) {
    News news;
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < 20; ++i) {
      clients.push_back(std::make_unique<Client>(news.port()));
      Watch(*clients.back(), "ann");
      clients.back()->ReadUntil("retry: 2000\n\n");
    }
    for (int i = 0; i < 200; ++i) news.Add("ann", "e" + std::to_string(i));
    clients[0]->ReadUntil("data: e5\n\n");
    news.server.Stop(Millis(20'000));
    for (auto& client : clients) EXPECT_TRUE(client->ReadEnd());
  }
}

}  // namespace
}  // namespace reprise::runtime
