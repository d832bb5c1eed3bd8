/// A pipeline as a picture: what leads to what, and in which order it is undone.
#pragma once

#include <string>

#include "model/catalog.h"
#include "model/pipeline.h"

namespace reprise::runtime {

/// For a terminal: the do flow as a tree, the undo flow as waves, failure policies, side steps.
/// `catalog` (may be null) tells which events come from timers.
std::string AsciiGraph(const Pipeline& pipeline, const PluginCatalog* catalog = nullptr);

/// A Mermaid flowchart: solid edges do, dashed edges undo.
std::string MermaidGraph(const Pipeline& pipeline, const PluginCatalog* catalog = nullptr);

}  // namespace reprise::runtime
