// What operators read: lists, details, counts.  None of it slows down with the number of ended
// sagas.
#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "postgres/journal.h"
#include "postgres/rows.h"

namespace reprise::runtime::postgres {
namespace {

/// How many open sagas one look of the sweeper may examine: a few milliseconds.
constexpr std::int64_t kIdleLook = 5'000;

constexpr std::string_view kTrouble = "(2, 3, 5, 10)";  // retrying, held, failed, stuck
constexpr std::string_view kOdd =
    "t.state IN (1, 2, 3, 5, 6, 7, 10)";  // the term of the index rp_step_odd

/// The condition of a list, with its values.
class SagaQuery {
 public:
  SagaQuery(const SagaFilter& filter, const IdRange& range, Plans& plans)
      : filter_(filter), plans_(plans) {
    const bool page = filter.before && *filter.before <= range.high;
    where_ = fmt::format("s.id >= {} AND s.id {} {}", Value(range.low),
                         page ? "<" : "<=", Value(page ? *filter.before : range.high));
  }

  std::string Sql() {
    if (!filter_.pipeline.empty()) {
      where_ += " AND s.plan = ANY(" + Value(NumbersOf(plans_.OfPipeline(filter_.pipeline))) + ")";
    }
    if (!filter_.states.empty()) AddStates();
    if (!filter_.subject.empty())
      where_ += " AND s.subject IS NOT NULL AND s.subject = " + Value(Clean(filter_.subject));
    if (filter_.older_than) where_ += " AND s.created < " + Value(*filter_.older_than);
    if (filter_.newer_than) where_ += " AND s.created > " + Value(*filter_.newer_than);
    if (!filter_.step_states.empty()) AddStepStates();
    if (!filter_.step.empty()) AddStep();
    return fmt::format("SELECT " RP_SAGA_COLUMNS
                       " FROM rp_saga s WHERE {} ORDER BY s.id DESC LIMIT {}",
                       where_, Value(static_cast<std::int64_t>(filter_.limit)));
  }
  Params params() && { return std::move(params_); }

 private:
  template <class T>
  std::string Value(T&& value) {
    params_.Add(std::forward<T>(value));
    return fmt::format("${}", params_.count());
  }
  template <class E>
  static std::string Numbers(const std::vector<E>& values) {
    std::vector<std::int64_t> numbers;
    for (const E v : values) numbers.push_back(static_cast<std::int64_t>(v));
    return fmt::format("({})", fmt::join(numbers, ", "));
  }

  /// The first term is an index's.
  void AddStates() {
    const auto ended = std::count_if(filter_.states.begin(), filter_.states.end(), [](SagaState s) {
      return s == SagaState::kDone || s == SagaState::kUndone;
    });
    if (ended == 0) where_ += " AND s.state NOT IN (2, 3)";
    if (ended == std::ssize(filter_.states)) where_ += " AND s.state IN (2, 3)";
    where_ += " AND s.state IN " + Numbers(filter_.states);
  }

  /// States that are rare are found through their index.
  void AddStepStates() {
    const bool rare =
        std::none_of(filter_.step_states.begin(), filter_.step_states.end(), [](StepState s) {
          return s == StepState::kWaiting || s == StepState::kDone || s == StepState::kUndone ||
                 s == StepState::kTombstone || s == StepState::kSkipped;
        });
    where_ += fmt::format(" AND {} rp_step t WHERE {} AND t.state IN {})",
                          rare ? "s.id IN (SELECT t.saga FROM" : "EXISTS(SELECT 1 FROM",
                          rare ? kOdd : "t.saga = s.id", Numbers(filter_.step_states));
  }

  void AddStep() {
    where_ += fmt::format(" AND s.id IN (SELECT t.saga FROM rp_step t WHERE {} AND t.state IN {})",
                          kOdd, kTrouble);
    if (filter_.step_of_plan.empty()) {
      where_ += " AND EXISTS(SELECT 1 FROM rp_history h WHERE h.saga = s.id AND h.step = " +
                Value(Clean(filter_.step)) + ")";
      return;
    }
    std::string steps = "false";
    for (const auto& [hash, step] : filter_.step_of_plan) {
      for (const std::int64_t plan : plans_.OfPipeline(filter_.pipeline)) {
        if (plans_.NameOf(plan).hash == hash)
          steps += fmt::format(" OR (s.plan = {} AND t.step = {})", plan, step);
      }
    }
    where_ += fmt::format(
        " AND EXISTS(SELECT 1 FROM rp_step t WHERE t.saga = s.id AND t.state IN {} AND ({}))",
        kTrouble, steps);
  }

  const SagaFilter& filter_;
  Plans& plans_;
  Params params_;
  std::string where_;
};

}  // namespace

Result<std::vector<Saga>> PostgresJournal::ListSagas(const SagaFilter& filter) {
  std::vector<Saga> out;
  const auto range = RangeOf(filter.id_prefix);
  if (!range) return out;
  SagaQuery query(filter, *range, core_.plans);
  const std::string sql = query.Sql();
  auto rows = core_.db.Once(sql, std::move(query).params());
  if (!rows) return rows.error();
  for (int i = 0; i < rows->rows(); ++i) {
    auto saga = Named(*rows, i);
    if (!saga) return saga.error();
    out.push_back(std::move(*saga));
  }
  return out;
}

Result<std::optional<SagaDetail>> PostgresJournal::ShowSaga(const Uuid& id) {
  auto saga = FindSaga(id);
  if (!saga) return saga.error();
  if (!*saga) return std::optional<SagaDetail>();
  SagaDetail detail;
  detail.saga = std::move(**saga);
  if (auto done = AddSteps(detail); !done) return done.error();
  if (auto done = AddDue(detail); !done) return done.error();
  if (auto done = AddHistory(detail); !done) return done.error();
  return std::optional(std::move(detail));
}

Status PostgresJournal::AddSteps(SagaDetail& detail) {
  auto rows = core_.db.Run("SELECT " RP_STEP_COLUMNS
                           " FROM rp_step t WHERE t.saga = $1 ORDER BY t.step, t.item",
                           Params::Of(detail.saga.id));
  if (!rows) return rows.error();
  for (int i = 0; i < rows->rows(); ++i) {
    auto step = ReadStep(*rows, i);
    if (!step) return step.error();
    detail.steps.push_back(std::move(*step));
  }
  return {};
}

Status PostgresJournal::AddDue(SagaDetail& detail) {
  auto rows =
      core_.db.Run("SELECT " RP_DUE_COLUMNS " FROM rp_due d WHERE d.saga = $1 ORDER BY d.due",
                   Params::Of(detail.saga.id));
  if (!rows) return rows.error();
  for (int i = 0; i < rows->rows(); ++i) {
    auto due = ReadDue(*rows, i);
    if (!due) return due.error();
    const postgres::Plans::Name& name = core_.plans.NameOf(rows->Int(i, 6));
    due->pipeline = name.pipeline;
    due->plan = name.hash;
    detail.due.push_back(std::move(*due));
  }
  return {};
}

Status PostgresJournal::AddHistory(SagaDetail& detail) {
  auto rows = core_.db.Run(
      "SELECT at, step, phase, what, code, detail, who, attempt FROM rp_history WHERE saga = $1"
      " ORDER BY id",
      Params::Of(detail.saga.id));
  if (!rows) return rows.error();
  for (int i = 0; i < rows->rows(); ++i) {
    detail.history.push_back({detail.saga.id, rows->At(i, 0), rows->String(i, 1),
                              rows->String(i, 2), rows->String(i, 3), rows->String(i, 4),
                              rows->String(i, 5), rows->String(i, 6),
                              static_cast<std::uint32_t>(rows->Int(i, 7))});
  }
  return {};
}

Result<std::vector<DeadLetter>> PostgresJournal::ListDeadLetters(const DeadLetterFilter& filter) {
  Params params = Params::Of(filter.after_id.value_or(0), static_cast<std::int64_t>(filter.limit));
  std::string sql = "SELECT " RP_DEAD_COLUMNS " FROM rp_dead WHERE id > $1";
  for (const auto& [column, value] :
       {std::pair("pipeline", &filter.pipeline), std::pair("step", &filter.step),
        std::pair("code", &filter.code), std::pair("state", &filter.state)}) {
    if (value->empty()) continue;
    if (value == &filter.state && *value == "new") {
      sql += " AND state = 'new'";  // as in the index
      continue;
    }
    params.Add(Clean(*value));
    sql += fmt::format(" AND {} = ${}", column, params.count());
  }
  auto rows = core_.db.Once(sql + " ORDER BY id LIMIT $2", std::move(params));
  if (!rows) return rows.error();
  std::vector<DeadLetter> out;
  for (int i = 0; i < rows->rows(); ++i) out.push_back(ReadDeadLetter(*rows, i));
  return out;
}

Result<std::optional<DeadLetter>> PostgresJournal::FindDeadLetter(std::int64_t id) {
  auto row = core_.db.Run("SELECT " RP_DEAD_COLUMNS " FROM rp_dead WHERE id = $1", Params::Of(id));
  if (!row) return row.error();
  return row->rows() == 0 ? std::nullopt : std::optional(ReadDeadLetter(*row, 0));
}

Result<std::int64_t> PostgresJournal::CountDeadLetters() {
  auto row = core_.db.Run("SELECT count(*) FROM rp_dead WHERE state = 'new'");
  if (!row) return row.error();
  return row->Int(0, 0);
}

/// The oldest of a state: of open sagas the one created first; of ended ones, the one that ended
/// first.
Result<std::vector<Journal::Counts>> PostgresJournal::CountSagas() {
  auto rows = core_.db.Run(
      "SELECT c.plan, c.state, c.sagas, CASE WHEN c.state IN (2, 3)"
      " THEN (SELECT s.created FROM rp_saga s WHERE s.plan = c.plan AND s.state = c.state"
      "   AND s.state IN (2, 3) ORDER BY s.ended LIMIT 1)"
      " ELSE (SELECT s.created FROM rp_saga s WHERE s.plan = c.plan AND s.state = c.state"
      "   AND s.state NOT IN (2, 3) ORDER BY s.id LIMIT 1) END"
      " FROM (SELECT plan, state, sum(sagas)::bigint AS sagas FROM rp_count GROUP BY plan, state) c"
      " WHERE c.sagas > 0",
      {}, Database::kOnce);
  if (!rows) return rows.error();
  std::map<std::pair<std::string, SagaState>, Counts> sums;
  for (int i = 0; i < rows->rows(); ++i) {
    const auto state = static_cast<SagaState>(rows->Int(i, 1));
    const std::string pipeline = core_.plans.NameOf(rows->Int(i, 0)).pipeline;
    Counts& counts = sums[{pipeline, state}];
    const bool first = counts.sagas == 0;
    counts.pipeline = pipeline;
    counts.state = state;
    counts.sagas += rows->Int(i, 2);
    counts.oldest = first ? rows->At(i, 3) : std::min(counts.oldest, rows->At(i, 3));
  }
  std::vector<Counts> out;
  for (auto& [key, counts] : sums) out.push_back(std::move(counts));
  return out;
}

Result<std::vector<Uuid>> PostgresJournal::Expired(std::string_view pipeline, Time done_before,
                                                   Time undone_before, std::size_t most) {
  std::vector<Uuid> out;
  for (const std::int64_t plan : core_.plans.OfPipeline(pipeline)) {
    for (const auto& [state, before] :
         {std::pair(SagaState::kDone, done_before), std::pair(SagaState::kUndone, undone_before)}) {
      auto rows = core_.db.Run(
          "SELECT id FROM rp_saga WHERE plan = $1 AND state = $2 AND state IN (2, 3)"
          " AND ended < $3 ORDER BY ended LIMIT $4",
          Params::Of(plan, static_cast<int>(state), before,
                     static_cast<std::int64_t>(most - out.size())),
          Database::kOnce);
      if (!rows) return rows.error();
      for (int i = 0; i < rows->rows(); ++i) out.push_back(rows->Id(i, 0));
    }
  }
  return out;
}

/// Looks at a piece of the open sagas and goes on from there the next time, so that a million sagas
/// that wait for their timers cost a million looks over many calls, not in one.  What is on its way
/// in a log is not known here: `before` is long ago enough for it to have arrived.
Result<std::vector<Uuid>> PostgresJournal::Idle(Time before, std::size_t most) {
  std::vector<Uuid> out;
  std::int64_t looks = kIdleLook;
  // From where the last look ended to the end, and if that was not all, from the beginning.
  for (int turn = 0; turn < 2 && looks > 0 && out.size() < most; ++turn) {
    const Uuid from = idle_after_;
    auto rows = core_.db.Run(
        "SELECT s.id, s.changed < $2 AND NOT EXISTS(SELECT 1 FROM rp_due d WHERE d.saga = s.id)"
        " FROM rp_saga s WHERE s.state IN (0, 1) AND s.state NOT IN (2, 3) AND s.id > $1"
        " ORDER BY s.id LIMIT $3",
        Params::Of(from, before, looks), Database::kOnce);
    if (!rows) return rows.error();
    int i = 0;
    for (; i < rows->rows() && out.size() < most; ++i) {
      idle_after_ = rows->Id(i, 0);
      const bool known = std::find(out.begin(), out.end(), idle_after_) != out.end();
      if (rows->Int(i, 1) != 0 && !known) out.push_back(idle_after_);
    }
    const bool end = i == rows->rows() && rows->rows() < looks;
    looks -= i;
    if (end) idle_after_ = {};
    if (!end || from.nil()) break;
  }
  return out;
}

}  // namespace reprise::runtime::postgres
