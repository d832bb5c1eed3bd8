#include "config/values.h"

#include <charconv>
#include <cmath>

#include <fmt/format.h>

namespace reprise::runtime {
namespace {

bool Expect(const Node& node, Node::Kind kind, std::string_view what, std::string_view wanted,
            Sink& sink) {
  if (node.kind == kind) return true;
  sink.Error("RPR012", node, fmt::format("{} must be {}, not {}", what, wanted, KindName(node)));
  return false;
}

bool Shaped(std::string_view text, bool (*first)(char), bool (*other)(char)) {
  if (text.empty() || text.size() > 63 || !first(text[0])) return false;
  for (const char c : text.substr(1)) {
    if (!other(c)) return false;
  }
  return true;
}

bool Lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool Digit(char c) {
  return c >= '0' && c <= '9';
}
bool Letter(char c) {
  return Lower(c) || (c >= 'A' && c <= 'Z') || c == '_';
}

}  // namespace

bool IsName(std::string_view text) {
  return Shaped(text, Lower, [](char c) { return Lower(c) || Digit(c) || c == '-'; });
}

bool IsField(std::string_view text) {
  return Shaped(text, Letter, [](char c) { return Letter(c) || Digit(c); });
}

std::optional<std::int64_t> ParseInteger(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
  if (digits.size() > 1 && digits[0] == '0')
    return std::nullopt;  // 0123: octal to some, decimal to others
  return value;
}

std::optional<double> ParseNumber(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
    return std::nullopt;
  return value;
}

bool CheckMap(const Node& node, std::string_view what, Keys keys, Sink& sink) {
  if (!Expect(node, Node::Kind::kMap, what, "a map", sink)) return false;
  const std::vector<std::string> known(keys.begin(), keys.end());
  for (const Node::Entry& entry : node.entries) {
    if (std::find(known.begin(), known.end(), entry.key.text) != known.end()) continue;
    sink.Unknown("RPR010", entry.key, fmt::format("unknown key '{}' in {}", entry.key.text, what),
                 known);
  }
  return true;
}

const Node* Require(const Node& map, std::string_view what, std::string_view key, Sink& sink) {
  const Node* value = map.Find(key);
  if (value == nullptr) sink.Error("RPR011", map, fmt::format("{} needs '{}'", what, key));
  return value;
}

std::optional<std::string> AsText(const Node& node, std::string_view what, Sink& sink) {
  if (!Expect(node, Node::Kind::kScalar, what, "text", sink) || node.bad) return std::nullopt;
  return node.text;
}

std::optional<std::string> AsName(const Node& node, std::string_view what, Sink& sink) {
  auto text = AsText(node, what, sink);
  if (!text || IsName(*text)) return text;
  sink.Error(
      "RPR014", node,
      fmt::format("'{}' is no name for {}: lower-case letters, digits and '-', a letter first, "
                  "at most 63",
                  *text, what));
  return std::nullopt;
}

std::optional<std::string> AsField(const Node& node, std::string_view what, Sink& sink) {
  auto text = AsText(node, what, sink);
  if (!text || IsField(*text)) return text;
  sink.Error(
      "RPR014", node,
      fmt::format("'{}' is no field's name for {}: letters, digits and '_', no digit first, at "
                  "most 63",
                  *text, what));
  return std::nullopt;
}

std::optional<std::string> AsOneOf(const Node& node, std::string_view what,
                                   std::initializer_list<std::string_view> words, Sink& sink) {
  auto text = AsText(node, what, sink);
  if (!text) return std::nullopt;
  const std::vector<std::string> known(words.begin(), words.end());
  if (std::find(known.begin(), known.end(), *text) != known.end()) return text;
  sink.Unknown("RPR013", node, fmt::format("{} must be {}, not '{}'", what, OneOf(known), *text),
               known);
  return std::nullopt;
}

std::optional<bool> AsBoolean(const Node& node, std::string_view what, Sink& sink) {
  const auto word = AsOneOf(node, what, {"true", "false"}, sink);
  if (!word) return std::nullopt;
  return *word == "true";
}

std::optional<std::int64_t> AsInteger(const Node& node, std::string_view what, std::int64_t min,
                                      std::int64_t max, Sink& sink) {
  auto text = AsText(node, what, sink);
  if (!text) return std::nullopt;
  const auto value = ParseInteger(*text);
  if (value && *value >= min && *value <= max) return value;
  sink.Error(
      "RPR013", node,
      fmt::format("{} must be a whole number from {} to {}, not '{}'", what, min, max, *text));
  return std::nullopt;
}

std::optional<double> AsNumber(const Node& node, std::string_view what, double min, double max,
                               Sink& sink) {
  auto text = AsText(node, what, sink);
  if (!text) return std::nullopt;
  const auto value = ParseNumber(*text);
  if (value && *value >= min && *value <= max) return value;
  sink.Error("RPR013", node,
             fmt::format("{} must be a number from {} to {}, not '{}'", what, min, max, *text));
  return std::nullopt;
}

std::optional<Millis> AsDuration(const Node& node, std::string_view what, Sink& sink, Millis min) {
  auto text = AsText(node, what, sink);
  if (!text) return std::nullopt;
  const auto value = ParseDuration(*text);
  if (value && *value >= min) return value;
  sink.Error("RPR013", node,
             value
                 ? fmt::format("{} must be at least {}, not '{}'", what, FormatDuration(min), *text)
                 : fmt::format("{} must be a duration (100ms, 5m, 7d), not '{}'", what, *text));
  return std::nullopt;
}

std::optional<std::int64_t> AsBytes(const Node& node, std::string_view what, Sink& sink) {
  auto text = AsText(node, what, sink);
  if (!text) return std::nullopt;
  constexpr std::pair<std::string_view, std::int64_t> kUnits[] = {
      {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"B", 1}};
  std::string_view number = *text;
  std::int64_t unit = 1;
  for (const auto& [name, bytes] : kUnits) {
    if (!number.ends_with(name)) continue;
    number.remove_suffix(name.size());
    unit = bytes;
    break;
  }
  const auto value = ParseInteger(number);
  if (value && *value > 0 && *value <= (std::int64_t{1} << 40) / unit) return *value * unit;
  sink.Error("RPR013", node,
             fmt::format("{} must be a size (512KiB, 64MiB, 1GiB), not '{}'", what, *text));
  return std::nullopt;
}

std::vector<const Node*> AsList(const Node& node, std::string_view what, Sink& sink) {
  if (node.scalar()) return {&node};
  std::vector<const Node*> out;
  if (!Expect(node, Node::Kind::kSequence, what, "a name or a list", sink)) return out;
  if (node.items.empty()) sink.Error("RPR013", node, fmt::format("{} must not be empty", what));
  for (const Node& item : node.items) {
    if (Expect(item, Node::Kind::kScalar, fmt::format("an entry of {}", what), "text", sink))
      out.push_back(&item);
  }
  return out;
}

const Node* MapAt(const Node& root, std::string_view key, Sink& sink) {
  const Node* node = root.Find(key);
  if (node == nullptr || node->map()) return node;
  sink.Error("RPR012", *node, fmt::format("'{}' must be a map, not {}", key, KindName(*node)));
  return nullptr;
}

json::object AsObject(const Node& node, std::string_view what, Sink& sink) {
  if (node.map()) return AsJson(node).as_object();
  if (node.kind != Node::Kind::kNull) {
    sink.Error("RPR012", node, fmt::format("{} must be a map, not {}", what, KindName(node)));
  }
  return {};
}

json::value AsJson(const Node& node) {
  switch (node.kind) {
    case Node::Kind::kNull:
      return nullptr;
    case Node::Kind::kSequence: {
      json::array out;
      for (const Node& item : node.items) out.push_back(AsJson(item));
      return out;
    }
    case Node::Kind::kMap: {
      json::object out;
      for (const Node::Entry& entry : node.entries) out[entry.key.text] = AsJson(entry.value);
      return out;
    }
    case Node::Kind::kScalar:
      break;
  }
  if (!node.quoted) {
    if (node.text == "true") return true;
    if (node.text == "false") return false;
    if (const auto integer = ParseInteger(node.text)) return *integer;
    if (const auto number = ParseNumber(node.text)) return *number;
  }
  return json::value(json::string(node.text));
}

}  // namespace reprise::runtime
