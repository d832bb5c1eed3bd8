#include "sqlite/saga_query.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "sqlite/rows.h"

namespace reprise::runtime::sqlite {
namespace {

/// Up to this many matching sagas an index and a sort are used; above, they are dense enough that
/// the newest are found by walking back from the end.
constexpr std::int64_t kNarrow = 20'000;

constexpr std::string_view kTrouble = "(2, 3, 5, 10)";  // retrying, held, failed, stuck
constexpr std::string_view kOdd =
    "t.state IN (1, 2, 3, 5, 6, 7, 10)";  // the term of the index rp_step_odd

template <class E>
std::string Numbers(const std::vector<E>& values) {
  std::vector<std::int64_t> numbers;
  numbers.reserve(values.size());
  for (const E v : values) numbers.push_back(static_cast<std::int64_t>(v));
  return fmt::format("({})", fmt::join(numbers, ", "));
}

bool Closed(SagaState s) {
  return s == SagaState::kDone || s == SagaState::kUndone;
}

bool Odd(StepState s) {
  return s != StepState::kWaiting && s != StepState::kDone && s != StepState::kUndone &&
         s != StepState::kTombstone && s != StepState::kSkipped;
}

}  // namespace

Result<std::string> SagaQuery::Sql() {
  if (plans_.empty()) return std::string();
  if (!filter_.states.empty()) {
    const auto matching = Matching();
    if (!matching) return matching.error();
    if (*matching == 0) return std::string();
    AddStates(*matching);
  }
  if (!filter_.pipeline.empty() || source_.ends_with("open") || source_.ends_with("ended")) {
    where_ += " AND s.plan IN " + Numbers(plans_);
  }
  if (!filter_.subject.empty()) {
    source_ = "rp_saga s INDEXED BY rp_saga_subject";
    where_ += " AND s.subject = ?3 AND s.subject IS NOT NULL";
  }
  if (!filter_.step_states.empty()) AddStepRows("t.state IN " + Numbers(filter_.step_states));
  if (!filter_.step.empty()) AddStep();
  if (filter_.older_than) where_ += " AND s.created < ?4";
  if (filter_.newer_than) where_ += " AND s.created > ?5";
  return fmt::format(
      "SELECT {} FROM {} WHERE s.id >= ?1 AND s.id {} ?2{} ORDER BY s.id DESC LIMIT ?6",
      RP_SAGA_COLUMNS, source_, filter_.before ? "<" : "<=", where_);
}

Result<std::int64_t> SagaQuery::Matching() {
  std::int64_t sum = 0;
  for (const std::int64_t plan : plans_) {
    for (const SagaState state : filter_.states) {
      const auto count = core_.plans.Count(plan, state);
      if (!count) return count.error();
      sum += *count;
    }
  }
  return sum;
}

void SagaQuery::AddStates(std::int64_t matching) {
  const bool ended = std::all_of(filter_.states.begin(), filter_.states.end(), Closed);
  const bool open = std::none_of(filter_.states.begin(), filter_.states.end(), Closed);
  if (matching <= kNarrow && (ended || open)) {
    source_ = ended ? "rp_saga s INDEXED BY rp_saga_ended" : "rp_saga s INDEXED BY rp_saga_open";
    where_ += ended ? " AND s.state IN (2, 3)" : " AND s.state NOT IN (2, 3)";
  }
  where_ += " AND s.state IN " + Numbers(filter_.states);
}

/// States that are rare are found through their index.
void SagaQuery::AddStepRows(const std::string& which) {
  const bool rare = std::all_of(filter_.step_states.begin(), filter_.step_states.end(), Odd);
  where_ +=
      rare ? fmt::format(
                 " AND s.id IN (SELECT t.saga FROM rp_step t INDEXED BY rp_step_odd WHERE {} AND "
                 "{})",
                 kOdd, which)
           : fmt::format(" AND EXISTS(SELECT 1 FROM rp_step t WHERE t.saga = s.id AND {})", which);
}

void SagaQuery::AddStep() {
  where_ += fmt::format(
      " AND s.id IN (SELECT t.saga FROM rp_step t INDEXED BY rp_step_odd WHERE {} AND t.state IN "
      "{})",
      kOdd, kTrouble);
  if (filter_.step_of_plan.empty()) {
    where_ += " AND EXISTS(SELECT 1 FROM rp_history h WHERE h.saga = s.id AND h.step = ?7)";
    return;
  }
  std::string steps = "0";
  for (const auto& [hash, step] : filter_.step_of_plan) {
    for (const std::int64_t plan : plans_) {
      if (core_.plans.NameOf(plan).hash == hash)
        steps += fmt::format(" OR (s.plan = {} AND t.step = {})", plan, step);
    }
  }
  where_ += fmt::format(
      " AND EXISTS(SELECT 1 FROM rp_step t WHERE t.saga = s.id AND t.state IN {} AND ({}))",
      kTrouble, steps);
}

}  // namespace reprise::runtime::sqlite
