/// Pipelines built by hand, in a few words each.
#pragma once

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "model/pipeline.h"

namespace reprise::runtime {

inline const Time kNow = FromMillis(1'767'225'600'000);

/// Adds main steps, then side steps, then links.
class PipelineOf {
 public:
  explicit PipelineOf(std::string name = "flow") {
    pipeline_.name = std::move(name);
    pipeline_.hash = "hash";
  }

  /// A main step that undoes everything when it fails, unless changed.
  PipelineOf& Main(const std::string& name, std::vector<std::string> on) {
    Step step;
    step.name = name;
    step.on = std::move(on);
    pipeline_.steps.push_back(std::move(step));
    failing_.push_back({"*"});
    ++pipeline_.main_count;
    return *this;
  }
  PipelineOf& Join(const std::string& name, std::vector<std::string> on) {
    Main(name, std::move(on));
    last().all = true;
    return *this;
  }
  PipelineOf& Side(const std::string& name, std::vector<std::string> on, std::string undo_on = "") {
    Step step;
    step.name = name;
    step.on = std::move(on);
    step.undo_on = std::move(undo_on);
    step.side = true;
    pipeline_.steps.push_back(std::move(step));
    return *this;
  }
  /// What the last step's failure undoes: names, "*" for all, nothing for `undo: none`.
  PipelineOf& Undoing(std::vector<std::string> names) {
    failing_.back() = std::move(names);
    return *this;
  }
  template <class F>
  PipelineOf& With(F change) {
    change(last());
    return *this;
  }
  PipelineOf& Inline(std::vector<std::string> names) {
    inlined_ = std::move(names);
    return *this;
  }

  Pipeline Build() {
    Route route;
    route.kind = RouteKind::kRun;
    for (const std::string& name : inlined_) {
      route.run.push_back(*pipeline_.Find(name));
      pipeline_.steps[route.run.back()].inlined = true;
    }
    if (!route.run.empty()) pipeline_.routes.push_back(route);
    for (StepIndex i = 0; i < pipeline_.main_count; ++i) {
      OnFailure& policy = pipeline_.steps[i].on_failure;
      policy.none = failing_[i].empty();
      for (const std::string& name : failing_[i]) {
        policy.undo |= name == "*" ? pipeline_.mains() : StepSet::Of(*pipeline_.Find(name));
      }
    }
    Link(pipeline_);
    return pipeline_;
  }

 private:
  Step& last() { return pipeline_.steps.back(); }

  Pipeline pipeline_;
  std::vector<std::vector<std::string>> failing_;
  std::vector<std::string> inlined_;
};

}  // namespace reprise::runtime
