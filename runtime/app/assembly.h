/// Assembly: a runtime put together from files: configuration, plugins, engine, executor.  The only
/// place that names concrete types.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "app/engine.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/result.h"
#include "config/load.h"
#include "executor/executor.h"
#include "executor/plans.h"
#include "plugin/loaded_plugins.h"

namespace reprise::runtime {

struct AssemblyOptions {
  std::vector<std::string> paths;  // folders and files of YAML
  std::string config;
  std::shared_ptr<const Loaded> loaded;  // what `paths` say, if it is known already
  Overrides overrides;
  std::vector<std::string> plugin_folders;    // --plugins, searched first
  std::shared_ptr<const FoundPlugins> found;  // what is in the folders, if it is known already
  Environment environment = SystemEnvironment();
  Clock* clock = nullptr;  // outlives the assembly; null: the machine's, at `clock_speed`
  double clock_speed = 1;
  ExecutorOptions executor;
  /// What this process does: steps (`ship` or `order/ship`) and `http`; empty: everything.
  std::vector<std::string> steps;
  bool side_steps = true;    // false: none runs (bench)
  bool hop_commits = false;  // each hop of a message is a commit of its own (crash tests)
  /// Instead of the deployment's engine, and around the plugins: simulations.
  std::function<Result<std::unique_ptr<Engine>>()> engine;
  std::function<std::unique_ptr<Plugins>(Plugins&)> around_plugins;
  bool flight = false;  // who is in a plugin is recorded: for a process that may crash
};

class Assembly {
 public:
  /// The error's message may have many lines: every finding of the files, or the one thing that is
  /// wrong.
  static Result<std::unique_ptr<Assembly>> Build(AssemblyOptions options);
  ~Assembly();

  Clock& clock() { return *clock_; }
  Metrics& metrics() { return metrics_; }
  const Loaded& loaded() const { return loaded_; }
  const Deployment& deployment() const { return loaded_.deployment; }
  const FoundPlugins& found() const { return found_; }
  Plugins& plugins() { return around_plugins_ ? *around_plugins_ : *plugins_; }
  Plans& plans() { return *plans_; }
  Engine& engine() { return *engine_; }
  Executor& executor() { return *executor_; }
  FlightRecorder* flight() { return flight_.get(); }  // null: none is kept
  PipelineRef PlanOf(const std::string& hash) const;
  /// Whether this process answers the pipelines' routes.
  bool serves_routes() const;

 private:
  explicit Assembly(AssemblyOptions options) : options_(std::move(options)) {}
  /// A plan that sagas may still follow although no file has it any more.
  struct OldPlan {
    PipelineRef pipeline;
    Journal::PlanRow row;
  };

  Status ReadFiles();
  Status NoneBroken(const std::set<std::string>& needed) const;
  Status CheckSteps() const;
  Status OpenEngine();
  Status ReadOldPlans();
  Error WhyNoPlugins(const Error& why);
  Status LoadPlugins();
  Status MakeReady();
  Status LoadPlans();
  Status LearnPlan(std::string_view hash);
  void OpenFlight();

  AssemblyOptions options_;
  Metrics metrics_;
  std::unique_ptr<SystemClock> own_clock_;
  Clock* clock_ = nullptr;
  FoundPlugins found_;
  Loaded loaded_;
  std::unique_ptr<Engine> engine_;
  std::vector<OldPlan> old_plans_;
  std::unique_ptr<LoadedPlugins> plugins_;
  std::unique_ptr<Plugins> around_plugins_;
  std::unique_ptr<Plans> plans_;
  std::unique_ptr<FlightRecorder> flight_;
  std::unique_ptr<Executor> executor_;
};

/// The folders that plugins are searched in: --plugins, `plugins/` beside the binary,
/// `plugin_path`.
std::vector<std::string> PluginFolders(const std::vector<std::string>& flags,
                                       const Deployment& deployment);

/// "[PIPELINE/]STEP.do=fail|retry:N|crash:N|unknown".
Result<Fault> ParseFault(const std::string& text);

}  // namespace reprise::runtime
