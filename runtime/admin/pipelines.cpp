#include "admin/pipelines.h"

#include <fmt/core.h>

#include "base/suggest.h"

namespace reprise::runtime {
namespace {

std::string_view KindName(RouteKind kind) {
  switch (kind) {
    case RouteKind::kStart:
      return "start";
    case RouteKind::kRun:
      return "run";
    case RouteKind::kAsk:
      return "ask";
    case RouteKind::kSignal:
      return "signal";
    case RouteKind::kStream:
      return "stream";
  }
  return "";
}

json::array Strings(const std::vector<std::string>& texts) {
  json::array out;
  for (const std::string& text : texts) out.emplace_back(text);
  return out;
}

// The settings of a step, those that its action calls secret masked.
json::object WithJson(const Step& step, const PluginCatalog* catalog) {
  std::set<std::string> secret;
  const auto plugin =
      catalog == nullptr ? PluginCatalog::const_iterator() : catalog->find(step.plugin);
  const bool known = catalog != nullptr && plugin != catalog->end();
  const ActionInfo* action = known ? plugin->second.FindAction(step.action) : nullptr;
  if (action != nullptr) {
    for (const FieldInfo& field : action->with) {
      if (field.secret) secret.insert(field.name);
    }
  }
  return Masked(step.with, secret).as_object();
}

json::array NamesOf(const Pipeline& pipeline, StepSet set) {
  json::array names;
  set.Each([&](StepIndex step) { names.emplace_back(pipeline.step(step).name); });
  return names;
}

json::object StepJson(const Pipeline& pipeline, const Step& step, const PluginCatalog* catalog) {
  json::object out{{"name", step.name}, {"side", step.side}, {"on", Strings(step.on)}};
  switch (step.kind) {
    case StepKind::kAction:
      out["plugin"] = step.plugin + "." + step.action;
      out["with"] = WithJson(step, catalog);
      break;
    case StepKind::kWait:
      out["wait"] =
          json::object{{"for", step.wait_for}, {"at_most", FormatDuration(step.wait_at_most)}};
      break;
    case StepKind::kFail:
      out["fail"] = step.fail_code;
      break;
  }
  if (step.all) out["all"] = true;
  if (step.inlined) out["inline"] = true;
  if (!step.undo_on.empty()) out["undo_on"] = step.undo_on;
  if (!step.key_field.empty()) out["key"] = step.key_field;
  out["external"] = step.external;
  out["can_undo"] = step.can_undo;
  out["undo_last"] = step.undo_last;
  out["final"] = step.final;
  out["halt"] = step.halt;
  out["attempts"] = step.retry.attempts;
  out["timeout"] = FormatDuration(step.timeout);
  out["events"] = Strings(step.events);
  if (!step.side) {
    out["after"] = NamesOf(pipeline, step.causes);
    out["undo"] = NamesOf(pipeline, step.on_failure.undo);
    if (step.on_failure.hold_forever) out["hold"] = "forever";
    if (step.on_failure.hold) out["hold"] = FormatDuration(*step.on_failure.hold);
  }
  return out;
}

json::object RouteJson(const Route& route) {
  json::array checks;
  for (const QuestionRef& question : route.check) checks.emplace_back(question.name());
  json::object out{{"method", route.method}, {"path", route.path}, {"kind", KindName(route.kind)}};
  out["check"] = std::move(checks);
  if (!route.start.empty()) out["start"] = route.start;
  if (!route.signal.empty()) out["signal"] = route.signal;
  if (!route.ask.plugin.empty()) out["ask"] = route.ask.name();
  return out;
}

json::object Summary(const Pipeline& pipeline, const std::vector<Journal::Counts>& counts) {
  json::object sagas;
  for (const Journal::Counts& count : counts) {
    if (count.pipeline == pipeline.name) sagas[Name(count.state)] = count.sagas;
  }
  json::array steps;
  for (const Step& step : pipeline.steps) steps.emplace_back(step.name);
  return json::object{{"name", pipeline.name},       {"about", pipeline.about},
                      {"subject", pipeline.subject}, {"hash", pipeline.hash},
                      {"file", pipeline.file},       {"steps", std::move(steps)},
                      {"sagas", std::move(sagas)}};
}

json::array PlansJson(const std::vector<Journal::PlanRow>& plans,
                      const std::vector<PipelineRef>& loaded) {
  json::array out;
  for (const Journal::PlanRow& plan : plans) {
    bool current = false;
    for (const PipelineRef& pipeline : loaded) current |= pipeline->hash == plan.hash;
    if (!current && plan.open_sagas == 0) continue;  // history
    out.push_back(json::object{{"hash", plan.hash},
                               {"pipeline", plan.pipeline},
                               {"open_sagas", plan.open_sagas},
                               {"current", current}});
  }
  return out;
}

json::object SettingJson(const FieldInfo& field, const json::object* values) {
  json::object out{{"name", field.name}, {"about", field.doc}, {"optional", field.optional}};
  const json::value* value = values == nullptr ? nullptr : values->if_contains(field.name);
  const bool empty =
      value == nullptr || value->is_null() || (value->is_string() && value->get_string().empty());
  out["set"] = !empty;
  if (!empty) out["value"] = field.secret ? json::value("***") : *value;
  return out;
}

json::object PluginJson(const PluginInfo& plugin, const View& view) {
  json::array actions, questions, settings;
  for (const ActionInfo& action : plugin.actions) {
    actions.push_back(json::object{{"name", action.name},
                                   {"about", action.summary},
                                   {"external", action.external},
                                   {"can_undo", action.can_undo}});
  }
  for (const QuestionInfo& question : plugin.questions) {
    questions.push_back(json::object{{"name", question.name}, {"about", question.summary}});
  }
  const auto own = view.settings.find(plugin.name);
  for (const FieldInfo& field : plugin.settings) {
    settings.push_back(SettingJson(field, own == view.settings.end() ? nullptr : &own->second));
  }
  return json::object{{"name", plugin.name},
                      {"version", plugin.version},
                      {"about", plugin.summary},
                      {"path", plugin.path},
                      {"actions", std::move(actions)},
                      {"questions", std::move(questions)},
                      {"settings", std::move(settings)}};
}

}  // namespace

PipelineRef FindPipeline(const View& view, std::string_view name) {
  if (!view.pipelines) return nullptr;
  for (const PipelineRef& pipeline : view.pipelines()) {
    if (pipeline->name == name) return pipeline;
  }
  return nullptr;
}

Answer ListPipelinesJson(Journal& journal, const View& view) {
  const auto counts = journal.CountSagas();
  if (!counts) return Answer::Failed(counts.error());
  const auto plans = journal.Plans();
  if (!plans) return Answer::Failed(plans.error());
  const std::vector<PipelineRef> loaded =
      view.pipelines ? view.pipelines() : std::vector<PipelineRef>();
  json::array pipelines;
  for (const PipelineRef& pipeline : loaded) pipelines.push_back(Summary(*pipeline, *counts));
  return Answer::Of(json::object{{"now", Rfc3339(view.now)},
                                 {"pipelines", std::move(pipelines)},
                                 {"plans", PlansJson(*plans, loaded)}});
}

Answer ShowPipelineJson(Journal& journal, const View& view, std::string_view name) {
  const PipelineRef pipeline = FindPipeline(view, name);
  if (!pipeline) {
    std::vector<std::string> known;
    if (view.pipelines) {
      for (const PipelineRef& other : view.pipelines()) known.push_back(other->name);
    }
    return Answer::Problem(404, "not_found",
                           fmt::format("no pipeline '{}'{}", name, DidYouMean(name, known)));
  }
  const auto counts = journal.CountSagas();
  if (!counts) return Answer::Failed(counts.error());
  json::object body = Summary(*pipeline, *counts);
  json::array steps, routes;
  for (const Step& step : pipeline->steps) steps.push_back(StepJson(*pipeline, step, view.catalog));
  for (const Route& route : pipeline->routes) routes.push_back(RouteJson(route));
  body["now"] = Rfc3339(view.now);
  body["steps"] = std::move(steps);
  body["routes"] = std::move(routes);
  if (pipeline->timeout) body["timeout"] = FormatDuration(*pipeline->timeout);
  return Answer::Of(std::move(body));
}

Answer ListPluginsJson(const View& view) {
  json::array plugins;
  if (view.catalog != nullptr) {
    for (const auto& [_, plugin] : *view.catalog) plugins.push_back(PluginJson(plugin, view));
  }
  return Answer::Of(json::object{{"now", Rfc3339(view.now)}, {"plugins", std::move(plugins)}});
}

}  // namespace reprise::runtime
