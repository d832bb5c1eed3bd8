#include "model/pipeline.h"

#include <algorithm>

namespace reprise::runtime {
namespace {

bool OfAnotherPipeline(std::string_view event) {
  return event.find('/') != std::string_view::npos;
}

/// The main step that emits `event`, if one does: "reserve.held" -> reserve.
std::optional<StepIndex> Producer(const Pipeline& pipeline, std::string_view event) {
  const auto dot = event.rfind('.');
  if (dot == std::string_view::npos || OfAnotherPipeline(event)) return std::nullopt;
  const auto step = pipeline.Find(event.substr(0, dot));
  if (!step || *step >= pipeline.main_count) return std::nullopt;
  return step;
}

void Depend(Pipeline& pipeline, StepIndex later, StepIndex earlier) {
  if (later == earlier) return;
  pipeline.steps[earlier].dependents.Add(later);
  pipeline.steps[later].causes.Add(earlier);
}

void LinkMain(Pipeline& pipeline, StepIndex index) {
  const Step& step = pipeline.steps[index];
  for (std::size_t i = 0; i < step.on.size(); ++i) {
    const Target target{index, step.all ? static_cast<std::uint8_t>(i) : std::uint8_t{0}};
    auto& where = OfAnotherPipeline(step.on[i]) ? pipeline.foreign : pipeline.targets;
    where[step.on[i]].push_back(target);
    if (const auto earlier = Producer(pipeline, step.on[i])) Depend(pipeline, index, *earlier);
  }
}

void LinkSide(Pipeline& pipeline, StepIndex index) {
  const Step& step = pipeline.steps[index];
  const auto listen = [&](const std::string& event) {
    auto& steps = pipeline.listeners[event];
    if (std::find(steps.begin(), steps.end(), index) == steps.end()) steps.push_back(index);
  };
  const bool all = std::find(step.on.begin(), step.on.end(), "*") != step.on.end();
  if (all) pipeline.listen_to_all.push_back(index);
  for (const std::string& event : step.on) {
    if (!all) listen(event);
  }
  if (!step.undo_on.empty()) listen(step.undo_on);
}

/// Warshall's transitive closure.  A cycle (lint refuses it) would put a step into its own closure.
void CloseDependents(Pipeline& pipeline) {
  for (StepIndex i = 0; i < pipeline.main_count; ++i)
    pipeline.steps[i].closure = pipeline.steps[i].dependents;
  for (StepIndex via = 0; via < pipeline.main_count; ++via) {
    for (StepIndex i = 0; i < pipeline.main_count; ++i) {
      Step& step = pipeline.steps[i];
      if (step.closure.Has(via)) step.closure |= pipeline.steps[via].closure;
    }
  }
  for (StepIndex i = 0; i < pipeline.main_count; ++i) pipeline.steps[i].closure.Remove(i);
}

}  // namespace

void Link(Pipeline& pipeline) {
  pipeline.targets.clear();
  pipeline.listeners.clear();
  pipeline.listen_to_all.clear();
  pipeline.foreign.clear();
  pipeline.affinity_field.clear();
  for (Step& step : pipeline.steps) step.dependents = step.closure = step.causes = StepSet();

  const auto count = static_cast<StepIndex>(pipeline.steps.size());
  for (StepIndex i = 0; i < count; ++i) {
    if (i < pipeline.main_count) {
      if (pipeline.affinity_field.empty()) pipeline.affinity_field = pipeline.steps[i].key_field;
      LinkMain(pipeline, i);
    } else {
      LinkSide(pipeline, i);
    }
  }
  for (const Route& route : pipeline.routes) {
    for (std::size_t i = 1; i < route.run.size(); ++i)
      Depend(pipeline, route.run[i], route.run[i - 1]);
  }
  CloseDependents(pipeline);
  for (Step& step : pipeline.steps) {
    StepSet closed = step.on_failure.undo & pipeline.mains();
    step.on_failure.undo.Each([&](StepIndex i) {
      if (i < pipeline.main_count) closed |= pipeline.steps[i].closure;
    });
    step.on_failure.undo = closed;
  }
}

}  // namespace reprise::runtime
