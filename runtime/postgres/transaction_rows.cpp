// The other rows: dead letters, history, idempotency, signals, lanes; and removal.
#include <algorithm>

#include "postgres/rows.h"
#include "postgres/transaction.h"

namespace reprise::runtime::postgres {
namespace {

constexpr std::int64_t kTrimEvery = 1'024;  // commits

}  // namespace

Result<bool> PostgresTransaction::AddDeadLetter(const DeadLetter& l) {
  if (auto ready = Ready(); !ready) return ready.error();
  Params params;
  params.Known(l.message).Known(l.saga).Add(Clean(l.pipeline)).Add(Clean(l.step));
  params.Add(Clean(l.event)).Add(Clean(l.phase)).Add(Clean(l.code)).Add(Clean(l.detail));
  params.Add(l.attempts).Add(Blob{l.payload}).Add(Blob{l.key}).Add(l.side).Add(l.at);
  params.Add(Clean(l.state));
  l.record ? params.Add(EncodeOrigin(*l.record)) : params.Null(kText);
  auto done = Ask(
      "INSERT INTO rp_dead(message, saga, pipeline, step, event, phase, code, detail, attempts,"
      " payload, key, side, at, state, origin) VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,"
      " $12, $13, $14, $15) ON CONFLICT (message) DO NOTHING",
      std::move(params));
  if (!done) return done.error();
  return done->changed() > 0;
}

Status PostgresTransaction::AddHistory(std::span<const History> lines) {
  if (auto ready = Ready(); !ready) return ready;
  history_.insert(history_.end(), lines.begin(), lines.end());
  return {};
}

void PostgresTransaction::AddHistory(Database::Pipeline& pipeline) {
  if (history_.empty()) return;
  Column saga(kUuid), at(kInt8), step(kText), phase(kText), what(kText), code(kText), detail(kText),
      who(kText), attempt(kInt8);
  for (const History& h : history_) {
    saga.Add(h.saga);
    at.Add(h.at);
    step.Add(Clean(h.step));
    phase.Add(Clean(h.phase));
    what.Add(Clean(h.what));
    code.Add(Clean(h.code));
    detail.Add(Clean(h.detail));
    who.Add(Clean(h.who));
    attempt.Add(std::int64_t{h.attempt});
  }
  pipeline.Add(
      "INSERT INTO rp_history(saga, at, step, phase, what, code, detail, who, attempt) SELECT * "
      "FROM"
      " unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[],"
      " $7::text[], $8::text[], $9::bigint[])",
      Params::Of(std::move(saga), std::move(at), std::move(step), std::move(phase), std::move(what),
                 std::move(code), std::move(detail), std::move(who), std::move(attempt)));
}

Status PostgresTransaction::PutIdempotency(const IdempotencyRow& row) {
  if (auto ready = Ready(); !ready) return ready;
  std::erase_if(idempotency_, [&](const IdempotencyRow& r) {
    return r.route == row.route && r.caller == row.caller && r.key == row.key;
  });
  idempotency_.push_back(row);
  return {};
}

/// A key that another worker gave to another saga is not taken over: then the request comes again,
/// and finds it.
void PostgresTransaction::AddIdempotency(Database::Pipeline& pipeline) {
  if (idempotency_.empty()) return;
  std::sort(idempotency_.begin(), idempotency_.end(),
            [](const IdempotencyRow& a, const IdempotencyRow& b) {
              return std::tie(a.route, a.caller, a.key) < std::tie(b.route, b.caller, b.key);
            });
  Column route(kBytea), caller(kBytea), key(kBytea), hash(kText), saga(kUuid), status(kInt8),
      answer(kBytea), headers(kBytea);
  for (const IdempotencyRow& r : idempotency_) {
    route.Add(r.route);
    caller.Add(r.caller);
    key.Add(r.key);
    hash.Add(Clean(r.body_hash));
    saga.AddKnown(r.saga);
    status.Add(std::int64_t{r.status});
    answer.Add(r.answer);
    headers.Add(r.headers);
  }
  pipeline.Add(
      "WITH done AS (INSERT INTO rp_idempotency SELECT * FROM unnest($1::bytea[], $2::bytea[],"
      " $3::bytea[], $4::text[], $5::uuid[], $6::bigint[], $7::bytea[], $8::bytea[])"
      " ON CONFLICT (route, caller, key) DO UPDATE SET body_hash = excluded.body_hash,"
      " status = excluded.status, answer = excluded.answer, headers = excluded.headers"
      " WHERE rp_idempotency.saga IS NOT DISTINCT FROM excluded.saga RETURNING 1)"
      " SELECT 1 / (count(*) = $9)::int FROM done",
      Params::Of(std::move(route), std::move(caller), std::move(key), std::move(hash),
                 std::move(saga), std::move(status), std::move(answer), std::move(headers),
                 static_cast<std::int64_t>(idempotency_.size())));
}

/// Moves the lanes that were read, and tells of each that this batch was at work in, under which
/// epoch, as far as this worker knows: one that is fenced by nothing would tell on itself here.
void PostgresTransaction::AddLanes(Database::Pipeline& pipeline) {
  Column lane(kInt8), epoch(kInt8), first(kInt8), next(kInt8), records(kInt8), gaps(kInt8),
      last(kUuid);
  const auto add = [&](LaneId id, const Reading& reading) {
    lane.Add(id);
    epoch.Add(core_.worker.EpochOf(id));
    first.Add(reading.first);
    next.Add(reading.next);
    records.Add(reading.records);
    gaps.Add(reading.gaps);
    last.AddKnown(reading.last);
  };
  for (const auto& [id, reading] : readings_) add(id, reading);
  for (const LaneId id : due_lanes_) {
    const std::int64_t at = core_.worker.NextOffset(id);
    if (!readings_.contains(id)) add(id, {at, at, 0, 0, {}});
  }
  if (lane.size() == 0) return;
  lanes_at_ = pipeline.size();
  pipeline.Add(
      "WITH u AS (SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[],"
      "   $5::bigint[], $6::bigint[], $7::uuid[]) u(lane, epoch, first, next, records, gaps, "
      "last)),"
      " told AS (INSERT INTO rp_lane_log(lane, epoch, worker, seq, first, next, records, gaps)"
      "   SELECT lane, epoch, $8, $9, first, next, records, gaps FROM u),"
      " done AS (UPDATE rp_lane l SET next_offset = u.next, last_message = u.last,"
      "   stopped = NULL FROM u"
      "   WHERE l.id = u.lane AND u.records > 0 AND l.worker = $8"
      "   AND l.next_offset IN (u.first, -1) RETURNING 1)"
      " SELECT 1 / (count(*) = $10)::int FROM done",
      Params::Of(std::move(lane), std::move(epoch), std::move(first), std::move(next),
                 std::move(records), std::move(gaps), std::move(last), core_.worker.id(),
                 core_.worker.next_seq(), static_cast<std::int64_t>(readings_.size())),
      Database::kOnce);
  if (core_.worker.next_seq() % kTrimEvery == 0) {
    pipeline.Add(
        "DELETE FROM rp_lane_log WHERE id IN (SELECT id FROM rp_lane_log WHERE id <"
        " (SELECT max(id) FROM rp_lane_log) - $1 ORDER BY id LIMIT 50000 FOR UPDATE SKIP LOCKED)",
        Params::Of(core_.options.lane_log_lines), Database::kOnce);
  }
}

Status PostgresTransaction::PutSignal(const SignalRow& r) {
  if (auto ready = Ready(); !ready) return ready;
  auto done = Ask("INSERT INTO rp_signal(saga, name, fields) VALUES($1, $2, $3)",
                  Params::Of(r.saga, Clean(r.name), json::serialize(r.fields)));
  if (!done) return done.error();
  return {};
}

Result<std::optional<SignalRow>> PostgresTransaction::TakeSignal(const Uuid& saga,
                                                                 std::string_view name) {
  if (auto ready = Ready(); !ready) return ready.error();
  auto row = Ask(
      "DELETE FROM rp_signal WHERE id = (SELECT min(id) FROM rp_signal WHERE saga = $1 AND name ="
      " $2) RETURNING fields",
      Params::Of(saga, Clean(name)));
  if (!row) return row.error();
  if (row->rows() == 0) return std::optional<SignalRow>();
  json::object fields;
  if (auto read = ReadObject(row->Text(0, 0), fields); !read) return read.error();
  return std::optional(SignalRow{saga, std::string(name), std::move(fields)});
}

Status PostgresTransaction::SetDeadLetterState(std::int64_t id, std::string_view state) {
  if (auto ready = Ready(); !ready) return ready;
  auto done = Ask("UPDATE rp_dead SET state = $2 WHERE id = $1", Params::Of(id, Clean(state)));
  if (!done) return done.error();
  if (done->changed() == 0)
    return Error{Code::kNotFound, "there is no dead letter " + std::to_string(id)};
  return {};
}

Status PostgresTransaction::PutMeta(std::string_view name, std::string_view value) {
  if (auto ready = Ready(); !ready) return ready;
  auto done = Ask(
      "INSERT INTO rp_meta VALUES($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
      Params::Of(Clean(name), Blob{value}));
  if (!done) return done.error();
  return {};
}

/// Only sagas that are done or undone, and that nothing in this transaction or another one moves.
/// A dead letter that no one has looked at stays: it waits for a person, not for the saga.
Result<int> PostgresTransaction::Purge(std::span<const Uuid> sagas) {
  if (auto ready = Ready(); !ready) return ready.error();
  std::vector<Uuid> ids;
  for (const Uuid& id : sagas) {
    const SagaSlot* slot = slots_.Find(id);
    if (slot == nullptr || (!slot->dirty && !slot->born)) ids.push_back(id);
  }
  auto rows =
      Ask("WITH ended AS (SELECT id FROM rp_saga WHERE id = ANY($1) AND state IN (2, 3) ORDER BY id"
          " FOR UPDATE SKIP LOCKED) DELETE FROM rp_saga s USING ended e WHERE s.id = e.id"
          " RETURNING s.id, s.plan, s.state",
          Params::Of(IdsOf(ids)), Database::kOnce);
  if (!rows) return rows.error();
  if (rows->rows() == 0) return 0;
  std::vector<Uuid> gone;
  for (int i = 0; i < rows->rows(); ++i) {
    gone.push_back(rows->Id(i, 0));
    core_.plans.Move(rows->Int(i, 1), static_cast<SagaState>(rows->Int(i, 2)), -1);
    slots_.Erase(gone.back());
  }
  constexpr const char* kHanging[] = {
      "DELETE FROM rp_step WHERE saga = ANY($1)",
      "DELETE FROM rp_due WHERE saga = ANY($1)",
      "DELETE FROM rp_history WHERE saga = ANY($1)",
      "DELETE FROM rp_signal WHERE saga = ANY($1)",
      "DELETE FROM rp_idempotency WHERE saga = ANY($1)",
      "DELETE FROM rp_dead WHERE saga = ANY($1) AND state <> 'new'",
  };
  Database::Pipeline pipeline(core_.db);
  for (const char* sql : kHanging) pipeline.Add(sql, Params::Of(IdsOf(gone)), Database::kOnce);
  auto done = pipeline.Run();
  if (!done) return Note(Result<int>(done.error()));
  return static_cast<int>(gone.size());
}

}  // namespace reprise::runtime::postgres
