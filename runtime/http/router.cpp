#include "http/router.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "http/target.h"
#include "http/text.h"

namespace reprise::runtime {
namespace {

constexpr std::size_t kParameterMax = 128;

Error Bad(const Pipeline& pipeline, const Route& route, std::string_view what) {
  return {Code::kInvalid,
          fmt::format("{}: route '{}': {}", pipeline.file.empty() ? pipeline.name : pipeline.file,
                      route.name(), what)};
}

bool IsName(std::string_view text) {
  return !text.empty() && !IsDigit(text[0]) && std::all_of(text.begin(), text.end(), [](char c) {
    return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  });
}

/// Parameters of the same place compare equal, and after every literal.
bool Before(const Router::Entry::Part& a, const Router::Entry::Part& b) {
  if (a.parameter || b.parameter) return !a.parameter && b.parameter;
  return a.text < b.text;
}

bool SamePlace(const std::vector<Router::Entry::Part>& a,
               const std::vector<Router::Entry::Part>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const auto& x, const auto& y) { return !Before(x, y) && !Before(y, x); });
}

bool Fits(const Router::Entry& entry, const std::vector<std::string>& segments) {
  return std::equal(entry.parts.begin(), entry.parts.end(), segments.begin(), segments.end(),
                    [](const auto& part, const std::string& segment) {
                      return part.parameter ? !segment.empty() : part.text == segment;
                    });
}

Result<Router::Entry> Compile(const PipelineRef& pipeline, const Route& route) {
  Router::Entry entry{pipeline, &route, {}};
  const auto target = ParseTarget(route.path);
  if (!target || !route.path.starts_with('/') || !target->query.empty()) {
    return Bad(*pipeline, route, "the path must look like /orders/{id}/lines");
  }
  std::set<std::string> names;
  for (const std::string& segment : target->segments) {
    const bool parameter = segment.starts_with('{') && segment.ends_with('}');
    std::string text = parameter ? segment.substr(1, segment.size() - 2) : segment;
    if (parameter ? !IsName(text) : segment.find_first_of("{}") != std::string::npos) {
      return Bad(*pipeline, route, fmt::format("'{}' is not a parameter like {{id}}", segment));
    }
    if (parameter && !names.insert(text).second) {
      return Bad(*pipeline, route, fmt::format("the path names '{}' twice", text));
    }
    entry.parts.push_back({parameter, std::move(text)});
  }
  for (const BodyType* type : {&route.query, &route.body}) {
    for (const auto& field : type->fields) {
      if (names.insert(field.name).second) continue;
      return Bad(*pipeline, route,
                 fmt::format("'{}' comes from two of path, query and body", field.name));
    }
  }
  return entry;
}

}  // namespace

Result<Router> Router::Build(const std::vector<PipelineRef>& pipelines,
                             const std::vector<std::string>& reserved) {
  Router router;
  for (const PipelineRef& pipeline : pipelines) {
    for (const Route& route : pipeline->routes) {
      auto entry = Compile(pipeline, route);
      if (!entry) return entry.error();
      if (!entry->parts.empty() &&
          std::count(reserved.begin(), reserved.end(), entry->parts[0].text) != 0) {
        return Bad(*pipeline, route,
                   fmt::format("paths below /{} are the runtime's own", entry->parts[0].text));
      }
      for (const Entry& other : router.entries_) {
        if (other.route->method != route.method || !SamePlace(other.parts, entry->parts)) continue;
        return Bad(
            *pipeline, route,
            fmt::format("pipeline '{}' takes the same requests with '{}' as pipeline '{}' does",
                        pipeline->name, other.route->name(), other.pipeline->name));
      }
      router.entries_.push_back(std::move(*entry));
    }
  }
  std::stable_sort(router.entries_.begin(), router.entries_.end(),
                   [](const Entry& a, const Entry& b) {
                     return std::lexicographical_compare(a.parts.begin(), a.parts.end(),
                                                         b.parts.begin(), b.parts.end(), Before);
                   });
  return router;
}

Router::Match Router::Find(std::string_view method,
                           const std::vector<std::string>& segments) const {
  std::set<std::string> methods;
  const Entry* get = nullptr;
  for (const Entry& entry : entries_) {
    if (!Fits(entry, segments)) continue;
    if (entry.route->method == method) return {&entry, {}};
    if (entry.route->method == "GET") {
      if (get == nullptr) get = &entry;
      methods.insert("HEAD");
    }
    methods.insert(entry.route->method);
  }
  if (method == "HEAD" && get != nullptr) return {get, {}};
  if (!methods.empty()) methods.insert("OPTIONS");
  return {nullptr, {methods.begin(), methods.end()}};
}

Result<json::object> PathFields(const Router::Entry& entry,
                                const std::vector<std::string>& segments) {
  json::object fields;
  for (std::size_t i = 0; i < entry.parts.size(); ++i) {
    if (!entry.parts[i].parameter) continue;
    if (Utf8Length(segments[i]) > kParameterMax) return Error{Code::kInvalid, entry.parts[i].text};
    fields.emplace(entry.parts[i].text, segments[i]);
  }
  return fields;
}

}  // namespace reprise::runtime
