/// Lanes: which worker may work where, where several workers share a journal.
///
/// The journal decides, the bus asks.  A worker has one row (its fence: generation and sequence,
/// its lease, and what it committed and has not published); a lane has one row (its worker, its
/// epoch, the next offset of its log).  Every transaction of a worker begins by writing the
/// worker's row, so that whoever takes a lane from it waits for that transaction, and the worker's
/// next one finds its generation gone: nothing it holds only in memory can be committed any more.
///
/// Implemented by postgres/, used by kafka/.  An engine with one worker has no lanes.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "model/lane.h"

namespace reprise::runtime {

/// What one batch, or one taking, did to a lane; kept for the audit.
struct LaneLine {
  LaneId lane = 0;
  std::int64_t epoch = 0;  // under which its worker believed to hold it
  Uuid worker;
  std::int64_t seq = 0;                // that worker's commits, counted
  std::int64_t first = -1, next = -1;  // offsets; equal: nothing was consumed
  std::int64_t records = 0, gaps = 0;  // of which `first` to `next` is made
};
struct LaneLog {
  std::vector<LaneLine> lines;  // in the order in which they were written; the oldest are gone
  struct Place {
    std::int64_t epoch = 0, next = -1;
  };
  std::map<LaneId, Place> places;  // where each lane is now
  std::vector<Uuid> unpublished;   // workers long gone, whose outbox nobody took up
};

class Lanes {  // Threads: the worker's, between transactions.
 public:
  virtual ~Lanes() = default;

  struct Taken {
    LaneId lane = 0;
    std::int64_t next_offset = -1;  // -1: nothing was ever consumed here
    Uuid last_message;              // of the record before it; nil: none, or not one of ours
  };
  /// Makes these lanes this worker's, whoever had them, waiting a moment for that worker's open
  /// transaction; lanes of one that does not end it (it is paused, say) are left out, and taken
  /// when they are asked for again and the database has ended it.  What it answers is final: nobody
  /// else moves these offsets from here on.
  virtual Result<std::vector<Taken>> Take(std::span<const LaneId> lanes) = 0;
  /// Where the lanes of a topic of others begin, by partition, if no worker ever saw one of them;
  /// else nothing happens.
  virtual Status Begin(LaneId base, std::span<const std::int64_t> offsets) = 0;
  /// No longer worked on here; whoever takes them next need not wait.
  virtual Status Leave(std::span<const LaneId> lanes) = 0;
  /// Whether this worker holds the lane, as far as it knows.
  virtual bool Holds(LaneId lane) const = 0;

  /// A transaction was fenced: `Refresh` must be called before the next one.
  virtual bool fenced() const = 0;
  /// Reads what is still this worker's; a worker that was buried begins anew with no lanes.
  virtual Status Refresh() = 0;

  /// Keeps the lease; to be called at least every second while there is nothing to commit.
  virtual Status Renew() = 0;

  /// A worker whose lease has ended, and what it had committed and not published.
  struct Orphan {
    Uuid worker;
    std::string sealed;  // as Bus::Seal made it
  };
  /// Those are this worker's to publish: no one else is given them while it lives.
  virtual Result<std::vector<Orphan>> Adopt() = 0;
  /// All of it is acknowledged.
  virtual Status Bury(const Uuid& worker) = 0;

  /// All that this worker committed is acknowledged, and it stops: nobody need publish it again.
  virtual void Published() = 0;

  /// This worker's lane stands still: said to all until another worker takes it, a person lets it
  /// go on, or more of it is consumed.
  virtual Status Stand(LaneId lane, std::string_view why) = 0;
  struct Where {
    LaneId lane = 0;
    Uuid worker;  // nil: no living one
    std::int64_t epoch = 0, next_offset = -1;
    std::string why;  // it stands still; empty: it does not
  };
  /// Every lane that was ever taken.
  virtual Result<std::vector<Where>> Places() = 0;
  /// A lane that stands still goes on from this offset: its worker is fenced, and takes it anew.
  /// kNotFound: it does not stand still.
  virtual Status Resume(LaneId lane, std::int64_t from) = 0;

  /// Of these, the lanes that no living worker holds; for readiness.
  virtual Result<std::vector<LaneId>> Unowned(std::span<const LaneId> lanes) = 0;
};

}  // namespace reprise::runtime
