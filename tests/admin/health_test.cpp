#include "admin/health.h"

#include <gtest/gtest.h>

#include "two_steps.h"

namespace reprise::runtime {
namespace {

class HealthTest : public ::testing::Test {
 protected:
  std::shared_ptr<KeptAnswer> Ready(std::vector<std::pair<std::string, std::string>> query = {}) {
    HttpRequest request;
    request.query = std::move(query);
    auto answer = std::make_shared<KeptAnswer>();
    health.Readyz(std::move(request), answer);
    return answer;
  }

  std::string MetricsNow() {
    auto answer = std::make_shared<KeptAnswer>();
    health.MetricsText({}, answer);
    return answer->sent.value().body;
  }

  FakeJournal journal;
  FakeIngress ingress{journal};
  Metrics metrics;
  ManualClock clock{kNow};
  std::optional<Time> oldest;
  PluginCatalog catalog = ShopCatalog();
  Health health{{.ingress = ingress,
                 .metrics = metrics,
                 .clock = clock,
                 .catalog = &catalog,
                 .version = "1.0.0",
                 .commit = "abc",
                 .lag = [] { return Result<std::int64_t>(7); },
                 .oldest = [this] { return oldest; }}};
};

TEST_F(HealthTest, LivesEvenIfTheExecutorHangs) {
  ingress.hangs = true;
  auto answer = std::make_shared<KeptAnswer>();
  health.Livez({}, answer);
  EXPECT_EQ(answer->status(), 200);
}

TEST_F(HealthTest, IsReadyWhenEveryCheckPasses) {
  health.AddCheck("lanes", [] { return Result<std::string>("3 owned"); });
  EXPECT_EQ(Ready()->sent->body, "ok\n");
  EXPECT_EQ(Ready({{"verbose", ""}})->sent->body,
            "[+]lanes ok: 3 owned\n[+]executor ok: a fake\nreadyz check passed\n");
}

TEST_F(HealthTest, NamesWhatFailed) {
  health.AddCheck("lanes", [] {
    return Result<std::string>(Error{Code::kUnavailable, "none owned"});
  });
  const auto answer = Ready();
  EXPECT_EQ(answer->status(), 503);
  EXPECT_EQ(answer->sent->body, "[-]lanes failed: none owned\nreadyz check failed\n");
  EXPECT_EQ(Ready({{"exclude", "lanes"}})->status(), 200);
}

TEST_F(HealthTest, IsNotReadyWithoutItsJournal) {
  journal.ping = Error{Code::kUnavailable, "disk I/O error"};
  EXPECT_EQ(Ready()->status(), 503);
  EXPECT_EQ(Ready({{"exclude", "executor"}})->status(), 200);
}

TEST_F(HealthTest, WaitsForTheExecutorsAnswer) {
  ingress.hangs = true;
  const auto answer = Ready();
  EXPECT_EQ(answer->status(), 0);
  ingress.waiting.at(0)(journal);
  EXPECT_EQ(answer->status(), 200);
}

TEST_F(HealthTest, IsNotReadyWhileItDrains) {
  health.Drain();
  EXPECT_EQ(Ready()->status(), 503);
}

TEST_F(HealthTest, SetsGaugesOnScrape) {
  Fill(journal);
  journal.letters.resize(3);
  const std::string text = MetricsNow();
  EXPECT_NE(text.find("reprise_sagas_active{pipeline=\"order\",state=\"running\"} 2"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("reprise_sagas_active{pipeline=\"order\",state=\"stuck\"} 1"),
            std::string::npos);
  EXPECT_EQ(text.find("state=\"done\""), std::string::npos);
  EXPECT_NE(text.find("reprise_saga_oldest_age_seconds{pipeline=\"order\",state=\"running\"} 240"),
            std::string::npos);
  EXPECT_NE(text.find("reprise_dlq_messages 3"), std::string::npos);
  EXPECT_NE(text.find("reprise_consumer_lag_messages 7"), std::string::npos);
  EXPECT_NE(text.find("version=\"1.0.0\""), std::string::npos);
}

TEST_F(HealthTest, TellsForHowLongTheOldestMessageWaits) {
  EXPECT_NE(MetricsNow().find("reprise_consumer_lag_seconds 0\n"), std::string::npos);
  oldest = kNow - Millis(2500);
  EXPECT_NE(MetricsNow().find("reprise_consumer_lag_seconds 2.5\n"), std::string::npos);
}

TEST_F(HealthTest, SetsAGaugeToZeroWhenItsSagasAreGone) {
  Fill(journal);
  MetricsNow();
  journal.sagas.clear();
  EXPECT_NE(MetricsNow().find("reprise_sagas_active{pipeline=\"order\",state=\"stuck\"} 0"),
            std::string::npos);
}

}  // namespace
}  // namespace reprise::runtime
