#include "config/interpolate.h"

#include <cctype>
#include <cstdlib>

#include <fmt/format.h>

#include "config/yaml.h"

namespace reprise::runtime {
namespace {

constexpr size_t kFileBytesMax = size_t{64} * 1024;

bool IsName(std::string_view text) {
  if (text.empty() || std::isdigit(static_cast<unsigned char>(text[0])) != 0) return false;
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '_') return false;
  }
  return true;
}

/// The place of `token` in the file, if the scalar is written on one line; else the scalar's.
Place PlaceOf(const Node& node, std::string_view token, const Source& source) {
  const std::string_view line = source.Line(node.place.line);
  size_t from = 0;
  for (int col = 1; from < line.size() && col < node.place.col; ++col) {
    do {
      ++from;
    } while (from < line.size() && (static_cast<unsigned char>(line[from]) & 0xC0) == 0x80);
  }
  const size_t at = line.find(token, from);
  if (at == std::string_view::npos) return node.place;
  const int col = CodePoints(line.substr(0, at)) + 1;
  return {node.place.line, col, col + CodePoints(token)};
}

std::optional<std::string> FromFile(const std::string& path, const Place& at, Sink& sink) {
  Result<std::string> text = ReadText(path, kFileBytesMax);
  if (!text) {
    sink.Error("RPR023", at, fmt::format("file '{}': {}", path, text.error().message));
    return std::nullopt;
  }
  while (text->ends_with('\n') || text->ends_with('\r')) text->pop_back();
  return *std::move(text);
}

/// The value of what stands between `${` and `}`.
std::optional<std::string> ValueOf(std::string_view inside, const Place& at,
                                   const Environment& environment, Sink& sink) {
  const size_t colon = inside.find(':');
  const std::string name(inside.substr(0, colon));
  if (name == "file" && colon != std::string_view::npos) {
    return FromFile(std::string(inside.substr(colon + 1)), at, sink);
  }
  if (!IsName(name)) {
    sink.Error("RPR021", at,
               fmt::format("'{}' is no variable's name; write ${{VAR}}, ${{VAR:default}}, "
                           "${{file:/path}} or, for the text itself, ${{{{...}}}}",
                           name));
    return std::nullopt;
  }
  std::optional<std::string> value = environment(name);
  if (value && !value->empty()) return value;
  if (colon != std::string_view::npos) return std::string(inside.substr(colon + 1));
  sink.Error(
      "RPR020", at,
      fmt::format("${{{0}}} is unset and has no default (write ${{{0}:}} to allow empty)", name));
  return std::nullopt;
}

void Replace(Node& node, const Environment& environment, Sink& sink) {
  const std::string text = std::move(node.text);
  std::string out;
  size_t at = 0;
  while (true) {
    const size_t next = text.find("${", at);
    out.append(text, at, next == std::string::npos ? std::string::npos : next - at);
    if (next == std::string::npos) break;
    const bool literal = text.compare(next, 3, "${{") == 0;
    const size_t end = text.find(literal ? "}}" : "}", next);
    if (end == std::string::npos) {
      sink.Error("RPR021", PlaceOf(node, text.substr(next), sink.source()), "'${' without its '}'");
      node.bad = true;
      break;
    }
    at = end + (literal ? 2 : 1);
    if (literal) {
      out += "${" + text.substr(next + 3, end - next - 3) + "}";
      continue;
    }
    const Place place = PlaceOf(node, text.substr(next, at - next), sink.source());
    const auto value =
        ValueOf(std::string_view(text).substr(next + 2, end - next - 2), place, environment, sink);
    if (value) {
      out += *value;
      node.filled = true;
    } else {
      node.bad = true;
    }
  }
  node.text = std::move(out);
}

}  // namespace

Environment SystemEnvironment() {
  return [](const std::string& name) -> std::optional<std::string> {
    // Nobody sets variables while the runtime runs.
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
}

void Interpolate(Node& node, const Environment& environment, Sink& sink) {
  if (node.scalar() && !node.bad && node.text.find("${") != std::string::npos) {
    Replace(node, environment, sink);
  }
  for (Node& item : node.items) Interpolate(item, environment, sink);
  for (Node::Entry& entry : node.entries) Interpolate(entry.value, environment, sink);
}

}  // namespace reprise::runtime
