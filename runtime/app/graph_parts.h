/// What both pictures of a pipeline are drawn from.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "model/catalog.h"
#include "model/pipeline.h"

namespace reprise::runtime {

/// Something that begins sagas: a route, a topic, an event of another pipeline.
struct Beginning {
  std::string what;   // "POST /orders"
  std::string event;  // empty: it runs steps
  std::vector<StepIndex> run;
};
std::vector<Beginning> Beginnings(const Pipeline& pipeline);

/// Which steps are undone together, first to last, if all are.
std::vector<StepSet> UndoWaves(const Pipeline& pipeline);
StepSet LastSteps(const Pipeline& pipeline);

/// "plugin.action", "waits 1h for approved", "fails with code".
std::string What(const Step& step);
/// "key id", "join", "final", "undo: last", ...
std::vector<std::string> Marks(const Step& step);
/// The event without its step's name; "timer due" for one that a timer emits.
std::string EventLabel(const Pipeline& pipeline, const PluginCatalog* catalog,
                       const std::string& event);

std::string Joined(const std::vector<std::string>& parts, std::string_view by);

}  // namespace reprise::runtime
