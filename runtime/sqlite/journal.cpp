#include "sqlite/journal.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include "sqlite/rows.h"
#include "sqlite/transaction.h"

namespace reprise::runtime::sqlite {

Result<std::unique_ptr<Transaction>> SqliteJournal::Begin() {
  return SqliteTransaction::Begin(core_);
}

Result<std::optional<Time>> SqliteJournal::NextDue() {
  Cursor row = core_.db->Use("SELECT min(due) FROM rp_due");
  const auto found = row.Next();
  if (!found) return found.error();
  return row.Null(0) ? std::nullopt : std::optional(row.At(0));
}

Result<std::optional<IdempotencyRow>> SqliteJournal::FindIdempotency(std::string_view route,
                                                                     std::string_view caller,
                                                                     std::string_view key) {
  Cursor row = core_.db->Use(
      "SELECT body_hash, saga, status, answer, headers FROM rp_idempotency WHERE route = ?1 AND "
      "caller = ?2 AND key = ?3");
  const auto found = row.Bind(route, caller, key).Next();
  if (!found) return found.error();
  if (!*found) return std::optional<IdempotencyRow>();
  return std::optional(IdempotencyRow{std::string(route), std::string(caller), std::string(key),
                                      row.String(0), row.Id(1), static_cast<int>(row.Int(2)),
                                      row.String(3), row.String(4)});
}

void SqliteJournal::Named(Saga& saga, std::int64_t plan) {
  const sqlite::Plans::Name& name = core_.plans.NameOf(plan);
  saga.pipeline = name.pipeline;
  saga.plan = name.hash;
}

Result<std::optional<Saga>> SqliteJournal::FindSaga(const Uuid& id) {
  Cursor row = core_.db->Use("SELECT " RP_SAGA_COLUMNS " FROM rp_saga s WHERE s.id = ?1");
  const auto found = row.Bind(id).Next();
  if (!found) return found.error();
  if (!*found) return std::optional<Saga>();
  auto saga = ReadSaga(row);
  if (!saga) return saga.error();
  Named(*saga, row.Int(1));
  return std::optional(std::move(*saga));
}

Result<std::optional<std::string>> SqliteJournal::Meta(std::string_view name) {
  Cursor row = core_.db->Use("SELECT value FROM rp_meta WHERE name = ?1");
  const auto found = row.Bind(name).Next();
  if (!found) return found.error();
  return *found ? std::optional(row.String(0)) : std::nullopt;
}

Status SqliteJournal::PutPlan(const std::string& hash, const std::string& pipeline,
                              const std::string& text) {
  return core_.plans.Put(pipeline, hash, text);
}

Result<std::vector<Journal::PlanRow>> SqliteJournal::Plans() {
  std::vector<PlanRow> out;
  Cursor row = core_.db->Use(
      "SELECT p.hash, p.pipeline, p.text,"
      " (SELECT coalesce(sum(c.sagas), 0) FROM rp_count c WHERE c.plan = p.id AND c.state NOT IN "
      "(2, 3))"
      " FROM rp_plan p ORDER BY p.id");
  int rc = row.Raw();
  for (; rc == SQLITE_ROW; rc = row.Raw())
    out.push_back({row.String(0), row.String(1), row.String(2), row.Int(3)});
  if (rc != SQLITE_DONE) return row.Failure();
  return out;
}

Status SqliteJournal::Ping() {
  return core_.db->Use("SELECT 1 FROM rp_meta").Run();
}

std::string SqliteJournal::About() const {
  const Options& options = core_.options;
  return fmt::format("SQLite {}, {}, {}", sqlite3_libversion(), options.file,
                     options.read_only            ? "read only"
                     : options.file == ":memory:" ? "in memory"
                                                  : "WAL");
}

}  // namespace reprise::runtime::sqlite
