/// `reprise simulate`: pipelines in simulated disorder, a set of runs, and of the first that breaks
/// something the smallest schedule of faults.
#include <algorithm>
#include <chrono>
#include <random>
#include <thread>

#include <fmt/core.h>
#include <fmt/ranges.h>
#include <sched.h>

#include "app/commands.h"
#include "app/loading.h"
#include "app/shell.h"
#include "app/simulated_set.h"
#include "app/simulation_sum.h"
#include "base/log.h"
#include "config/report.h"

namespace reprise::runtime {
namespace {

constexpr int kShrinkingMax = 300;  // runs

/// From here on nothing can be called: a simulated failure must not reach anybody.
Status LeaveTheNetwork() {
  if (::unshare(CLONE_NEWNET) == 0 || ::unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0) return {};
  return Error{Code::kInvalid,
               "plugins might call out, and this machine lets nobody leave the network; --network "
               "allows it"};
}

Environment With(std::map<std::string, std::string> own) {
  return [own = std::move(own),
          system = SystemEnvironment()](const std::string& name) -> std::optional<std::string> {
    const auto found = own.find(name);
    return found == own.end() ? system(name) : std::optional(found->second);
  };
}

/// The pipelines, their plugins, and a journal in which these have started.
Result<SimulatedWorld::Setup> Ready(const Options& options, const SimulationPlan& plan) {
  SimulatedWorld::Setup setup;
  setup.environment = With(plan.environment);
  Files files = ReadFiles(options, setup.environment);
  setup.found = std::make_shared<const FoundPlugins>(std::move(files.found));
  setup.loaded = std::make_shared<const Loaded>(std::move(files.loaded));
  if (HasErrors(setup.loaded->findings))
    return Error{Code::kInvalid, RenderText(setup.loaded->findings)};
  auto image = SimulatedWorld::Prepare(setup);
  if (!image) return image.error();
  setup.image = std::move(*image);
  if (!options.only.empty())
    setup.only = std::set<std::string>(options.only.begin(), options.only.end());
  return setup;
}

std::uint64_t FreshSeed() {
  std::random_device device;
  return device() % 1'000'000'000 + 1;
}

std::string CommandAgain(const Options& options, std::uint64_t seed,
                         const std::vector<std::string>& only) {
  std::string command = "reprise simulate";
  for (const std::string& path : options.paths) command += " " + path;
  for (const std::string& folder : options.plugins) command += " --plugins " + folder;
  if (!options.config.empty()) command += " --config " + options.config;
  command += fmt::format(" --runs 1 --seed {}", seed);
  if (!only.empty()) command += " --only " + Quoted(fmt::format("{}", fmt::join(only, ",")));
  return command;
}

void PrintTimeline(const SimulatedRun& run) {
  for (const std::string& line : run.timeline) fmt::print("{}\n", line);
}

int Broken(const Options& options, const SimulatedSet& set, SimulatedRun run) {
  fmt::print(stderr, "seed {}: {}\nlooking for the fewest of its {} faults ...\n", run.seed,
             run.broken, run.faults.size());
  const bool dies = run.timeline.empty() && run.faults.empty();  // there is nothing to look at
  const std::size_t before = run.faults.size();
  const std::string whole = CommandAgain(options, run.seed, {});
  run = set.Replay(run.seed, std::nullopt);
  if (!dies) run = set.Smallest(std::move(run), kShrinkingMax);
  PrintTimeline(run);
  fmt::print("BROKEN: {}\nseed {}, {} of {} faults:{}\n", run.broken, run.seed, run.faults.size(),
             before, run.faults.empty() ? " none is needed" : "");
  for (const std::string& fault : run.faults) fmt::print("  {}\n", fault);
  fmt::print("again, as small:  {}\nagain, as it was: {}\n",
             CommandAgain(options, run.seed, run.faults), whole);
  return exit_code::kProblems;
}

int PlayOne(const Options& options, const SimulatedSet& set, std::uint64_t seed,
            const std::optional<std::set<std::string>>& only) {
  const SimulatedRun run = set.Replay(seed, only);
  PrintTimeline(run);
  if (run.broken.empty()) {
    fmt::print(stderr, "seed {}: {} sagas, {} faults, nothing is broken\n", seed, run.sagas,
               run.faults.size());
    return exit_code::kOk;
  }
  fmt::print("BROKEN: {}\nagain: {}\n", run.broken,
             CommandAgain(options, seed, only ? run.faults : std::vector<std::string>()));
  return exit_code::kProblems;
}

int Unseen(const std::vector<std::string>& unseen, std::uint64_t runs) {
  for (const std::string& name : unseen) fmt::print("NEVER SEEN: {}\n", name);
  if (unseen.empty()) {
    fmt::print("{} runs, nothing is broken\n", runs);
    return exit_code::kOk;
  }
  fmt::print("A set of runs that never shows this proves little: add runs, or look why.\n");
  return exit_code::kProblems;
}

}  // namespace

int RunSimulate(const Options& options) {
  SetLogLevel(LogLevel::kOff);  // failures are what is simulated
  auto plan = ReadSimulation(options.paths);
  auto setup = plan ? Ready(options, *plan) : Result<SimulatedWorld::Setup>(plan.error());
  if (!setup) {
    fmt::print(stderr, "{}\n", setup.error().message);
    return exit_code::kProblems;
  }
  if (const Status left = options.network ? Status() : LeaveTheNetwork(); !left) {
    fmt::print(stderr, "{}\n", left.error().message);
    return exit_code::kProblems;
  }
  const std::vector<std::string> wanted = MustBeSeen(*setup->loaded, *plan);
  const auto only = setup->only;
  const SimulatedSet set(std::move(*setup), std::move(*plan));
  const std::uint64_t first = options.seed != 0 ? options.seed : FreshSeed();
  if (options.runs == 1) return PlayOne(options, set, first, only);
  fmt::print(stderr, "simulating from seed {}\n", first);
  const auto began = std::chrono::steady_clock::now();
  const auto seconds = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  };
  SimulationSum sum;
  sum.seed = first;
  std::optional<SimulatedRun> broken;
  std::uint64_t next = first;
  const auto more = [&]() -> std::optional<std::uint64_t> {
    const bool enough =
        options.minutes > 0 ? seconds() >= options.minutes * 60 : next - first >= options.runs;
    return enough ? std::nullopt : std::optional(next++);
  };
  set.Play(static_cast<int>(std::max(1U, std::thread::hardware_concurrency())), more,
           [&](SimulatedRun run) {
             sum.Add(run);
             if (run.broken.empty()) return true;
             if (!broken || run.seed < broken->seed) broken = std::move(run);
             return false;
           });
  sum.seconds = seconds();
  if (options.json()) {
    const std::string what = broken ? fmt::format("{}; again: {}", broken->broken,
                                                  CommandAgain(options, broken->seed, {}))
                                    : "";
    PrintSumJson(sum, wanted, what);
    return broken || !sum.NeverSeen(wanted).empty() ? exit_code::kProblems : exit_code::kOk;
  }
  PrintSum(sum, wanted);
  if (broken) return Broken(options, set, std::move(*broken));
  return Unseen(sum.NeverSeen(wanted), sum.runs);
}

}  // namespace reprise::runtime
