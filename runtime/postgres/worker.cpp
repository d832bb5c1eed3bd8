#include "postgres/worker.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <random>

#include <fmt/format.h>

#include "base/log.h"
#include "base/mutant.h"

namespace reprise::runtime::postgres {
namespace {

constexpr Millis kAskAgain{200};

std::uint64_t Seed() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

/// Waits for what no event tells: that a server is back.
void Pause(Millis time) {
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable nobody;
  nobody.wait_for(lock, time);
}

}  // namespace

Worker::Worker(Database& db, const Options& options, Stats& stats)
    : db_(db), options_(options), stats_(stats), ids_(Seed()) {}

Status Worker::Enter() {
  id_ = ids_.Next(SystemClock().Now());
  auto made = db_.Write(
      "INSERT INTO rp_worker(id, generation, seq, lease_until)"
      " VALUES($1, 1, 0, clock_timestamp() + $2 * interval '1 ms')",
      Params::Of(id_, options_.lease.count()));
  if (!made) return made.error();
  generation_ = 1;
  seq_ = 0;
  lanes_.clear();
  fenced_ = unsure_ = false;
  return {};
}

void Worker::Go() {
  if (!db_.connected() || fenced_ || unsure_) return;
  Database::Pipeline pipeline(db_);
  pipeline.Add("BEGIN READ WRITE");
  pipeline.Add(
      "UPDATE rp_worker SET lease_until = clock_timestamp(),"
      " sealed = CASE WHEN $3 THEN NULL ELSE sealed END WHERE id = $1 AND generation = $2",
      Params::Of(id_, generation_, published_));
  pipeline.Add("UPDATE rp_lane SET worker = NULL WHERE worker = $1", Params::Of(id_));
  pipeline.Add("COMMIT");
  (void)pipeline.Run();  // if not, the lease ends by itself
}

Error Worker::Fence(std::string_view why) {
  fenced_ = true;
  ++stats_.fenced;
  return {Code::kFenced, fmt::format("journal: {}", why)};
}

Status Worker::Begin() {
  if (unsure_) {
    if (const auto known = Resolve(); !known) return known.error();
  }
  if (fenced_) return Error{Code::kFenced, "journal: lanes of this worker have gone to another"};
  const bool old_session = db_.connected();
  auto begun = TryBegin();
  // A session that ended while nobody looked is found out here, where nothing can be lost.
  if (!begun && old_session && !db_.connected()) begun = TryBegin();
  return begun;
}

Status Worker::TryBegin() {
  Database::Pipeline pipeline(db_);
  pipeline.Add("BEGIN READ WRITE");
  pipeline.Add(
      "SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint FROM rp_worker"
      " WHERE id = $1 AND generation = $2 AND seq = $3 AND NOT dead FOR UPDATE",
      Params::Of(id_, generation_, seq_));
  auto begun = pipeline.Run();
  if (!begun) {
    if (db_.connected()) (void)db_.Execute("ROLLBACK");
    return begun.error();
  }
  if (MUTANT(19) && begun->back().rows() == 0) return {};  // row 19: a former owner goes on writing
  if (begun->back().rows() == 0) {
    (void)db_.Execute("ROLLBACK");
    return Fence("lanes of this worker have gone to another");
  }
  if (options_.on_time) options_.on_time(begun->back().At(0, 0));
  return {};
}

void Worker::AddLast(Database::Pipeline& pipeline, const std::string_view* sealed) {
  if (sealed == nullptr) {
    pipeline.Add(
        "UPDATE rp_worker SET seq = seq + 1, lease_until = clock_timestamp() + $2 * interval "
        "'1 ms' WHERE id = $1",
        Params::Of(id_, options_.lease.count()));
  } else {
    published_ = false;
    pipeline.Add(
        "UPDATE rp_worker SET seq = seq + 1, lease_until = clock_timestamp() + $2 * interval "
        "'1 ms', sealed = $3 WHERE id = $1",
        Params::Of(id_, options_.lease.count(), Blob{*sealed}));
  }
}

/// Waits for the lost session's transaction, if the server still has it.
Result<std::int64_t> Worker::AskSeq() {
  Database::Pipeline pipeline(db_);
  pipeline.Add("BEGIN READ WRITE");
  pipeline.Add("SELECT seq FROM rp_worker WHERE id = $1 FOR UPDATE", Params::Of(id_));
  pipeline.Add("COMMIT");
  auto asked = pipeline.Run();
  if (!asked) {
    if (db_.connected()) (void)db_.Execute("ROLLBACK");
    return asked.error();
  }
  const Answer& row = (*asked)[1];
  if (row.rows() == 0) return Error{Code::kNotFound, "journal: the worker's row is gone"};
  return row.Int(0, 0);
}

Result<bool> Worker::Resolve() {
  unsure_ = true;
  ++stats_.in_doubt;
  for (;;) {
    const auto seq = AskSeq();
    if (seq) {
      unsure_ = false;
      const bool committed = *seq == seq_ + 1;
      if (committed) ++seq_;
      Log(LogLevel::kWarn, "the answer to a commit was lost; its fate was read from the journal",
          {{"committed", committed}});
      return committed;
    }
    if (seq.error().code == Code::kNotFound) {
      unsure_ = false;  // buried long ago: nobody can say any more
      return Error{Code::kInDoubt, seq.error().message};
    }
    if (options_.waiting && options_.waiting())
      return Error{Code::kInDoubt, "journal: the answer to the commit was lost"};
    Pause(kAskAgain);
  }
}

Status Worker::Refresh() {
  if (unsure_) {
    if (const auto known = Resolve(); !known) return known.error();
  }
  auto row =
      db_.Run("SELECT generation, seq FROM rp_worker WHERE id = $1 AND NOT dead", Params::Of(id_));
  if (!row) return row.error();
  if (row->rows() == 0) return Enter();
  generation_ = row->Int(0, 0);
  seq_ = row->Int(0, 1);
  if (auto read = ReadLanes(); !read) return read;
  fenced_ = false;
  return {};
}

Status Worker::ReadLanes() {
  auto rows = db_.Run("SELECT id, next_offset, epoch FROM rp_lane WHERE worker = $1",
                      Params::Of(id_), Database::kOnce);
  if (!rows) return rows.error();
  lanes_.clear();
  for (int i = 0; i < rows->rows(); ++i) Hold(rows->Int(i, 0), rows->Int(i, 1), rows->Int(i, 2));
  return {};
}

Status Worker::Renew() {
  if (fenced_) return Error{Code::kFenced, "journal: lanes of this worker have gone to another"};
  auto done = db_.Write(
      "UPDATE rp_worker SET lease_until = clock_timestamp() + $3 * interval '1 ms'"
      " WHERE id = $1 AND generation = $2 AND NOT dead",
      Params::Of(id_, generation_, options_.lease.count()));
  if (!done) return done.error();
  if (done->changed() == 0) return Fence("this worker was taken for dead, or lost lanes");
  return {};
}

std::int64_t Worker::NextOffset(LaneId lane) const {
  const auto found = lanes_.find(lane);
  return found == lanes_.end() ? -1 : found->second.next_offset;
}

std::int64_t Worker::EpochOf(LaneId lane) const {
  const auto found = lanes_.find(lane);
  return found == lanes_.end() ? 0 : found->second.epoch;
}

std::vector<std::int64_t> Worker::lanes() const {
  std::vector<std::int64_t> out;
  out.reserve(lanes_.size());
  for (const auto& [lane, held] : lanes_) out.push_back(lane);
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace reprise::runtime::postgres
