// What `reprise bench` says of its figures.
#include "app/bench_report.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace reprise::runtime {
namespace {

using testing::HasSubstr;
using testing::Not;

class BenchReportTest : public testing::Test {
 protected:
  void Set(const char* stage, const char* figure, double value) {
    stages_[stage].as_object()[figure] = value;
  }
  std::vector<Figure> Figures() const { return BenchFigures(stages_); }
  std::string Line(const std::string& name) const {
    const auto figures = Figures();
    const auto it =
        std::ranges::find_if(figures, [&](const Figure& f) { return f.name.starts_with(name); });
    EXPECT_NE(it, figures.end()) << name;
    return it == figures.end() ? "" : RenderFigures({*it});
  }
  static bool AllMet(const std::vector<Figure>& figures) {
    return std::ranges::all_of(figures, &Figure::met);
  }

  /// All as wanted.
  json::object stages_{{"disk_at_rate", json::object{{"p50_ms", 0.5}}},
                       {"floor", json::object{{"sagas_per_s", 9'000}}},
                       {"floor_again", json::object{{"sagas_per_s", 10'000}}},
                       {"small", json::object{{"sagas_per_s", 7'000},
                                              {"commits_per_saga", 0.002},
                                              {"cpu_s_per_1000", 0.1},
                                              {"peak_mib", 50}}},
                       {"small_again", json::object{{"sagas_per_s", 6'000}}},
                       {"large", json::object{{"sagas_per_s", 6'500}, {"peak_mib", 50.5}}},
                       {"sides", json::object{{"sagas_per_s", 4'000}}},
                       {"latency", json::object{{"p50_ms", 1.5}, {"p99_ms", 6}}},
                       {"ready", json::object{{"p50_ms", 90}}}};
};

TEST_F(BenchReportTest, SaysWhatIsWantedOfAFigureThatIsMet) {
  EXPECT_TRUE(AllMet(Figures())) << RenderFigures(Figures());
  EXPECT_THAT(RenderFigures(Figures()), Not(HasSubstr("✗")));
  EXPECT_THAT(Line("of the floor"), HasSubstr("0.70   at least 0.60\n")) << "of the better floor";
  EXPECT_THAT(Line("ready"), HasSubstr("90   at most 200\n"));
  EXPECT_THAT(Line("sagas per second"), HasSubstr("7000\n")) << "nothing is wanted of it";
}

TEST_F(BenchReportTest, MarksAFigureThatIsMissedAndSaysByHowMuch) {
  Set("small", "peak_mib", 78.8);
  EXPECT_EQ(Line("memory, smaller").substr(0, 7), "  ✗ m");
  EXPECT_THAT(Line("memory, smaller"), HasSubstr("78.8   below 64.0: missed by 14.80 (24 %)\n"));
}

TEST_F(BenchReportTest, MissesEachFigureBeyondItsBoundAlone) {
  const struct {
    const char *stage, *figure;
    double missed;
  } cases[] = {{"small", "commits_per_saga", 0.02}, {"latency", "p50_ms", 2.1},
               {"latency", "p99_ms", 8.1},          {"ready", "p50_ms", 201},
               {"large", "peak_mib", 53},           {"large", "sagas_per_s", 5'000},
               {"floor", "sagas_per_s", 12'000}};
  for (const auto& c : cases) {
    const json::object good = stages_;
    Set(c.stage, c.figure, c.missed);
    const auto figures = Figures();
    EXPECT_EQ(std::ranges::count_if(figures, [](const Figure& f) { return !f.met(); }), 1)
        << c.stage << " " << c.figure << "\n"
        << RenderFigures(figures);
    stages_ = good;
  }
}

TEST_F(BenchReportTest, AFigureThatLooksLikeItsBoundIsStillMissedBySomething) {
  Set("ready", "p50_ms", 200.2);
  EXPECT_THAT(Line("ready"), HasSubstr("200   at most 200: missed by 0.2 (1 %)\n"));
}

TEST_F(BenchReportTest, AFigureThatWasNotMeasuredIsNotMet) {
  stages_.erase("floor");
  stages_.erase("floor_again");
  stages_.erase("small");
  EXPECT_FALSE(AllMet(Figures()));
}

TEST_F(BenchReportTest, TellsScriptsTheSame) {
  Set("ready", "p50_ms", 300);
  for (const json::value& figure : FiguresJson(Figures())) {
    const bool ready = figure.at("name").as_string().starts_with("ready");
    EXPECT_EQ(figure.at("met").as_bool(), !ready) << figure;
  }
}

TEST(ClusterBenchReport, WantsWhatServersAllowAndTheCpuOfAllOnlyWhereItIsKnown) {
  json::object stages{{"floor", json::object{{"sagas_per_s", 9'000}}},
                      {"floor_again", json::object{{"sagas_per_s", 10'000}}},
                      {"small", json::object{{"sagas_per_s", 7'000}, {"cpu_s_per_1000", 0.1}}},
                      {"small_again", json::object{{"sagas_per_s", 6'000}, {"cpu_s_per_1000", 1}}},
                      {"two", json::object{{"sagas_per_s", 7'000}}},
                      {"large", json::object{{"sagas_per_s", 5'600}, {"peak_mib", 95}}},
                      {"latency", json::object{{"p50_ms", 5}, {"p99_ms", 12}}}};
  const auto missed = [&] {
    const auto figures = ClusterBenchFigures(stages);
    return std::ranges::count_if(figures, [](const Figure& f) { return !f.met(); });
  };
  EXPECT_EQ(missed(), 0) << RenderFigures(ClusterBenchFigures(stages));
  EXPECT_THAT(RenderFigures(ClusterBenchFigures(stages)), Not(HasSubstr("broker")));
  stages["small"].as_object()["servers_cpu_s_per_1000"] = 0.2;
  EXPECT_EQ(missed(), 1) << "0.3 of 0.25";
  EXPECT_THAT(RenderFigures(ClusterBenchFigures(stages)), HasSubstr("at most 0.250: missed by"));
  stages["two"].as_object()["sagas_per_s"] = 6'999;
  EXPECT_EQ(missed(), 2);
  stages["small_again"].as_object()["sagas_per_s"] = 7'100;
  EXPECT_EQ(missed(), 2) << "the better run counts whole: 5,600 are less than 0.8 of it";
  EXPECT_THAT(RenderFigures(ClusterBenchFigures(stages)), Not(HasSubstr("broker")));
}

}  // namespace
}  // namespace reprise::runtime
