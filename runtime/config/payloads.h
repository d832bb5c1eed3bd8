/// What the payloads of a set of pipelines look like: roots, steps, events.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/lint.h"
#include "config/shapes.h"

namespace reprise::runtime {

/// The route that an entry means as "run:0" does; none: it is an event, whatever its name is like.
std::optional<size_t> RunRoute(const Draft& draft, std::string_view entry);

class Payloads {  // Threads: one.
 public:
  /// Pipelines are linked; `all` outlives this.
  explicit Payloads(const Drafts& all) : all_(all) {}

  /// A route's fields after its checks and `id`, before `run`.
  Shape Before(const Draft& draft, size_t route);
  /// The fields with which check number `check` is asked; past the last: the route's own question.
  Shape Asked(const Draft& draft, size_t route, size_t check);
  /// What `run` steps before position `position` leave.
  Shape During(const Draft& draft, size_t route, size_t position);

  /// What begins sagas: "requested", "run:0" (a route's number), "billing/$undone".
  std::set<std::string> Entries(const Draft& draft) const;
  /// Those from which a main step can be reached.
  std::set<std::string> EntriesOf(const Draft& draft, StepIndex step);
  Shape Root(const Draft& draft, const std::string& entry);
  Shape Root(const Draft& draft);  // whatever the entry

  Shape OfStep(const Draft& draft, StepIndex step);  // the payload of its Do
  Shape OfEvent(const Draft& draft, const std::string& event);
  /// The fields that an event of a step adds.
  Shape Added(const Draft& draft, StepIndex step, const std::string& event);

 private:
  Shape ComputeStep(const Draft& draft, StepIndex step);
  Shape SignalFields(const Draft& draft, const std::string& signal);
  Shape Topic(const Draft& draft, size_t topic) const;
  const Draft* Named(const std::string& pipeline) const;

  const Drafts& all_;
  std::map<std::pair<const Draft*, StepIndex>, Shape> steps_;
  std::set<std::pair<const Draft*, std::string>> open_;  // guards against endless recursion
};

}  // namespace reprise::runtime
