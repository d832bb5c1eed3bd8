#include "app/assembly.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <set>

#include <fmt/format.h>

#include "base/log.h"
#include "base/suggest.h"
#include "config/report.h"

namespace reprise::runtime {
namespace {

std::set<std::string> NeededPlugins(const std::vector<PipelineRef>& pipelines) {
  std::set<std::string> needed;
  for (const PipelineRef& pipeline : pipelines) {
    for (const Step& step : pipeline->steps) {
      if (step.kind == StepKind::kAction) needed.insert(step.plugin);
    }
    const auto add = [&](const std::vector<QuestionRef>& questions) {
      for (const QuestionRef& question : questions) needed.insert(question.plugin);
    };
    for (const Route& route : pipeline->routes) {
      add(route.check);
      if (!route.ask.plugin.empty()) needed.insert(route.ask.plugin);
    }
    for (const Topic& topic : pipeline->topics) add(topic.check);
  }
  return needed;
}

PipelineRef WithoutSides(const Pipeline& pipeline) {
  auto mains = std::make_shared<Pipeline>(pipeline);
  mains->steps.resize(mains->main_count);
  mains->targets.clear();
  mains->listeners.clear();
  mains->listen_to_all.clear();
  mains->foreign.clear();
  Link(*mains);
  return mains;
}

}  // namespace

std::vector<std::string> PluginFolders(const std::vector<std::string>& flags,
                                       const Deployment& deployment) {
  std::vector<std::string> folders = flags;
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (!error) {
    const auto beside = self.parent_path() / "plugins";
    if (std::filesystem::is_directory(beside, error)) folders.push_back(beside.string());
  }
  for (const std::string& folder : deployment.plugin_path) folders.push_back(folder);
  return folders;
}

Result<Fault> ParseFault(const std::string& text) {
  const auto bad = [&] {
    return Error{
        Code::kInvalid,
        "'" + text + "' is no fault; write [PIPELINE/]STEP.do=fail|retry:N|crash:N|unknown"};
  };
  Fault fault;
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos) return bad();
  std::string where = text.substr(0, equals), what = text.substr(equals + 1);
  if (const std::size_t slash = where.find('/'); slash != std::string::npos) {
    fault.pipeline = where.substr(0, slash);
    where = where.substr(slash + 1);
  }
  const std::size_t dot = where.rfind('.');
  if (dot == std::string::npos || dot == 0) return bad();
  fault.step = where.substr(0, dot);
  const std::string phase = where.substr(dot + 1);
  if (phase != "do" && phase != "undo") return bad();
  fault.phase = phase == "do" ? Phase::kDo : Phase::kUndo;
  if (const std::size_t colon = what.find(':'); colon != std::string::npos) {
    const std::string number = what.substr(colon + 1);
    const auto [end, error] =
        std::from_chars(number.data(), number.data() + number.size(), fault.times);
    if (error != std::errc{} || end != number.data() + number.size() || fault.times < 1)
      return bad();
    what = what.substr(0, colon);
    if (what != "retry" && what != "crash") return bad();
  }
  if (what == "fail") {
    fault.kind = Fault::kFail;
  } else if (what == "retry") {
    fault.kind = Fault::kRetry;
  } else if (what == "crash") {
    fault.kind = Fault::kCrash;
    if (fault.times < 0) fault.times = 1;
  } else if (what == "unknown") {
    fault.kind = Fault::kUnknown;
  } else {
    return bad();
  }
  return fault;
}

Result<std::unique_ptr<Assembly>> Assembly::Build(AssemblyOptions options) {
  std::unique_ptr<Assembly> made(new Assembly(std::move(options)));
  made->clock_ = made->options_.clock;
  if (!made->clock_) {
    made->own_clock_ = std::make_unique<SystemClock>(made->options_.clock_speed);
    made->clock_ = made->own_clock_.get();
  }
  for (Status (Assembly::*part)() :
       {&Assembly::ReadFiles, &Assembly::OpenEngine, &Assembly::ReadOldPlans,
        &Assembly::LoadPlugins, &Assembly::MakeReady}) {
    if (Status status = ((*made).*part)(); !status) return status.error();
  }
  return made;
}

Assembly::~Assembly() {
  if (executor_) executor_->Stop();
  executor_.reset();  // before what `waiting` of the engine asks it for
}

Status Assembly::ReadFiles() {
  LoadOptions load;
  load.config = options_.config;
  load.overrides = options_.overrides;
  if (options_.loaded) {
    loaded_ = *options_.loaded;
    ApplyOverrides(loaded_.deployment, options_.environment, options_.overrides);
    found_ = options_.found
                 ? *options_.found
                 : FindPlugins(PluginFolders(options_.plugin_folders, loaded_.deployment));
  } else {
    const Deployment peek = PeekDeployment(options_.paths, options_.environment, load);
    found_ = FindPlugins(PluginFolders(options_.plugin_folders, peek));
    loaded_ = Load(options_.paths, found_.catalog(), options_.environment, load);
  }
  if (HasErrors(loaded_.findings)) {
    std::string report = RenderText(loaded_.findings);
    for (const RefusedFile& refused : found_.refused) report += refused.why + "\n";
    return Error{Code::kInvalid, report};
  }
  if (loaded_.pipelines.empty()) {
    std::string where;
    for (const std::string& path : options_.paths) where += (where.empty() ? "" : ", ") + path;
    return Error{Code::kInvalid, "there is no pipeline in " + where +
                                     "; a pipeline file's first key is `pipeline:`"};
  }
  for (const std::string& line : found_.shadowed) Log(LogLevel::kWarn, line);
  return NoneBroken(NeededPlugins(loaded_.pipelines));
}

/// A broken plugin must not give way in silence to one of the same name in a later folder.
Status Assembly::NoneBroken(const std::set<std::string>& needed) const {
  for (const RefusedFile& refused : found_.refused) {
    if (needed.contains(std::filesystem::path(refused.path).stem().string())) {
      return Error{Code::kInvalid, refused.why};
    }
  }
  return {};
}

/// `--steps` names what there is, and an engine that can share the rest.
Status Assembly::CheckSteps() const {
  if (options_.steps.empty()) return {};
  if (loaded_.deployment.engine == "embedded") {
    return Error{Code::kInvalid,
                 "--steps shares work between processes; the embedded engine has only one"};
  }
  std::vector<std::string> names{"http"};
  for (const PipelineRef& pipeline : loaded_.pipelines) {
    for (const Step& step : pipeline->steps) {
      names.push_back(step.name);
      names.push_back(pipeline->name + "/" + step.name);
    }
  }
  std::string wrong;
  for (const std::string& name : options_.steps) {
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    wrong += fmt::format("--steps: there is no step '{}'{}\n", name, DidYouMean(name, names));
  }
  return wrong.empty() ? Status() : Status(Error{Code::kInvalid, wrong});
}

bool Assembly::serves_routes() const {
  return options_.steps.empty() ||
         std::find(options_.steps.begin(), options_.steps.end(), "http") != options_.steps.end();
}

Status Assembly::OpenEngine() {
  if (Status status = CheckSteps(); !status) return status;
  EngineOptions wanted;
  wanted.clock = clock_;
  wanted.follows = own_clock_.get();
  wanted.metrics = &metrics_;
  wanted.hop_commits = options_.hop_commits;
  wanted.waiting = [this] { return executor_ && executor_->Waiting(); };
  if (!options_.steps.empty()) {
    wanted.mine = [&steps = options_.steps](const Pipeline& pipeline, const Step& step) {
      return std::any_of(steps.begin(), steps.end(), [&](const std::string& name) {
        return name == step.name || name == pipeline.name + "/" + step.name;
      });
    };
  }
  auto engine =
      options_.engine ? options_.engine() : runtime::OpenEngine(loaded_.deployment, wanted);
  if (!engine) return engine.error();
  engine_ = std::move(*engine);
  return {};
}

namespace {

/// An earlier plan is gone for good; if sagas follow it the runtime must not start.
Status Gone(const Journal::PlanRow& row, const Error& why) {
  if (row.open_sagas == 0) return {};
  return Error{Code::kInvalid,
               fmt::format("{} saga{} an earlier plan of pipeline '{}' that cannot be loaded any "
                           "more: {}\nBring back what it needs, or let what runs end first.",
                           row.open_sagas, row.open_sagas == 1 ? " follows" : "s follow",
                           row.pipeline, why.message)};
}

}  // namespace

/// Plans that are in the journal and in no file any more, each with the plugins it needs.
Status Assembly::ReadOldPlans() {
  auto rows = engine_->journal().Plans();
  if (!rows) return rows.error();
  const PluginCatalog catalog = found_.catalog();
  for (Journal::PlanRow& row : *rows) {
    const auto current = [&](const PipelineRef& pipeline) { return pipeline->hash == row.hash; };
    if (std::ranges::any_of(loaded_.pipelines, current)) continue;
    auto pipeline = CompilePlan(row.text, catalog, options_.environment);
    Status fine = pipeline ? NoneBroken(NeededPlugins({*pipeline})) : Status(pipeline.error());
    if (!fine) {
      if (Status gone = Gone(row, fine.error()); !gone) return gone;
    } else {
      old_plans_.push_back({std::move(*pipeline), std::move(row)});
    }
  }
  return {};
}

/// Whose need it is that cannot be met: the files', or only that of sagas in flight.
Error Assembly::WhyNoPlugins(const Error& why) {
  const std::set<std::string> needed = NeededPlugins(loaded_.pipelines);
  if (!LoadedPlugins::Create(found_, loaded_.deployment.plugins, needed, metrics_)) return why;
  for (const OldPlan& old : old_plans_) {
    std::set<std::string> with_old = needed;
    if (old.row.open_sagas > 0) with_old.merge(NeededPlugins({old.pipeline}));
    auto plugins = LoadedPlugins::Create(found_, loaded_.deployment.plugins, with_old, metrics_);
    if (!plugins) return Gone(old.row, plugins.error()).error();
  }
  return why;
}

/// The plugins of the files' pipelines, and those that only sagas in flight still need.
Status Assembly::LoadPlugins() {
  std::set<std::string> needed = NeededPlugins(loaded_.pipelines);
  for (const OldPlan& old : old_plans_) {
    if (old.row.open_sagas > 0) needed.merge(NeededPlugins({old.pipeline}));
  }
  auto plugins = LoadedPlugins::Create(found_, loaded_.deployment.plugins, needed, metrics_);
  if (!plugins) return WhyNoPlugins(plugins.error());
  plugins_ = std::move(*plugins);
  if (options_.around_plugins) around_plugins_ = options_.around_plugins(*plugins_);
  return {};
}

/// Nothing was accepted yet, so all of it may reach the disk at once.
Status Assembly::MakeReady() {
  return engine_->DurableAtEnd([this]() -> Status {
    Journal& journal = engine_->journal();
    if (Status status = journal.Migrate(plugins_->Migrations(engine_->postgres())); !status)
      return status;
    if (Status status = plugins_->Start(journal, clock_->Now()); !status) return status;
    return LoadPlans();
  });
}

/// The pipelines of the files, and those that sagas in flight still follow.
Status Assembly::LoadPlans() {
  Journal& journal = engine_->journal();
  if (!options_.side_steps) {
    for (PipelineRef& pipeline : loaded_.pipelines) pipeline = WithoutSides(*pipeline);
  }
  plans_ = std::make_unique<Plans>(plugins(), metrics_);
  for (const PipelineRef& pipeline : loaded_.pipelines) {
    if (Status status = plans_->Add(pipeline, true); !status) return status;
    if (Status status = journal.PutPlan(pipeline->hash, pipeline->name, pipeline->text); !status)
      return status;
  }
  for (const OldPlan& old : old_plans_) {
    const Status added = plans_->Add(old.pipeline, false);
    if (added) continue;
    if (Status gone = Gone(old.row, added.error()); !gone) return gone;
  }
  ExecutorOptions executor = options_.executor;
  executor.batch = static_cast<std::size_t>(loaded_.deployment.limits.batch);
  executor.keep_done = loaded_.deployment.keep_done;
  executor.keep_undone = loaded_.deployment.keep_undone;
  executor.partitions = engine_->partitions();
  executor.dead_topic = engine_->dead_topic();
  if (Status joined = engine_->Join(*plans_); !joined) return joined;
  plans_->OnUnknown([this](std::string_view hash) { return LearnPlan(hash); });
  OpenFlight();
  executor.flight = flight_.get();
  executor_ = std::make_unique<Executor>(journal, engine_->bus(), plugins(), *plans_, *clock_,
                                         metrics_, std::move(executor));
  return {};
}

/// Another process, with newer files, has begun sagas whose messages reach this one.
Status Assembly::LearnPlan(std::string_view hash) {
  auto rows = engine_->journal().Plans();
  if (!rows) return rows.error();
  const auto row = std::ranges::find(*rows, hash, &Journal::PlanRow::hash);
  if (row == rows->end()) return Error{Code::kNotFound, "no pipeline of the journal has this hash"};
  auto pipeline = CompilePlan(row->text, found_.catalog(), options_.environment);
  if (!pipeline) return pipeline.error();
  if (const Status added = plans_->Add(*pipeline, false); !added) return added;
  engine_->Learnt(**pipeline);
  Log(LogLevel::kInfo, "learnt a plan that another process brought",
      {{"pipeline", row->pipeline}, {"plan", hash}});
  return {};
}

/// Without one the runtime works as well, until a plugin takes it along.
void Assembly::OpenFlight() {
  if (!options_.flight) return;
  auto opened = FlightRecorder::Open(engine_->flight_file());
  if (!opened) {
    return Log(LogLevel::kWarn,
               "no flight recorder: a message that crashes a plugin is not found out",
               {{"error", opened.error().message}});
  }
  flight_ = std::move(*opened);
  for (const std::string& what : flight_->found()) Log(LogLevel::kError, what);
}

PipelineRef Assembly::PlanOf(const std::string& hash) const {
  const Plan* plan = plans_->Find(hash);
  return plan ? plan->pipeline : nullptr;
}

}  // namespace reprise::runtime
