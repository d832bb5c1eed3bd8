/// The types of body and query fields: string(1..64), integer(1..9), number, boolean, object, [T],
/// {...}, optional T; as YAML or as quoted text.
#pragma once

#include <string>

#include "config/finding.h"
#include "model/pipeline.h"

namespace reprise::runtime {

/// Reads a type; a mistake is reported and an array of nothing comes back.
BodyType ReadType(const Node& node, Sink& sink);

/// Reads `body:` or `query:`: a map of fields.
BodyType ReadStruct(const Node& node, std::string_view what, Sink& sink);

/// "optional string(1..64)".
std::string TypeText(const BodyType& type);

}  // namespace reprise::runtime
