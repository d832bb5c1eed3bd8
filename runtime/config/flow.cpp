#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/suggest.h"
#include "config/alternatives.h"
#include "config/events.h"
#include "config/lint.h"
#include "config/values.h"

namespace reprise::runtime {
namespace {

/// The events that mistyped ones were meant to be: one mistake is told once.
std::set<std::string> Meant(const Draft& draft, bool by_side_steps) {
  std::set<std::string> out;
  const std::vector<std::string> known = AllEvents(draft.pipeline);
  for (const Step& step : draft.pipeline.steps) {
    if (step.side && !by_side_steps) continue;
    for (const std::string& event : step.on) {
      const bool resolved = std::find(known.begin(), known.end(), event) != known.end();
      if (!resolved && event.find('/') == std::string::npos) out.insert(Nearest(event, known));
    }
  }
  return out;
}

/// Every event that somebody listens to; "*" if a side step takes them all.
std::set<std::string> Handled(const Draft& draft, const Drafts& all) {
  std::set<std::string> out = Meant(draft, true);
  for (const Step& step : draft.pipeline.steps) {
    out.insert(step.on.begin(), step.on.end());
    out.insert(step.undo_on);
  }
  const std::string prefix = draft.pipeline.name + "/";
  for (const auto& other : all) {
    for (const Step& step : other->pipeline.steps) {
      for (const std::string& event : step.on) {
        if (event.starts_with(prefix)) out.insert(event.substr(prefix.size()));
      }
    }
  }
  return out;
}

void CheckHandled(Draft& draft, const Drafts& all) {
  const std::set<std::string> handled = Handled(draft, all);
  if (handled.contains("*")) return;
  for (size_t i = 0; i < draft.routes.size(); ++i) {
    const Route& route = draft.pipeline.routes[i];
    const char* key = route.tell.empty() ? "start" : "tell";
    const std::string& event = route.tell.empty() ? route.start : route.tell;
    if (event.empty() || handled.contains(event)) continue;
    draft.sink.Error("RPR070", draft.routes[i].At(key),
                     fmt::format("nobody handles '{}' of this route", event));
  }
  for (size_t i = 0; i < draft.topics.size(); ++i) {
    const std::string& event = draft.pipeline.topics[i].start;
    if (event.empty() || handled.contains(event)) continue;
    draft.sink.Error("RPR070", draft.topics[i].At("start"),
                     fmt::format("nobody handles '{}' of this topic", event));
  }
  for (StepIndex i = 0; i < draft.pipeline.main_count; ++i) {
    const Step& step = draft.pipeline.step(i);
    std::vector<std::string> left;
    for (const std::string& event : step.events) {
      if (!handled.contains(step.name + "." + event)) left.push_back(step.name + "." + event);
    }
    if (left.size() == step.events.size()) continue;
    for (const std::string& event : left) {
      draft.sink.Error("RPR070", *draft.steps[i].name,
                       fmt::format("nobody handles '{}', though other events of '{}' are handled",
                                   event, step.name));
    }
  }
}

bool CheckCycles(Draft& draft) {
  const StepSet cyclic = InCycles(draft.pipeline);
  StepSet told;
  cyclic.Each([&](StepIndex i) {
    if (told.Has(i)) return;
    std::string names;
    cyclic.Each([&](StepIndex j) {
      const bool same = j == i || (draft.pipeline.step(i).closure.Has(j) &&
                                   draft.pipeline.step(j).closure.Has(i));
      if (!same) return;
      told.Add(j);
      names += (names.empty() ? "'" : ", '") + draft.pipeline.step(j).name + "'";
    });
    draft.sink.Error("RPR072", draft.steps[i].At("on"),
                     fmt::format("a cycle: {} would wait for {}", names,
                                 names.find(',') == std::string::npos ? "itself" : "each other"));
  });
  return !cyclic.empty();
}

void CheckAlternatives(Draft& draft) {
  Alternatives alternatives(draft);
  for (StepIndex i = 0; i < draft.pipeline.main_count; ++i) {
    const Step& step = draft.pipeline.step(i);
    for (size_t b = 1; b < step.on.size() && step.on.size() == draft.steps[i].on.size(); ++b) {
      for (size_t a = 0; a < b; ++a) {
        const bool exclude = alternatives.Exclude(step.on[a], step.on[b]);
        if (step.all && exclude) {
          draft.sink.Error(
              "RPR074", *draft.steps[i].on[b],
              fmt::format("'{}' and '{}' exclude each other: this join never completes", step.on[a],
                          step.on[b]));
        } else if (!step.all && !exclude) {
          draft.sink.Error("RPR073", *draft.steps[i].on[b],
                           fmt::format("'{}' and '{}' can both happen in one saga, but a step runs "
                                       "once; join them with {{ all: [..] }} or make two steps",
                                       step.on[a], step.on[b]));
        }
      }
    }
  }
}

/// An external step that cannot be undone, in the scope of somebody's failure.
void CheckScopes(Draft& draft) {
  const Pipeline& pipeline = draft.pipeline;
  for (StepIndex i = 0; i < pipeline.main_count; ++i) {
    const Step& step = pipeline.step(i);
    if (!step.external || step.can_undo) continue;
    std::vector<std::string> who;
    if (pipeline.timeout) who.emplace_back("the pipeline's timeout");
    for (StepIndex f = 0; f < pipeline.main_count; ++f) {
      const Step& failing = pipeline.step(f);
      const bool fails =
          failing.kind != StepKind::kWait && !failing.inlined && !failing.on_failure.none;
      if (fails && failing.on_failure.undo.Has(i))
        who.push_back("a failure of '" + failing.name + "'");
    }
    if (who.empty()) continue;
    draft.sink.Error("RPR080", draft.steps[i].At("plugin"),
                     fmt::format("step '{}' cannot be undone, but {} would undo it; leave it out "
                                 "of 'on_failure: {{ undo }}', or make it a side step",
                                 step.name, who[0]));
  }
}

void CheckSteps(Draft& draft) {
  const Pipeline& pipeline = draft.pipeline;
  const Node* defaults = draft.root.Find("defaults");
  const bool told = defaults != nullptr && defaults->Find("on_failure") != nullptr;
  std::set<std::string> followed;
  for (const std::string& event : Meant(draft, false)) {
    followed.insert(event.substr(0, event.find('.')));
  }
  for (StepIndex i = 0; i < pipeline.main_count; ++i) {
    const Step& step = pipeline.step(i);
    const StepDraft& marks = draft.steps[i];
    if (step.inlined && step.external) {
      draft.sink.Error(
          "RPR065", marks.At("plugin"),
          fmt::format("step '{}' is run inside the route's transaction, but {}.{} is external",
                      step.name, step.plugin, step.action));
    }
    if (step.kind == StepKind::kAction && marks.known && !step.inlined && step.dependents.empty() &&
        !followed.contains(step.name) && !told && marks.body->Find("on_failure") == nullptr) {
      draft.sink.Error(
          "RPR081", *marks.name,
          fmt::format(
              "no step follows '{}'; say what its failure undoes: on_failure: {{ undo: all }}, "
              "a list, or none",
              step.name));
    }
    step.causes.Each([&](StepIndex cause) {
      if (!pipeline.step(cause).undo_last) return;
      const Node* at = marks.name;
      for (const Node* on : marks.on) {
        if (on->text.starts_with(pipeline.step(cause).name + ".")) at = on;
      }
      draft.sink.Error(
          "RPR082", *at,
          fmt::format(
              "step '{}' follows '{}', which says 'undo: last': what follows it would be undone "
              "after people were told",
              step.name, pipeline.step(cause).name));
    });
  }
}

/// Waits and timers that end after the pipeline's own timeout.
void CheckTimers(Draft& draft) {
  const auto timeout = draft.pipeline.timeout;
  if (!timeout) return;
  const auto check = [&](const Node& at, Millis length, const std::string& what) {
    if (length < *timeout) return;
    draft.sink.Error("RPR083", at,
                     fmt::format("{} of {} is not shorter than the pipeline's timeout of {}", what,
                                 FormatDuration(length), FormatDuration(*timeout)));
  };
  for (StepIndex i = 0; i < draft.pipeline.main_count; ++i) {
    const Step& step = draft.pipeline.step(i);
    const StepDraft& marks = draft.steps[i];
    if (step.kind == StepKind::kWait) {
      const Node* most = marks.At("wait").Find("at_most");
      check(most == nullptr ? *marks.name : *most, step.wait_at_most, "a wait");
    }
    if (marks.action == nullptr) continue;
    const bool timer = std::any_of(marks.action->events.begin(), marks.action->events.end(),
                                   [](const EventInfo& e) { return e.timer; });
    for (const FieldInfo& field : marks.action->with) {
      const json::value* value = step.with.if_contains(field.name);
      if (!timer || field.type != FieldType::kDuration || value == nullptr || !value->is_int64())
        continue;
      const Node* at = marks.At("with").Find(field.name);
      check(at == nullptr ? *marks.name : *at, Millis(value->get_int64()), "a timer");
    }
  }
}

/// Steps that no input leads to although they listen to something: all they wait for is unreachable
/// too.
void CheckReachable(Draft& draft) {
  const Pipeline& pipeline = draft.pipeline;
  StepSet reached;
  const auto arrives = [&](const std::string& event) {
    const size_t dot = event.find('.');
    if (dot == std::string::npos || event.find('/') != std::string::npos) return true;
    const auto from = pipeline.Find(event.substr(0, dot));
    return !from || *from >= pipeline.main_count || reached.Has(*from);
  };
  for (bool more = true; more;) {
    more = false;
    for (StepIndex i = 0; i < pipeline.main_count; ++i) {
      const Step& step = pipeline.step(i);
      if (reached.Has(i)) continue;
      const bool now =
          step.inlined || (step.all ? std::all_of(step.on.begin(), step.on.end(), arrives)
                                    : std::any_of(step.on.begin(), step.on.end(), arrives));
      if (!now || (step.on.empty() && !step.inlined)) continue;
      reached.Add(i);
      more = true;
    }
  }
  (pipeline.mains() - reached).Each([&](StepIndex i) {
    if (pipeline.step(i).on.empty()) return;  // reported as such
    draft.sink.Error("RPR071", *draft.steps[i].name,
                     fmt::format("step '{}' is unreachable: nothing it waits for can happen",
                                 pipeline.step(i).name));
  });
}

}  // namespace

StepSet InCycles(const Pipeline& pipeline) {
  StepSet out;
  for (StepIndex i = 0; i < pipeline.main_count; ++i) {
    const Step& step = pipeline.step(i);
    step.closure.Each([&](StepIndex j) {
      if (pipeline.step(j).closure.Has(i)) out.Add(i);
    });
    for (const std::string& event : step.on) {
      if (event.starts_with(step.name + ".")) out.Add(i);
    }
  }
  return out;
}

void LintFlow(Draft& draft, const Drafts& all) {
  CheckHandled(draft, all);
  CheckReachable(draft);
  if (!CheckCycles(draft)) CheckAlternatives(draft);
  CheckScopes(draft);
  CheckSteps(draft);
  CheckTimers(draft);
}

}  // namespace reprise::runtime
