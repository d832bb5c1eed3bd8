#include "app/bench_stage.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <functional>
#include <mutex>
#include <thread>
#include <unordered_map>

#include <fmt/format.h>
#include <sys/resource.h>

#include "app/assembly.h"
#include "base/log.h"
#include "sqlite/engine.h"

namespace reprise::runtime {
namespace {

using Steady = std::chrono::steady_clock;

double Seconds(Steady::duration d) {
  return std::chrono::duration<double>(d).count();
}

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// The most memory the process ever held, in MiB.
double PeakMib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::atof(line.c_str() + 6) / 1024;
  }
  return 0;
}

double Percentile(std::vector<double>& values, double p) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1,
                         static_cast<std::size_t>(p * static_cast<double>(values.size())))];
}

Result<std::unique_ptr<Assembly>> Make(const BenchPlan& plan, const Options& options,
                                       const std::string& folder, const std::string& stage) {
  AssemblyOptions wanted;
  wanted.paths = options.paths;
  wanted.config = options.config;
  wanted.plugin_folders = options.plugins;
  wanted.overrides.engine = options.engine.value_or("embedded");
  wanted.overrides.file = folder + "/bench.db";
  wanted.side_steps = stage == "sides";
  // What falls due minutes later is not what is measured, also where a machine takes minutes.
  if (stage != "latency") wanted.clock_speed = 0.01;
  if (!plan.undone_step.empty()) {
    Fault fault;
    fault.pipeline = plan.pipeline;
    fault.step = plan.undone_step;
    fault.saga_field = "bench";
    fault.saga_value = "undone";
    wanted.executor.faults.push_back(fault);
  }
  return Assembly::Build(std::move(wanted));
}

Status Prepare(Assembly& assembly, const BenchPlan& plan, std::int64_t sagas) {
  if (plan.prepare.empty()) return {};
  std::string sql = plan.prepare;
  if (const std::size_t at = sql.find("{sagas}"); at != std::string::npos) {
    sql.replace(at, 7, std::to_string(sagas));
  }
  auto tx = assembly.engine().journal().Begin();
  if (!tx) return tx.error();
  if (auto ran = (*tx)->sql().Run(sql, {}, nullptr); !ran) return ran.error();
  return (*tx)->Commit({});
}

Start Next(const Assembly& assembly, const BenchPlan& plan, UuidV7& ids, std::int64_t n, Time now) {
  Start start;
  start.pipeline = assembly.loaded().Find(plan.pipeline);
  start.event = plan.start;
  start.id = ids.Next(now);
  start.root = Payload(plan.Root(n, start.id.ToString()));
  return start;
}

/// Until every part of the engine works: lanes are taken, for one.
Status WaitUntilReady(Assembly& assembly) {
  const auto deadline = Steady::now() + std::chrono::seconds(60);
  std::string why;
  do {
    assembly.executor().Turn();
    why.clear();
    for (const Engine::Part& part : assembly.engine().parts()) {
      if (auto good = part.check(); !good) why = part.name + ": " + good.error().message;
    }
    if (why.empty()) return {};
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  } while (Steady::now() < deadline);
  return Error{Code::kUnavailable, "not ready in a minute: " + why};
}

/// Turns until `done`, also while messages are on a wire; gives up when nothing moves any more.
void TurnUntil(Executor& executor, const std::function<bool()>& done) {
  auto moved = Steady::now();
  while (!done() && Steady::now() - moved < std::chrono::seconds(20)) {
    if (executor.Turn()) {
      moved = Steady::now();
    } else {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
}

Result<json::object> Throughput(Assembly& assembly, const BenchPlan& plan, std::int64_t sagas) {
  Executor& executor = assembly.executor();
  UuidV7 ids(42);
  std::int64_t told = 0;
  executor.OnCount(plan.told, [&] { ++told; });
  const std::int64_t commits = assembly.engine().commits();
  const double cpu = CpuSeconds();
  const auto began = Steady::now();
  for (std::int64_t n = 0; n < sagas;) {
    const Time now = assembly.clock().Now();
    for (int i = 0; i < 500 && n < sagas; ++i, ++n)
      executor.Submit(Next(assembly, plan, ids, n, now));
    executor.Turn();
  }
  executor.Settle();
  TurnUntil(executor, [&] { return told >= sagas; });
  const double seconds = Seconds(Steady::now() - began);
  if (told != sagas) {
    return Error{Code::kInternal,
                 fmt::format("{} of {} sagas came to '{}'", told, sagas, plan.told)};
  }
  const double n = static_cast<double>(sagas);
  return json::object{
      {"sagas", sagas},
      {"seconds", seconds},
      {"sagas_per_s", n / seconds},
      {"cpu_s_per_1000", (CpuSeconds() - cpu) * 1000 / n},
      {"commits_per_saga", static_cast<double>(assembly.engine().commits() - commits) / n},
      {"peak_mib", PeakMib()}};
}

/// Open loop: a saga every 1/rate seconds, whether or not the one before is through.
Result<json::object> Latency(Assembly& assembly, const BenchPlan& plan, std::int64_t sagas,
                             std::int64_t rate) {
  Executor& executor = assembly.executor();
  std::mutex mutex;  // guards what follows
  std::unordered_map<Uuid, Steady::time_point> sent;
  std::vector<double> took;
  executor.OnLine([&](const Executor::Line& line) {
    if (line.step != plan.told || line.what != "do") return;
    const auto now = Steady::now();
    const std::lock_guard lock(mutex);
    if (const auto it = sent.find(line.saga); it != sent.end())
      took.push_back(Seconds(now - it->second) * 1000);
  });
  std::thread worker([&] { executor.Run(); });
  UuidV7 ids(43);
  auto at = Steady::now();
  for (std::int64_t n = 0; n < sagas; ++n) {
    at += std::chrono::microseconds(1'000'000 / rate);
    std::this_thread::sleep_until(at);
    Start start = Next(assembly, plan, ids, n, assembly.clock().Now());
    {
      const std::lock_guard lock(mutex);
      sent[start.id] = Steady::now();
    }
    executor.Submit(std::move(start));
  }
  const auto deadline = Steady::now() + std::chrono::seconds(10);
  const auto all = [&] {
    const std::lock_guard lock(mutex);
    return took.size() == static_cast<std::size_t>(sagas);
  };
  while (!all() && Steady::now() < deadline)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  executor.Stop();
  worker.join();
  if (!all()) return Error{Code::kInternal, "some sagas were never told"};
  return json::object{{"sagas", sagas},
                      {"rate", rate},
                      {"p50_ms", Percentile(took, 0.5)},
                      {"p99_ms", Percentile(took, 0.99)}};
}

}  // namespace

Result<json::object> MeasureDisk(const std::string& folder) {
  SqliteEngine::Options file;
  file.file = folder + "/disk.db";
  auto engine = SqliteEngine::Open(file);
  if (!engine) return engine.error();
  std::vector<double> took;
  for (int i = 0; i < 300; ++i) {
    auto tx = (*engine)->journal().Begin();
    if (!tx) return tx.error();
    if (Status put = (*tx)->PutMeta("bench", std::to_string(i)); !put) return put.error();
    const auto began = Steady::now();
    if (Status done = (*tx)->Commit({}); !done) return done.error();
    took.push_back(Seconds(Steady::now() - began) * 1000);
  }
  return json::object{{"p50_ms", Percentile(took, 0.5)}, {"p99_ms", Percentile(took, 0.99)}};
}

Result<json::object> RunBenchStage(const std::string& stage, const BenchPlan& plan,
                                   const Options& options, const std::string& folder) {
  SetLogLevel(LogLevel::kOff);
  if (stage == "disk") return MeasureDisk(folder);
  auto assembly = Make(plan, options, folder, stage);
  if (!assembly) return assembly.error();
  if (Status ready = Prepare(**assembly, plan, options.sagas); !ready) return ready.error();
  if (Status ready = WaitUntilReady(**assembly); !ready) return ready.error();
  if (stage == "prepare") return json::object{{"sagas", options.sagas}};
  if (stage == "latency") return Latency(**assembly, plan, options.sagas, options.rate);
  return Throughput(**assembly, plan, options.sagas);
}

}  // namespace reprise::runtime
