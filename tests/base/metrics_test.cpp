#include "base/metrics.h"

#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/log.h"

namespace reprise::runtime {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Metrics, WritesThePrometheusTextFormat) {
  Metrics metrics;
  metrics.Count("reprise_sagas_finished_total", {{"pipeline", "p"}, {"outcome", "done"}});
  metrics.Count("reprise_sagas_finished_total", {{"pipeline", "p"}, {"outcome", "done"}}, 2);
  metrics.Set("reprise_sagas_active", {{"pipeline", "p"}, {"state", "running"}}, 5);
  const std::string text = metrics.Text();
  EXPECT_THAT(text,
              HasSubstr("# HELP reprise_sagas_finished_total Sagas that ended, by outcome.\n"));
  EXPECT_THAT(text, HasSubstr("# TYPE reprise_sagas_finished_total counter\n"));
  EXPECT_THAT(text, HasSubstr("reprise_sagas_finished_total{outcome=\"done\",pipeline=\"p\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("reprise_sagas_active{pipeline=\"p\",state=\"running\"} 5\n"));
}

TEST(Metrics, GaugesSayTheLastValue) {
  Metrics metrics;
  metrics.Set("g", {}, 5);
  metrics.Set("g", {}, 2);
  EXPECT_THAT(metrics.Text(), HasSubstr("\ng 2\n"));
}

TEST(Metrics, HistogramsHaveTheMessagingBuckets) {
  Metrics metrics;
  metrics.Observe("messaging_process_duration_seconds", {{"step", "s"}}, 0.03);
  const std::string text = metrics.Text();
  EXPECT_THAT(text,
              HasSubstr("messaging_process_duration_seconds_bucket{step=\"s\",le=\"0.025\"} 0\n"));
  EXPECT_THAT(text,
              HasSubstr("messaging_process_duration_seconds_bucket{step=\"s\",le=\"0.05\"} 1\n"));
  EXPECT_THAT(text,
              HasSubstr("messaging_process_duration_seconds_bucket{step=\"s\",le=\"10\"} 1\n"));
  EXPECT_THAT(text,
              HasSubstr("messaging_process_duration_seconds_bucket{step=\"s\",le=\"+Inf\"} 1\n"));
}

TEST(Metrics, CellsStayWhereTheyAre) {
  Metrics metrics;
  Metrics::Counter& first = metrics.CounterOf("c", {{"i", "0"}});
  for (int i = 1; i < 1000; ++i) metrics.CounterOf("c", {{"i", std::to_string(i)}});
  EXPECT_EQ(&first, &metrics.CounterOf("c", {{"i", "0"}}));
  first.Add(1);
  EXPECT_THAT(metrics.Text(), HasSubstr("c{i=\"0\"} 1\n"));
}

TEST(Metrics, EscapesLabelValues) {
  Metrics metrics;
  metrics.Count("c", {{"code", "a\"b\nc"}});
  EXPECT_THAT(metrics.Text(), HasSubstr(R"(c{code="a\"b\nc"} 1)"));
}

TEST(Metrics, ANameOfAnotherKindIsLoggedAndCostsNothingElse) {
  const LogCapture log;
  Metrics metrics;
  metrics.Count("twice");
  metrics.Set("twice", {}, 7);
  metrics.Count("bad name");
  EXPECT_THAT(log.Text(), HasSubstr("metric=\"bad name\""));
  EXPECT_THAT(log.Text(), HasSubstr("metric=twice"));
  EXPECT_THAT(metrics.Text(), HasSubstr("\ntwice 1\n"));
  EXPECT_THAT(metrics.Text(), Not(HasSubstr("bad name")));
}

TEST(Metrics, CountsFromManyThreads) {
  Metrics metrics;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) metrics.Count("c", {{"k", "v"}});
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(metrics.Text(), HasSubstr("c{k=\"v\"} 4000\n"));
}

}  // namespace
}  // namespace reprise::runtime
