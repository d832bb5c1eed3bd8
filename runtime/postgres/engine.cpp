#include "postgres/engine.h"

#include "postgres/core.h"
#include "postgres/journal.h"
#include "postgres/lanes.h"
#include "postgres/schema.h"

namespace reprise::runtime {

struct PostgresEngine::Parts {
  explicit Parts(Options options) : core(std::move(options)), journal(core), lanes(core) {}

  Status Load() {
    if (auto connected = core.db.Connect(); !connected) return connected;
    if (auto fine = postgres::CheckServer(core.db); !fine) return fine;
    if (auto upgraded = postgres::UpgradeSchema(core.db); !upgraded) return upgraded;
    if (auto entered = core.worker.Enter(); !entered) return entered;
    return core.plans.Load();
  }

  postgres::Core core;
  postgres::PostgresJournal journal;
  postgres::PostgresLanes lanes;
};

Result<std::unique_ptr<PostgresEngine>> PostgresEngine::Open(Options options) {
  auto parts = std::make_unique<Parts>(std::move(options));
  if (auto loaded = parts->Load(); !loaded) return loaded.error();
  return std::unique_ptr<PostgresEngine>(new PostgresEngine(std::move(parts)));
}

PostgresEngine::PostgresEngine(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

PostgresEngine::~PostgresEngine() {
  if (!abandoned_ && !parts_->core.in_transaction) parts_->core.worker.Go();
}

void PostgresEngine::Abandon() {
  abandoned_ = true;
  parts_->core.db.Cut();
}

Journal& PostgresEngine::journal() {
  return parts_->journal;
}
Lanes& PostgresEngine::lanes() {
  return parts_->lanes;
}
const PostgresEngine::Stats& PostgresEngine::stats() const {
  return parts_->core.stats;
}
Uuid PostgresEngine::worker() const {
  return parts_->core.worker.id();
}
std::optional<std::string> PostgresEngine::Trouble() const {
  return parts_->core.db.Trouble();
}
Result<LaneLog> PostgresEngine::ReadLaneLog() {
  return parts_->lanes.ReadLog();
}

Result<std::int64_t> PostgresEngine::Reserve(std::string_view counter, std::int64_t at_least,
                                             std::int64_t block) {
  return parts_->journal.counters().Reserve(counter, at_least, block);
}

}  // namespace reprise::runtime
