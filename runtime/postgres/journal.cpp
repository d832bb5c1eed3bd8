#include "postgres/journal.h"

#include <fmt/format.h>

#include "postgres/rows.h"
#include "postgres/transaction.h"

namespace reprise::runtime::postgres {

Result<std::unique_ptr<Transaction>> PostgresJournal::Begin() {
  return PostgresTransaction::Begin(core_);
}

Result<std::optional<Time>> PostgresJournal::NextDue() {
  std::vector<std::int64_t> lanes = core_.worker.lanes();
  lanes.insert(lanes.begin(), 0);  // of no lane: anybody's
  auto row = core_.db.Run(
      "SELECT min(d.due) FROM unnest($1::bigint[]) l(id) CROSS JOIN LATERAL (SELECT due FROM rp_due"
      " WHERE lane = l.id ORDER BY due LIMIT 1) d",
      Params::Of(NumbersOf(lanes)), Database::kOnce);
  if (!row) return row.error();
  return row->Null(0, 0) ? std::nullopt : std::optional(row->At(0, 0));
}

Result<std::optional<IdempotencyRow>> PostgresJournal::FindIdempotency(std::string_view route,
                                                                       std::string_view caller,
                                                                       std::string_view key) {
  auto row = core_.db.Run(
      "SELECT body_hash, saga, status, answer, headers FROM rp_idempotency WHERE route = $1 AND"
      " caller = $2 AND key = $3",
      Params::Of(Blob{route}, Blob{caller}, Blob{key}));
  if (!row) return row.error();
  if (row->rows() == 0) return std::optional<IdempotencyRow>();
  return std::optional(IdempotencyRow{
      std::string(route), std::string(caller), std::string(key), row->String(0, 0), row->Id(0, 1),
      static_cast<int>(row->Int(0, 2)), row->String(0, 3), row->String(0, 4)});
}

Result<Saga> PostgresJournal::Named(const Answer& rows, int row) {
  auto saga = ReadSaga(rows, row);
  if (!saga) return saga;
  const postgres::Plans::Name& name = core_.plans.NameOf(rows.Int(row, 1));
  saga->pipeline = name.pipeline;
  saga->plan = name.hash;
  return saga;
}

Result<std::optional<Saga>> PostgresJournal::FindSaga(const Uuid& id) {
  auto row =
      core_.db.Run("SELECT " RP_SAGA_COLUMNS " FROM rp_saga s WHERE s.id = $1", Params::Of(id));
  if (!row) return row.error();
  if (row->rows() == 0) return std::optional<Saga>();
  auto saga = Named(*row, 0);
  if (!saga) return saga.error();
  return std::optional(std::move(*saga));
}

Result<std::optional<std::string>> PostgresJournal::Meta(std::string_view name) {
  auto row = core_.db.Run("SELECT value FROM rp_meta WHERE name = $1", Params::Of(Clean(name)));
  if (!row) return row.error();
  return row->rows() == 0 ? std::nullopt : std::optional(row->String(0, 0));
}

Status PostgresJournal::PutPlan(const std::string& hash, const std::string& pipeline,
                                const std::string& text) {
  if (core_.in_transaction) return Error{Code::kInvalid, "plans are put between transactions"};
  return core_.plans.Put(pipeline, hash, text);
}

Result<std::vector<Journal::PlanRow>> PostgresJournal::Plans() {
  auto rows = core_.db.Run(
      "SELECT p.hash, p.pipeline, p.text, (SELECT coalesce(sum(c.sagas), 0)::bigint FROM rp_count c"
      " WHERE c.plan = p.id AND c.state NOT IN (2, 3)) FROM rp_plan p ORDER BY p.id");
  if (!rows) return rows.error();
  std::vector<PlanRow> out;
  for (int i = 0; i < rows->rows(); ++i)
    out.push_back({rows->String(i, 0), rows->String(i, 1), rows->String(i, 2), rows->Int(i, 3)});
  return out;
}

Status PostgresJournal::Backup(const std::string&) {
  return Error{Code::kInvalid,
               "this journal is a PostgreSQL database: back it up with pg_dump, or with "
               "pg_basebackup and an archive of its log"};
}

Status PostgresJournal::Ping() {
  auto row = core_.db.Run("SELECT 1");
  if (!row) return row.error();
  return {};
}

std::string PostgresJournal::About() const {
  const int version = core_.db.server_version();
  return fmt::format("PostgreSQL {}.{}, {}, worker {}", version / 10'000, version % 10'000,
                     core_.db.Where(), core_.worker.id().ToString().substr(0, 8));
}

}  // namespace reprise::runtime::postgres
