/// A plugin's reference page and its JSON, from what it says of itself: `reprise plugin describe`.
#pragma once

#include <string>

#include <boost/json.hpp>

#include "model/catalog.h"

namespace reprise::runtime {

/// Markdown; also plugins/<name>/README.md.
std::string MarkdownOf(const PluginInfo& plugin);

boost::json::object JsonOf(const PluginInfo& plugin);

/// "text", "integer", "number", "boolean", "duration", "field name", "object", "array".
std::string_view Name(FieldType type);

/// A setting's default, min or max as a person writes it: durations as "5m".
std::string Shown(const FieldInfo& field, const std::string& canonical);

}  // namespace reprise::runtime
