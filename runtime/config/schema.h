/// The JSON Schema (draft-07) of pipeline, deployment and test files, with the settings of the
/// installed plugins: what an editor needs to complete and check as one types.
#pragma once

#include <string>

#include "model/catalog.h"

namespace reprise::runtime {

std::string Schema(const PluginCatalog& catalog);

}  // namespace reprise::runtime
