/// The fields of a request: its JSON body, query and path, checked against what its route declares.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/pipeline.h"
#include "ports/http.h"

namespace reprise::runtime {

struct Decoded {
  json::object fields;
  std::optional<Problem> problem;  // then `fields` is not to be used
};

/// The body as `type` (kStruct) wants it.  415 for a content type that is not JSON; 400 with one
/// entry in `errors` for every field that is wrong, its own code that of the first:
/// body.invalid_json, .too_deep, .missing_field, .unknown_field, .wrong_type, .out_of_range.  An
/// empty body is an empty object.
///
/// An integer is written without fraction or exponent (1.0 and 1e3 are not taken), null is no
/// value, and the length of a string is counted in code points.
Decoded DecodeBody(const HttpRequest& request, const BodyType& type);

/// The query likewise, with codes query.*.  An array takes the values of all fields of its name.
/// `also`: a name that is allowed, and left out.
Decoded DecodeQuery(const std::vector<std::pair<std::string, std::string>>& query,
                    const BodyType& type, std::string_view also = {});

/// JSON with sorted keys and no spaces: equal values have equal text.
std::string CanonicalJson(const json::value& value);

}  // namespace reprise::runtime
