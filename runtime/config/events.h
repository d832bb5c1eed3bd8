/// The events of a pipeline by name.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "model/pipeline.h"

namespace reprise::runtime {

std::vector<std::string> EntryEvents(
    const Pipeline& pipeline);  // of routes and topics that start sagas
std::vector<std::string> ToldEvents(const Pipeline& pipeline);  // `tell:`
std::vector<std::string> StepEvents(const Pipeline& pipeline);  // "reserve.held", of main steps
const std::vector<std::string>& DollarEvents();                 // $done, $undone, $failed, $stuck
std::vector<std::string> AllEvents(const Pipeline& pipeline);   // these and the `$` events

/// "billing/$undone" -> {"billing", "$undone"}.
std::pair<std::string, std::string> SplitForeign(const std::string& event);

}  // namespace reprise::runtime
