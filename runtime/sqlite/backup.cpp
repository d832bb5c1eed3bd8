// Backup: a consistent copy under a name that did not exist, whole or not there at all.
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "sqlite/journal.h"

namespace reprise::runtime::sqlite {
namespace {

namespace fs = std::filesystem;

/// Closed at the end of its scope; removes what is unfinished.
class Target {
 public:
  explicit Target(std::string file) : file_(std::move(file)) {}
  Target(const Target&) = delete;
  Target& operator=(const Target&) = delete;
  ~Target() {
    sqlite3_close(db_);
    std::error_code ignored;
    if (!finished_) fs::remove(file_, ignored);
  }

  Status Open() {
    const int rc = sqlite3_open_v2(
        file_.c_str(), &db_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_EXRESCODE,
        nullptr);
    if (rc != SQLITE_OK) return ErrorOf(db_, rc, file_);
    return {};
  }

  Status CopyFrom(sqlite3* source) {
    sqlite3_backup* backup = sqlite3_backup_init(db_, "main", source, "main");
    if (backup == nullptr) return ErrorOf(db_, sqlite3_errcode(db_), file_);
    const int step = sqlite3_backup_step(backup, -1);
    const int rc = sqlite3_backup_finish(backup);
    if (rc != SQLITE_OK) return ErrorOf(db_, rc, file_);
    if (step != SQLITE_DONE) return ErrorOf(nullptr, step, file_);
    return {};
  }

  /// The copy says that its runtime stopped by itself: it is of a moment between two transactions.
  Status Finish() {
    const int rc = sqlite3_exec(
        db_, "PRAGMA journal_mode = DELETE; UPDATE rp_meta SET value = '1' WHERE name = 'rp.clean'",
        nullptr, nullptr, nullptr);
    if (rc != SQLITE_OK) return ErrorOf(db_, rc, file_);
    finished_ = true;
    return {};
  }

 private:
  const std::string file_;
  sqlite3* db_ = nullptr;
  bool finished_ = false;
};

void SyncDirectory(const fs::path& directory) {
  const int fd =
      ::open(directory.empty() ? "." : directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  ::fsync(fd);
  ::close(fd);
}

}  // namespace

Status SqliteJournal::Backup(const std::string& file) {
  std::error_code failed;
  if (core_.in_transaction) return Error{Code::kInvalid, "a backup is made between transactions"};
  if (file.empty()) return Error{Code::kInvalid, "a backup needs the name of a new file"};
  if (fs::exists(file, failed))
    return Error{Code::kInvalid, fmt::format("{}: exists already; name a new file", file)};
  const fs::path parent = fs::path(file).parent_path();
  if (!parent.empty() && !fs::is_directory(parent, failed)) {
    return Error{Code::kNotFound,
                 fmt::format("{}: the directory {} does not exist", file, parent.string())};
  }
  const std::string part = file + ".part";
  fs::remove(part, failed);
  {
    Target target(part);
    if (auto open = target.Open(); !open) return open;
    if (auto copied = target.CopyFrom(core_.db->handle()); !copied) return copied;
    if (auto done = target.Finish(); !done) return done;
  }
  fs::rename(part, file, failed);
  if (failed) return Error{Code::kInternal, fmt::format("{}: {}", file, failed.message())};
  SyncDirectory(parent);
  return {};
}

}  // namespace reprise::runtime::sqlite
