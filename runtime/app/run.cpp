/// `reprise run`: a runtime with its HTTP server, until a signal.
#include <csignal>
#include <optional>
#include <thread>

#include <fmt/core.h>

#include "admin/api.h"
#include "admin/health.h"
#include "app/commands.h"
#include "app/serving.h"
#include "app/supervise.h"
#include "app/watchdog.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/suggest.h"

namespace reprise::runtime {
namespace {

AssemblyOptions Wanted(const Options& options) {
  AssemblyOptions wanted;
  wanted.paths = options.paths;
  wanted.config = options.config;
  wanted.overrides.engine = options.engine;
  wanted.overrides.listen = options.listen;
  wanted.overrides.file = options.file;
  wanted.plugin_folders = options.plugins;
  wanted.clock_speed = options.clock_speed;
  wanted.steps = options.steps;
  wanted.flight = !options.check;
  return wanted;
}

/// A fault of a step that no pipeline has would never strike, and a test with it would show
/// nothing.
Status CheckFault(const Fault& fault, const std::vector<PipelineRef>& pipelines) {
  std::vector<std::string> known;
  for (const PipelineRef& pipeline : pipelines) {
    if (!fault.pipeline.empty() && fault.pipeline != pipeline->name) continue;
    for (const Step& step : pipeline->steps) {
      if (step.name == fault.step) return {};
      known.push_back(step.name);
    }
  }
  if (known.empty()) {
    return Error{Code::kInvalid, fmt::format("--fault: there is no pipeline '{}'", fault.pipeline)};
  }
  return Error{Code::kInvalid, fmt::format("--fault: no pipeline has a step '{}'{}", fault.step,
                                           DidYouMean(fault.step, known))};
}

/// Faults at places of the runtime: --fault, and REPRISE_FAULTS for what no command line reaches.
Status ArmPlaces(const Options& options) {
  std::vector<std::string> wanted;
  for (const std::string& text : options.faults) {
    if (NamesFailpoint(text)) wanted.push_back(text);
  }
  if (const auto more = SystemEnvironment()("REPRISE_FAULTS"); more && !more->empty())
    wanted.push_back(*more);
  for (const std::string& text : wanted) {
    if (Status armed = ArmFault(text); !armed) return armed;
    Log(LogLevel::kWarn, "A FAULT IS INJECTED; this is for tests and demos", {{"fault", text}});
  }
  return {};
}

/// A test whose fault never struck has shown nothing.
int AllStruck() {
  const std::vector<std::string> unfired = UnfiredFaults();
  for (const std::string& fault : unfired)
    fmt::print(stderr, "reprise: the fault '{}' never struck\n", fault);
  return unfired.empty() ? exit_code::kOk : exit_code::kProblems;
}

/// Servers may come later than this process, as after a power cut.  Null: a signal came first.
Result<std::unique_ptr<Assembly>> BuildOnceServersAreThere(const AssemblyOptions& wanted) {
  LoadOptions load;
  load.config = wanted.config;
  load.overrides = wanted.overrides;
  for (;;) {
    auto assembly = Assembly::Build(wanted);
    if (assembly || assembly.error().code != Code::kUnavailable ||
        PeekDeployment(wanted.paths, wanted.environment, load).engine != "cluster")
      return assembly;
    Log(LogLevel::kWarn, "a server is not there yet; the start is tried again",
        {{"why", assembly.error().message}});
    if (SignalComes(Millis(1000))) return std::unique_ptr<Assembly>();
  }
}

/// `first`: a supervisor has not had to start it again; faults strike once.
int RunOnce(const Options& options, bool first) {
  BlockSignals();
  AssemblyOptions wanted = Wanted(options);
  if (first) {
    if (const Status armed = ArmPlaces(options); !armed) {
      fmt::print(stderr, "reprise: {}\n", armed.error().message);
      return exit_code::kUsage;
    }
  }
  for (const std::string& text : options.faults) {
    if (NamesFailpoint(text)) continue;
    auto fault = ParseFault(text);
    if (!fault) {
      fmt::print(stderr, "reprise: {}\n", fault.error().message);
      return exit_code::kUsage;
    }
    wanted.executor.faults.push_back(std::move(*fault));
    Log(LogLevel::kWarn, "A FAULT IS INJECTED; this is for tests and demos", {{"fault", text}});
  }
  if (options.clock_speed != 1) {
    Log(LogLevel::kWarn, "THE CLOCK DOES NOT RUN AT ITS OWN SPEED; this is for tests and demos",
        {{"speed", options.clock_speed}});
  }
  auto assembly =
      options.check ? Assembly::Build(std::move(wanted)) : BuildOnceServersAreThere(wanted);
  if (!assembly) {
    fmt::print(stderr, "{}\n", assembly.error().message);
    return exit_code::kProblems;
  }
  if (!*assembly) return exit_code::kOk;
  for (const Fault& fault : (*assembly)->executor().faults()) {
    if (Status known = CheckFault(fault, (*assembly)->loaded().pipelines); !known) {
      fmt::print(stderr, "reprise: {}\n", known.error().message);
      return exit_code::kUsage;
    }
  }
  if ((*assembly)->deployment().embedded.file == ":memory:") {
    fmt::print(stderr, "reprise: ':memory:' keeps nothing once it stops; name a file\n");
    return exit_code::kProblems;
  }
  if (options.check) {
    fmt::print(stderr, "{} pipelines are fine; {}\n", (*assembly)->loaded().pipelines.size(),
               (*assembly)->engine().journal().About());
    return exit_code::kOk;
  }
  std::optional<Watchdog> watchdog;
  if (FlightRecorder* const flight = (*assembly)->flight()) {
    flight->MarkCrashes();
    watchdog.emplace(*flight);
  }
  Serving serving(**assembly);
  if (Status started = serving.Start(); !started) {
    fmt::print(stderr, "reprise: {}\n", started.error().message);
    return exit_code::kProblems;
  }
  Log(LogLevel::kInfo, "ready",
      {{"address", serving.address()},
       {"pipelines", (*assembly)->loaded().pipelines.size()},
       {"journal", (*assembly)->engine().journal().About()}});
  const int signal = WaitForSignal();
  Log(LogLevel::kInfo, "stopping", {{"signal", signal}});
  serving.Stop();
  return AllStruck();
}

}  // namespace

int RunRun(const Options& options) {
  if (!options.supervise || options.check) return RunOnce(options, true);
  return Supervise([&](bool first) { return RunOnce(options, first); });
}

}  // namespace reprise::runtime
