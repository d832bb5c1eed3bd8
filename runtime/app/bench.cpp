/// `reprise bench [PATH]`: a pipeline under load, beside a hand-written floor, in one run.  Ratios,
/// for machines differ.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include <fmt/core.h>

#include "app/bench_ready.h"
#include "app/bench_report.h"
#include "app/bench_stage.h"
#include "app/commands.h"
#include "app/temporary_folder.h"

namespace reprise::runtime {
namespace {

std::string Self() {
  return std::filesystem::read_symlink("/proc/self/exe").string();
}

std::string Quoted(const std::string& word) {
  std::string out = "'";
  for (char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

/// Runs a program and parses the JSON object it prints.
Result<json::object> AnswerOf(const std::string& command) {
  FILE* pipe = popen(command.c_str(), "r");
  if (!pipe) return Error{Code::kInternal, "cannot run " + command};
  std::string out;
  std::array<char, 4096> piece{};
  while (const std::size_t n = fread(piece.data(), 1, piece.size(), pipe))
    out.append(piece.data(), n);
  const int status = pclose(pipe);
  json::error_code error;
  const json::value parsed = json::parse(out, error);
  if (status != 0 || error || !parsed.is_object())
    return Error{Code::kInternal, command + " failed: " + out};
  return parsed.get_object();
}

class Bench {
 public:
  Bench(const Options& options, BenchPlan plan) : options_(options), plan_(std::move(plan)) {
    if (options.file) where_ = std::filesystem::absolute(*options.file).parent_path();
  }

  Result<json::object> Stage(const std::string& stage, std::int64_t sagas) {
    auto folder = TemporaryFolder::Make("bench", where_);
    return folder ? Run(stage, sagas, folder->path().string()) : folder.error();
  }

  /// On a file that the runtime made, so that tables and indexes are the same.
  Result<json::object> Floor(std::int64_t sagas) {
    auto folder = TemporaryFolder::Make("bench", where_);
    if (!folder) return folder.error();
    auto prepared = Run("prepare", sagas, folder->path().string());
    if (!prepared) return prepared;
    const auto program = std::filesystem::path(Self()).parent_path() / plan_.floor;
    return AnswerOf(fmt::format("{} {} {}", Quoted(program.string()), sagas,
                                Quoted((folder->path() / "bench.db").string())));
  }

  Result<json::object> Ready() { return MeasureReady(options_, where_, 9); }

 private:
  Result<json::object> Run(const std::string& stage, std::int64_t sagas,
                           const std::string& folder) {
    std::string command = fmt::format(
        "REPRISE_BENCH_STAGE={} REPRISE_BENCH_FOLDER={} {} bench --sagas {} --rate {}", stage,
        Quoted(folder), Quoted(Self()), sagas, options_.rate > 0 ? options_.rate : 50);
    if (!options_.config.empty()) command += " --config " + Quoted(options_.config);
    for (const std::string& plugins : options_.plugins) command += " --plugins " + Quoted(plugins);
    for (const std::string& path : options_.paths) command += " " + Quoted(path);
    return AnswerOf(command);
  }

  const Options& options_;
  const BenchPlan plan_;
  std::filesystem::path where_;  // empty: the system's temporary folder
};

int Report(Bench& bench, const Options& options) {
  const std::int64_t small = options.sagas > 0 ? options.sagas : 100'000, large = small * 10;
  json::object all;
  const auto run = [&](const char* name, Result<json::object> figures) -> bool {
    if (!figures) {
      fmt::print(stderr, "reprise bench: {}: {}\n", name, figures.error().message);
      return false;
    }
    all[name] = *figures;
    return true;
  };
  fmt::print(stderr, "measuring; this takes a few minutes\n");
  if (!run("disk", bench.Stage("disk", 0)) || !run("ready", bench.Ready()) ||
      !run("floor", bench.Floor(small)) || !run("small", bench.Stage("throughput", small)) ||
      !run("floor_again", bench.Floor(small)) || !run("sides", bench.Stage("sides", small)) ||
      !run("latency", bench.Stage("latency", 1000)) ||
      !run("large", bench.Stage("throughput", large))) {
    return exit_code::kProblems;
  }
  const std::vector<Figure> figures = BenchFigures(all);
  const auto missed = std::ranges::count_if(figures, [](const Figure& f) { return !f.met(); });
  if (options.json()) {
    all["figures"] = FiguresJson(figures);
    fmt::print("{}\n", json::serialize(all));
  } else {
    fmt::print(
        "reprise bench, embedded engine, {} and {} sagas, one commit of the disk {:.2f} ms (p50)\n"
        "{}",
        small, large, all["disk"].at("p50_ms").to_number<double>(), RenderFigures(figures));
  }
  if (missed > 0) fmt::print(stderr, "{} of {} figures are missed\n", missed, figures.size());
  return missed > 0 ? exit_code::kProblems : exit_code::kOk;
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
