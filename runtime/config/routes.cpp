#include <fmt/format.h>

#include "base/suggest.h"
#include "config/draft.h"
#include "config/types.h"
#include "config/values.h"

namespace reprise::runtime {
namespace {

const std::vector<std::string>& Methods() {
  static const std::vector<std::string> methods = {"GET", "POST", "PUT", "PATCH", "DELETE"};
  return methods;
}

bool Segment(std::string_view text) {
  if (text.starts_with('{') && text.ends_with('}')) return IsField(text.substr(1, text.size() - 2));
  for (const char c : text) {
    const bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '-' || c == '_' || c == '.' || c == '~';
    if (!good) return false;
  }
  return !text.empty();
}

bool GoodPath(std::string_view path) {
  if (!path.starts_with('/')) return false;
  if (path == "/") return true;
  for (size_t at = 0; at < path.size();) {
    const size_t next = std::min(path.find('/', at + 1), path.size());
    if (!Segment(path.substr(at + 1, next - at - 1))) return false;
    at = next;
  }
  return true;
}

bool ReadName(const Node& key, Route& route, Sink& sink) {
  const size_t space = key.text.find(' ');
  route.method = key.text.substr(0, space);
  route.path = space == std::string::npos ? "" : key.text.substr(space + 1);
  if (std::find(Methods().begin(), Methods().end(), route.method) == Methods().end()) {
    sink.Error("RPR050", key,
               fmt::format("'{}' is no method of a route: {}", route.method, OneOf(Methods())) +
                   DidYouMean(route.method, Methods()));
    return false;
  }
  if (!GoodPath(route.path)) {
    sink.Error("RPR050", key,
               fmt::format("'{}' is no path of a route: /things/{{id}}/parts", route.path));
    return false;
  }
  for (const std::string_view own : {"/api", "/livez", "/readyz", "/metrics"}) {
    if (route.path == own || route.path.starts_with(std::string(own) + "/")) {
      sink.Error("RPR054", key, fmt::format("the runtime itself answers '{}'", own));
    }
  }
  return true;
}

/// The one of start, run, ask, signal and stream that is there.
bool ReadKind(const Node& node, const Node& key, Route& route, Sink& sink) {
  static constexpr std::pair<std::string_view, RouteKind> kKinds[] = {
      {"start", RouteKind::kStart},
      {"run", RouteKind::kRun},
      {"ask", RouteKind::kAsk},
      {"signal", RouteKind::kSignal},
      {"stream", RouteKind::kStream}};
  int found = 0;
  for (const auto& [word, kind] : kKinds) {
    if (node.Find(word) == nullptr) continue;
    ++found;
    route.kind = kind;
  }
  if (found == 1) return true;
  sink.Error(
      "RPR051", key,
      fmt::format("a route says exactly one of 'start', 'run', 'ask', 'signal' and 'stream'; '{}' "
                  "says {}",
                  key.text, found == 0 ? "none" : "more"));
  return false;
}

/// Keys that make no sense with the route's kind.
void CheckFit(const Node& node, const Route& route, Sink& sink) {
  const bool saga = route.kind == RouteKind::kStart || route.kind == RouteKind::kRun;
  const auto refuse = [&](std::string_view key, bool fits, std::string_view why) {
    if (node.Find(key) != nullptr && !fits)
      sink.Error("RPR052", *node.FindKey(key), fmt::format("'{}' {}", key, why));
  };
  refuse("lock", saga, "belongs to a route with 'start' or 'run'");
  refuse("id", saga, "belongs to a route with 'start' or 'run'");
  refuse("location", saga, "belongs to a route with 'start' or 'run'");
  refuse("idempotency", saga, "belongs to a route with 'start' or 'run'");
  refuse("reply", route.kind == RouteKind::kStart, "belongs to a route with 'start'");
  refuse("tell", route.kind == RouteKind::kAsk, "belongs to a route with 'ask'");
  refuse("body", route.method != "GET", "makes no sense with GET; use 'query'");
}

void ReadRun(const Node& node, Draft& draft, Route& route) {
  Sink& sink = draft.sink;
  std::vector<std::string> known;
  for (StepIndex i = 0; i < draft.pipeline.main_count; ++i)
    known.push_back(draft.pipeline.steps[i].name);
  for (const Node* item : AsList(node, "'run'", sink)) {
    const auto step = draft.pipeline.Find(item->text);
    if (!step || *step >= draft.pipeline.main_count) {
      const std::string why =
          step ? fmt::format("'{}' is a side step; a route runs steps", item->text)
               : fmt::format("unknown step '{}'", item->text);
      sink.Unknown("RPR044", *item, why, known);
      continue;
    }
    if (std::find(route.run.begin(), route.run.end(), *step) != route.run.end()) {
      sink.Error("RPR013", *item, fmt::format("'{}' is listed twice", item->text));
      continue;
    }
    route.run.push_back(*step);
    draft.pipeline.steps[*step].inlined = true;
  }
}

void ReadAction(const Node& node, Draft& draft, const PluginCatalog& catalog, Route& route,
                RouteDraft& marks) {
  Sink& sink = draft.sink;
  switch (route.kind) {
    case RouteKind::kStart:
      route.start = AsName(*node.Find("start"), "an event", sink).value_or("");
      break;
    case RouteKind::kRun:
      ReadRun(*node.Find("run"), draft, route);
      break;
    case RouteKind::kAsk:
      marks.ask = ReadQuestion(*node.Find("ask"), catalog, route.ask, sink);
      break;
    case RouteKind::kStream:
      marks.ask = ReadQuestion(*node.Find("stream"), catalog, route.ask, sink);
      break;
    case RouteKind::kSignal:
      route.signal = AsName(*node.Find("signal"), "a signal", sink).value_or("");
      break;
  }
}

void ReadRoute(const Node::Entry& entry, Draft& draft, const PluginCatalog& catalog) {
  Sink& sink = draft.sink;
  const Node& node = entry.value;
  Route route;
  RouteDraft marks;
  marks.key = &entry.key;
  marks.body = &entry.value;
  route.body.kind = route.query.kind = BodyType::kStruct;
  const bool named = ReadName(entry.key, route, sink);
  if (!CheckMap(node, "a route",
                {"body", "query", "check", "lock", "id", "reply", "location", "idempotency",
                 "token", "deadline", "tell", "start", "run", "ask", "signal", "stream"},
                sink)) {
    return;
  }
  if (const Node* n = node.Find("body")) route.body = ReadStruct(*n, "'body'", sink);
  if (const Node* n = node.Find("query")) route.query = ReadStruct(*n, "'query'", sink);
  if (const Node* n = node.Find("check")) marks.check = ReadChecks(*n, catalog, route.check, sink);
  if (const Node* n = node.Find("lock")) route.lock = AsField(*n, "'lock'", sink).value_or("");
  if (const Node* n = node.Find("id")) route.id = AsField(*n, "'id'", sink).value_or("");
  if (const Node* n = node.Find("location"))
    route.location = AsText(*n, "'location'", sink).value_or("");
  if (const Node* n = node.Find("idempotency")) {
    route.idempotency_required = AsOneOf(*n, "'idempotency'", {"required"}, sink).has_value();
  }
  if (const Node* n = node.Find("token"))
    route.admin_token = AsOneOf(*n, "'token'", {"admin"}, sink).has_value();
  if (const Node* n = node.Find("deadline")) route.deadline = AsDuration(*n, "'deadline'", sink);
  if (const Node* n = node.Find("tell")) route.tell = AsName(*n, "an event", sink).value_or("");
  if (const Node* n = node.Find("reply")) {
    if (n->map()) {
      route.reply = AsJson(*n).as_object();
    } else {
      sink.Error("RPR012", *n, fmt::format("'reply' must be a map, not {}", KindName(*n)));
    }
  }
  if (!named || !ReadKind(node, entry.key, route, sink)) return;
  CheckFit(node, route, sink);
  ReadAction(node, draft, catalog, route, marks);
  draft.pipeline.routes.push_back(std::move(route));
  draft.routes.push_back(std::move(marks));
}

}  // namespace

void ReadRoutes(Draft& draft, const PluginCatalog& catalog) {
  const Node* routes = MapAt(draft.root, "routes", draft.sink);
  if (routes == nullptr) return;
  for (const Node::Entry& entry : routes->entries) ReadRoute(entry, draft, catalog);
}

}  // namespace reprise::runtime
