/// The body of an operator's order: a JSON object of known fields.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/payload.h"
#include "ports/http.h"

namespace reprise::runtime {

/// An empty body is an empty object.  The error is a sentence for the caller.
Result<Payload> ReadBody(const HttpRequest& request, const std::vector<std::string>& known);

/// Text of at most 2,000 bytes, as it is kept; empty if it is not there or null.
Result<std::string> TextField(const json::object& body, std::string_view name);

}  // namespace reprise::runtime
