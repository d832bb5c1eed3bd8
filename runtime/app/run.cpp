/// `reprise run`: a runtime with its HTTP server, until a signal.
#include <csignal>
#include <thread>

#include <fmt/core.h>

#include "admin/api.h"
#include "admin/health.h"
#include "app/commands.h"
#include "app/serving.h"
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

}  // namespace

int RunRun(const Options& options) {
  BlockSignals();
  AssemblyOptions wanted = Wanted(options);
  for (const std::string& text : options.faults) {
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
  auto assembly = Assembly::Build(std::move(wanted));
  if (!assembly) {
    fmt::print(stderr, "{}\n", assembly.error().message);
    return exit_code::kProblems;
  }
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
  return exit_code::kOk;
}

}  // namespace reprise::runtime
