/// Nested JSON for plugins that build or read it: Boost.JSON without its exceptions.  Link
/// reprise::json.
#pragma once

#include <string>
#include <string_view>

#include <boost/json.hpp>

#include <reprise/result.hpp>
#include <reprise/value.hpp>

namespace reprise {

/// kInvalid with the place: malformed, deeper than 32, or followed by something.
inline Result<boost::json::value> ParseJson(std::string_view text) {
  boost::json::error_code error;
  boost::json::value value = boost::json::parse({text.data(), text.size()}, error);
  if (error) return Error{Code::kInvalid, "not JSON: " + error.message()};
  return value;
}

/// The same, and an object.
inline Result<boost::json::object> ParseJsonObject(std::string_view text) {
  Result<boost::json::value> value = ParseJson(text);
  if (!value) return value.error();
  if (!value->is_object()) return Error{Code::kInvalid, "not a JSON object"};
  return std::move(value->get_object());
}

inline Json ToJson(const boost::json::value& value) {
  return Json{boost::json::serialize(value)};
}

/// A text member of an object, or empty.
inline std::string TextIn(const boost::json::object& object, std::string_view name) {
  const boost::json::value* value = object.if_contains({name.data(), name.size()});
  if (value == nullptr || !value->is_string()) return {};
  return std::string(value->get_string().data(), value->get_string().size());
}

}  // namespace reprise
