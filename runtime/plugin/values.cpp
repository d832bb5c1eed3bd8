#include "plugin/values.h"

#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "base/utf8.h"

namespace reprise::runtime {
namespace {

reprise_value Null() {
  return {REPRISE_NULL, {0}};
}

reprise_value Integer(std::int32_t type, std::int64_t integer) {
  reprise_value out{type, {0}};
  out.as.integer = integer;
  return out;
}

reprise_value Real(double real) {
  reprise_value out{REPRISE_REAL, {0}};
  out.as.real = real;
  return out;
}

reprise_value Text(std::int32_t type, std::string_view text) {
  reprise_value out{type, {0}};
  out.as.text = Str(text);
  return out;
}

bool Clean(std::string_view text) {
  return text.find('\0') == std::string_view::npos && IsUtf8(text);
}

Error Invalid(std::string message) {
  return Error{Code::kInvalid, std::move(message)};
}

/// A default, min or max: canonical text in a field's type.
reprise_value FromText(FieldType type, std::string_view text, Arena& arena) {
  const auto number = [&](auto zero) {
    auto value = zero;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
  };
  switch (type) {
    case FieldType::kInteger:
    case FieldType::kDuration:
      return Integer(REPRISE_INT, number(std::int64_t{0}));
    case FieldType::kReal:
      return Real(number(0.0));
    case FieldType::kBoolean:
      return Integer(REPRISE_BOOL, text == "true" ? 1 : 0);
    case FieldType::kObject:
    case FieldType::kArray:
      return Text(REPRISE_JSON, arena.Keep(std::string(text)));
    case FieldType::kText:
    case FieldType::kFieldName:
      break;
  }
  return Text(REPRISE_TEXT, arena.Keep(std::string(text)));
}

bool Fits(const json::value& value, FieldType type) {
  switch (type) {
    case FieldType::kText:
    case FieldType::kFieldName:
      return value.is_string();
    case FieldType::kInteger:
    case FieldType::kDuration:
      return value.is_int64() || value.is_uint64();
    case FieldType::kReal:
      return value.is_number();
    case FieldType::kBoolean:
      return value.is_bool();
    case FieldType::kObject:
    case FieldType::kArray:
      return value.is_structured();
  }
  return false;
}

Result<json::value> ValueFromAbi(std::string_view name, const reprise_value& value) {
  switch (value.type) {
    case REPRISE_INT:
    case REPRISE_DURATION:
      return json::value(value.as.integer);
    case REPRISE_BOOL:
      return json::value(value.as.integer != 0);
    case REPRISE_REAL:
      if (!std::isfinite(value.as.real))
        return Invalid(fmt::format("field '{}' is not a finite number", name));
      return json::value(value.as.real);
    case REPRISE_TEXT:
      if (!Clean(View(value.as.text)))
        return Invalid(fmt::format("field '{}' holds a NUL or is not UTF-8", name));
      return json::value(json::string(View(value.as.text)));
    case REPRISE_JSON: {
      Result<json::value> parsed = ParseJson(View(value.as.text));
      if (!parsed) return Invalid(fmt::format("field '{}': {}", name, parsed.error().message));
      return parsed;
    }
    default:
      return Invalid(
          fmt::format("field '{}' is of type {}, which no payload can hold", name, value.type));
  }
}

}  // namespace

reprise_value ToAbi(const json::value& value, Arena& arena) {
  switch (value.kind()) {
    case json::kind::null:
      return Null();
    case json::kind::bool_:
      return Integer(REPRISE_BOOL, value.get_bool() ? 1 : 0);
    case json::kind::int64:
      return Integer(REPRISE_INT, value.get_int64());
    case json::kind::double_:
      return Real(value.get_double());
    case json::kind::string:
      return Text(REPRISE_TEXT, std::string_view(value.get_string()));
    case json::kind::uint64:  // past 63 bits: only its digits are exact
    case json::kind::object:
    case json::kind::array:
      break;
  }
  return Text(REPRISE_JSON, arena.Keep(json::serialize(value)));
}

reprise_value SettingToAbi(const FieldInfo& field, const json::value* value, Arena& arena) {
  if (value == nullptr || value->is_null()) {
    return field.fallback ? FromText(field.type, *field.fallback, arena) : Null();
  }
  if (field.type == FieldType::kReal && value->is_int64())
    return Real(static_cast<double>(value->get_int64()));
  if (field.type == FieldType::kObject || field.type == FieldType::kArray) {
    return Text(REPRISE_JSON, arena.Keep(json::serialize(*value)));
  }
  return ToAbi(*value, arena);
}

std::vector<reprise_value> SettingsToAbi(std::span<const FieldInfo> fields,
                                         const json::object& settings, Arena& arena) {
  std::vector<reprise_value> values;
  values.reserve(fields.size());
  for (const FieldInfo& field : fields)
    values.push_back(SettingToAbi(field, settings.if_contains(field.name), arena));
  return values;
}

Result<json::object> FromAbi(const reprise_field* fields, std::size_t n) {
  json::object out;
  if (n == 0) return out;
  if (fields == nullptr) return Invalid("the fields are a null pointer");
  out.reserve(n);
  std::size_t bytes = 2;
  for (std::size_t i = 0; i < n; ++i) {
    const std::string_view name = View(fields[i].name);
    if (name.empty() || !Clean(name))
      return Invalid("the name of a field is empty, holds a NUL or is not UTF-8");
    if (fields[i].value.type == REPRISE_NULL) continue;
    Result<json::value> value = ValueFromAbi(name, fields[i].value);
    if (!value) return value.error();
    bytes += name.size() + 4 + SizeOf(*value);
    if (bytes > kPayloadBytesMax) return Invalid("the fields are larger than 512 KiB");
    if (!out.emplace(name, *std::move(value)).second)
      return Invalid(fmt::format("field '{}' comes twice", name));
  }
  return out;
}

Result<json::value> ParseJson(std::string_view text) {
  std::string wrapped;
  wrapped.reserve(text.size() + 6);
  wrapped += "{\"v\":";
  wrapped += text;
  wrapped += '}';
  Result<Payload> payload = Payload::Parse(wrapped);
  if (!payload) return payload.error();
  const json::value* const value = payload->Find("v");
  if (payload->object().size() != 1 || value == nullptr) return Invalid("more than one JSON value");
  return *value;
}

std::string Mismatch(const json::object& object, std::span<const FieldInfo> declared) {
  for (const FieldInfo& field : declared) {
    const json::value* const value = object.if_contains(field.name);
    if (value == nullptr) {
      if (!field.optional) return fmt::format("the declared field '{}' is missing", field.name);
    } else if (!Fits(*value, field.type)) {
      return fmt::format("field '{}' is not of the type it is declared with", field.name);
    }
  }
  return {};
}

std::size_t SizeOf(const json::value& value) {
  switch (value.kind()) {
    case json::kind::string:
      return value.get_string().size() + 2;
    case json::kind::object:
      return SizeOf(value.get_object());
    case json::kind::array: {
      std::size_t bytes = 2;
      for (const json::value& element : value.get_array()) bytes += SizeOf(element) + 1;
      return bytes;
    }
    case json::kind::null:
    case json::kind::bool_:
      return 5;
    case json::kind::int64:
    case json::kind::uint64:
    case json::kind::double_:
      break;
  }
  return 8;
}

std::size_t SizeOf(const json::object& object) {
  std::size_t bytes = 2;
  for (const auto& member : object) bytes += member.key().size() + 4 + SizeOf(member.value());
  return bytes;
}

}  // namespace reprise::runtime
