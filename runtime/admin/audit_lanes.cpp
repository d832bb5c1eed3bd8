#include "admin/audit_lanes.h"

#include <map>

#include <fmt/format.h>

namespace reprise::runtime {
namespace {

std::string WhoOf(const LaneLine& line) {
  return fmt::format("lane {}: commit {} of worker {} under epoch {}", line.lane, line.seq,
                     line.worker.ToString(), line.epoch);
}

class LaneAuditor {
 public:
  std::vector<Violation> Run(const LaneLog& log) {
    for (const LaneLine& line : log.lines) {
      const auto [before, first] = last_.try_emplace(line.lane, line);
      Count(line);
      if (first) continue;
      Epoch(before->second, line);
      Place(before->second, line);
      before->second = line;
    }
    for (const auto& [lane, line] : last_) Now(line, log.places);
    for (const Uuid& worker : log.unpublished)
      Add("I7", fmt::format("worker {} is gone, and nobody published what it had committed",
                            worker.ToString()));
    return std::move(found_);
  }

 private:
  void Add(const char* invariant, std::string what) {
    found_.push_back({invariant, {}, std::move(what)});
  }

  void Count(const LaneLine& line) {
    if (line.records + line.gaps == line.next - line.first && line.records >= 0) return;
    Add("I5", fmt::format("{}: {} records and {} gaps from offset {} to {}", WhoOf(line),
                          line.records, line.gaps, line.first, line.next));
  }

  void Epoch(const LaneLine& before, const LaneLine& line) {
    if (line.epoch < before.epoch)
      Add("I6", fmt::format("{}, and {} was there already", WhoOf(line), before.epoch));
    if (line.epoch == before.epoch && line.worker != before.worker)
      Add("I6", fmt::format("{}, which is {}'s", WhoOf(line), before.worker.ToString()));
    if (line.worker == before.worker && line.seq <= before.seq)
      Add("I6", fmt::format("{} comes after its commit {}", WhoOf(line), before.seq));
  }

  void Place(const LaneLine& before, const LaneLine& line) {
    if (before.next < 0 || line.first == before.next) return;
    Add("I5", fmt::format("{} begins at offset {}, the one before it ended at {}", WhoOf(line),
                          line.first, before.next));
  }

  void Now(const LaneLine& line, const std::map<LaneId, LaneLog::Place>& places) {
    const auto place = places.find(line.lane);
    if (place == places.end()) {
      Add("I5", fmt::format("{}, and the lane is gone", WhoOf(line)));
      return;
    }
    if (place->second.next != line.next)
      Add("I5", fmt::format("{} ended at offset {}, and the lane is at {}", WhoOf(line), line.next,
                            place->second.next));
    if (place->second.epoch != line.epoch)
      Add("I6", fmt::format("{}, and the lane's is {}", WhoOf(line), place->second.epoch));
  }

  std::map<LaneId, LaneLine> last_;
  std::vector<Violation> found_;
};

}  // namespace

std::vector<Violation> AuditLanes(const LaneLog& log) {
  return LaneAuditor().Run(log);
}

}  // namespace reprise::runtime
