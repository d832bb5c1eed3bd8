#include "model/field_check.h"

#include <fmt/format.h>

#include "base/suggest.h"
#include "base/utf8.h"

namespace reprise::runtime {
namespace {

constexpr std::size_t kErrorsMax = 100;  // a client that sends more mistakes gets the first of them

std::string Join(const std::string& at, std::string_view name) {
  return at.empty() ? std::string(name) : fmt::format("{}.{}", at, name);
}

std::string Limits(const BodyType& type) {
  if (type.min && type.max) return fmt::format("({}..{})", *type.min, *type.max);
  if (type.min) return fmt::format("({}..)", *type.min);
  if (type.max) return fmt::format("(..{})", *type.max);
  return {};
}

bool OfKind(const json::value& value, BodyType::Kind kind) {
  switch (kind) {
    case BodyType::kString:
      return value.is_string();
    case BodyType::kInteger:
      return value.is_int64() || value.is_uint64();
    case BodyType::kNumber:
      return value.is_number();
    case BodyType::kBoolean:
      return value.is_bool();
    case BodyType::kObject:
    case BodyType::kStruct:
      return value.is_object();
    case BodyType::kArray:
      return value.is_array();
  }
  return false;
}

}  // namespace

std::string TypeName(const BodyType& type) {
  switch (type.kind) {
    case BodyType::kString:
      return "string" + Limits(type);
    case BodyType::kInteger:
      return "integer" + Limits(type);
    case BodyType::kNumber:
      return "number";
    case BodyType::kBoolean:
      return "boolean";
    case BodyType::kObject:
    case BodyType::kStruct:
      return "object";
    case BodyType::kArray:
      return type.element.empty() ? "array" : fmt::format("[{}]", TypeName(type.element.front()));
  }
  return "value";
}

void FieldCheck::Object(const json::object& object, const BodyType& type, const std::string& at) {
  for (const auto& [name, field] : type.fields) {
    const json::value* value = object.if_contains(name);
    if (value != nullptr) {
      Value(*value, field, Join(at, name));
    } else if (!field.optional) {
      Missing(Join(at, name), field);
    }
  }
  for (const auto& member : object) Unknown(member.key(), type, at);
}

void FieldCheck::Value(const json::value& value, const BodyType& type, const std::string& at) {
  if (!OfKind(value, type.kind)) {
    std::string detail = fmt::format("must be {}", TypeName(type));
    if (value.is_null()) detail += ", not null; leave out what has no value";
    if (type.kind == BodyType::kInteger && value.is_double()) {
      detail += ", written without fraction and exponent";
    }
    return Add(at, "wrong_type", std::move(detail));
  }
  if (const json::string* text = value.if_string()) {
    const auto length = static_cast<std::int64_t>(Utf8Length({text->data(), text->size()}));
    Range(length, type, at, "characters");
  } else if (const std::int64_t* integer = value.if_int64()) {
    Range(*integer, type, at, "");
  } else if (value.is_uint64()) {  // beyond int64: what Boost.JSON calls uint64
    Add(at, "out_of_range", "must fit into 64 bits with sign");
  } else if (const json::array* array = value.if_array(); array && !type.element.empty()) {
    for (std::size_t i = 0; i < array->size(); ++i) {
      Value((*array)[i], type.element.front(), fmt::format("{}[{}]", at, i));
    }
  } else if (const json::object* object = value.if_object();
             object && type.kind == BodyType::kStruct) {
    Object(*object, type, at);
  }
}

void FieldCheck::Range(std::int64_t value, const BodyType& type, const std::string& at,
                       std::string_view what) {
  const bool low = type.min && value < *type.min;
  const bool high = type.max && value > *type.max;
  if (!low && !high) return;
  std::string bounds = low && !type.max    ? fmt::format("at least {}", *type.min)
                       : high && !type.min ? fmt::format("at most {}", *type.max)
                                           : fmt::format("{} to {}", *type.min, *type.max);
  Add(at, "out_of_range",
      what.empty() ? fmt::format("must be {}", bounds)
                   : fmt::format("must have {} {}; it has {}", bounds, what, value));
}

void FieldCheck::Unknown(std::string_view name, const BodyType& type, const std::string& at) {
  std::vector<std::string> known;
  for (const auto& field : type.fields) {
    if (field.name == name) return;
    known.push_back(field.name);
  }
  const std::string shown(name.substr(0, 64));
  Add(Join(at, name), "unknown_field", fmt::format("is not known{}", DidYouMean(shown, known)));
}

void FieldCheck::Missing(const std::string& field, const BodyType& type) {
  Add(field, "missing_field", fmt::format("is missing; it must be {}", TypeName(type)));
}

void FieldCheck::Add(const std::string& field, std::string_view code, std::string detail) {
  if (errors_.size() >= kErrorsMax) return;
  errors_.push_back({field, fmt::format("{}.{}", prefix_, code), std::move(detail)});
}

}  // namespace reprise::runtime
