/// `reprise bench [PATH]`: a pipeline under load, beside a hand-written floor, in one run.  Ratios,
/// for machines differ.
#include <algorithm>
#include <cstdlib>
#include <functional>

#include <fmt/format.h>

#include "app/bench_report.h"
#include "app/bench_run.h"
#include "app/bench_stage.h"
#include "app/commands.h"

namespace reprise::runtime {
namespace {

/// Runs stages until one fails, and says which.
class Stages {
 public:
  bool Run(const char* name, const std::function<Result<json::object>()>& stage) {
    auto figures = stage();
    if (!figures) {
      fmt::print(stderr, "reprise bench: {}: {}\n", name, figures.error().message);
      return false;
    }
    all[name] = *figures;
    return true;
  }
  json::object all;
};

int Print(Stages& stages, const std::vector<Figure>& figures, const Options& options,
          const std::string& head) {
  const auto missed = std::ranges::count_if(figures, [](const Figure& f) { return !f.met(); });
  if (options.json()) {
    stages.all["figures"] = FiguresJson(figures);
    fmt::print("{}\n", json::serialize(stages.all));
  } else {
    fmt::print("{}\n{}", head, RenderFigures(figures));
  }
  if (missed > 0) fmt::print(stderr, "{} of {} figures are missed\n", missed, figures.size());
  return missed > 0 ? exit_code::kProblems : exit_code::kOk;
}

int Report(Bench& bench, const Options& options) {
  const std::int64_t small = options.sagas > 0 ? options.sagas : 100'000, large = small * 10;
  fmt::print(stderr, "measuring; this takes a few minutes\n");
  Stages stages;
  const auto stage = [&](const char* name, const char* what, std::int64_t sagas) {
    return stages.Run(name, [&] { return bench.Stage(what, sagas); });
  };
  const auto floor = [&](const char* name) {
    return stages.Run(name, [&] { return bench.Floor(small); });
  };
  if (!stage("disk", "disk", 0) || !stage("disk_at_rate", "disk_at_rate", 0) ||
      !stages.Run("ready", [&] { return bench.Ready(); }) || !floor("floor") ||
      !stage("small", "throughput", small) || !floor("floor_again") ||
      !stage("sides", "sides", small) || !stage("latency", "latency", 1000) ||
      !stage("large", "throughput", large) || !stage("small_again", "throughput", small)) {
    return exit_code::kProblems;
  }
  return Print(
      stages, BenchFigures(stages.all), options,
      fmt::format("reprise bench, embedded engine, {} and {} sagas; one commit of the disk, p50: "
                  "{:.2f} ms back to back, {:.2f} ms at the steady rate",
                  small, large, stages.all["disk"].at("p50_ms").to_number<double>(),
                  stages.all["disk_at_rate"].at("p50_ms").to_number<double>()));
}

int ReportCluster(const Options& options, const BenchPlan& plan) {
  const char* postgres = std::getenv("REPRISE_POSTGRES");
  if (!postgres || !*postgres || !std::getenv("REPRISE_KAFKA")) {
    fmt::print(stderr,
               "reprise: bench --engine cluster measures on servers that run: say where in "
               "REPRISE_POSTGRES, REPRISE_KAFKA and REPRISE_REDIS, or use `make cluster-bench`\n");
    return exit_code::kUsage;
  }
  ClusterBench bench(options, plan, postgres);
  const std::int64_t small = options.sagas > 0 ? options.sagas : 100'000, large = small * 10;
  fmt::print(stderr, "measuring; this takes some ten minutes\n");
  Stages stages;
  const auto stage = [&](const char* name, const char* what, std::int64_t sagas) {
    return stages.Run(name, [&] { return bench.Stage(what, sagas); });
  };
  const auto floor = [&](const char* name, int workers) {
    return stages.Run(name, [&] { return bench.FloorOf(small, workers); });
  };
  // A broker that has just begun is slow; the first floor would be too low.
  if (!stage("warm_up", "throughput", std::max<std::int64_t>(100, small / 10)) ||
      !floor("floor", 1) || !stage("small", "throughput", small) || !floor("floor_again", 2) ||
      !stage("small_again", "throughput", small) ||
      !stages.Run("two", [&] { return bench.Two(small); }) || !stage("latency", "latency", 1000) ||
      !stage("large", "throughput", large)) {
    return exit_code::kProblems;
  }
  return Print(stages, ClusterBenchFigures(stages.all), options,
               fmt::format("reprise bench, cluster engine, {} and {} sagas", small, large));
}

}  // namespace

int RunBench(const Options& given) {
  Options options = given;
  if (options.paths.empty()) options.paths = {"pipelines/concert"};
  auto plan = ReadBenchPlan(options.paths.front() + "/bench.yaml");
  if (!plan) {
    fmt::print(stderr, "reprise: {}\n", plan.error().message);
    return exit_code::kUsage;
  }
  const char* stage = std::getenv("REPRISE_BENCH_STAGE");
  const char* folder = std::getenv("REPRISE_BENCH_FOLDER");
  if (!stage || !folder) {
    if (options.engine == "cluster") return ReportCluster(options, *plan);
    Bench bench(options, *plan);
    return Report(bench, options);
  }
  auto figures = RunBenchStage(stage, *plan, options, folder);
  if (!figures) {
    fmt::print(stderr, "{}\n", figures.error().message);
    return exit_code::kProblems;
  }
  fmt::print("{}\n", json::serialize(*figures));
  return exit_code::kOk;
}

}  // namespace reprise::runtime
