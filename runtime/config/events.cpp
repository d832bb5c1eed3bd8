#include "config/events.h"

#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>

#include "base/suggest.h"
#include "config/lint.h"
#include "config/values.h"

namespace reprise::runtime {
namespace {

/// Names an event of this pipeline or says why it cannot be meant.
void CheckLocal(Draft& draft, const Node& at, bool side) {
  const Pipeline& pipeline = draft.pipeline;
  Sink& sink = draft.sink;
  const std::string& text = at.text;
  const size_t dot = text.find('.');
  if (dot == std::string::npos) {
    const std::vector<std::string> entries = EntryEvents(pipeline);
    if (std::find(entries.begin(), entries.end(), text) != entries.end()) return;
    const std::vector<std::string> told = ToldEvents(pipeline);
    if (std::find(told.begin(), told.end(), text) != told.end()) {
      if (!side)
        sink.Error(
            "RPR064", at,
            fmt::format("'{}' is told without a saga; only side steps can listen to it", text));
      return;
    }
    sink.Unknown("RPR043", at, fmt::format("unknown event '{}'", text), AllEvents(pipeline));
    return;
  }
  const std::string name = text.substr(0, dot), event = text.substr(dot + 1);
  const auto step = pipeline.Find(name);
  if (!step) {
    const std::vector<std::string> known = NamesOf(pipeline.steps);
    sink.Error(
        "RPR044", at,
        fmt::format("unknown step '{}' in event '{}'", name, text) + DidYouMean(name, known));
    return;
  }
  if (pipeline.step(*step).side) {
    sink.Error("RPR064", at, fmt::format("'{}' is a side step; nothing can follow it", name));
    return;
  }
  if (!draft.steps[*step].known) return;
  const std::vector<std::string>& events = pipeline.step(*step).events;
  if (std::find(events.begin(), events.end(), event) != events.end()) return;
  sink.Error("RPR043", at,
             fmt::format("step '{}' has no event '{}'", name, event) + DidYouMean(event, events));
}

void CheckDollar(Draft& draft, const Node& at, const std::string& event) {
  if (std::find(DollarEvents().begin(), DollarEvents().end(), event) != DollarEvents().end())
    return;
  draft.sink.Error("RPR043", at,
                   fmt::format("unknown event '{}'", event) + DidYouMean(event, DollarEvents()));
}

void CheckForeign(Draft& draft, const Node& at, const Step& step, const Drafts& all, bool others) {
  Sink& sink = draft.sink;
  const std::pair<std::string, std::string> parts = SplitForeign(at.text);
  const std::string &name = parts.first, &event = parts.second;
  if (step.side) {
    sink.Error("RPR064", at,
               "an event of another pipeline begins a saga; only a step can listen to it");
    return;
  }
  if (step.all) {
    sink.Error("RPR064", at,
               "an event of another pipeline begins a saga of its own and cannot be joined");
    return;
  }
  if (name == draft.pipeline.name) {
    sink.Error("RPR064", at, fmt::format("'{}' is this pipeline; write '{}'", name, event));
    return;
  }
  if (!others) return;
  const auto other =
      std::find_if(all.begin(), all.end(), [&](const auto& d) { return d->pipeline.name == name; });
  if (other == all.end()) {
    std::vector<std::string> known;
    for (const auto& d : all) known.push_back(d->pipeline.name);
    sink.Error("RPR045", at, fmt::format("unknown pipeline '{}'", name) + DidYouMean(name, known));
    return;
  }
  if (event.starts_with('$')) return CheckDollar(draft, at, event);
  const std::vector<std::string> known = StepEvents((*other)->pipeline);
  if (std::find(known.begin(), known.end(), event) != known.end()) return;
  const auto step_of = (*other)->pipeline.Find(event.substr(0, event.find('.')));
  if (step_of && !(*other)->steps[*step_of].known) return;
  sink.Error(
      "RPR043", at,
      fmt::format("pipeline '{}' has no event '{}'", name, event) + DidYouMean(event, known));
}

void CheckOn(Draft& draft, const Step& step, const Node& at, const Drafts& all, bool others) {
  const std::string& text = at.text;
  if (text == "*") {
    if (!step.side) draft.sink.Error("RPR064", at, "only a side step can listen to every event");
    return;
  }
  if (text.find('/') != std::string::npos) return CheckForeign(draft, at, step, all, others);
  if (!text.starts_with('$')) return CheckLocal(draft, at, step.side);
  CheckDollar(draft, at, text);
  if (!step.side) {
    draft.sink.Error("RPR064", at,
                     fmt::format("only side steps and other pipelines can listen to '{}'", text));
  }
}

void CheckBegin(Draft& draft, StepIndex i) {
  const Step& step = draft.pipeline.step(i);
  const StepDraft& marks = draft.steps[i];
  Sink& sink = draft.sink;
  const Node* on = marks.body->Find("on");
  if (step.inlined && on != nullptr) {
    sink.Error("RPR063", *marks.body->FindKey("on"),
               fmt::format("step '{}' is run by a route; it cannot listen to an event as well",
                           step.name));
  }
  if (step.inlined && step.kind != StepKind::kAction) {
    sink.Error("RPR066", *marks.name,
               fmt::format("a route can only run actions; '{}' is none", step.name));
  }
  if (!step.inlined && on == nullptr && marks.body->map()) {
    if (step.side) {
      sink.Error("RPR063", *marks.name, fmt::format("side step '{}' needs 'on'", step.name));
    } else {
      sink.Error("RPR071", *marks.name,
                 fmt::format("step '{}' is unreachable: it needs 'on', or a route that runs it",
                             step.name));
    }
  }
}

void CheckUndoOn(Draft& draft, const Step& step, const StepDraft& marks) {
  const Node& at = marks.At("undo_on");
  if (step.undo_on == "*" || step.undo_on.find('/') != std::string::npos) {
    draft.sink.Error("RPR064", at, "'undo_on' names one event of this pipeline");
  } else if (step.undo_on.starts_with('$')) {
    CheckDollar(draft, at, step.undo_on);
  } else {
    CheckLocal(draft, at, false);
  }
  if (step.on.size() != 1 || step.on[0] == "*") {
    draft.sink.Error(
        "RPR064", at,
        "a side step with 'undo_on' listens to exactly one event, which comes once a saga");
  } else if (step.on[0] == step.undo_on) {
    draft.sink.Error("RPR064", at, "'undo_on' must be another event than 'on'");
  }
}

void CheckSignal(Draft& draft, const Route& route, const RouteDraft& marks) {
  std::vector<std::string> known;
  for (const Step& step : draft.pipeline.steps) {
    if (step.kind == StepKind::kWait) known.push_back(step.wait_for);
  }
  if (std::find(known.begin(), known.end(), route.signal) == known.end()) {
    draft.sink.Unknown("RPR047", marks.At("signal"),
                       fmt::format("no step waits for the signal '{}'", route.signal), known);
  }
  if (route.path.find("{id}") == std::string::npos) {
    draft.sink.Error(
        "RPR056", *marks.key,
        "a signal goes to the saga whose id is the path field {id}; the path has none");
  }
}

/// "GET /things/{}": two paths that match the same requests have the same shape.
std::string Pattern(const Route& route) {
  std::string out = route.method + " ";
  bool in = false;
  for (const char c : route.path) {
    if (c == '}') in = false;
    if (!in) out += c;
    if (c == '{') in = true;
  }
  return out;
}

}  // namespace

const std::vector<std::string>& DollarEvents() {
  static const std::vector<std::string> events = {"$done", "$undone", "$failed", "$stuck"};
  return events;
}

std::vector<std::string> EntryEvents(const Pipeline& pipeline) {
  std::set<std::string> out;
  for (const Route& route : pipeline.routes) {
    if (route.kind == RouteKind::kStart) out.insert(route.start);
  }
  for (const Topic& topic : pipeline.topics) out.insert(topic.start);
  out.erase("");
  return {out.begin(), out.end()};
}

std::vector<std::string> ToldEvents(const Pipeline& pipeline) {
  std::set<std::string> out;
  for (const Route& route : pipeline.routes) out.insert(route.tell);
  out.erase("");
  return {out.begin(), out.end()};
}

std::vector<std::string> StepEvents(const Pipeline& pipeline) {
  std::vector<std::string> out;
  for (StepIndex i = 0; i < pipeline.main_count; ++i) {
    for (const std::string& event : pipeline.step(i).events)
      out.push_back(pipeline.step(i).name + "." + event);
  }
  return out;
}

std::vector<std::string> AllEvents(const Pipeline& pipeline) {
  std::vector<std::string> out = EntryEvents(pipeline);
  for (const auto& more : {ToldEvents(pipeline), StepEvents(pipeline), DollarEvents()}) {
    out.insert(out.end(), more.begin(), more.end());
  }
  return out;
}

std::pair<std::string, std::string> SplitForeign(const std::string& event) {
  const size_t slash = event.find('/');
  return {event.substr(0, slash), event.substr(slash + 1)};
}

void CheckEvents(Draft& draft, const Drafts& all, bool others) {
  for (size_t i = 0; i < draft.pipeline.steps.size(); ++i) {
    const Step& step = draft.pipeline.steps[i];
    CheckBegin(draft, static_cast<StepIndex>(i));
    for (const Node* at : draft.steps[i].on) CheckOn(draft, step, *at, all, others);
    if (!step.undo_on.empty()) CheckUndoOn(draft, step, draft.steps[i]);
  }
  for (size_t i = 0; i < draft.routes.size(); ++i) {
    if (draft.pipeline.routes[i].kind == RouteKind::kSignal)
      CheckSignal(draft, draft.pipeline.routes[i], draft.routes[i]);
  }
  const std::vector<std::string> entries = EntryEvents(draft.pipeline);
  for (size_t i = 0; i < draft.routes.size(); ++i) {
    const std::string& tell = draft.pipeline.routes[i].tell;
    if (std::find(entries.begin(), entries.end(), tell) != entries.end()) {
      draft.sink.Error("RPR064", draft.routes[i].At("tell"),
                       fmt::format("'{}' already begins sagas; tell under another name", tell));
    }
  }
}

void CheckRoutes(const Drafts& all) {
  std::map<std::string, std::string> seen;
  for (const auto& draft : all) {
    for (size_t i = 0; i < draft->routes.size(); ++i) {
      const Node& key = *draft->routes[i].key;
      const std::string where =
          fmt::format("{}:{}:{}", draft->source.file, key.place.line, key.place.col);
      const auto [first, fresh] = seen.emplace(Pattern(draft->pipeline.routes[i]), where);
      if (!fresh)
        draft->sink.Error("RPR053", key,
                          fmt::format("'{}' matches the same requests as the route at {}", key.text,
                                      first->second));
    }
  }
}

}  // namespace reprise::runtime
