/// The SQL of a list of sagas: which index, which conditions.
#pragma once

#include "ports/journal.h"
#include "sqlite/core.h"

namespace reprise::runtime::sqlite {

class SagaQuery {
 public:
  SagaQuery(Core& core, const SagaFilter& filter)
      : core_(core), filter_(filter), plans_(core.plans.OfPipeline(filter.pipeline)) {}

  /// `?1..?2` the ids, `?3` subject, `?4` older_than, `?5` newer_than, `?6` limit, `?7` step.
  /// Empty: no saga can match.
  Result<std::string> Sql();

 private:
  Result<std::int64_t> Matching();  // how many sagas are in the states asked for
  void AddStates(std::int64_t matching);
  void AddStep();
  void AddStepRows(const std::string& which);

  Core& core_;
  const SagaFilter& filter_;
  const std::vector<std::int64_t> plans_;
  std::string source_ = "rp_saga s NOT INDEXED";
  std::string where_;
};

}  // namespace reprise::runtime::sqlite
