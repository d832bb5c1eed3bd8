#include "postgres/transaction.h"

#include <algorithm>
#include <tuple>

#include "postgres/rows.h"

namespace reprise::runtime::postgres {

Result<std::unique_ptr<Transaction>> PostgresTransaction::Begin(Core& core) {
  if (core.in_transaction) return Error{Code::kInvalid, "journal: a transaction is open already"};
  if (auto begun = core.worker.Begin(); !begun) {
    if (begun.error().code == Code::kContended) ++core.stats.contended;
    return begun.error();
  }
  return std::unique_ptr<Transaction>(std::make_unique<PostgresTransaction>(core));
}

PostgresTransaction::PostgresTransaction(Core& core)
    : core_(core), sql_(core, PluginSql::kInTransaction), slots_(core) {
  core_.in_transaction = true;
}

PostgresTransaction::~PostgresTransaction() {
  if (!over_) RollBack();
}

void PostgresTransaction::RollBack() {
  over_ = true;
  core_.in_transaction = false;
  core_.plans.Forget();
  ++core_.stats.rollbacks;
  if (sql_.lost() && sql_.lost()->code == Code::kContended) ++core_.stats.contended;
  if (core_.db.connected() && core_.db.state() != PQTRANS_IDLE) (void)core_.db.Execute("ROLLBACK");
}

Status PostgresTransaction::Ready() const {
  if (over_) return Error{Code::kInvalid, "journal: the transaction is over"};
  if (sql_.lost()) return *sql_.lost();
  return {};
}

// ---------------------------------------------------------------- sagas

Result<std::vector<bool>> PostgresTransaction::Create(std::span<const Saga> sagas) {
  if (auto ready = Ready(); !ready) return ready.error();
  std::vector<Uuid> ids;
  for (const Saga& saga : sagas) ids.push_back(saga.id);
  if (auto asked = Note(slots_.AskKnown(ids)); !asked) return asked.error();
  std::vector<bool> fresh;
  fresh.reserve(sagas.size());
  for (const Saga& saga : sagas) {
    SagaSlot& slot = slots_.At(saga.id);
    fresh.push_back(slot.known == SagaSlot::kAbsent);
    if (!fresh.back()) continue;
    slot.known = SagaSlot::kPresent;
    slot.born = slot.loaded = slot.dirty = true;
    slot.saga = saga;
  }
  return fresh;
}

Result<std::vector<Saga>> PostgresTransaction::Lock(std::span<const Uuid> ids) {
  if (auto ready = Ready(); !ready) return ready.error();
  std::vector<Uuid> order(ids.begin(), ids.end());
  std::sort(order.begin(), order.end());
  order.erase(std::unique(order.begin(), order.end()), order.end());
  if (auto loaded = Note(slots_.LoadSagas(order)); !loaded) return loaded.error();
  std::vector<Saga> out;
  out.reserve(order.size());
  for (const Uuid& id : order) {
    const SagaSlot& slot = slots_.At(id);
    if (slot.loaded) out.push_back(slot.saga);
  }
  return out;
}

Status PostgresTransaction::Store(std::span<const Saga> sagas) {
  if (auto ready = Ready(); !ready) return ready;
  std::vector<Uuid> ids;
  for (const Saga& saga : sagas) ids.push_back(saga.id);
  if (auto loaded = Note(slots_.LoadSagas(ids)); !loaded) return loaded;
  for (const Saga& saga : sagas) {
    SagaSlot& slot = slots_.At(saga.id);
    if (!slot.loaded)
      return Error{Code::kNotFound,
                   "journal: there is no saga " + saga.id.ToString() + " to store"};
    slot.saga = saga;
    slot.dirty = true;
  }
  return {};
}

// ---------------------------------------------------------------- steps

Result<std::vector<Claimed>> PostgresTransaction::Claim(std::span<const StepKey> keys) {
  if (auto ready = Ready(); !ready) return ready.error();
  std::vector<Uuid> ids;
  for (const StepKey& key : keys) ids.push_back(key.saga);
  if (auto asked = Note(slots_.AskKnown(ids)); !asked) return asked.error();
  if (auto loaded = Note(slots_.LoadSteps(keys)); !loaded) return loaded.error();
  std::vector<Claimed> out;
  out.reserve(keys.size());
  for (const StepKey& key : keys) {
    SagaSlot& slot = slots_.At(key.saga);
    out.push_back(
        {Slots::FindStep(slot, key.step, key.item)->row, slot.known == SagaSlot::kPresent});
  }
  return out;
}

Status PostgresTransaction::Record(std::span<const StepRow> rows) {
  if (auto ready = Ready(); !ready) return ready;
  for (const StepRow& row : rows) {
    SagaSlot& slot = slots_.At(row.saga);
    if (StepSlot* known = Slots::FindStep(slot, row.step, row.item)) {
      known->row = row;
      known->dirty = true;
    } else {
      slot.steps.push_back({row, slot.born ? StepSlot::kAbsent : StepSlot::kNotAsked, true});
    }
  }
  return {};
}

// ---------------------------------------------------------------- due rows

Status PostgresTransaction::Arm(std::span<const Due> rows) {
  if (auto ready = Ready(); !ready) return ready;
  if (!rows.empty()) slots_.TouchDue();
  for (const Due& row : rows) {
    SagaSlot& slot = slots_.At(row.saga);
    const auto same = std::find_if(slot.due.begin(), slot.due.end(),
                                   [&](const DueSlot& d) { return SameDue(d.due, row); });
    if (same == slot.due.end()) {
      // Not looked for in the table: the write replaces what may be there.
      slot.due.push_back({row, false, true, true});
    } else {
      *same = {row, same->stored, true, true};
    }
  }
  return {};
}

/// Only timers are counted, so only for them must the rows be known.
Result<int> PostgresTransaction::Disarm(const StepKey& step, std::span<const DueKind> kinds,
                                        std::string_view event) {
  if (auto ready = Ready(); !ready) return ready.error();
  SagaSlot& slot = slots_.At(step.saga);
  if (std::find(kinds.begin(), kinds.end(), DueKind::kTimer) != kinds.end()) {
    if (auto loaded = Note(slots_.LoadDue(std::span(&step.saga, 1))); !loaded)
      return loaded.error();
  }
  slots_.TouchDue();
  int timers = 0;
  for (DueSlot& d : slot.due) {
    if (!d.alive || d.due.step != step.step || d.due.item != step.item) continue;
    if (std::find(kinds.begin(), kinds.end(), d.due.kind) == kinds.end()) continue;
    if (!event.empty() && d.due.event != event) continue;
    d.alive = false;
    if (d.due.kind == DueKind::kTimer) ++timers;
  }
  if (slot.born || slot.due_loaded) return timers;
  for (const DueKind kind : kinds)
    slot.unread.push_back({step.step, step.item, kind, std::string(event)});
  return timers;
}

Result<std::vector<Due>> PostgresTransaction::TakeDue(Time now, std::size_t most) {
  if (auto ready = Ready(); !ready) return ready.error();
  if (auto flushed = Note(slots_.FlushDue()); !flushed) return flushed.error();
  std::vector<std::int64_t> lanes = core_.worker.lanes();
  lanes.insert(lanes.begin(), 0);  // of no lane: anybody's
  auto rows =
      Ask("WITH taken AS (SELECT d.saga, d.step, d.item, d.kind, d.event"
          "   FROM unnest($1::bigint[]) l(id) CROSS JOIN LATERAL (SELECT * FROM rp_due d"
          "     WHERE d.lane = l.id AND d.due <= $2 ORDER BY d.due LIMIT $3) d"
          "   ORDER BY d.due, d.saga, d.step LIMIT $3)"
          " DELETE FROM rp_due d USING taken t WHERE d.saga = t.saga AND d.step = t.step"
          " AND d.item = t.item AND d.kind = t.kind AND d.event = t.event"
          " RETURNING " RP_DUE_COLUMNS,
          Params::Of(NumbersOf(lanes), now, static_cast<std::int64_t>(most)), Database::kOnce);
  if (!rows) return rows.error();
  auto out = Note(ReadAllDue(*rows));
  if (!out) return out;
  for (const Due& due : *out) {
    if (due.lane != 0) due_lanes_.insert(due.lane);
    if (SagaSlot* slot = slots_.Find(due.saga))
      std::erase_if(slot->due, [&](const DueSlot& s) { return SameDue(s.due, due); });
  }
  return out;
}

Result<std::vector<Due>> PostgresTransaction::Line(std::string_view line) {
  if (auto ready = Ready(); !ready) return ready.error();
  if (auto flushed = Note(slots_.FlushDue()); !flushed) return flushed.error();
  auto rows =
      Ask("SELECT " RP_DUE_COLUMNS " FROM rp_due d WHERE d.line = $1 AND d.line IS NOT NULL",
          Params::Of(Blob{line}));
  if (!rows) return rows.error();
  return Note(ReadAllDue(*rows));
}

/// In the order of time.
Result<std::vector<Due>> PostgresTransaction::ReadAllDue(const Answer& rows) {
  std::vector<Due> out;
  for (int i = 0; i < rows.rows(); ++i) {
    auto read = ReadDue(rows, i);
    if (!read) return read.error();
    const Plans::Name& name = core_.plans.NameOf(rows.Int(i, 6));
    read->pipeline = name.pipeline;
    read->plan = name.hash;
    out.push_back(std::move(*read));
  }
  std::sort(out.begin(), out.end(), [](const Due& a, const Due& b) {
    return std::tie(a.due, a.saga, a.step) < std::tie(b.due, b.saga, b.step);
  });
  return out;
}

// ---------------------------------------------------------------- savepoints, locks

Status PostgresTransaction::Savepoint(bool careful) {
  if (auto ready = Ready(); !ready) return ready;
  sql_.ResetWrote();
  sql_.SetCareful(careful);
  return Note(core_.db.Execute("SAVEPOINT attempt"));
}

Status PostgresTransaction::RollbackToSavepoint() {
  if (auto ready = Ready(); !ready) return ready;
  sql_.Recovered();
  sql_.SetCareful(false);
  return Note(core_.db.Execute("ROLLBACK TO attempt; RELEASE attempt"));
}

Status PostgresTransaction::ReleaseSavepoint() {
  if (auto ready = Ready(); !ready) return ready;
  sql_.SetCareful(false);
  return Note(core_.db.Execute("RELEASE attempt"));
}

std::vector<Message> PostgresTransaction::TakeLocal(std::vector<Message>& outbox) {
  if (rounds_ >= core_.options.rounds) return {};
  ++rounds_;
  const auto mine = std::stable_partition(outbox.begin(), outbox.end(), [&](const Message& m) {
    return m.lane != 0 && !core_.worker.Holds(m.lane);
  });
  std::vector<Message> out(std::make_move_iterator(mine), std::make_move_iterator(outbox.end()));
  outbox.erase(mine, outbox.end());
  return out;
}

/// A name's row is taken, or another transaction has it: nobody waits.  The row's lock ends with
/// the transaction and with nothing else, so that who loses its connection, or was paused for too
/// long, loses the effects together with the lock.  Its token is this taking's number: it rises by
/// the very commit that the lock guards, which the database refuses to whoever does not hold the
/// row.
Result<std::vector<bool>> PostgresTransaction::TakeLocks(std::span<const std::string> names) {
  if (auto ready = Ready(); !ready) return ready.error();
  Column column(kText);
  for (const std::string& name : names) column.Add(Clean(name));
  auto rows =
      Ask("WITH wanted AS MATERIALIZED (SELECT nth, hashtextextended(name, 7) & 16383 AS id"
          "  FROM unnest($1::text[]) WITH ORDINALITY u(name, nth)),"
          " free AS MATERIALIZED (SELECT l.id FROM rp_lock l"
          "  WHERE l.id = ANY(ARRAY(SELECT id FROM wanted)) ORDER BY l.id FOR UPDATE SKIP LOCKED),"
          " taken AS (UPDATE rp_lock l SET token = l.token + 1 FROM free f WHERE l.id = f.id"
          "  RETURNING l.id)"
          " SELECT (t.id IS NOT NULL)::int FROM wanted w LEFT JOIN taken t ON t.id = w.id"
          " ORDER BY w.nth",
          Params::Of(std::move(column)), Database::kOnce);
  if (!rows) return rows.error();
  std::vector<bool> out;
  for (int i = 0; i < rows->rows(); ++i) out.push_back(rows->Int(i, 0) != 0);
  return out;
}

}  // namespace reprise::runtime::postgres
