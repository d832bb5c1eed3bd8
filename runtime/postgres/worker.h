/// Worker: this process's row among the workers of a journal, which is its fence.
///
/// Every transaction begins by locking the row, and only if it still is as this worker left it.
/// Who takes lanes away locks it too, and so waits for the open transaction; then it raises the
/// generation, and the next transaction of this worker finds that out before it does anything.  A
/// commit raises `seq`: that is how the fate of a COMMIT whose answer was lost is read.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "model/lane.h"
#include "postgres/database.h"

namespace reprise::runtime::postgres {

class Worker {
 public:
  Worker(Database& db, const Options& options, Stats& stats);

  /// Makes the row.
  Status Enter();
  /// At a clean stop: the lease ends, the lanes are free.
  void Go();

  /// Begins a transaction, fenced; tells Options::on_time.
  Status Begin();
  /// The last write of a transaction, to be added before its COMMIT.  Null: the outbox stays.
  void AddLast(Database::Pipeline& pipeline, const std::string_view* sealed);
  void Committed() { ++seq_; }
  /// Its outbox is out: a clean stop takes it along.
  void Published() { published_ = true; }
  /// What became of a COMMIT whose answer was lost: true, it is durable.
  Result<bool> Resolve();

  /// Nothing may begin until Refresh.
  bool fenced() const { return fenced_; }
  Error Fence(std::string_view why);
  Status Refresh();
  Status Renew();

  const Uuid& id() const { return id_; }
  std::int64_t generation() const { return generation_; }
  /// Of the next commit.
  std::int64_t next_seq() const { return seq_ + 1; }

  bool Holds(LaneId lane) const { return lanes_.contains(lane); }
  /// The offset a lane's next record must have; -1: any, if nothing was ever consumed.
  std::int64_t NextOffset(LaneId lane) const;
  /// The epoch under which this worker believes to hold it; 0: it does not.
  std::int64_t EpochOf(LaneId lane) const;
  void Hold(LaneId lane, std::int64_t next_offset) { lanes_[lane].next_offset = next_offset; }
  void Hold(LaneId lane, std::int64_t next_offset, std::int64_t epoch) {
    lanes_[lane] = {next_offset, epoch};
  }
  void Drop(LaneId lane) { lanes_.erase(lane); }
  std::vector<std::int64_t> lanes() const;

 private:
  Status TryBegin();
  Status ReadLanes();
  Result<std::int64_t> AskSeq();

  Database& db_;
  const Options& options_;
  Stats& stats_;
  UuidV7 ids_;
  Uuid id_;
  std::int64_t generation_ = 0, seq_ = 0;
  bool fenced_ = false;
  bool published_ = false;
  bool unsure_ = false;  // a COMMIT's fate is not known yet
  struct Held {
    std::int64_t next_offset = -1, epoch = 0;
  };
  std::unordered_map<LaneId, Held> lanes_;
};

}  // namespace reprise::runtime::postgres
