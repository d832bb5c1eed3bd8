#include "config/types.h"

#include <cctype>

#include <fmt/format.h>

#include "base/suggest.h"
#include "config/values.h"

namespace reprise::runtime {
namespace {

const std::vector<std::string>& TypeNames() {
  static const std::vector<std::string> names = {"string",  "integer", "number",
                                                 "boolean", "object",  "optional"};
  return names;
}

/// Recursive descent over a type written as text.
class TypeParser {
 public:
  explicit TypeParser(std::string_view text) : left_(text) {}

  std::string error;

  BodyType Whole() {
    BodyType type = Type(0);
    Skip();
    if (error.empty() && !left_.empty()) error = fmt::format("'{}' is too much", left_);
    return type;
  }

 private:
  void Skip() {
    while (!left_.empty() && std::isspace(static_cast<unsigned char>(left_[0])) != 0)
      left_.remove_prefix(1);
  }
  bool Take(std::string_view token) {
    Skip();
    if (!left_.starts_with(token)) return false;
    left_.remove_prefix(token.size());
    return true;
  }
  void Want(std::string_view token) {
    if (!Take(token) && error.empty()) error = fmt::format("'{}' is missing", token);
  }
  std::string Word() {
    Skip();
    size_t n = 0;
    while (n < left_.size() &&
           (std::isalnum(static_cast<unsigned char>(left_[n])) != 0 || left_[n] == '_'))
      ++n;
    std::string word(left_.substr(0, n));
    left_.remove_prefix(n);
    return word;
  }

  BodyType Type(int depth) {
    BodyType type;
    if (!error.empty()) return type;
    if (depth > 16) {
      error = "nested too deep";
    } else if (Take("[")) {
      type.kind = BodyType::kArray;
      type.element.push_back(Type(depth + 1));
      Want("]");
    } else if (Take("{")) {
      type.kind = BodyType::kStruct;
      Fields(type, depth);
    } else {
      Named(type, depth);
    }
    return type;
  }

  void Fields(BodyType& type, int depth) {
    while (error.empty() && !Take("}")) {
      const std::string name = Word();
      if (!IsField(name)) {
        error = fmt::format("'{}' is no field's name", name);
        return;
      }
      Want(":");
      type.fields.push_back({name, Type(depth + 1)});
      if (!Take(",")) {
        Want("}");
        return;
      }
    }
  }

  void Named(BodyType& type, int depth) {
    const std::string word = Word();
    if (word == "optional") {
      type = Type(depth + 1);
      type.optional = true;
    } else if (word == "string" || word == "integer") {
      type.kind = word == "string" ? BodyType::kString : BodyType::kInteger;
      if (Take("(")) Bounds(type);
    } else if (word == "number") {
      type.kind = BodyType::kNumber;
    } else if (word == "boolean") {
      type.kind = BodyType::kBoolean;
    } else if (word == "object") {
      type.kind = BodyType::kObject;
    } else {
      error = fmt::format("'{}' is no type", word) + DidYouMean(word, TypeNames());
    }
  }

  void Bounds(BodyType& type) {
    type.min = Number();
    Want("..");
    type.max = Number();
    Want(")");
    if (!error.empty()) return;
    if (type.min && type.max && *type.min > *type.max) error = "the bounds are the wrong way round";
    if (type.kind == BodyType::kString && (type.min.value_or(0) < 0 || type.max.value_or(0) < 0)) {
      error = "a length is not negative";
    }
  }

  std::optional<std::int64_t> Number() {
    Skip();
    size_t n = left_.starts_with('-') ? 1 : 0;
    while (n < left_.size() && std::isdigit(static_cast<unsigned char>(left_[n])) != 0) ++n;
    if (n == 0) return std::nullopt;
    const auto number = ParseInteger(left_.substr(0, n));
    if (!number && error.empty()) error = fmt::format("'{}' is no number", left_.substr(0, n));
    left_.remove_prefix(n);
    return number;
  }

  std::string_view left_;
};

}  // namespace

BodyType ReadType(const Node& node, Sink& sink) {
  BodyType type;
  type.kind = BodyType::kArray;  // of nothing: a type that could not be read
  if (node.map()) return ReadStruct(node, "a type", sink);
  if (node.sequence()) {
    if (node.items.size() != 1) {
      sink.Error("RPR030", node, "a list type names one element type: [string]");
      return type;
    }
    type.element.push_back(ReadType(node.items[0], sink));
    return type;
  }
  if (!node.scalar()) {
    sink.Error(
        "RPR030", node,
        "a type is missing (string(1..64), integer(1..9), number, boolean, object, [T], {...})");
    return type;
  }
  TypeParser parser(node.text);
  BodyType parsed = parser.Whole();
  if (parser.error.empty()) return parsed;
  sink.Error("RPR030", node, fmt::format("type '{}': {}", node.text, parser.error));
  return type;
}

BodyType ReadStruct(const Node& node, std::string_view what, Sink& sink) {
  BodyType type;
  type.kind = BodyType::kStruct;
  if (!node.map()) {
    sink.Error("RPR012", node,
               fmt::format("{} must be a map of fields, not {}", what, KindName(node)));
    return type;
  }
  for (const Node::Entry& entry : node.entries) {
    if (!AsField(entry.key, what, sink)) continue;
    type.fields.push_back({entry.key.text, ReadType(entry.value, sink)});
  }
  return type;
}

std::string TypeText(const BodyType& type) {
  std::string out = type.optional ? "optional " : "";
  const auto bound = [](const std::optional<std::int64_t>& n) {
    return n ? std::to_string(*n) : std::string();
  };
  const std::string bounds =
      type.min || type.max ? "(" + bound(type.min) + ".." + bound(type.max) + ")" : "";
  switch (type.kind) {
    case BodyType::kString:
      return out + "string" + bounds;
    case BodyType::kInteger:
      return out + "integer" + bounds;
    case BodyType::kNumber:
      return out + "number";
    case BodyType::kBoolean:
      return out + "boolean";
    case BodyType::kObject:
      return out + "object";
    case BodyType::kArray:
      return out + "[" + (type.element.empty() ? "" : TypeText(type.element.front())) + "]";
    case BodyType::kStruct:
      break;
  }
  out += "{";
  for (size_t i = 0; i < type.fields.size(); ++i) {
    out += (i > 0 ? ", " : " ") + type.fields[i].name + ": " + TypeText(type.fields[i].type);
  }
  return out + " }";
}

}  // namespace reprise::runtime
