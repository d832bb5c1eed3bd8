#include "sqlite/engine.h"

#include "sqlite/core.h"
#include "sqlite/journal.h"
#include "sqlite/opening.h"

namespace reprise::runtime {

struct SqliteEngine::Parts {
  Parts(Options options, std::unique_ptr<sqlite::Database> db)
      : core(std::move(options), std::move(db)), journal(core) {}

  Status Load() {
    if (auto plans = core.plans.Load(); !plans) return plans;
    if (auto waiting = core.bus.Load(); !waiting) return waiting;
    if (!core.options.read_only) {
      if (auto sent = core.topics.Load(); !sent) return sent;
      if (auto drained = core.topics.Drain(); !drained) return drained;
    }
    sqlite::Cursor highest = core.db->Use("SELECT max(id) FROM rp_saga");
    const auto found = highest.Next();
    if (!found) return found.error();
    core.highest = highest.Id(0);
    return {};
  }

  sqlite::Core core;
  sqlite::SqliteJournal journal;
};

Result<std::unique_ptr<SqliteEngine>> SqliteEngine::Open(Options options, std::string_view image) {
  auto opened = sqlite::OpenFile(options, image);
  if (!opened) return opened.error();
  auto parts = std::make_unique<Parts>(std::move(options), std::move(opened->db));
  if (auto loaded = parts->Load(); !loaded) return loaded.error();
  return std::unique_ptr<SqliteEngine>(new SqliteEngine(std::move(parts), opened->unclean));
}

SqliteEngine::SqliteEngine(std::unique_ptr<Parts> parts, bool recovered)
    : parts_(std::move(parts)), recovered_(recovered) {}

SqliteEngine::~SqliteEngine() {
  if (abandoned_) return;
  if (parts_->core.options.read_only || parts_->core.in_transaction) return;
  // A failure leaves the file marked as it is: the next start checks it.
  if (parts_->journal.Settle() && parts_->core.topics.Forget(true))
    (void)sqlite::MarkClean(*parts_->core.db);
}

Status SqliteEngine::DurableAtEnd(const std::function<Status()>& work) {
  if (auto set = parts_->core.db->Execute("PRAGMA synchronous = NORMAL"); !set) return set;
  Status done = work();
  if (auto set = parts_->core.db->Execute("PRAGMA synchronous = FULL"); !set) return set;
  if (!done) return done;
  // The log is one file, and this commit waits for the disk: it takes all that stands before along.
  // It must change something, for SQLite writes nothing that is as it was.
  return parts_->core.db->Execute(
      "INSERT INTO rp_meta VALUES('rp.starts', 1) ON CONFLICT DO UPDATE SET value = value + 1");
}

Result<std::string> SqliteEngine::Image() {
  if (parts_->core.in_transaction) return Error{Code::kInvalid, "journal: a transaction is open"};
  sqlite3_int64 size = 0;
  unsigned char* const bytes = sqlite3_serialize(parts_->core.db->handle(), "main", &size, 0);
  if (bytes == nullptr) return Error{Code::kInternal, "journal: no memory for an image"};
  std::string image(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  sqlite3_free(bytes);
  return image;
}

Journal& SqliteEngine::journal() {
  return parts_->journal;
}
Bus& SqliteEngine::bus() {
  return parts_->core.bus;
}
const SqliteEngine::Stats& SqliteEngine::stats() const {
  return parts_->core.stats;
}

}  // namespace reprise::runtime
