#include "config/load.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include <fmt/format.h>

#include "config/draft.h"
#include "config/lint.h"
#include "config/yaml.h"

namespace reprise::runtime {
namespace {

namespace fs = std::filesystem;

/// A runtime or test file: read and parsed.
struct Document {
  Document(std::string file, std::string text)
      : source(std::move(file), std::move(text)), sink(source, findings) {}
  Document(const Document&) = delete;
  Document& operator=(const Document&) = delete;

  Source source;
  std::vector<Finding> findings;
  Sink sink;
  std::optional<Node> root;
};

struct Files {
  Drafts pipelines;
  std::vector<std::unique_ptr<Document>> runtimes, tests;
  std::vector<Finding> findings;
  std::vector<std::string> read;
};

void WholeFile(std::vector<Finding>& out, const std::string& file, std::string code,
               std::string message) {
  Finding finding;
  finding.file = file;
  finding.code = std::move(code);
  finding.message = std::move(message);
  out.push_back(std::move(finding));
}

enum class Wanted { kAll, kRuntime };

/// `named`: the file was given by name, so it must be one of ours.
void ReadFile(const std::string& path, bool named, Wanted wanted, const Environment& environment,
              Files& files) {
  Result<std::string> text = ReadText(path);
  if (!text) {
    WholeFile(files.findings, path, "RPR001", text.error().message);
    return;
  }
  const std::string first = FirstKey(*text);
  if (wanted == Wanted::kRuntime && first != "runtime") return;
  if (first == "pipeline") {
    auto draft = std::make_unique<Draft>(path, *std::move(text));
    if (auto root = ParseYaml(draft->sink)) {
      draft->root = *std::move(root);
      Interpolate(draft->root, environment, draft->sink);
      files.pipelines.push_back(std::move(draft));
    } else {
      files.findings.insert(files.findings.end(), draft->findings.begin(), draft->findings.end());
    }
  } else if (first == "runtime" || first == "test") {
    auto document = std::make_unique<Document>(path, *std::move(text));
    document->root = ParseYaml(document->sink);
    if (document->root) Interpolate(*document->root, environment, document->sink);
    (first == "runtime" ? files.runtimes : files.tests).push_back(std::move(document));
  } else if (named) {
    const Source source(path, *std::move(text));
    Sink(source, files.findings)
        .Error("RPR015", Place{1, 1, 2}, "the first key must be 'pipeline', 'runtime' or 'test'");
    return;
  } else {
    return;
  }
  files.read.push_back(path);
}

Files ReadAll(const std::vector<std::string>& paths, const std::string& config, Wanted wanted,
              const Environment& environment) {
  Files files;
  std::set<std::string> seen;
  const auto read = [&](const std::string& path, bool named) {
    std::error_code error;
    const fs::path real = fs::weakly_canonical(path, error);
    if (seen.insert(error ? path : real.string()).second)
      ReadFile(path, named, wanted, environment, files);
  };
  if (!config.empty()) read(config, true);
  for (const std::string& path : paths) {
    std::error_code error;
    if (!fs::is_directory(path, error)) {
      read(path, true);
      continue;
    }
    std::vector<std::string> inside;
    for (const auto& entry : fs::directory_iterator(path, error)) {
      const std::string extension = entry.path().extension().string();
      if ((extension == ".yaml" || extension == ".yml") && entry.is_regular_file(error))
        inside.push_back(entry.path().string());
    }
    if (error) WholeFile(files.findings, path, "RPR001", error.message());
    std::sort(inside.begin(), inside.end());
    for (const std::string& file : inside) read(file, false);
  }
  return files;
}

/// With --config the folder's own runtime files do not count.
void PickRuntime(Files& files, const std::string& config) {
  if (config.empty()) return;
  std::erase_if(files.runtimes,
                [&](const auto& document) { return document->source.file != config; });
  const bool read = std::find(files.read.begin(), files.read.end(), config) != files.read.end();
  if (read && files.runtimes.empty()) {
    WholeFile(files.findings, config, "RPR015",
              "is no deployment file: its first key must be 'runtime'");
  }
}

template <class Documents>
void CheckTwice(const Documents& all, auto name_of, auto at) {
  std::map<std::string, std::string> seen;
  for (const auto& one : all) {
    const std::string name = name_of(*one);
    const auto [first, fresh] = seen.emplace(name, one->source.file);
    if (!fresh && !name.empty())
      one->sink.Error("RPR016", at(*one),
                      fmt::format("'{}' is already defined in {}", name, first->second));
  }
}

void CompileAll(Drafts& drafts, const PluginCatalog& catalog, bool others, bool lint) {
  for (const auto& draft : drafts) ReadPipeline(*draft, catalog);
  CheckTwice(
      drafts, [](const Draft& d) { return d.pipeline.name; },
      [](const Draft& d) -> const Node& {
        return d.root.entries.empty() ? d.root : d.root.entries[0].value;
      });
  for (const auto& draft : drafts) CheckEvents(*draft, drafts, others);
  CheckRoutes(drafts);
  for (const auto& draft : drafts) Link(draft->pipeline);
  if (!lint) return;
  for (const auto& draft : drafts) LintFlow(*draft, drafts);
  LintPayloads(drafts);
}

void LoadDeployment(Files& files, const PluginCatalog& catalog, const Environment& environment,
                    const LoadOptions& options, Loaded& out) {
  PickRuntime(files, options.config);
  for (size_t i = 1; i < files.runtimes.size(); ++i) {
    files.runtimes[i]->sink.Error("RPR016", Place{1, 1, 2},
                                  fmt::format("{} already is the runtime file; choose one with "
                                              "--config",
                                              files.runtimes[0]->source.file));
  }
  std::set<std::string> used;
  for (const auto& draft : files.pipelines) {
    for (const Step& step : draft->pipeline.steps) used.insert(step.plugin);
    for (const Route& route : draft->pipeline.routes) {
      used.insert(route.ask.plugin);
      for (const QuestionRef& check : route.check) used.insert(check.plugin);
    }
  }
  const Node nowhere;
  const Source none("", "");
  Sink plain(none, out.findings);
  Document* document = files.runtimes.empty() ? nullptr : files.runtimes[0].get();
  if (document != nullptr && document->root)
    out.deployment = ReadDeployment(*document->root, &catalog, document->sink);
  if (document == nullptr) {
    FillPlugins(out.deployment, catalog, used, nowhere, plain);
  } else if (document->root) {
    FillPlugins(out.deployment, catalog, used, *document->root, document->sink);
  }
  for (std::string& wrong : ApplyOverrides(out.deployment, environment, options.overrides)) {
    WholeFile(out.findings, out.deployment.file, "RPR013", std::move(wrong));
  }
}

void Take(std::vector<Finding>& out, const std::vector<Finding>& more) {
  out.insert(out.end(), more.begin(), more.end());
}

}  // namespace

PipelineRef Loaded::Find(std::string_view name) const {
  for (const PipelineRef& pipeline : pipelines) {
    if (pipeline->name == name) return pipeline;
  }
  return nullptr;
}

Loaded Load(const std::vector<std::string>& paths, const PluginCatalog& catalog,
            const Environment& environment, const LoadOptions& options) {
  Loaded out;
  Files files = ReadAll(paths, options.config, Wanted::kAll, environment);
  out.files = files.read;
  CompileAll(files.pipelines, catalog, true, options.lint);
  LoadDeployment(files, catalog, environment, options, out);
  Take(out.findings, files.findings);
  std::vector<PipelineRef> all;
  for (const auto& draft : files.pipelines) {
    all.push_back(std::make_shared<const Pipeline>(draft->pipeline));
    if (!HasErrors(draft->findings)) out.pipelines.push_back(all.back());
    Take(out.findings, draft->findings);
  }
  for (const auto& test : files.tests) {
    if (test->root) out.tests.push_back(ReadTests(*test->root, all, test->sink));
    Take(out.findings, test->findings);
  }
  for (const auto& runtime : files.runtimes) Take(out.findings, runtime->findings);
  std::stable_sort(out.findings.begin(), out.findings.end(),
                   [](const Finding& a, const Finding& b) {
                     return std::tie(a.file, a.line, a.col) < std::tie(b.file, b.line, b.col);
                   });
  std::sort(out.pipelines.begin(), out.pipelines.end(),
            [](const auto& a, const auto& b) { return a->name < b->name; });
  return out;
}

Deployment PeekDeployment(const std::vector<std::string>& paths, const Environment& environment,
                          const LoadOptions& options) {
  Files files = ReadAll(paths, options.config, Wanted::kRuntime, environment);
  PickRuntime(files, options.config);
  Deployment out;
  if (!files.runtimes.empty() && files.runtimes[0]->root) {
    out = ReadDeployment(*files.runtimes[0]->root, nullptr, files.runtimes[0]->sink);
  }
  ApplyOverrides(out, environment, options.overrides);
  return out;
}

Result<PipelineRef> CompilePlan(const std::string& text, const PluginCatalog& catalog,
                                const Environment& environment) {
  Drafts drafts;
  drafts.push_back(std::make_unique<Draft>("stored plan", text));
  Draft& draft = *drafts[0];
  if (auto root = ParseYaml(draft.sink)) {
    draft.root = *std::move(root);
    Interpolate(draft.root, environment, draft.sink);
    CompileAll(drafts, catalog, false, false);
  }
  if (!draft.findings.empty()) {
    const Finding& first = draft.findings[0];
    return Error{Code::kInvalid, fmt::format("{}:{}:{}: {} ({} in all)", first.file, first.line,
                                             first.col, first.message, draft.findings.size())};
  }
  return PipelineRef(std::make_shared<const Pipeline>(std::move(draft.pipeline)));
}

}  // namespace reprise::runtime
