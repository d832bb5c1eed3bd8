/// Lanes over the tables rp_worker and rp_lane.
#pragma once

#include <unordered_set>

#include "ports/lanes.h"
#include "postgres/core.h"

namespace reprise::runtime::postgres {

class PostgresLanes : public Lanes {  // Threads: the worker's.
 public:
  explicit PostgresLanes(Core& core) : core_(core) {}

  Result<std::vector<Taken>> Take(std::span<const LaneId> lanes) override;
  Status Begin(LaneId base, std::span<const std::int64_t> offsets) override;
  Status Leave(std::span<const LaneId> lanes) override;
  bool Holds(LaneId lane) const override { return core_.worker.Holds(lane); }
  bool fenced() const override { return core_.worker.fenced(); }
  Status Refresh() override;
  Status Renew() override;
  Result<std::vector<Orphan>> Adopt() override;
  Status Bury(const Uuid& worker) override;
  void Published() override { core_.worker.Published(); }
  Status Stand(LaneId lane, std::string_view why) override;
  Result<std::vector<Where>> Places() override;
  Status Resume(LaneId lane, std::int64_t from) override;
  Result<std::vector<LaneId>> Unowned(std::span<const LaneId> lanes) override;

  Result<LaneLog> ReadLog();

 private:
  Status Between() const;
  Result<std::vector<Uuid>> LockOwners(std::span<const LaneId> lanes);
  Result<bool> LockOwner(const Uuid& owner);
  Result<std::vector<Taken>> TakeLocked(std::span<const LaneId> lanes);

  Core& core_;
  std::unordered_set<Uuid> adopted_;  // that the bus was told of
};

}  // namespace reprise::runtime::postgres
