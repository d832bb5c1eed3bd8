/// What turns rows into words: where plans, plugins and the time of a reading come from.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "model/catalog.h"
#include "model/payload.h"
#include "model/pipeline.h"
#include "ports/lane_desk.h"

namespace reprise::runtime {

/// Any member may be empty: steps are then numbered, and no pipeline or plugin is listed.
struct View {
  std::function<PipelineRef(const std::string& plan)>
      plan;                                             // of any hash in the journal; may be null
  std::function<std::vector<PipelineRef>()> pipelines;  // those that are loaded now
  const PluginCatalog* catalog = nullptr;
  std::map<std::string, json::object> settings;  // each plugin's own, as in the deployment file
  LaneDesk* desk = nullptr;                      // the executor's thread only; null: no lanes
  Time now{};

  PipelineRef Plan(const std::string& hash) const { return plan ? plan(hash) : nullptr; }
};

/// "reserve", or "#3" of a plan that is not known.
std::string NameOfStep(const Pipeline* pipeline, StepIndex step);

/// The names of payload fields that some plugin calls secret.
std::set<std::string> SecretFields(const PluginCatalog* catalog);

/// `value` with every field of these names, at any depth, replaced by "***".
json::value Masked(const json::value& value, const std::set<std::string>& secret);

}  // namespace reprise::runtime
