#include "app/graph_parts.h"

namespace reprise::runtime {
namespace {

bool IsTimer(const Step& step, const PluginCatalog* catalog, const std::string& event) {
  if (step.kind == StepKind::kWait) return event == "late";
  if (catalog == nullptr) return false;
  const auto plugin = catalog->find(step.plugin);
  const ActionInfo* action =
      plugin == catalog->end() ? nullptr : plugin->second.FindAction(step.action);
  if (action == nullptr) return false;
  for (const EventInfo& info : action->events) {
    if (info.name == event) return info.timer;
  }
  return false;
}

}  // namespace

std::vector<Beginning> Beginnings(const Pipeline& pipeline) {
  std::vector<Beginning> out;
  for (const Route& route : pipeline.routes) {
    if (route.kind == RouteKind::kStart) out.push_back({route.name(), route.start, {}});
    if (route.kind == RouteKind::kRun) out.push_back({route.name(), "", route.run});
  }
  for (const Topic& topic : pipeline.topics)
    out.push_back({"topic " + topic.name, topic.start, {}});
  for (const auto& [event, targets] : pipeline.foreign) out.push_back({event, event, {}});
  return out;
}

StepSet LastSteps(const Pipeline& pipeline) {
  StepSet out;
  for (StepIndex i = 0; i < pipeline.main_count; ++i) {
    if (pipeline.step(i).undo_last) out.Add(i);
  }
  return out;
}

std::vector<StepSet> UndoWaves(const Pipeline& pipeline) {
  std::vector<StepSet> out;
  StepSet settled;
  while (!(pipeline.mains() - settled).empty()) {
    StepSet wave;
    (pipeline.mains() - settled).Each([&](StepIndex i) {
      if (pipeline.step(i).dependents.SubsetOf(settled)) wave.Add(i);
    });
    if (wave.empty()) break;  // a cycle, which lint refuses
    out.push_back(wave);
    settled |= wave;
  }
  return out;
}

std::string What(const Step& step) {
  if (step.kind == StepKind::kWait)
    return "waits " + FormatDuration(step.wait_at_most) + " for " + step.wait_for;
  if (step.kind == StepKind::kFail) return "fails with " + step.fail_code;
  return step.plugin + "." + step.action;
}

std::vector<std::string> Marks(const Step& step) {
  std::vector<std::string> out;
  if (!step.key_field.empty()) out.push_back("key " + step.key_field);
  if (step.all) out.push_back("joins " + Joined(step.on, " and "));
  if (step.external) out.push_back("external");
  if (step.undo_last) out.emplace_back("undo: last");
  if (step.final) out.emplace_back("final");
  if (step.halt) out.emplace_back("halt");
  return out;
}

std::string EventLabel(const Pipeline& pipeline, const PluginCatalog* catalog,
                       const std::string& event) {
  const size_t dot = event.find('.');
  if (dot == std::string::npos || event.find('/') != std::string::npos) return event;
  const auto step = pipeline.Find(event.substr(0, dot));
  const std::string name = event.substr(dot + 1);
  return step && IsTimer(pipeline.step(*step), catalog, name) ? "timer " + name : name;
}

std::string Joined(const std::vector<std::string>& parts, std::string_view by) {
  std::string out;
  for (const std::string& part : parts) {
    if (!out.empty()) out += by;
    out += part;
  }
  return out;
}

}  // namespace reprise::runtime
