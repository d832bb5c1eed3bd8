/// Audit: what must hold after every commit of a simulated run, whatever the pipelines are.
///
/// It sees what transactions wrote, once they are committed, and knows nothing of how they came to.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "model/pipeline.h"
#include "model/saga.h"
#include "ports/journal.h"

namespace reprise::runtime::simulation {

/// What one transaction did.
struct Written {
  std::vector<Saga> sagas;
  std::vector<StepRow> steps;
  std::vector<Due> armed, fired;
  std::vector<Uuid> consumed;
  std::vector<Message> outbox;
};

class Audit {  // Threads: one.
 public:
  using PlanOf = std::function<PipelineRef(const std::string& hash)>;
  explicit Audit(PlanOf plan_of) : plan_of_(std::move(plan_of)) {}

  /// Checks a commit at this time.
  void Committed(const Written& written, Time now);
  /// After it: what the journal says of the sagas it touched.
  void CheckOpen(Journal& journal);
  /// Nothing is to come any more: every saga must have ended, and its steps must fit its end.
  void CheckEnds(Journal& journal);

  /// An external call begins and ends; what it may not do is overlap, or change its key.
  void CallBegins(const Uuid& saga, const std::string& call, std::string_view idempotency_key);

  /// The first thing that was wrong, or empty.
  const std::string& broken() const { return broken_; }
  void Break(std::string what) {
    if (broken_.empty()) broken_ = std::move(what);
  }
  /// What happened at least once: "a late do was refused".
  const std::set<std::string>& seen() const { return seen_; }
  void See(const std::string& what) { seen_.insert(what); }
  /// Failures for good that must have been told: a saga, and "$failed" or "$stuck".
  const std::set<std::pair<Uuid, std::string>>& to_tell() const { return to_tell_; }
  /// Every saga that was ever stored, as it was last.
  const std::map<Uuid, Saga>& sagas() const { return sagas_; }

 private:
  using StepKey = std::tuple<Uuid, StepIndex, std::int64_t>;
  std::string NameOf(const StepRow& row) const;
  void CheckStep(const StepRow& before, const StepRow& after);
  void CheckOrder(const StepRow& row);
  void See(const StepRow& before, const StepRow& after);
  bool Main(const std::string& plan, StepIndex step) const;

  const PlanOf plan_of_;
  std::map<StepKey, StepRow> steps_;
  std::map<Uuid, Saga> sagas_;
  std::map<Uuid, std::set<Uuid>> live_;  // a saga's messages that are stored and not consumed
  std::set<Uuid> touched_;
  std::map<std::string, std::string> calls_;
  std::set<std::pair<Uuid, std::string>> to_tell_;
  std::set<std::string> seen_;
  std::string broken_;
};

}  // namespace reprise::runtime::simulation
