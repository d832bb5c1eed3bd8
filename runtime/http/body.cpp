#include "http/body.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "http/problem.h"
#include "http/text.h"
#include "model/field_check.h"
#include "model/payload.h"

namespace reprise::runtime {
namespace {

/// The problem of all fields; says the first in its detail.
Problem FromErrors(std::vector<FieldProblem> errors) {
  const FieldProblem& first = errors.front();
  Problem problem = MakeProblem(400, first.code, fmt::format("'{}' {}", first.field, first.detail));
  if (errors.size() > 1) problem.detail += fmt::format(" (and {} more)", errors.size() - 1);
  problem.errors = std::move(errors);
  return problem;
}

/// Nothing, application/json and application/x+json are JSON, if in UTF-8.
bool IsJson(std::string_view content_type) {
  const std::size_t semicolon = content_type.find(';');
  const std::string media = Lower(Trim(content_type.substr(0, semicolon)));
  const bool json_media = media.empty() || media == "application/json" ||
                          (media.starts_with("application/") && media.ends_with("+json"));
  if (!json_media || semicolon == std::string_view::npos) return json_media;
  const std::string parameters = Lower(content_type.substr(semicolon + 1));
  const std::size_t charset = parameters.find("charset=");
  if (charset == std::string::npos) return true;
  std::string_view value = std::string_view(parameters).substr(charset + 8);
  value = Trim(value.substr(0, value.find(';')));
  return value == "utf-8" || value == "\"utf-8\"" || value == "utf8" || value == "us-ascii";
}

template <class Number>
std::optional<Number> Parse(std::string_view text) {
  Number number{};
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (ec != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// The text of a query as a value of `type`; what does not parse stays text, which the check
/// refuses.
json::value FromText(const std::string& text, const BodyType& type) {
  if (type.kind == BodyType::kInteger) {
    if (const auto integer = Parse<std::int64_t>(text)) return *integer;
  } else if (type.kind == BodyType::kNumber) {
    const auto number = Parse<double>(text);
    if (number && std::isfinite(*number)) return *number;
  } else if (type.kind == BodyType::kBoolean) {
    if (text == "true" || text == "false") return text == "true";
  }
  return json::string(text);
}

const BodyType* FieldOf(const BodyType& type, std::string_view name) {
  const auto it = std::find_if(type.fields.begin(), type.fields.end(),
                               [&](const auto& field) { return field.name == name; });
  return it == type.fields.end() ? nullptr : &it->type;
}

void AppendCanonical(std::string& text, const json::value& value) {
  if (const json::array* array = value.if_array()) {
    text += '[';
    for (std::size_t i = 0; i < array->size(); ++i) {
      if (i != 0) text += ',';
      AppendCanonical(text, (*array)[i]);
    }
    text += ']';
  } else if (const json::object* object = value.if_object()) {
    std::vector<const json::key_value_pair*> members;
    for (const auto& member : *object) members.push_back(&member);
    std::sort(members.begin(), members.end(),
              [](const auto* a, const auto* b) { return a->key() < b->key(); });
    text += '{';
    for (std::size_t i = 0; i < members.size(); ++i) {
      if (i != 0) text += ',';
      text += json::serialize(members[i]->key());
      text += ':';
      AppendCanonical(text, members[i]->value());
    }
    text += '}';
  } else {
    text += json::serialize(value);
  }
}

}  // namespace

Decoded DecodeBody(const HttpRequest& request, const BodyType& type) {
  Decoded decoded;
  if (!request.body.empty()) {
    // RFC 9110, 8.4: what is encoded in a way we do not read is refused, not taken as it is.
    const std::string coding = Lower(Trim(request.Header("content-encoding").value_or("")));
    const bool plain = coding.empty() || coding == "identity";
    if (!plain || !IsJson(request.Header("content-type").value_or(""))) {
      decoded.problem = MakeProblem(415, "body.media_type",
                                    plain ? "the body must be application/json in UTF-8"
                                          : "the body must come without a content-encoding");
      return decoded;
    }
    auto parsed = Payload::Parse(request.body);
    if (!parsed) {
      const std::string& why = parsed.error().message;
      const bool deep = why.find("nested deeper") != std::string::npos;
      decoded.problem = MakeProblem(400, deep ? "body.too_deep" : "body.invalid_json", why);
      return decoded;
    }
    decoded.fields = parsed->object();
  }
  FieldCheck check("body");
  check.Object(decoded.fields, type, "");
  if (!check.clean()) decoded.problem = FromErrors(check.TakeErrors());
  return decoded;
}

Decoded DecodeQuery(const std::vector<std::pair<std::string, std::string>>& query,
                    const BodyType& type, std::string_view also) {
  Decoded decoded;
  FieldCheck check("query");
  for (const auto& [name, text] : query) {
    const BodyType* field = FieldOf(type, name);
    if (field == nullptr) {
      if (name != also) check.Unknown(name, type, "");
    } else if (field->kind == BodyType::kArray && !field->element.empty()) {
      json::value& list = decoded.fields[name];
      if (!list.is_array()) list = json::array();
      list.get_array().push_back(FromText(text, field->element.front()));
    } else if (decoded.fields.contains(name)) {
      check.Add(name, "repeated_field", "occurs twice");
    } else {
      decoded.fields[name] = FromText(text, *field);
    }
  }
  check.Object(decoded.fields, type, "");
  if (!check.clean()) decoded.problem = FromErrors(check.TakeErrors());
  return decoded;
}

std::string CanonicalJson(const json::value& value) {
  std::string text;
  AppendCanonical(text, value);
  return text;
}

}  // namespace reprise::runtime
