/// The plans in flight: every pipeline that a saga may still follow, with its steps bound to
/// plugins.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/metrics.h"
#include "base/result.h"
#include "model/pipeline.h"
#include "ports/plugins.h"

namespace reprise::runtime {

/// A step with its plugin's action and what is remembered of it while the process lives.
struct BoundStep {
  const Step* step = nullptr;
  LaneId lane = 0;                 // partition 0 of its lanes
  std::unique_ptr<Action> action;  // null: built in (wait, fail)
  /// Attempts left that get a savepoint at once, because one lately failed after it had written.
  mutable int careful = 0;
  Metrics::Counter* done = nullptr;
  Metrics::Counter* failed = nullptr;
  Metrics::Counter* retried = nullptr;
  Metrics::Counter* undone = nullptr;
  Metrics::Histogram* seconds = nullptr;
};

struct Plan {
  PipelineRef pipeline;
  std::vector<BoundStep> steps;
  std::size_t number = 0;  // in the order they were added: what is sorted is the same in every run

  const Step& step(StepIndex i) const { return *steps[i].step; }
};

/// A step of another pipeline that an event begins a saga for.
struct ForeignStart {
  const Plan* plan = nullptr;
  const std::vector<Target>* targets = nullptr;
};

class Plans {  // Threads: filled before the executor starts, then its thread's.
 public:
  explicit Plans(Plugins& plugins, Metrics& metrics) : plugins_(plugins), metrics_(metrics) {}

  /// Binds every step.  `current`: new sagas of this pipeline follow it, and events of other
  /// pipelines reach it; else it only serves sagas that began with it.
  Status Add(PipelineRef pipeline, bool current);

  /// Adds the plan of this hash, which another process brought into the journal since.
  using Learn = std::function<Status(std::string_view hash)>;
  void OnUnknown(Learn learn) { learn_ = std::move(learn); }

  /// Null: nobody has it, or what it needs is not here.  Stays where it is.
  const Plan* Find(std::string_view hash);
  const Plan* Current(std::string_view pipeline) const;
  const std::vector<const Plan*>& current() const { return current_; }
  std::vector<const Plan*> All() const;

  /// Who begins a saga at this event: Foreign("billing", "$undone").
  const std::vector<ForeignStart>& Foreign(std::string_view pipeline, std::string_view event) const;
  bool any_foreign() const { return !foreign_.empty(); }

  /// The status an action or question of this plugin declares for a code; 500 if it declares none.
  int HttpOf(const std::string& plugin, const std::string& part, std::string_view code) const;

 private:
  Plugins& plugins_;
  Metrics& metrics_;
  Learn learn_;
  std::map<std::string, std::unique_ptr<Plan>, std::less<>> by_hash_;
  std::vector<const Plan*> current_;
  std::map<std::string, std::vector<ForeignStart>, std::less<>> foreign_;
};

}  // namespace reprise::runtime
