/// Which events of a pipeline exclude each other.
///
/// A Do emits at most one of its events, a wait exactly one of two, and a saga begins with one
/// input.  What led to an event is therefore a set of choices; two events exclude each other if
/// every way to the one made some choice differently from every way to the other.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/draft.h"

namespace reprise::runtime {

class Alternatives {  // Threads: one.
 public:
  /// `draft` is linked, has no cycle and outlives this.
  explicit Alternatives(const Draft& draft) : draft_(draft) {}

  bool Exclude(const std::string& one, const std::string& other);

 private:
  using Way = std::map<int, std::string>;  // step (-1: the saga's beginning) -> its choice
  using Ways = std::vector<Way>;

  const Ways& OfStep(StepIndex step);
  Ways OfEvent(const std::string& event);
  Ways Compute(StepIndex step);

  const Draft& draft_;
  std::map<StepIndex, Ways> steps_;
};

}  // namespace reprise::runtime
