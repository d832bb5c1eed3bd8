/// Reading the fields of a JSON answer: what is absent or of another type is empty.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "model/payload.h"

namespace reprise::runtime {

inline std::string TextIn(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

inline std::int64_t NumberIn(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || !value->is_number()) return 0;
  boost::system::error_code error;
  const auto number = value->to_number<std::int64_t>(error);
  return error ? 0 : number;
}

inline bool FlagIn(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_bool() && value->get_bool();
}

inline std::optional<Time> TimeIn(const json::object& object, std::string_view name) {
  return ParseRfc3339(TextIn(object, name));
}

inline const json::object& ObjectIn(const json::object& object, std::string_view name) {
  static const json::object kNone;
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_object() ? value->get_object() : kNone;
}

inline const json::array& ItemsIn(const json::object& object, std::string_view name) {
  static const json::array kNone;
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_array() ? value->get_array() : kNone;
}

inline const json::object& AsObject(const json::value& value) {
  static const json::object kNone;
  return value.is_object() ? value.get_object() : kNone;
}

}  // namespace reprise::runtime
