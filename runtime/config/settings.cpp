#include "config/settings.h"

#include <fmt/format.h>

#include "base/suggest.h"
#include "base/time.h"
#include "config/values.h"
#include "config/yaml.h"

namespace reprise::runtime {
namespace {

std::optional<json::value> Typed(const FieldInfo& field, const Node& node) {
  if (field.type == FieldType::kObject)
    return node.map() ? std::optional(AsJson(node)) : std::nullopt;
  if (field.type == FieldType::kArray)
    return node.sequence() ? std::optional(AsJson(node)) : std::nullopt;
  if (!node.scalar()) return std::nullopt;
  if (field.type == FieldType::kDuration) {
    const auto duration = ParseDuration(node.text);
    return duration ? std::optional(json::value(duration->count())) : std::nullopt;
  }
  return FromCanonical(field, node.text);
}

/// What bounds compare: a number, or the length of text and lists.
std::optional<double> Measure(const json::value& value) {
  if (value.is_int64()) return static_cast<double>(value.get_int64());
  if (value.is_double()) return value.get_double();
  if (value.is_string()) return CodePoints(value.get_string());
  if (value.is_array()) return static_cast<double>(value.get_array().size());
  return std::nullopt;
}

std::string Shown(const FieldInfo& field, const std::string& bound) {
  if (field.type != FieldType::kDuration) return bound;
  const auto ms = ParseInteger(bound);
  return ms ? FormatDuration(Millis(*ms)) : bound;
}

void CheckBounds(const FieldInfo& field, const json::value& value, const Node& node,
                 std::string_view what, Sink& sink) {
  const auto measure = Measure(value);
  if (!measure) return;
  const auto min = field.min ? ParseNumber(*field.min) : std::nullopt;
  const auto max = field.max ? ParseNumber(*field.max) : std::nullopt;
  const std::string_view of = value.is_string() || value.is_array() ? "the length of " : "";
  if (min && *measure < *min) {
    sink.Error("RPR033", node,
               fmt::format("{}: {}setting '{}' must be at least {}", what, of, field.name,
                           Shown(field, *field.min)));
  } else if (max && *measure > *max) {
    sink.Error("RPR033", node,
               fmt::format("{}: {}setting '{}' must be at most {}", what, of, field.name,
                           Shown(field, *field.max)));
  }
}

void ReportUnknown(const Node& node, std::string_view what, const std::vector<FieldInfo>& fields,
                   Sink& sink) {
  const std::vector<std::string> known = NamesOf(fields);
  for (const Node::Entry& entry : node.entries) {
    if (std::find(known.begin(), known.end(), entry.key.text) != known.end()) continue;
    sink.Unknown("RPR031", entry.key, fmt::format("{}: unknown setting '{}'", what, entry.key.text),
                 known);
  }
}

}  // namespace

std::string_view TypeName(FieldType type) {
  switch (type) {
    case FieldType::kText:
      return "text";
    case FieldType::kInteger:
      return "a whole number";
    case FieldType::kReal:
      return "a number";
    case FieldType::kBoolean:
      return "true or false";
    case FieldType::kDuration:
      return "a duration (100ms, 5m, 7d)";
    case FieldType::kFieldName:
      return "a payload field's name";
    case FieldType::kObject:
      return "a map";
    case FieldType::kArray:
      return "a list";
  }
  return "";
}

std::optional<json::value> FromCanonical(const FieldInfo& field, const std::string& text) {
  switch (field.type) {
    case FieldType::kText:
      return json::value(json::string(text));
    case FieldType::kFieldName:
      return IsField(text) || text.empty() ? std::optional(json::value(json::string(text)))
                                           : std::nullopt;
    case FieldType::kInteger:
    case FieldType::kDuration: {
      const auto value = ParseInteger(text);
      return value ? std::optional(json::value(*value)) : std::nullopt;
    }
    case FieldType::kReal: {
      const auto value = ParseNumber(text);
      return value ? std::optional(json::value(*value)) : std::nullopt;
    }
    case FieldType::kBoolean:
      if (text == "true" || text == "1") return json::value(true);
      if (text == "false" || text == "0") return json::value(false);
      return std::nullopt;
    case FieldType::kObject:
    case FieldType::kArray: {
      boost::system::error_code error;
      json::value value = json::parse(text, error);
      if (error || (field.type == FieldType::kObject ? !value.is_object() : !value.is_array()))
        return std::nullopt;
      return value;
    }
  }
  return std::nullopt;
}

json::object BindSettings(const Node* node, const Node& owner, std::string_view what,
                          const std::vector<FieldInfo>& fields, Sink& sink) {
  json::object out;
  if (node != nullptr && !node->map()) {
    sink.Error("RPR012", *node,
               fmt::format("{}: settings must be a map, not {}", what, KindName(*node)));
    return out;
  }
  if (node != nullptr) ReportUnknown(*node, what, fields, sink);
  for (const FieldInfo& field : fields) {
    const Node* value = node == nullptr ? nullptr : node->Find(field.name);
    if (value == nullptr) {
      if (field.fallback) {
        if (auto standard = FromCanonical(field, *field.fallback))
          out[field.name] = *std::move(standard);
      } else if (!field.optional) {
        sink.Error("RPR032", owner,
                   fmt::format("{}: setting '{}' is missing ({})", what, field.name,
                               TypeName(field.type)));
      }
      continue;
    }
    if (value->bad) continue;
    auto typed = Typed(field, *value);
    if (!typed) {
      const std::string got = value->scalar() && !field.secret ? "'" + value->text + "'"
                                                               : std::string(KindName(*value));
      sink.Error("RPR033", *value,
                 fmt::format("{}: setting '{}' must be {}, not {}", what, field.name,
                             TypeName(field.type), got));
      continue;
    }
    CheckBounds(field, *typed, *value, what, sink);
    out[field.name] = *std::move(typed);
  }
  return out;
}

}  // namespace reprise::runtime
