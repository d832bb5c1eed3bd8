// The rows that are written at once, not cached: dead letters, history, idempotency, signals; and
// removal.
#include "base/mutant.h"
#include "sqlite/rows.h"
#include "sqlite/transaction.h"

namespace reprise::runtime::sqlite {

Result<bool> SqliteTransaction::AddDeadLetter(const DeadLetter& l) {
  if (sql_.lost()) return *sql_.lost();
  Cursor row = core_.db->Use(
      "INSERT INTO rp_dead(message, saga, pipeline, step, event, phase, code, detail, attempts, "
      "payload, key, side, at,"
      " state, origin) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)"
      " ON CONFLICT(message) DO NOTHING");
  std::optional<std::string> origin;
  if (l.record) origin = EncodeOrigin(*l.record);
  row.Bind(Known(l.message), Known(l.saga), l.pipeline, l.step, l.event, l.phase, l.code, l.detail,
           l.attempts, Blob{l.payload.empty() ? std::string_view("") : l.payload}, l.key, l.side,
           ToMillis(l.at), l.state, origin);
  if (auto done = Note(row.Run()); !done) return done.error();
  return sqlite3_changes64(core_.db->handle()) > 0;
}

Status SqliteTransaction::AddHistory(std::span<const History> lines) {
  if (sql_.lost()) return *sql_.lost();
  for (const History& h : lines) {
    Cursor row = core_.db->Use(
        "INSERT INTO rp_history(saga, at, step, phase, what, code, detail, who, attempt)"
        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");
    row.Bind(h.saga, ToMillis(h.at), h.step, h.phase, h.what, h.code, h.detail, h.who, h.attempt);
    if (auto done = Note(row.Run()); !done) return done;
  }
  return {};
}

Status SqliteTransaction::PutIdempotency(const IdempotencyRow& r) {
  if (sql_.lost()) return *sql_.lost();
  Cursor row = core_.db->Use("REPLACE INTO rp_idempotency VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
  row.Bind(r.route, r.caller, r.key, r.body_hash, Known(r.saga), r.status, r.answer, r.headers);
  return Note(row.Run());
}

Status SqliteTransaction::PutSignal(const SignalRow& r) {
  if (sql_.lost()) return *sql_.lost();
  const std::string fields = json::serialize(r.fields);
  Cursor row = core_.db->Use("INSERT INTO rp_signal(saga, name, fields) VALUES(?1, ?2, ?3)");
  return Note(row.Bind(r.saga, r.name, fields).Run());
}

Result<std::optional<SignalRow>> SqliteTransaction::TakeSignal(const Uuid& saga,
                                                               std::string_view name) {
  if (sql_.lost()) return *sql_.lost();
  Cursor row = core_.db->Use(
      "DELETE FROM rp_signal WHERE id = (SELECT min(id) FROM rp_signal WHERE saga = ?1 AND name = "
      "?2) RETURNING fields");
  row.Bind(saga, name);
  const auto found = Note(row.Next());
  if (!found) return found.error();
  if (!*found) return std::optional<SignalRow>();
  json::object fields;
  if (auto read = ReadObject(row.Text(0), fields); !read) return read.error();
  if (auto done = Note(row.Run()); !done) return done.error();
  return std::optional(SignalRow{saga, std::string(name), std::move(fields)});
}

Status SqliteTransaction::SetDeadLetterState(std::int64_t id, std::string_view state) {
  if (sql_.lost()) return *sql_.lost();
  Cursor row = core_.db->Use("UPDATE rp_dead SET state = ?2 WHERE id = ?1");
  if (auto done = Note(row.Bind(id, state).Run()); !done) return done;
  if (sqlite3_changes64(core_.db->handle()) == 0) {
    return Error{Code::kNotFound, "there is no dead letter " + std::to_string(id)};
  }
  return {};
}

Status SqliteTransaction::PutMeta(std::string_view name, std::string_view value) {
  if (sql_.lost()) return *sql_.lost();
  Cursor row = core_.db->Use("REPLACE INTO rp_meta VALUES(?1, ?2)");
  return Note(row.Bind(name, Blob{value.data() == nullptr ? std::string_view("") : value}).Run());
}

Result<int> SqliteTransaction::Purge(std::span<const Uuid> sagas) {
  if (sql_.lost()) return *sql_.lost();
  int gone = 0;
  for (const Uuid& id : sagas) {
    const auto purged = Note(PurgeOne(id));
    if (!purged) return purged.error();
    if (*purged) ++gone;
  }
  return gone;
}

/// Only a saga that is done or undone, and that nothing in this transaction moves.  A dead letter
/// that no one has looked at stays: it waits for a person, not for the saga.
Result<bool> SqliteTransaction::PurgeOne(const Uuid& id) {
  if (const SagaSlot* slot = slots_.Find(id); slot != nullptr && (slot->dirty || slot->born))
    return false;
  {
    Cursor row = core_.db->Use(
        "DELETE FROM rp_saga WHERE id = ?1 AND state IN (2, 3) RETURNING plan, state");
    const auto found = row.Bind(id).Next();
    if (!found) return found.error();
    if (!*found) return false;
    core_.plans.Move(row.Int(0), static_cast<SagaState>(row.Int(1)), -1);
    if (auto done = row.Run(); !done) return done.error();
  }
  slots_.Erase(id);
  constexpr const char* kHanging[] = {
      "DELETE FROM rp_step WHERE saga = ?1",
      "DELETE FROM rp_due WHERE saga = ?1",
      "DELETE FROM rp_history WHERE saga = ?1",
      "DELETE FROM rp_signal WHERE saga = ?1",
      "DELETE FROM rp_idempotency WHERE saga = ?1",
      "DELETE FROM rp_dead WHERE saga = ?1 AND state <> 'new'",
  };
  for (const char* sql : kHanging) {
    // Row 20: what duplicates are known by is kept for ever.
    if (MUTANT(20) && std::string_view(sql).find("idempotency") != std::string_view::npos) continue;
    if (auto done = core_.db->Use(sql).Bind(id).Run(); !done) return done.error();
  }
  return true;
}

}  // namespace reprise::runtime::sqlite
