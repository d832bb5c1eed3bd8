/// `reprise bench [PATH]`: a pipeline under load, beside a hand-written floor, in one run.  Ratios,
/// for machines differ.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include <fmt/core.h>

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
Result<json::object> Answer(const std::string& command) {
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
  Bench(const Options& options, BenchPlan plan) : options_(options), plan_(std::move(plan)) {}

  Result<json::object> Stage(const std::string& stage, std::int64_t sagas) {
    auto folder = TemporaryFolder::Make("bench");
    return folder ? Run(stage, sagas, folder->path().string()) : folder.error();
  }

  /// On a file that the runtime made, so that tables and indexes are the same.
  Result<json::object> Floor(std::int64_t sagas) {
    auto folder = TemporaryFolder::Make("bench");
    if (!folder) return folder.error();
    auto prepared = Run("prepare", sagas, folder->path().string());
    if (!prepared) return prepared;
    const auto program = std::filesystem::path(Self()).parent_path() / plan_.floor;
    return Answer(fmt::format("{} {} {}", Quoted(program.string()), sagas,
                              Quoted((folder->path() / "bench.db").string())));
  }

 private:
  Result<json::object> Run(const std::string& stage, std::int64_t sagas,
                           const std::string& folder) {
    std::string command =
        fmt::format("REPRISE_BENCH_STAGE={} REPRISE_BENCH_FOLDER={} {} bench --sagas {} --rate 50",
                    stage, Quoted(folder), Quoted(Self()), sagas);
    for (const std::string& plugins : options_.plugins) command += " --plugins " + Quoted(plugins);
    for (const std::string& path : options_.paths) command += " " + Quoted(path);
    return Answer(command);
  }

  const Options& options_;
  const BenchPlan plan_;
};

double Number(const json::object& figures, std::string_view name) {
  const json::value* value = figures.if_contains(name);
  return value && value->is_number() ? value->to_number<double>() : 0;
}

void Line(const char* what, const std::string& figure, const std::string& wanted, bool good) {
  fmt::print("  {} {:<46} {:>26}   {}\n", good ? "✓" : "✗", what, figure, wanted);
}

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
  if (!run("disk", bench.Stage("disk", 0)) || !run("floor", bench.Floor(small)) ||
      !run("small", bench.Stage("throughput", small)) || !run("floor_again", bench.Floor(small)) ||
      !run("sides", bench.Stage("sides", small)) || !run("latency", bench.Stage("latency", 1000)) ||
      !run("large", bench.Stage("throughput", large))) {
    return exit_code::kProblems;
  }
  if (options.json()) {
    fmt::print("{}\n", json::serialize(all));
    return exit_code::kOk;
  }
  const auto get = [&](const char* stage, const char* name) {
    return Number(all[stage].get_object(), name);
  };
  const double floor = std::max(get("floor", "sagas_per_s"), get("floor_again", "sagas_per_s"));
  const double ratio = get("small", "sagas_per_s") / floor,
               held = get("large", "sagas_per_s") / get("small", "sagas_per_s");
  const double p50 = 2 * get("disk", "p50_ms") + 1, p99 = 4 * p50;
  fmt::print(
      "reprise bench, embedded engine, {} and {} sagas, one commit of the disk {:.2f} ms (p50)\n",
      small, large, get("disk", "p50_ms"));
  Line("sagas per second", fmt::format("{:.0f}", get("small", "sagas_per_s")), "", true);
  Line("hand-written floor", fmt::format("{:.0f}", floor), "", true);
  Line("of the floor", fmt::format("{:.2f}", ratio), "at least 0.6", ratio >= 0.6);
  Line("with side steps on, sagas per second", fmt::format("{:.0f}", get("sides", "sagas_per_s")),
       "", true);
  Line("commits per saga", fmt::format("{:.4f}", get("small", "commits_per_saga")), "below 0.02",
       get("small", "commits_per_saga") < 0.02);
  Line("CPU-seconds per 1,000 sagas", fmt::format("{:.3f}", get("small", "cpu_s_per_1000")), "",
       true);
  Line("accept to push at 50 per second, p50 ms", fmt::format("{:.2f}", get("latency", "p50_ms")),
       fmt::format("at most {:.2f}", p50), get("latency", "p50_ms") <= p50);
  Line("accept to push at 50 per second, p99 ms", fmt::format("{:.2f}", get("latency", "p99_ms")),
       fmt::format("at most {:.2f}", p99), get("latency", "p99_ms") <= p99);
  Line("memory, smaller run, MiB", fmt::format("{:.1f}", get("small", "peak_mib")), "below 64",
       get("small", "peak_mib") < 64);
  Line("memory, larger run, MiB", fmt::format("{:.1f}", get("large", "peak_mib")), "no higher",
       get("large", "peak_mib") <= get("small", "peak_mib") * 1.05);
  Line("throughput of the larger run, of the smaller", fmt::format("{:.2f}", held), "at least 0.8",
       held >= 0.8);
  return exit_code::kOk;
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
  const char* stage =
      std::getenv("REPRISE_BENCH_STAGE");  // NOLINT(concurrency-mt-unsafe): no thread yet
  const char* folder = std::getenv("REPRISE_BENCH_FOLDER");  // NOLINT(concurrency-mt-unsafe)
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
