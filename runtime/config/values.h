/// Values out of nodes: text, names, durations, sizes, JSON; and maps with known keys.
///
/// Every function reports what is wrong at its place and then answers nothing (or a stand-in), so
/// that the reader goes on and all mistakes come out in one run.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "config/finding.h"
#include "model/payload.h"

namespace reprise::runtime {

using Keys = std::initializer_list<std::string_view>;

/// Checks that `node` is a map with keys out of `keys`; `what` names it: "a route".
bool CheckMap(const Node& node, std::string_view what, Keys keys, Sink& sink);

/// The value under `key`, which must be there.
const Node* Require(const Node& map, std::string_view what, std::string_view key, Sink& sink);

/// The map under `key`; null if there is none, or something else.
const Node* MapAt(const Node& root, std::string_view key, Sink& sink);

std::optional<std::string> AsText(const Node& node, std::string_view what, Sink& sink);
/// ^[a-z][a-z0-9-]{0,62}$
std::optional<std::string> AsName(const Node& node, std::string_view what, Sink& sink);
/// A payload field: ^[A-Za-z_][A-Za-z0-9_]{0,62}$
std::optional<std::string> AsField(const Node& node, std::string_view what, Sink& sink);
std::optional<std::string> AsOneOf(const Node& node, std::string_view what,
                                   std::initializer_list<std::string_view> words, Sink& sink);
std::optional<bool> AsBoolean(const Node& node, std::string_view what, Sink& sink);
std::optional<std::int64_t> AsInteger(const Node& node, std::string_view what, std::int64_t min,
                                      std::int64_t max, Sink& sink);
std::optional<double> AsNumber(const Node& node, std::string_view what, double min, double max,
                               Sink& sink);
std::optional<Millis> AsDuration(const Node& node, std::string_view what, Sink& sink,
                                 Millis min = Millis(1));
/// "64MiB", "512KiB", "1000": bytes.
std::optional<std::int64_t> AsBytes(const Node& node, std::string_view what, Sink& sink);
/// A scalar, or a list of scalars.
std::vector<const Node*> AsList(const Node& node, std::string_view what, Sink& sink);

/// A map as a JSON object; nothing at all is an empty one.
json::object AsObject(const Node& node, std::string_view what, Sink& sink);

bool IsName(std::string_view text);
bool IsField(std::string_view text);
std::optional<std::int64_t> ParseInteger(std::string_view text);
std::optional<double> ParseNumber(std::string_view text);

/// The `name` of everything in a list: what can be meant, for suggestions.
template <class Range>
std::vector<std::string> NamesOf(const Range& range) {
  std::vector<std::string> out;
  out.reserve(range.size());
  for (const auto& one : range) out.push_back(one.name);
  return out;
}
/// The same of a list of pointers.
template <class Range>
std::vector<std::string> NamesBehind(const Range& range) {
  std::vector<std::string> out;
  out.reserve(range.size());
  for (const auto& one : range) out.push_back(one->name);
  return out;
}

/// Any node as JSON: plain scalars are typed as in YAML 1.2's JSON schema, quoted ones are text.
json::value AsJson(const Node& node);

}  // namespace reprise::runtime
