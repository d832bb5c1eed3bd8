#include "app/bench_stage.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <thread>
#include <unordered_map>

#include <fmt/format.h>

#include "app/assembly.h"
#include "app/process_cost.h"
#include "base/log.h"
#include "sqlite/engine.h"

namespace reprise::runtime {
namespace {

using Steady = std::chrono::steady_clock;

double Seconds(Steady::duration d) {
  return std::chrono::duration<double>(d).count();
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
  if (const char* prefix = std::getenv("REPRISE_BENCH_PREFIX")) wanted.overrides.prefix = prefix;
  wanted.side_steps = stage == "sides";
  wanted.flight = true;  // as under `reprise run`
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

/// Which of the processes that share the load this is: "1/2" is the second of two.
struct Share {
  std::int64_t mine = 0, of = 1;

  static Share OfEnvironment() {
    Share share;
    if (const char* text = std::getenv("REPRISE_BENCH_SHARE"))
      (void)std::sscanf(text, "%ld/%ld", &share.mine, &share.of);  // NOLINT: our own parent's
    return share;
  }
};

/// All of them are as far as this one.
Status Meet(Assembly& assembly, const Share& share, const std::string& folder) {
  const auto flag = [&](std::int64_t n) { return folder + "/ready." + std::to_string(n); };
  std::ofstream(flag(share.mine)).put('\n');
  const auto deadline = Steady::now() + std::chrono::seconds(60);
  for (std::int64_t n = 0; n < share.of; ++n) {
    while (!std::filesystem::exists(flag(n))) {
      if (Steady::now() > deadline) return Error{Code::kUnavailable, "the others did not come"};
      if (!assembly.executor().Turn()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
  return WaitUntilReady(assembly);
}

/// Turns until `done`, also while messages are on a wire; gives up when nothing moves any more.
void TurnUntil(Executor& executor, std::chrono::seconds patience,
               const std::function<bool()>& done) {
  auto moved = Steady::now();
  while (!done() && Steady::now() - moved < patience) {
    if (executor.Turn()) {
      moved = Steady::now();
    } else {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
}

double EpochSeconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// `sagas` is what all processes play together; `told` is what came to its end in this one.
Result<json::object> Throughput(Assembly& assembly, const BenchPlan& plan, std::int64_t sagas,
                                const Share& share) {
  Executor& executor = assembly.executor();
  const char* servers = std::getenv("REPRISE_SERVER_PIDS");
  UuidV7 ids(static_cast<std::uint64_t>(42 + share.mine));
  std::int64_t told = 0;
  double ended = 0;
  executor.OnCount(plan.told, [&] {
    ++told;
    ended = EpochSeconds();
  });
  const std::int64_t commits = assembly.engine().commits();
  const double cpu = OwnCpuSeconds(), servers_cpu = servers ? TreesCpuSeconds(servers) : 0;
  const double began = EpochSeconds();
  const std::int64_t end = sagas * (share.mine + 1) / share.of;
  for (std::int64_t n = sagas * share.mine / share.of; n < end;) {
    const Time now = assembly.clock().Now();
    for (int i = 0; i < 500 && n < end; ++i, ++n)
      executor.Submit(Next(assembly, plan, ids, n, now));
    executor.Turn();
  }
  executor.Settle();
  // One of several cannot know what the others have left for it.
  TurnUntil(executor, std::chrono::seconds(share.of > 1 ? 5 : 20),
            [&] { return share.of == 1 && told >= sagas; });
  if (share.of == 1 && told != sagas) {
    return Error{Code::kInternal,
                 fmt::format("{} of {} sagas came to '{}'", told, sagas, plan.told)};
  }
  const double n = static_cast<double>(sagas);
  json::object out{
      {"sagas", sagas},
      {"told", told},
      {"began_s", began},
      {"ended_s", ended},
      {"sagas_per_s", n / (ended - began)},
      {"cpu_s_per_1000", (OwnCpuSeconds() - cpu) * 1000 / n},
      {"commits_per_saga", static_cast<double>(assembly.engine().commits() - commits) / n},
      {"peak_mib", OwnPeakMib()}};
  if (servers) out["servers_cpu_s_per_1000"] = (TreesCpuSeconds(servers) - servers_cpu) * 1000 / n;
  return out;
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

/// Durable commits of one small row, `rate` a second; 0: one right after the other.
Result<json::object> MeasureDisk(const std::string& folder, std::int64_t rate) {
  SqliteEngine::Options file;
  file.file = folder + "/disk.db";
  auto engine = SqliteEngine::Open(file);
  if (!engine) return engine.error();
  std::vector<double> took;
  auto at = Steady::now();
  for (int i = 0; i < 300; ++i) {
    if (rate > 0) std::this_thread::sleep_until(at += std::chrono::microseconds(1'000'000 / rate));
    auto tx = (*engine)->journal().Begin();
    if (!tx) return tx.error();
    if (Status put = (*tx)->PutMeta("bench", std::to_string(i)); !put) return put.error();
    const auto began = Steady::now();
    if (Status done = (*tx)->Commit({}); !done) return done.error();
    took.push_back(Seconds(Steady::now() - began) * 1000);
  }
  return json::object{{"p50_ms", Percentile(took, 0.5)}, {"p99_ms", Percentile(took, 0.99)}};
}

}  // namespace

Result<json::object> RunBenchStage(const std::string& stage, const BenchPlan& plan,
                                   const Options& options, const std::string& folder) {
  SetLogLevel(LogLevel::kOff);
  const std::int64_t rate = options.rate > 0 ? options.rate : 50;
  if (stage == "disk") return MeasureDisk(folder, 0);
  if (stage == "disk_at_rate") return MeasureDisk(folder, rate);
  const Share share = Share::OfEnvironment();
  auto assembly = Make(plan, options, folder, stage);
  if (!assembly) return assembly.error();
  if (share.of == 1) {
    if (Status ready = Prepare(**assembly, plan, options.sagas); !ready) return ready.error();
  }
  if (Status ready = WaitUntilReady(**assembly); !ready) return ready.error();
  if (stage == "prepare") return json::object{{"sagas", options.sagas}};
  if (share.of > 1) {
    if (Status met = Meet(**assembly, share, folder); !met) return met.error();
  }
  if (stage == "latency") return Latency(**assembly, plan, options.sagas, rate);
  return Throughput(**assembly, plan, options.sagas, share);
}

}  // namespace reprise::runtime
