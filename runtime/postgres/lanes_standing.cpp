// Lanes that stand still: said to all, listed, and let go on by a person.
#include <fmt/format.h>

#include "postgres/lanes.h"

namespace reprise::runtime::postgres {

Status PostgresLanes::Stand(LaneId lane, std::string_view why) {
  if (auto fine = Between(); !fine) return fine;
  auto done = core_.db.Write("UPDATE rp_lane SET stopped = $3 WHERE id = $1 AND worker = $2",
                             Params::Of(lane, core_.worker.id(), Clean(why)), Database::kOnce);
  if (!done) return done.error();
  return {};
}

Result<std::vector<Lanes::Where>> PostgresLanes::Places() {
  auto rows = core_.db.Run(
      "SELECT l.id, w.id, l.epoch, l.next_offset, coalesce(l.stopped, '') FROM rp_lane l"
      " LEFT JOIN rp_worker w ON w.id = l.worker AND NOT w.dead"
      "   AND w.lease_until >= clock_timestamp() ORDER BY l.id",
      {}, Database::kOnce);
  if (!rows) return rows.error();
  std::vector<Where> out;
  for (int i = 0; i < rows->rows(); ++i) {
    out.push_back(
        {rows->Int(i, 0), rows->Id(i, 1), rows->Int(i, 2), rows->Int(i, 3), rows->String(i, 4)});
  }
  return out;
}

/// As in a taking, its worker's row first: an open transaction of it is waited for, and it has to
/// take the lane anew.  Whoever took the lane meanwhile has found out for itself whether it stands
/// still, and nothing is changed.  The audit would call the jump a loss: the lane's log ends here.
Status PostgresLanes::Resume(LaneId lane, std::int64_t from) {
  if (auto fine = Between(); !fine) return fine;
  const std::string patience =
      fmt::format("SET LOCAL lock_timeout = {}", core_.options.take_wait.count());
  Database::Pipeline pipeline(core_.db);
  pipeline.Add("BEGIN READ WRITE");
  pipeline.Add(patience.c_str());
  pipeline.Add(
      "UPDATE rp_worker SET generation = generation + 1 WHERE NOT dead"
      " AND id = (SELECT worker FROM rp_lane WHERE id = $1 AND stopped IS NOT NULL)",
      Params::Of(lane), Database::kOnce);
  const std::size_t resumed = pipeline.size();
  pipeline.Add(
      "WITH resumed AS (UPDATE rp_lane SET next_offset = $2, last_message = NULL, stopped = NULL,"
      "   epoch = epoch + 1 WHERE id = $1 AND stopped IS NOT NULL RETURNING id),"
      " forgotten AS (DELETE FROM rp_lane_log WHERE lane IN (SELECT id FROM resumed))"
      " SELECT id FROM resumed",
      Params::Of(lane, from), Database::kOnce);
  pipeline.Add("COMMIT");
  auto done = pipeline.Run();
  if (!done) {
    if (core_.db.connected()) (void)core_.db.Execute("ROLLBACK");
    return done.error();
  }
  if ((*done)[resumed].rows() == 0) return Error{Code::kNotFound, "the lane does not stand still"};
  return {};
}

}  // namespace reprise::runtime::postgres
