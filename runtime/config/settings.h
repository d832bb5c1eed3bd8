/// Settings against their description: types, bounds, defaults.  Shared by a plugin's settings in
/// the deployment file and a step's `with`.
#pragma once

#include <string>
#include <vector>

#include "config/finding.h"
#include "model/catalog.h"
#include "model/payload.h"

namespace reprise::runtime {

/// What the fields say of `node` (a map; null: nothing was set, and missing ones are told at
/// `owner`), in canonical form: durations as whole milliseconds, defaults filled in, in the order
/// of `fields`. `what` names the owner: "step 'hold'".
json::object BindSettings(const Node* node, const Node& owner, std::string_view what,
                          const std::vector<FieldInfo>& fields, Sink& sink);

/// Canonical text (a default, a bound) as the field's value.
std::optional<json::value> FromCanonical(const FieldInfo& field, const std::string& text);

/// "a duration", "text", ...
std::string_view TypeName(FieldType type);

}  // namespace reprise::runtime
