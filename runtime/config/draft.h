/// A pipeline between YAML and model::Pipeline: the compiled parts beside the nodes they came from,
/// so that every later check can name a place.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "config/finding.h"
#include "model/catalog.h"
#include "model/pipeline.h"

namespace reprise::runtime {

struct QuestionUse {
  const Node* node = nullptr;
  const QuestionInfo* info = nullptr;  // null: unknown, already reported
};

struct StepDraft {
  const Node* name = nullptr;
  const Node* body = nullptr;
  const ActionInfo* action = nullptr;  // null: a wait, a fail, or unknown (already reported)
  std::vector<const Node*> on;         // parallel to Step::on
  bool known = true;                   // false: its events are not known, don't speak about them

  const Node& At(std::string_view key) const {
    const Node* value = body->Find(key);
    return value == nullptr ? *name : *value;
  }
};

struct RouteDraft {
  const Node* key = nullptr;
  const Node* body = nullptr;
  std::vector<QuestionUse> check;  // parallel to Route::check
  QuestionUse ask;

  const Node& At(std::string_view name) const {
    const Node* value = body->Find(name);
    return value == nullptr ? *key : *value;
  }
};

struct TopicDraft {
  const Node* key = nullptr;
  const Node* body = nullptr;
  std::vector<QuestionUse> check;

  const Node& At(std::string_view name) const {
    const Node* value = body->Find(name);
    return value == nullptr ? *key : *value;
  }
};

/// Its nodes point into `root`, so a Draft stays where it was made.
struct Draft {
  Draft(std::string file, std::string text)
      : source(std::move(file), std::move(text)), sink(source, findings) {}
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;

  Source source;
  std::vector<Finding> findings;
  Sink sink;
  Node root;
  Pipeline pipeline;
  std::vector<StepDraft> steps;    // parallel to Pipeline::steps
  std::vector<RouteDraft> routes;  // parallel to Pipeline::routes
  std::vector<TopicDraft> topics;  // parallel to Pipeline::topics
};

/// Fills `draft.pipeline` and the parallel vectors from `draft.root`.
void ReadPipeline(Draft& draft, const PluginCatalog& catalog);

// The parts of it.
void ReadSteps(Draft& draft, const PluginCatalog& catalog);
void ReadRoutes(Draft& draft, const PluginCatalog& catalog);
void ReadTopics(Draft& draft, const PluginCatalog& catalog);
std::vector<QuestionUse> ReadChecks(const Node& node, const PluginCatalog& catalog,
                                    std::vector<QuestionRef>& out, Sink& sink);
QuestionUse ReadQuestion(const Node& node, const PluginCatalog& catalog, QuestionRef& out,
                         Sink& sink);

/// The plugin and the name behind the dot of "plugin.name"; reports a wrong form and an unknown
/// plugin.
const PluginInfo* FindPlugin(const Node& node, const PluginCatalog& catalog, std::string& plugin,
                             std::string& name, Sink& sink);

}  // namespace reprise::runtime
