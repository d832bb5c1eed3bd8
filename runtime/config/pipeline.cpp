#include <fmt/format.h>

#include "base/ids.h"
#include "base/suggest.h"
#include "config/draft.h"
#include "config/invariants.h"
#include "config/values.h"

namespace reprise::runtime {
namespace {

void ReadKeep(const Node& node, Pipeline& pipeline, Sink& sink) {
  if (!CheckMap(node, "'keep'", {"done", "undone"}, sink)) return;
  if (const Node* done = node.Find("done")) pipeline.keep_done = AsDuration(*done, "'done'", sink);
  if (const Node* undone = node.Find("undone"))
    pipeline.keep_undone = AsDuration(*undone, "'undone'", sink);
}

}  // namespace

const PluginInfo* FindPlugin(const Node& node, const PluginCatalog& catalog, std::string& plugin,
                             std::string& name, Sink& sink) {
  const auto text = AsText(node, "a plugin's action or question", sink);
  if (!text) return nullptr;
  const size_t dot = text->find('.');
  if (dot == std::string::npos || dot == 0 || dot + 1 == text->size()) {
    sink.Error("RPR013", node, fmt::format("'{}' must be written PLUGIN.NAME", *text));
    return nullptr;
  }
  plugin = text->substr(0, dot);
  name = text->substr(dot + 1);
  const auto found = catalog.find(plugin);
  if (found != catalog.end()) return &found->second;
  std::vector<std::string> known;
  for (const auto& [other, info] : catalog) known.push_back(other);
  sink.Error("RPR040", node,
             fmt::format("plugin '{}' is not installed", plugin) + DidYouMean(plugin, known));
  return nullptr;
}

QuestionUse ReadQuestion(const Node& node, const PluginCatalog& catalog, QuestionRef& out,
                         Sink& sink) {
  QuestionUse use{&node, nullptr};
  const PluginInfo* plugin = FindPlugin(node, catalog, out.plugin, out.question, sink);
  if (plugin == nullptr) return use;
  use.info = plugin->FindQuestion(out.question);
  if (use.info != nullptr) return use;
  const std::vector<std::string> known = NamesOf(plugin->questions);
  const char* hint = plugin->FindAction(out.question) != nullptr ? " (it is an action)" : "";
  sink.Error("RPR042", node,
             fmt::format("plugin '{}' has no question '{}'{}", out.plugin, out.question, hint) +
                 DidYouMean(out.question, known));
  return use;
}

std::vector<QuestionUse> ReadChecks(const Node& node, const PluginCatalog& catalog,
                                    std::vector<QuestionRef>& out, Sink& sink) {
  std::vector<QuestionUse> uses;
  for (const Node* item : AsList(node, "'check'", sink)) {
    QuestionRef ref;
    uses.push_back(ReadQuestion(*item, catalog, ref, sink));
    out.push_back(std::move(ref));
  }
  return uses;
}

void ReadPipeline(Draft& draft, const PluginCatalog& catalog) {
  Pipeline& pipeline = draft.pipeline;
  const Node& root = draft.root;
  Sink& sink = draft.sink;
  pipeline.file = draft.source.file;
  pipeline.text = draft.source.text;
  pipeline.hash = Sha256(pipeline.text);
  if (!CheckMap(root, "a pipeline",
                {"pipeline", "about", "subject", "timeout", "keep", "defaults", "routes", "topics",
                 "steps", "side", "invariants"},
                sink)) {
    return;
  }
  if (const Node* name = Require(root, "a pipeline", "pipeline", sink)) {
    pipeline.name = AsName(*name, "a pipeline", sink).value_or("");
  }
  if (const Node* about = root.Find("about"))
    pipeline.about = AsText(*about, "'about'", sink).value_or("");
  if (const Node* subject = root.Find("subject"))
    pipeline.subject = AsField(*subject, "'subject'", sink).value_or("");
  if (const Node* timeout = root.Find("timeout"))
    pipeline.timeout = AsDuration(*timeout, "'timeout'", sink);
  if (const Node* keep = root.Find("keep")) ReadKeep(*keep, pipeline, sink);
  ReadSteps(draft, catalog);
  ReadRoutes(draft, catalog);
  ReadTopics(draft, catalog);
  if (const Node* invariants = root.Find("invariants"))
    pipeline.invariants = ReadInvariants(*invariants, sink);
}

}  // namespace reprise::runtime
