/// A disk that loses its power at the n-th write, truncation or sync: what was not synced by then
/// may be lost, and the write that is on its way may be torn.
///
/// Files that are opened while this lives go through it, to real files that show what the process
/// sees.  Beside them it keeps what a disk would hold: what was synced, and what came after.  Syncs
/// are not passed on, so it is quick.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <sqlite3.h>

namespace reprise::runtime {

class TornDisk {  // One at a time; its files are closed before it ends.
 public:
  /// What becomes of writes that were not synced.  The last of them, if it is kept, is torn in
  /// half.
  enum class Unsynced { kLost, kKept, kSome };

  explicit TornDisk(int operations) {
    left_ = operations;
    disk_.clear();
    system_ = sqlite3_vfs_find(nullptr);
    vfs_ = *system_;
    vfs_.zName = "torn";
    vfs_.xOpen = Open;
    vfs_.xDelete = Delete;
    sqlite3_vfs_register(&vfs_, 1);
  }
  ~TornDisk() {
    sqlite3_vfs_unregister(&vfs_);
    sqlite3_vfs_register(system_, 1);
  }
  TornDisk(const TornDisk&) = delete;
  TornDisk& operator=(const TornDisk&) = delete;

  /// Whether the power is gone.
  bool off() const { return left_ < 0; }

  /// Writes into `folder` what the disk holds when the power is back.
  void PowerUp(const std::filesystem::path& folder, Unsynced unsynced, std::uint32_t salt) const {
    std::filesystem::create_directories(folder);
    for (const auto& [name, file] : disk_) {
      std::string bytes = file.synced;
      for (std::size_t i = 0; i < file.since.size(); ++i) {
        const bool torn = i + 1 == file.since.size() && file.last == latest_;
        const bool kept =
            unsynced == Unsynced::kKept || (unsynced == Unsynced::kSome && Coin(salt, name, i));
        if (kept) Apply(file.since[i], torn, bytes);
      }
      std::ofstream(folder / std::filesystem::path(name).filename(), std::ios::binary) << bytes;
    }
  }

 private:
  struct Change {
    std::int64_t at;    // where a write begins, or how long the file is from now on
    std::string bytes;  // empty: a truncation
  };
  struct Held {
    std::string synced;
    std::vector<Change> since;
    int last = -1;  // the number of its latest change
  };
  struct Passed {
    sqlite3_io_methods methods;  // first: what a file points at
    const sqlite3_io_methods* system;
  };

  static bool Coin(std::uint32_t salt, const std::string& name, std::size_t i) {
    return (std::hash<std::string>{}(name + std::to_string(salt * 1'000'003u + i)) >> 7) % 2 == 0;
  }
  static void Apply(const Change& change, bool torn, std::string& bytes) {
    const auto at = static_cast<std::size_t>(change.at);
    if (change.bytes.empty()) return bytes.resize(at);
    const std::size_t size = torn ? change.bytes.size() / 2 : change.bytes.size();
    if (bytes.size() < at + size) bytes.resize(at + size);
    bytes.replace(at, size, change.bytes, 0, size);
  }
  /// Whether there is power for one more operation.  The one that takes the last is on its way.
  static bool Power() { return left_ >= 0 && --left_ >= 0; }
  static void Note(sqlite3_file* file, Change change) {
    Held& held = disk_[names_[file]];
    held.since.push_back(std::move(change));
    held.last = ++latest_;
  }

  static int Open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out) {
    if (left_ < 0) return SQLITE_CANTOPEN;
    const int rc = system_->xOpen(system_, name, file, flags, out);
    if (rc != SQLITE_OK || file->pMethods == nullptr || name == nullptr) return rc;
    names_[file] = name;
    disk_[name];
    Passed& passed = passed_[file->pMethods];  // a log's are others than a database's
    passed = {*file->pMethods, file->pMethods};
    passed.methods.xWrite = Write;
    passed.methods.xTruncate = Truncate;
    passed.methods.xSync = Sync;
    file->pMethods = &passed.methods;
    return rc;
  }
  static int Delete(sqlite3_vfs*, const char* name, int sync) {
    if (!Power()) return SQLITE_IOERR_DELETE;
    disk_.erase(name);
    return system_->xDelete(system_, name, sync);
  }
  static const sqlite3_io_methods& System(sqlite3_file* file) {
    return *reinterpret_cast<const Passed*>(file->pMethods)->system;
  }
  static int Write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 at) {
    const bool on = left_ >= 0;
    const bool power = Power();
    if (on)
      Note(file,
           {at, std::string(static_cast<const char*>(bytes), static_cast<std::size_t>(size))});
    return power ? System(file).xWrite(file, bytes, size, at) : SQLITE_IOERR_WRITE;
  }
  static int Truncate(sqlite3_file* file, sqlite3_int64 size) {
    if (!Power()) return SQLITE_IOERR_TRUNCATE;
    Note(file, {size, ""});
    return System(file).xTruncate(file, size);
  }
  static int Sync(sqlite3_file* file, int) {
    if (!Power()) return SQLITE_IOERR_FSYNC;
    Held& held = disk_[names_[file]];
    for (const Change& change : held.since) Apply(change, false, held.synced);
    held.since.clear();
    return SQLITE_OK;
  }

  static inline sqlite3_vfs* system_ = nullptr;
  static inline sqlite3_vfs vfs_{};
  static inline std::map<const sqlite3_io_methods*, Passed> passed_;
  static inline std::map<const sqlite3_file*, std::string> names_;
  static inline std::map<std::string, Held> disk_;
  static inline int left_ = 0;  // operations; below zero: none, and none again
  static inline int latest_ = 0;
};

}  // namespace reprise::runtime
