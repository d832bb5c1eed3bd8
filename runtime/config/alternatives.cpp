#include "config/alternatives.h"

#include <algorithm>

namespace reprise::runtime {
namespace {

constexpr size_t kWaysMax = 256;  // beyond that nothing is known, which is the careful answer
constexpr int kBeginning = -1;

template <class Way>
bool Conflict(const Way& a, const Way& b) {
  for (const auto& [step, choice] : a) {
    const auto other = b.find(step);
    if (other != b.end() && other->second != choice) return true;
  }
  return false;
}

bool IsTimer(const StepDraft& draft, const std::string& event) {
  if (draft.action == nullptr) return false;
  return std::any_of(draft.action->events.begin(), draft.action->events.end(),
                     [&](const EventInfo& info) { return info.name == event && info.timer; });
}

}  // namespace

bool Alternatives::Exclude(const std::string& one, const std::string& other) {
  const Ways a = OfEvent(one), b = OfEvent(other);
  return std::all_of(a.begin(), a.end(), [&](const Way& x) {
    return std::all_of(b.begin(), b.end(), [&](const Way& y) { return Conflict(x, y); });
  });
}

const Alternatives::Ways& Alternatives::OfStep(StepIndex step) {
  const auto known = steps_.find(step);
  if (known != steps_.end()) return known->second;
  Ways ways = Compute(step);
  if (ways.size() > kWaysMax) ways = {Way{}};
  return steps_[step] = std::move(ways);
}

Alternatives::Ways Alternatives::OfEvent(const std::string& event) {
  const size_t dot = event.find('.');
  if (dot == std::string::npos || event.find('/') != std::string::npos)
    return {{{kBeginning, event}}};
  const auto step = draft_.pipeline.Find(event.substr(0, dot));
  if (!step || *step >= draft_.pipeline.main_count) return {Way{}};
  Ways ways = OfStep(*step);
  const std::string choice = event.substr(dot + 1);
  if (IsTimer(draft_.steps[*step], choice)) return ways;
  for (Way& way : ways) way[*step] = choice;
  return ways;
}

Alternatives::Ways Alternatives::Compute(StepIndex index) {
  const Step& step = draft_.pipeline.step(index);
  Ways out;
  if (step.inlined) {
    for (const Route& route : draft_.pipeline.routes) {
      if (std::find(route.run.begin(), route.run.end(), index) == route.run.end()) continue;
      out.push_back({{kBeginning, route.name()}});
    }
    return out;
  }
  if (!step.all) {
    for (const std::string& event : step.on) {
      for (Way& way : OfEvent(event)) out.push_back(std::move(way));
    }
    return out;
  }
  out = {Way{}};
  for (const std::string& event : step.on) {
    Ways joined;
    for (const Way& more : OfEvent(event)) {
      for (const Way& way : out) {
        if (Conflict(way, more)) continue;
        joined.push_back(way);
        joined.back().insert(more.begin(), more.end());
      }
    }
    out = std::move(joined);
    if (out.size() > kWaysMax) return {Way{}};
  }
  return out;
}

}  // namespace reprise::runtime
