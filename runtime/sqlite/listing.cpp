// What operators read: lists, details, counts.  None of it slows down with the number of ended
// sagas.
#include <algorithm>
#include <unordered_set>

#include "sqlite/journal.h"
#include "sqlite/rows.h"
#include "sqlite/saga_query.h"

namespace reprise::runtime::sqlite {
namespace {

/// How many open sagas one look of the sweeper may examine: a few milliseconds.
constexpr std::int64_t kIdleLook = 5'000;

DeadLetter ReadDeadLetter(const Cursor& row) {
  DeadLetter l;
  l.id = row.Int(0);
  l.message = row.Id(1);
  l.saga = row.Id(2);
  l.pipeline = row.Text(3);
  l.step = row.Text(4);
  l.event = row.Text(5);
  l.phase = row.Text(6);
  l.code = row.Text(7);
  l.detail = row.Text(8);
  l.attempts = static_cast<std::uint32_t>(row.Int(9));
  l.payload = row.Text(10);
  l.key = row.Text(11);
  l.side = row.Int(12) != 0;
  l.at = row.At(13);
  l.state = row.Text(14);
  if (!row.Null(15)) l.record = RecordOf(row.Text(15), l.key, l.payload);
  return l;
}

#define RP_DEAD_COLUMNS                                                                           \
  "id, message, saga, pipeline, step, event, phase, code, detail, attempts, payload, key, side, " \
  "at, state, origin"

}  // namespace

Result<std::vector<Saga>> SqliteJournal::ListSagas(const SagaFilter& filter) {
  std::vector<Saga> out;
  auto range = RangeOf(filter.id_prefix);
  if (!range) return out;
  if (filter.before) range->high = std::min(range->high, *filter.before);
  const auto sql = SagaQuery(core_, filter).Sql();
  if (!sql) return sql.error();
  if (sql->empty()) return out;
  Cursor row = core_.db->Once(*sql);
  row.Bind(range->low, range->high, filter.subject,
           filter.older_than ? Stamp(*filter.older_than) : std::nullopt,
           filter.newer_than ? Stamp(*filter.newer_than) : std::nullopt,
           static_cast<std::int64_t>(filter.limit), filter.step);
  int rc = row.Raw();
  for (; rc == SQLITE_ROW; rc = row.Raw()) {
    auto saga = ReadSaga(row);
    if (!saga) return saga.error();
    Named(*saga, row.Int(1));
    out.push_back(std::move(*saga));
  }
  if (rc != SQLITE_DONE) return row.Failure();
  return out;
}

Result<std::optional<SagaDetail>> SqliteJournal::ShowSaga(const Uuid& id) {
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

Status SqliteJournal::AddSteps(SagaDetail& detail) {
  Cursor row =
      core_.db->Use("SELECT " RP_STEP_COLUMNS
                    ", t.step, t.item FROM rp_step t WHERE t.saga = ?1 ORDER BY t.step, t.item");
  row.Bind(detail.saga.id);
  int rc = row.Raw();
  for (; rc == SQLITE_ROW; rc = row.Raw()) {
    auto step = ReadStep(row);
    if (!step) return step.error();
    step->saga = detail.saga.id;
    step->step = static_cast<StepIndex>(row.Int(9));
    step->item = row.Int(10);
    detail.steps.push_back(std::move(*step));
  }
  if (rc != SQLITE_DONE) return row.Failure();
  return {};
}

Status SqliteJournal::AddDue(SagaDetail& detail) {
  Cursor row =
      core_.db->Use("SELECT " RP_DUE_COLUMNS " FROM rp_due d WHERE d.saga = ?1 ORDER BY d.due");
  row.Bind(detail.saga.id);
  int rc = row.Raw();
  for (; rc == SQLITE_ROW; rc = row.Raw()) {
    auto due = ReadDue(row);
    if (!due) return due.error();
    const sqlite::Plans::Name& name = core_.plans.NameOf(row.Int(6));
    due->pipeline = name.pipeline;
    due->plan = name.hash;
    detail.due.push_back(std::move(*due));
  }
  if (rc != SQLITE_DONE) return row.Failure();
  return {};
}

Status SqliteJournal::AddHistory(SagaDetail& detail) {
  Cursor row = core_.db->Use(
      "SELECT at, step, phase, what, code, detail, who, attempt FROM rp_history WHERE saga = ?1 "
      "ORDER BY id");
  row.Bind(detail.saga.id);
  int rc = row.Raw();
  for (; rc == SQLITE_ROW; rc = row.Raw()) {
    detail.history.push_back({detail.saga.id, row.At(0), row.String(1), row.String(2),
                              row.String(3), row.String(4), row.String(5), row.String(6),
                              static_cast<std::uint32_t>(row.Int(7))});
  }
  if (rc != SQLITE_DONE) return row.Failure();
  return {};
}

Result<std::vector<DeadLetter>> SqliteJournal::ListDeadLetters(const DeadLetterFilter& filter) {
  std::string sql = "SELECT " RP_DEAD_COLUMNS " FROM rp_dead WHERE id > ?1";
  if (!filter.pipeline.empty()) sql += " AND pipeline = ?3";
  if (!filter.step.empty()) sql += " AND step = ?4";
  if (!filter.code.empty()) sql += " AND code = ?5";
  if (filter.state == "new") {
    sql += " AND state = 'new'";  // as in the index
  } else if (!filter.state.empty()) {
    sql += " AND state = ?6";
  }
  Cursor row = core_.db->Once(sql + " ORDER BY id LIMIT ?2");
  row.Bind(filter.after_id.value_or(0), static_cast<std::int64_t>(filter.limit), filter.pipeline,
           filter.step, filter.code, filter.state);
  std::vector<DeadLetter> out;
  int rc = row.Raw();
  for (; rc == SQLITE_ROW; rc = row.Raw()) out.push_back(ReadDeadLetter(row));
  if (rc != SQLITE_DONE) return row.Failure();
  return out;
}

Result<std::optional<DeadLetter>> SqliteJournal::FindDeadLetter(std::int64_t id) {
  Cursor row = core_.db->Use("SELECT " RP_DEAD_COLUMNS " FROM rp_dead WHERE id = ?1");
  const auto found = row.Bind(id).Next();
  if (!found) return found.error();
  return *found ? std::optional(ReadDeadLetter(row)) : std::nullopt;
}

Result<std::int64_t> SqliteJournal::CountDeadLetters() {
  Cursor row = core_.db->Use("SELECT count(*) FROM rp_dead WHERE state = 'new'");
  const auto found = row.Next();
  if (!found) return found.error();
  return row.Int(0);
}

Result<std::vector<Journal::Counts>> SqliteJournal::CountSagas() {
  std::map<std::pair<std::string, SagaState>, Counts> sums;
  Cursor row = core_.db->Use("SELECT plan, state, sagas FROM rp_count WHERE sagas > 0");
  int rc = row.Raw();
  for (; rc == SQLITE_ROW; rc = row.Raw()) {
    const auto state = static_cast<SagaState>(row.Int(1));
    const auto oldest = Oldest(row.Int(0), state);
    if (!oldest) return oldest.error();
    const std::string& pipeline = core_.plans.NameOf(row.Int(0)).pipeline;
    Counts& counts = sums[{pipeline, state}];
    const bool first = counts.sagas == 0;
    counts.pipeline = pipeline;
    counts.state = state;
    counts.sagas += row.Int(2);
    counts.oldest = first ? *oldest : std::min(counts.oldest, *oldest);
  }
  if (rc != SQLITE_DONE) return row.Failure();
  std::vector<Counts> out;
  out.reserve(sums.size());
  for (auto& [key, counts] : sums) out.push_back(std::move(counts));
  return out;
}

/// When the oldest open saga was created; of ended ones, the one that ended first.
Result<Time> SqliteJournal::Oldest(std::int64_t plan, SagaState state) {
  const bool ended = state == SagaState::kDone || state == SagaState::kUndone;
  Cursor row = core_.db->Use(
      ended ? "SELECT created FROM rp_saga INDEXED BY rp_saga_ended WHERE plan = ?1 AND state = ?2"
              " AND state IN (2, 3) ORDER BY ended LIMIT 1"
            : "SELECT created FROM rp_saga INDEXED BY rp_saga_open WHERE plan = ?1 AND state = ?2"
              " AND state NOT IN (2, 3) ORDER BY id LIMIT 1");
  const auto found = row.Bind(plan, static_cast<int>(state)).Next();
  if (!found) return found.error();
  return *found ? row.At(0) : Time{};
}

Result<std::vector<Uuid>> SqliteJournal::Expired(std::string_view pipeline, Time done_before,
                                                 Time undone_before, std::size_t most) {
  std::vector<Uuid> out;
  for (const std::int64_t plan : core_.plans.OfPipeline(pipeline)) {
    for (const auto& [state, before] :
         {std::pair(SagaState::kDone, done_before), std::pair(SagaState::kUndone, undone_before)}) {
      Cursor row = core_.db->Use(
          "SELECT id FROM rp_saga INDEXED BY rp_saga_ended WHERE plan = ?1 AND state = ?2 AND "
          "state IN (2, 3)"
          " AND ended < ?3 ORDER BY ended LIMIT ?4");
      row.Bind(plan, static_cast<int>(state), ToMillis(before),
               static_cast<std::int64_t>(most - out.size()));
      int rc = row.Raw();
      for (; rc == SQLITE_ROW; rc = row.Raw()) out.push_back(row.Id(0));
      if (rc != SQLITE_DONE) return row.Failure();
    }
  }
  return out;
}

/// Looks at a piece of the open sagas and goes on from there the next time, so that a million sagas
/// that wait for their timers cost a million looks over many calls, not in one.
Result<std::vector<Uuid>> SqliteJournal::Idle(Time before, std::size_t most) {
  std::unordered_set<Uuid> carried;  // a message is on its way to these, or they are in `out`
  for (const Message& message : core_.bus.waiting()) carried.insert(message.saga);
  std::vector<std::pair<std::int64_t, SagaState>> groups;
  for (const std::int64_t plan : core_.plans.OfPipeline("")) {
    groups.emplace_back(plan, SagaState::kRunning);
    groups.emplace_back(plan, SagaState::kUndoing);
  }
  std::vector<Uuid> out;
  std::int64_t looks = kIdleLook;
  // All groups; and if the first one is begun in its middle, the part before that at the end.
  std::size_t turns = groups.size() + (idle_after_.nil() ? 0 : 1);
  for (; turns > 0 && looks > 0 && out.size() < most && !groups.empty(); --turns) {
    const auto [plan, state] = groups[idle_group_ % groups.size()];
    Cursor row = core_.db->Use(
        "SELECT s.id, s.changed < ?4 AND NOT EXISTS(SELECT 1 FROM rp_due d WHERE d.saga = s.id)"
        " FROM rp_saga s INDEXED BY rp_saga_open WHERE s.plan = ?1 AND s.state = ?2 AND s.state "
        "NOT IN (2, 3)"
        " AND s.id > ?3 ORDER BY s.id");
    row.Bind(plan, static_cast<int>(state), idle_after_, ToMillis(before));
    int rc = row.Raw();
    for (; rc == SQLITE_ROW && looks > 0 && out.size() < most; --looks) {
      idle_after_ = row.Id(0);
      if (row.Int(1) != 0 && carried.insert(idle_after_).second) out.push_back(idle_after_);
      rc = row.Raw();
    }
    if (rc != SQLITE_DONE && rc != SQLITE_ROW) return row.Failure();
    if (rc == SQLITE_DONE) {
      ++idle_group_;
      idle_after_ = {};
    }
  }
  return out;
}

}  // namespace reprise::runtime::sqlite
