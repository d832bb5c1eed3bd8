#include "sqlite/transaction.h"

#include <algorithm>
#include <set>

#include "base/failpoint.h"
#include "sqlite/rows.h"

namespace reprise::runtime::sqlite {

Result<std::unique_ptr<Transaction>> SqliteTransaction::Begin(Core& core) {
  if (core.options.read_only)
    return Error{Code::kInvalid, core.options.file + ": is open for reading only"};
  if (core.in_transaction) return Error{Code::kInvalid, "journal: a transaction is open already"};
  Cursor begin = core.db->Use("BEGIN IMMEDIATE");
  if (auto begun = begin.Run(); !begun) return begun.error();
  return std::unique_ptr<Transaction>(std::make_unique<SqliteTransaction>(core));
}

SqliteTransaction::SqliteTransaction(Core& core)
    : core_(core), sql_(*core.db, core.texts, PluginSql::kInTransaction), slots_(core) {
  core_.in_transaction = true;
}

SqliteTransaction::~SqliteTransaction() {
  if (!over_) RollBack();
}

void SqliteTransaction::RollBack() {
  over_ = true;
  core_.in_transaction = false;
  core_.bus.RolledBack();
  core_.topics.RolledBack();
  core_.plans.ForgetCounts();
  ++core_.stats.rollbacks;
  if (!core_.db->autocommit()) (void)core_.db->Use("ROLLBACK").Run();
  if (core_.plans.added()) (void)core_.plans.Load();
}

Result<std::vector<bool>> SqliteTransaction::Create(std::span<const Saga> sagas) {
  if (sql_.lost()) return *sql_.lost();
  std::vector<bool> fresh;
  fresh.reserve(sagas.size());
  for (const Saga& saga : sagas) {
    SagaSlot& slot = slots_.At(saga.id);
    if (auto asked = Note(slots_.AskKnown(saga.id, slot)); !asked) return asked.error();
    fresh.push_back(slot.known == SagaSlot::kAbsent);
    if (!fresh.back()) continue;
    slot.known = SagaSlot::kPresent;
    slot.born = slot.loaded = slot.dirty = true;
    slot.saga = saga;
  }
  return fresh;
}

Result<std::vector<Saga>> SqliteTransaction::Lock(std::span<const Uuid> ids) {
  if (sql_.lost()) return *sql_.lost();
  std::vector<Uuid> order(ids.begin(), ids.end());
  std::sort(order.begin(), order.end());
  order.erase(std::unique(order.begin(), order.end()), order.end());
  std::vector<Saga> out;
  out.reserve(order.size());
  for (const Uuid& id : order) {
    SagaSlot& slot = slots_.At(id);
    if (auto loaded = Note(slots_.LoadSaga(id, slot)); !loaded) return loaded.error();
    if (slot.loaded) out.push_back(slot.saga);
  }
  return out;
}

Status SqliteTransaction::Store(std::span<const Saga> sagas) {
  if (sql_.lost()) return *sql_.lost();
  for (const Saga& saga : sagas) {
    SagaSlot& slot = slots_.At(saga.id);
    if (auto loaded = Note(slots_.LoadSaga(saga.id, slot)); !loaded) return loaded;
    if (!slot.loaded)
      return Error{Code::kNotFound,
                   "journal: there is no saga " + saga.id.ToString() + " to store"};
    slot.saga = saga;
    slot.dirty = true;
  }
  return {};
}

Result<std::vector<Claimed>> SqliteTransaction::Claim(std::span<const StepKey> keys) {
  if (sql_.lost()) return *sql_.lost();
  return Note(ClaimAll(keys));
}

Result<std::vector<Claimed>> SqliteTransaction::ClaimAll(std::span<const StepKey> keys) {
  std::vector<Claimed> out;
  out.reserve(keys.size());
  for (const StepKey& key : keys) {
    SagaSlot& slot = slots_.At(key.saga);
    if (auto asked = slots_.AskKnown(key.saga, slot); !asked) return asked.error();
    const auto step = slots_.LoadStep(key.saga, slot, key.step, key.item);
    if (!step) return step.error();
    out.push_back({(*step)->row, slot.known == SagaSlot::kPresent});
  }
  return out;
}

Status SqliteTransaction::Record(std::span<const StepRow> rows) {
  if (sql_.lost()) return *sql_.lost();
  for (const StepRow& row : rows) {
    SagaSlot& slot = slots_.At(row.saga);
    if (StepSlot* known = slots_.FindStep(slot, row.step, row.item)) {
      known->row = row;
      known->dirty = true;
    } else {
      slot.steps.push_back({row, !slot.born, true});
    }
  }
  return {};
}

Status SqliteTransaction::Arm(std::span<const Due> rows) {
  if (sql_.lost()) return *sql_.lost();
  if (!rows.empty()) slots_.DueChanged();
  for (const Due& row : rows) {
    SagaSlot& slot = slots_.At(row.saga);
    const auto same = std::find_if(slot.due.begin(), slot.due.end(), [&](const DueSlot& d) {
      return d.due.step == row.step && d.due.item == row.item && d.due.kind == row.kind &&
             d.due.event == row.event;
    });
    if (same == slot.due.end()) {
      // Not looked for in the file: the write replaces what may be there.
      slot.due.push_back({row, false, true, true});
    } else {
      *same = {row, same->stored, true, true};
    }
  }
  return {};
}

Result<int> SqliteTransaction::Disarm(const StepKey& step, std::span<const DueKind> kinds,
                                      std::string_view event) {
  if (sql_.lost()) return *sql_.lost();
  SagaSlot& slot = slots_.At(step.saga);
  if (auto loaded = Note(slots_.LoadDue(step.saga, slot)); !loaded) return loaded.error();
  int timers = 0;
  for (DueSlot& d : slot.due) {
    if (!d.alive || d.due.step != step.step || d.due.item != step.item) continue;
    if (std::find(kinds.begin(), kinds.end(), d.due.kind) == kinds.end()) continue;
    if (!event.empty() && d.due.event != event) continue;
    d.alive = false;
    slots_.DueChanged();
    if (d.due.kind == DueKind::kTimer) ++timers;
  }
  return timers;
}

Result<std::vector<Due>> SqliteTransaction::TakeDue(Time now, std::size_t most) {
  if (sql_.lost()) return *sql_.lost();
  return Note(TakeAllDue(now, most));
}

Result<std::vector<Due>> SqliteTransaction::TakeAllDue(Time now, std::size_t most) {
  if (auto flushed = slots_.FlushDue(); !flushed) return flushed.error();
  std::vector<Due> out;
  {
    Cursor row =
        core_.db->Use("SELECT " RP_DUE_COLUMNS
                      " FROM rp_due d WHERE d.due <= ?1 ORDER BY d.due, d.saga, d.step LIMIT ?2");
    row.Bind(ToMillis(now), static_cast<std::int64_t>(most));
    auto read = ReadAllDue(row);
    if (!read) return read.error();
    out = std::move(*read);
  }
  for (const Due& d : out) {
    Cursor gone = core_.db->Use(
        "DELETE FROM rp_due WHERE saga = ?1 AND step = ?2 AND item = ?3 AND kind = ?4 AND event = "
        "?5");
    if (auto done = gone.Bind(d.saga, d.step, d.item, static_cast<int>(d.kind), d.event).Run();
        !done)
      return done.error();
    if (SagaSlot* slot = slots_.Find(d.saga)) {
      std::erase_if(slot->due, [&](const DueSlot& s) {
        return s.due.step == d.step && s.due.item == d.item && s.due.kind == d.kind &&
               s.due.event == d.event;
      });
    }
  }
  return out;
}

Result<std::vector<Due>> SqliteTransaction::ReadAllDue(Cursor& row) const {
  std::vector<Due> out;
  int rc = row.Raw();
  for (; rc == SQLITE_ROW; rc = row.Raw()) {
    auto read = ReadDue(row);
    if (!read) return read.error();
    const Plans::Name& name = core_.plans.NameOf(row.Int(6));
    read->pipeline = name.pipeline;
    read->plan = name.hash;
    out.push_back(std::move(*read));
  }
  if (rc != SQLITE_DONE) return row.Failure();
  return out;
}

Result<std::vector<Due>> SqliteTransaction::Line(std::string_view line) {
  if (sql_.lost()) return *sql_.lost();
  if (auto flushed = Note(slots_.FlushDue()); !flushed) return flushed.error();
  Cursor row = core_.db->Use("SELECT " RP_DUE_COLUMNS
                             " FROM rp_due d WHERE d.line = ?1 ORDER BY d.due, d.saga");
  row.Bind(line);
  return Note(ReadAllDue(row));
}

Status SqliteTransaction::Consume(std::span<const Message> consumed) {
  if (sql_.lost()) return *sql_.lost();
  return Note(core_.bus.Write(consumed, {}));
}

Status SqliteTransaction::Send(std::span<const Foreign> records) {
  if (sql_.lost()) return *sql_.lost();
  return Note(core_.topics.Send(records));
}

/// A failed statement takes back only itself here anyway.
Status SqliteTransaction::Savepoint(bool) {
  if (sql_.lost()) return *sql_.lost();
  sql_.ResetWrote();
  return Note(core_.db->Use("SAVEPOINT attempt").Run());
}

Status SqliteTransaction::RollbackToSavepoint() {
  if (sql_.lost()) return *sql_.lost();
  sql_.ResetWrote();
  if (auto back = Note(core_.db->Use("ROLLBACK TO attempt").Run()); !back) return back;
  return Note(core_.db->Use("RELEASE attempt").Run());
}

Status SqliteTransaction::ReleaseSavepoint() {
  if (sql_.lost()) return *sql_.lost();
  return Note(core_.db->Use("RELEASE attempt").Run());
}

std::vector<Message> SqliteTransaction::TakeLocal(std::vector<Message>& outbox) {
  if (core_.options.hop_commits || rounds_ >= core_.options.rounds) return {};
  ++rounds_;
  return std::exchange(outbox, {});
}

Status SqliteTransaction::Commit(std::span<const Message> outbox, std::string_view) {
  if (over_) return Error{Code::kInvalid, "journal: the transaction is over"};
  if (sql_.lost()) return *sql_.lost();
  if (auto written = Note(WriteAll(outbox)); !written) return written;
  return End();
}

Status SqliteTransaction::WriteAll(std::span<const Message> outbox) {
  if (auto flushed = slots_.Flush(); !flushed) return flushed;
  if (auto forgotten = core_.topics.Forget(false); !forgotten) return forgotten;
  return core_.bus.Write({}, outbox);
}

Status SqliteTransaction::End() {
  const auto began = std::chrono::steady_clock::now();
  FAILPOINT("answer.before");
  const auto done = Note(core_.db->Use("COMMIT").Run());
  FAILPOINT("answer.after");
  if (!done) {
    Error why = done.error();
    // The log may or may not have reached the disk: a restart could find it committed.
    if (why.code == Code::kInternal) why.code = Code::kInDoubt;
    return why;
  }
  over_ = true;
  core_.in_transaction = false;
  core_.bus.Committed();
  core_.topics.Committed();
  core_.plans.Keep();
  ++core_.stats.commits;
  core_.stats.last_commit_s =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  core_.stats.commit_s += core_.stats.last_commit_s;
  return {};
}

}  // namespace reprise::runtime::sqlite
