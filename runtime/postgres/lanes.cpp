#include "postgres/lanes.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/failpoint.h"
#include "base/mutant.h"

namespace reprise::runtime::postgres {
namespace {

std::vector<LaneId> InOrder(std::span<const LaneId> lanes) {
  std::vector<LaneId> out(lanes.begin(), lanes.end());
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

}  // namespace

Status PostgresLanes::Between() const {
  if (core_.in_transaction)
    return Error{Code::kInvalid, "journal: lanes change hands between transactions"};
  return {};
}

Status PostgresLanes::Refresh() {
  if (auto fine = Between(); !fine) return fine;
  return core_.worker.Refresh();
}

Status PostgresLanes::Renew() {
  if (auto fine = Between(); !fine) return fine;
  return core_.worker.Renew();
}

Result<std::vector<Lanes::Taken>> PostgresLanes::Take(std::span<const LaneId> lanes) {
  if (auto fine = Between(); !fine) return fine.error();
  const std::vector<LaneId> order = InOrder(lanes);
  if (order.empty()) return std::vector<Taken>();
  if (auto begun = core_.worker.Begin(); !begun) return begun.error();
  auto taken = TakeLocked(order);
  if (!taken && core_.db.connected()) (void)core_.db.Execute("ROLLBACK");
  return taken;
}

/// Locks the workers that have these lanes, so that they wait for us from here on, and we for their
/// open transactions, in order of their ids; a worker that does not end its one in time keeps its
/// lanes.  If a lane moves while we wait, its new worker is waited for too.  Answers whose lanes
/// stay.
Result<std::vector<Uuid>> PostgresLanes::LockOwners(std::span<const LaneId> lanes) {
  std::set<Uuid> asked{core_.worker.id()};
  std::vector<Uuid> busy;
  for (;;) {
    auto owners = core_.db.Run(
        "SELECT DISTINCT l.worker FROM rp_lane l JOIN rp_worker w ON w.id = l.worker"
        " WHERE l.id = ANY($1) AND NOT w.dead ORDER BY l.worker",
        Params::Of(NumbersOf(lanes)), Database::kOnce);
    if (!owners) return owners.error();
    bool more = false;
    for (int i = 0; i < owners->rows(); ++i) {
      const Uuid owner = owners->Id(i, 0);
      if (!asked.insert(owner).second) continue;
      more = true;
      auto locked = LockOwner(owner);
      if (!locked) return locked.error();
      if (!*locked) busy.push_back(owner);
    }
    if (!more) return busy;
  }
}

/// False: it sits in a transaction longer than we wait.
Result<bool> PostgresLanes::LockOwner(const Uuid& owner) {
  if (auto set = core_.db.Execute("SAVEPOINT owner"); !set) return set.error();
  auto got = core_.db.Run("SELECT id FROM rp_worker WHERE id = $1 FOR UPDATE", Params::Of(owner),
                          Database::kOnce);
  if (got) return true;
  if (got.error().code != Code::kContended) return got.error();
  if (auto back = core_.db.Execute("ROLLBACK TO owner"); !back) return back.error();
  return false;
}

Result<std::vector<Lanes::Taken>> PostgresLanes::TakeLocked(std::span<const LaneId> lanes) {
  Database& db = core_.db;
  const Uuid& me = core_.worker.id();
  const std::string patience =
      fmt::format("SET LOCAL lock_timeout = {}", core_.options.take_wait.count());
  if (auto set = db.Execute(patience); !set) return set.error();
  auto made = db.Run(
      "INSERT INTO rp_lane(id) SELECT u.id FROM unnest($1::bigint[]) u(id) ON CONFLICT DO NOTHING",
      Params::Of(NumbersOf(lanes)));
  if (!made) return made.error();
  auto busy = LockOwners(lanes);
  if (!busy) return busy.error();
  // Row 5: who had the lanes, and lives, is not told and goes on with them.
  const std::span<const LaneId> told = MUTANT(5) ? std::span<const LaneId>() : lanes;
  Database::Pipeline pipeline(db);
  pipeline.Add(
      "UPDATE rp_worker SET generation = generation + 1 WHERE id <> $1 AND NOT dead"
      " AND id <> ALL($3) AND id IN (SELECT worker FROM rp_lane WHERE id = ANY($2))",
      Params::Of(me, NumbersOf(told), IdsOf(*busy)), Database::kOnce);
  pipeline.Add(
      "WITH taken AS (UPDATE rp_lane SET worker = $1, epoch = epoch + 1,"
      "   stopped = CASE WHEN worker = $1 THEN stopped END WHERE id = ANY($2)"
      "   AND (worker IS NULL OR worker <> ALL($3))"
      "   RETURNING id, next_offset, last_message, epoch),"
      " told AS (INSERT INTO rp_lane_log(lane, epoch, worker, seq, first, next, records, gaps)"
      "   SELECT id, epoch, $1, $4, next_offset, next_offset, 0, 0 FROM taken)"
      " SELECT * FROM taken",
      Params::Of(me, NumbersOf(lanes), IdsOf(*busy), core_.worker.next_seq()), Database::kOnce);
  core_.worker.AddLast(pipeline, nullptr);
  pipeline.Add("COMMIT");
  FAILPOINT("take.before");
  auto done = pipeline.Run();
  FAILPOINT("take.after");
  if (!done) {
    if (!pipeline.in_doubt()) return done.error();
    const auto committed = core_.worker.Resolve();
    if (!committed) return committed.error();
    // If they are ours now, taking them again changes nothing but their epochs.
    return done.error();
  }
  core_.worker.Committed();
  std::vector<Taken> out;
  const Answer& rows = (*done)[1];
  for (int i = 0; i < rows.rows(); ++i) {
    out.push_back({rows.Int(i, 0), rows.Int(i, 1), rows.Id(i, 2)});
    core_.worker.Hold(out.back().lane, out.back().next_offset, rows.Int(i, 3));
  }
  std::sort(out.begin(), out.end(), [](const Taken& a, const Taken& b) { return a.lane < b.lane; });
  return out;
}

/// Of two processes that begin at once, the first says where.
Status PostgresLanes::Begin(LaneId base, std::span<const std::int64_t> offsets) {
  if (auto fine = Between(); !fine) return fine;
  auto done = core_.db.Write(
      "INSERT INTO rp_lane(id, next_offset)"
      " SELECT $1 + nth - 1, u.at FROM unnest($2::bigint[]) WITH ORDINALITY u(at, nth)"
      " WHERE NOT EXISTS (SELECT 1 FROM rp_lane WHERE id BETWEEN $1 AND $1 + $3 - 1)"
      " ON CONFLICT DO NOTHING",
      Params::Of(base, NumbersOf(offsets), static_cast<std::int64_t>(kPartitionsMax)),
      Database::kOnce);
  if (!done) return done.error();
  return {};
}

Status PostgresLanes::Leave(std::span<const LaneId> lanes) {
  if (auto fine = Between(); !fine) return fine;
  for (const LaneId lane : lanes) core_.worker.Drop(lane);
  auto done = core_.db.Write("UPDATE rp_lane SET worker = NULL WHERE id = ANY($1) AND worker = $2",
                             Params::Of(NumbersOf(lanes), core_.worker.id()), Database::kOnce);
  if (!done) return done.error();
  return {};
}

/// Workers whose lease has ended, and those that one adopted who is itself gone.
Result<std::vector<Lanes::Orphan>> PostgresLanes::Adopt() {
  if (auto fine = Between(); !fine) return fine.error();
  auto done = core_.db.Write(
      "UPDATE rp_worker SET dead = true, adopted_by = $1, generation = generation + 1 WHERE id IN"
      " (SELECT w.id FROM rp_worker w WHERE w.id <> $1 AND w.lease_until < clock_timestamp()"
      "   AND (NOT w.dead OR w.adopted_by IS NOT NULL AND w.adopted_by <> $1 AND NOT EXISTS"
      "     (SELECT 1 FROM rp_worker a WHERE a.id = w.adopted_by AND NOT a.dead"
      "       AND a.lease_until >= clock_timestamp()))"
      "   FOR UPDATE OF w SKIP LOCKED)",
      Params::Of(core_.worker.id()), Database::kOnce);
  if (!done) return done.error();
  // Those too whose adoption's answer was lost.
  auto rows = core_.db.Run("SELECT id, sealed FROM rp_worker WHERE dead AND adopted_by = $1",
                           Params::Of(core_.worker.id()), Database::kOnce);
  if (!rows) return rows.error();
  std::vector<Orphan> out;
  for (int i = 0; i < rows->rows(); ++i) {
    if (adopted_.insert(rows->Id(i, 0)).second) out.push_back({rows->Id(i, 0), rows->String(i, 1)});
  }
  return out;
}

/// The row stays for a day, so that the worker, should it live, learns what became of its last
/// commit.  What it counted goes to nobody.
Status PostgresLanes::Bury(const Uuid& worker) {
  if (auto fine = Between(); !fine) return fine;
  Database::Pipeline pipeline(core_.db);
  pipeline.Add("BEGIN READ WRITE");
  pipeline.Add(
      "UPDATE rp_worker SET sealed = NULL, adopted_by = NULL WHERE id = $1 AND dead"
      " AND adopted_by = $2",
      Params::Of(worker, core_.worker.id()));
  pipeline.Add(
      "WITH gone AS (DELETE FROM rp_count WHERE worker = $1 RETURNING plan, state, sagas)"
      " INSERT INTO rp_count SELECT plan, state, '00000000-0000-0000-0000-000000000000', sagas"
      " FROM gone ORDER BY plan, state"
      " ON CONFLICT (plan, state, worker) DO UPDATE SET sagas = rp_count.sagas + excluded.sagas",
      Params::Of(worker), Database::kOnce);
  pipeline.Add(
      "DELETE FROM rp_worker WHERE dead AND adopted_by IS NULL"
      " AND lease_until < clock_timestamp() - interval '1 day'",
      {}, Database::kOnce);
  pipeline.Add("COMMIT");
  auto done = pipeline.Run();
  if (!done) {
    if (core_.db.connected()) (void)core_.db.Execute("ROLLBACK");
    return done.error();
  }
  adopted_.erase(worker);
  return {};
}

Result<LaneLog> PostgresLanes::ReadLog() {
  auto lines = core_.db.Once(
      "SELECT lane, epoch, worker, seq, first, next, records, gaps FROM rp_lane_log ORDER BY id");
  if (!lines) return lines.error();
  auto places = core_.db.Once("SELECT id, epoch, next_offset FROM rp_lane");
  if (!places) return places.error();
  auto left = core_.db.Once(
      "SELECT id FROM rp_worker WHERE length(sealed) > 1"
      " AND lease_until < clock_timestamp() - interval '1 minute' ORDER BY id");
  if (!left) return left.error();
  LaneLog log;
  for (int i = 0; i < lines->rows(); ++i) {
    log.lines.push_back({lines->Int(i, 0), lines->Int(i, 1), lines->Id(i, 2), lines->Int(i, 3),
                         lines->Int(i, 4), lines->Int(i, 5), lines->Int(i, 6), lines->Int(i, 7)});
  }
  for (int i = 0; i < places->rows(); ++i)
    log.places[places->Int(i, 0)] = {places->Int(i, 1), places->Int(i, 2)};
  for (int i = 0; i < left->rows(); ++i) log.unpublished.push_back(left->Id(i, 0));
  return log;
}

Result<std::vector<LaneId>> PostgresLanes::Unowned(std::span<const LaneId> lanes) {
  auto rows = core_.db.Run(
      "SELECT u.id FROM unnest($1::bigint[]) u(id) WHERE NOT EXISTS"
      " (SELECT 1 FROM rp_lane l JOIN rp_worker w ON w.id = l.worker WHERE l.id = u.id"
      "   AND NOT w.dead AND w.lease_until >= clock_timestamp())",
      Params::Of(NumbersOf(lanes)), Database::kOnce);
  if (!rows) return rows.error();
  std::vector<LaneId> out;
  for (int i = 0; i < rows->rows(); ++i) out.push_back(rows->Int(i, 0));
  return out;
}

}  // namespace reprise::runtime::postgres
