#include "config/payloads.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "config/events.h"

namespace reprise::runtime {
namespace {

constexpr std::string_view kRun = "run:";

std::string RunEntry(size_t route) {
  return fmt::format("{}{}", kRun, route);
}

Shape Unknown() {
  Shape shape;
  shape.unknown = true;
  return shape;
}

Shape Answered(const QuestionUse& use) {
  return use.info == nullptr ? Unknown() : ShapeOf(use.info->out);
}

/// The alternatives so far, and one more.
void Alternative(std::optional<Shape>& all, const Shape& one) {
  all = all ? Either(*all, one) : one;
}

}  // namespace

Shape Payloads::Asked(const Draft& draft, size_t route, size_t check) {
  const Route& r = draft.pipeline.routes[route];
  const RouteDraft& marks = draft.routes[route];
  Shape shape = Over(ShapeOf(r.body), ShapeOf(r.query));
  for (const std::string& field : Placeholders(r.path)) shape.Set(field, {true, FieldType::kText});
  for (size_t i = 0; i < check && i < marks.check.size(); ++i)
    shape = Over(std::move(shape), Answered(marks.check[i]));
  return shape;
}

Shape Payloads::Before(const Draft& draft, size_t route) {
  Shape shape = Asked(draft, route, draft.routes[route].check.size());
  const std::string& id = draft.pipeline.routes[route].id;
  if (!id.empty()) shape.Set(id, {true, FieldType::kText});
  return shape;
}

Shape Payloads::During(const Draft& draft, size_t route, size_t position) {
  Shape shape = Before(draft, route);
  const std::vector<StepIndex>& run = draft.pipeline.routes[route].run;
  for (size_t i = 0; i < position && i < run.size(); ++i) {
    std::optional<Shape> added;
    for (const std::string& event : draft.pipeline.step(run[i]).events)
      Alternative(added, Added(draft, run[i], event));
    if (added) shape = Over(std::move(shape), *added);
    if (!draft.steps[run[i]].known) shape.unknown = true;
  }
  return shape;
}

Shape Payloads::Topic(const Draft& draft, size_t topic) const {
  Shape shape = ShapeOf(draft.pipeline.topics[topic]);
  for (const QuestionUse& check : draft.topics[topic].check)
    shape = Over(std::move(shape), Answered(check));
  return shape;
}

std::optional<size_t> RunRoute(const Draft& draft, std::string_view entry) {
  if (!entry.starts_with(kRun)) return std::nullopt;
  const std::string_view number = entry.substr(kRun.size());
  size_t route = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), route);
  const bool whole = error == std::errc() && end == number.data() + number.size();
  const auto& routes = draft.pipeline.routes;
  if (!whole || route >= routes.size() || routes[route].kind != RouteKind::kRun)
    return std::nullopt;
  return route;
}

std::set<std::string> Payloads::Entries(const Draft& draft) const {
  std::set<std::string> out;
  for (const std::string& event : EntryEvents(draft.pipeline)) out.insert(event);
  for (size_t i = 0; i < draft.pipeline.routes.size(); ++i) {
    if (draft.pipeline.routes[i].kind == RouteKind::kRun) out.insert(RunEntry(i));
  }
  for (const auto& [event, targets] : draft.pipeline.foreign) out.insert(event);
  return out;
}

std::set<std::string> Payloads::EntriesOf(const Draft& draft, StepIndex index) {
  std::set<std::string> out;
  StepSet seen, left = StepSet::Of(index);
  while (!left.empty()) {
    StepSet next;
    left.Each([&](StepIndex i) {
      seen.Add(i);
      const Step& step = draft.pipeline.step(i);
      for (size_t r = 0; r < draft.pipeline.routes.size(); ++r) {
        const auto& run = draft.pipeline.routes[r].run;
        if (std::find(run.begin(), run.end(), i) != run.end()) out.insert(RunEntry(r));
      }
      for (const std::string& event : step.on) {
        if (event.find('.') == std::string::npos || event.find('/') != std::string::npos)
          out.insert(event);
      }
      if (!step.inlined) next |= step.causes;
    });
    left = next - seen;
  }
  return out;
}

Shape Payloads::Root(const Draft& draft, const std::string& entry) {
  if (const auto route = RunRoute(draft, entry))
    return During(draft, *route, draft.pipeline.routes[*route].run.size());
  if (entry.find('/') != std::string::npos) {
    const auto [name, event] = SplitForeign(entry);
    const Draft* other = Named(name);
    return other == nullptr ? Unknown() : OfEvent(*other, event);
  }
  std::optional<Shape> all;
  for (size_t i = 0; i < draft.pipeline.routes.size(); ++i) {
    if (draft.pipeline.routes[i].kind == RouteKind::kStart &&
        draft.pipeline.routes[i].start == entry)
      Alternative(all, Before(draft, i));
  }
  for (size_t i = 0; i < draft.pipeline.topics.size(); ++i) {
    if (draft.pipeline.topics[i].start == entry) Alternative(all, Topic(draft, i));
  }
  return all ? *all : Unknown();
}

Shape Payloads::Root(const Draft& draft) {
  std::optional<Shape> all;
  for (const std::string& entry : Entries(draft)) Alternative(all, Root(draft, entry));
  return all ? *all : Unknown();
}

Shape Payloads::SignalFields(const Draft& draft, const std::string& signal) {
  std::optional<Shape> all;
  for (size_t i = 0; i < draft.pipeline.routes.size(); ++i) {
    const Route& route = draft.pipeline.routes[i];
    if (route.kind != RouteKind::kSignal || route.signal != signal) continue;
    Shape shape = Over(ShapeOf(route.body), ShapeOf(route.query));
    for (const QuestionUse& check : draft.routes[i].check)
      shape = Over(std::move(shape), Answered(check));
    Alternative(all, shape);
  }
  return all ? *all : Shape();
}

Shape Payloads::Added(const Draft& draft, StepIndex index, const std::string& event) {
  const Step& step = draft.pipeline.step(index);
  if (step.kind == StepKind::kWait)
    return event == step.wait_for ? SignalFields(draft, event) : Shape();
  if (draft.steps[index].action == nullptr) return Unknown();
  for (const EventInfo& info : draft.steps[index].action->events) {
    if (info.name == event) return ShapeOf(info.added);
  }
  return Unknown();
}

Shape Payloads::OfStep(const Draft& draft, StepIndex index) {
  const auto known = steps_.find({&draft, index});
  if (known != steps_.end()) return known->second;
  const std::pair<const Draft*, std::string> guard{&draft, draft.pipeline.step(index).name};
  if (!open_.insert(guard).second) return Unknown();
  Shape shape = ComputeStep(draft, index);
  open_.erase(guard);
  return steps_[{&draft, index}] = std::move(shape);
}

Shape Payloads::ComputeStep(const Draft& draft, StepIndex index) {
  const Step& step = draft.pipeline.step(index);
  std::optional<Shape> out;
  if (step.inlined) {
    for (size_t r = 0; r < draft.pipeline.routes.size(); ++r) {
      const auto& run = draft.pipeline.routes[r].run;
      const auto at = std::find(run.begin(), run.end(), index);
      if (at != run.end())
        Alternative(out, During(draft, r, static_cast<size_t>(at - run.begin())));
    }
  } else if (step.all) {
    Shape joined;
    for (const std::string& event : step.on)
      joined = Over(std::move(joined), OfEvent(draft, event));
    out = joined;
  } else {
    for (const std::string& event : step.on) Alternative(out, OfEvent(draft, event));
  }
  return out ? *out : Unknown();
}

Shape Payloads::OfEvent(const Draft& draft, const std::string& event) {
  if (event.starts_with('$')) {
    const std::pair<const Draft*, std::string> guard{&draft, event};
    if (!open_.insert(guard).second) return Unknown();
    Shape shape = Root(draft);
    open_.erase(guard);
    shape.Set("$saga", {true, FieldType::kObject});
    return shape;
  }
  if (event.find('/') != std::string::npos) return Root(draft, event);
  const size_t dot = event.find('.');
  if (dot != std::string::npos) {
    const auto step = draft.pipeline.Find(event.substr(0, dot));
    if (!step || *step >= draft.pipeline.main_count) return Unknown();
    return Over(OfStep(draft, *step), Added(draft, *step, event.substr(dot + 1)));
  }
  std::optional<Shape> told;
  for (size_t i = 0; i < draft.pipeline.routes.size(); ++i) {
    if (draft.pipeline.routes[i].tell != event) continue;
    const QuestionUse& ask = draft.routes[i].ask;
    Alternative(told, ask.info == nullptr ? Unknown() : ShapeOf(ask.info->out, false));
  }
  return told ? *told : Root(draft, event);
}

const Draft* Payloads::Named(const std::string& pipeline) const {
  for (const auto& draft : all_) {
    if (draft->pipeline.name == pipeline) return draft.get();
  }
  return nullptr;
}

}  // namespace reprise::runtime
