// The file of a stopped runtime, read by the same functions as behind HTTP.

#include <cstdio>
#include <filesystem>
#include <map>

#include <fmt/core.h>

#include "admin/read.h"
#include "app/assembly.h"
#include "app/remote.h"
#include "base/clock.h"
#include "config/yaml.h"
#include "sqlite/engine.h"

namespace reprise::runtime {
namespace {

// The names of a plan whose plugins are not here: enough to tell its steps apart.
PipelineRef NamesOnly(const std::string& text) {
  const Source source{"stored plan", text};
  std::vector<Finding> findings;
  Sink sink(source, findings);
  const auto root = ParseYaml(sink);
  if (!root) return nullptr;
  auto pipeline = std::make_shared<Pipeline>();
  const auto add = [&](std::string_view section, bool side) {
    const Node* steps = root->Find(section);
    if (steps == nullptr) return;
    for (const Node::Entry& entry : steps->entries) {
      Step step;
      step.name = entry.key.text;
      step.side = side;
      step.retry.attempts = step.undo_retry.attempts = 0;  // not known
      pipeline->steps.push_back(std::move(step));
    }
  };
  add("steps", false);
  pipeline->main_count = static_cast<StepIndex>(pipeline->steps.size());
  add("side", true);
  return pipeline;
}

class StoppedFile : public Remote {
 public:
  StoppedFile(std::string file, std::unique_ptr<SqliteEngine> engine, FoundPlugins plugins)
      : file_(std::move(file)),
        engine_(std::move(engine)),
        plugins_(std::move(plugins)),
        catalog_(plugins_.catalog()) {
    ReadPlans();
    view_.plan = [this](const std::string& hash) {
      const auto plan = plans_.find(hash);
      return plan == plans_.end() ? nullptr : plan->second;
    };
    view_.pipelines = [this] { return pipelines_; };
    view_.catalog = &catalog_;
  }

  Answer Get(const std::vector<std::string>& path, const Query& query) override {
    view_.now = SystemClock().Now();
    Query asked = query;
    if (catalog_.empty() &&
        std::erase_if(asked, [](const auto& field) { return field.first == "payloads"; }) > 0) {
      fmt::print(
          stderr,
          "payloads are left out: without the plugins no one knows which fields are secret\n");
    }
    return ReadPath(engine_->journal(), view_, path, asked);
  }

  Answer Post(const std::vector<std::string>& path, const json::object& body) override {
    if (path.size() != 1 || path[0] != "backup") {
      return Answer::Problem(409, "stopped",
                             "this runtime is stopped; start it to change anything");
    }
    const std::string to(body.at("file").as_string());
    const Status done = engine_->journal().Backup(to);
    return done ? Answer::Of({{"file", to}}) : Answer::Failed(done.error());
  }

  std::string flags() const override { return " --file " + file_; }

 private:
  void ReadPlans() {
    const auto rows = engine_->journal().Plans();
    if (!rows) return;
    std::map<std::string, PipelineRef> newest;  // rows are in order of storing
    for (const Journal::PlanRow& row : *rows) {
      auto plan = CompilePlan(row.text, catalog_, SystemEnvironment());
      const PipelineRef pipeline = plan ? *plan : NamesOnly(row.text);
      if (!pipeline) continue;
      plans_[row.hash] = pipeline;
      if (plan) newest[row.pipeline] = pipeline;
    }
    for (const auto& [_, pipeline] : newest) pipelines_.push_back(pipeline);
  }

  const std::string file_;
  std::unique_ptr<SqliteEngine> engine_;
  FoundPlugins plugins_;
  PluginCatalog catalog_;
  std::map<std::string, PipelineRef> plans_;
  std::vector<PipelineRef> pipelines_;
  View view_;
};

}  // namespace

std::unique_ptr<Remote> OpenStopped(const std::string& file, const Options& options,
                                    Answer& failed) {
  std::error_code error;
  if (!std::filesystem::exists(file, error)) {
    failed = Answer::Problem(404, "not_found", fmt::format("there is no file {}", file));
    return nullptr;
  }
  auto engine = SqliteEngine::Open({.file = file, .read_only = true});
  if (!engine) {
    const bool held = engine.error().transient();
    failed = Answer::Problem(held ? 0 : 500, held ? "unreachable" : "file", engine.error().message);
    if (held)
      failed.detail +=
          "\n  if a runtime has it open, ask that one: leave --file out, or name it with --server "
          "URL";
    return nullptr;
  }
  return std::make_unique<StoppedFile>(file, std::move(*engine),
                                       FindPlugins(PluginFolders(options.plugins, Deployment{})));
}

}  // namespace reprise::runtime
