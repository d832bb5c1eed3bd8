#include <algorithm>

#include <fmt/format.h>

#include "config/tests.h"
#include "config/values.h"

namespace reprise::runtime {
namespace {

/// Whether a concrete path is one of the pattern: "/orders/{id}" and "/orders/7".
bool Matches(std::string_view pattern, std::string_view path) {
  while (!pattern.empty() && !path.empty()) {
    const std::string_view want = pattern.substr(1, pattern.find('/', 1) - 1);
    const std::string_view have = path.substr(1, path.find('/', 1) - 1);
    if (want != have && !(want.starts_with('{') && !have.empty())) return false;
    pattern.remove_prefix(std::min(want.size() + 1, pattern.size()));
    path.remove_prefix(std::min(have.size() + 1, path.size()));
  }
  return pattern.empty() && path.empty();
}

void CheckRoute(const Node& at, const TestRequest& request,
                const std::vector<PipelineRef>& pipelines, Sink& sink) {
  std::vector<std::string> known;
  const std::string path = request.path.substr(0, request.path.find('?'));
  for (const PipelineRef& pipeline : pipelines) {
    for (const Route& route : pipeline->routes) {
      if (route.method == request.method && Matches(route.path, path)) return;
      known.push_back(route.name());
    }
  }
  sink.Unknown("RPR050", at, fmt::format("no route answers '{} {}'", request.method, path), known);
}

}  // namespace

TestRequest ReadTestRequest(const Node& node, const std::vector<PipelineRef>& pipelines,
                            Sink& sink) {
  TestRequest out;
  if (!node.map()) {
    sink.Error("RPR012", node, "'request' must be a map: { POST /things: { name: A } }");
    return out;
  }
  static const std::vector<std::string> keys = {"bearer", "idempotency_key", "status", "reply",
                                                "save"};
  int routes = 0;
  for (const Node::Entry& entry : node.entries) {
    const std::string& key = entry.key.text;
    if (const size_t space = key.find(' '); space != std::string::npos) {
      ++routes;
      out.method = key.substr(0, space);
      out.path = key.substr(space + 1);
      out.body = AsObject(entry.value, "a body", sink);
      CheckRoute(entry.key, out, pipelines, sink);
    } else if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
      sink.Unknown("RPR010", entry.key, fmt::format("unknown key '{}' in a request", key), keys);
    }
  }
  if (routes != 1)
    sink.Error("RPR011", node, "a request names one route: { POST /things: { name: A } }");
  if (const Node* n = node.Find("bearer")) out.bearer = AsText(*n, "'bearer'", sink).value_or("");
  if (const Node* n = node.Find("idempotency_key"))
    out.idempotency_key = AsText(*n, "'idempotency_key'", sink).value_or("");
  if (const Node* n = node.Find("reply")) out.reply = AsObject(*n, "'reply'", sink);
  if (const Node* n = node.Find("status")) {
    if (const auto status = AsInteger(*n, "'status'", 100, 599, sink))
      out.status = static_cast<int>(*status);
  }
  if (const Node* n = node.Find("save")) {
    for (const auto& [name, field] : AsObject(*n, "'save'", sink)) {
      if (field.is_string()) out.save[std::string(name)] = std::string(field.get_string());
    }
  }
  return out;
}

}  // namespace reprise::runtime
