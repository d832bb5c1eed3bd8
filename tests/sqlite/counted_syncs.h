/// Counts how often SQLite waits for the disk, in files that are opened while this lives.
#pragma once

#include <map>

#include <sqlite3.h>

namespace reprise::runtime {

class CountedSyncs {  // One at a time; its files may outlive it.
 public:
  CountedSyncs() {
    system_ = sqlite3_vfs_find(nullptr);
    vfs_ = *system_;
    vfs_.zName = "counted";
    vfs_.xOpen = Open;
    count_ = 0;
    sqlite3_vfs_register(&vfs_, 1);
  }
  ~CountedSyncs() {
    sqlite3_vfs_unregister(&vfs_);
    sqlite3_vfs_register(system_, 1);
  }
  CountedSyncs(const CountedSyncs&) = delete;
  CountedSyncs& operator=(const CountedSyncs&) = delete;

  int count() const { return count_; }

 private:
  struct Counted {
    sqlite3_io_methods methods;  // first: what a file points at
    const sqlite3_io_methods* system;
  };

  static int Open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out) {
    const int rc = system_->xOpen(system_, name, file, flags, out);
    if (rc != SQLITE_OK || file->pMethods == nullptr) return rc;
    Counted& counted = counted_[file->pMethods];  // a log's are others than a database's
    counted = {*file->pMethods, file->pMethods};
    counted.methods.xSync = Sync;
    file->pMethods = &counted.methods;
    return rc;
  }
  static int Sync(sqlite3_file* file, int flags) {
    ++count_;
    return reinterpret_cast<const Counted*>(file->pMethods)->system->xSync(file, flags);
  }

  static inline sqlite3_vfs* system_ = nullptr;
  static inline sqlite3_vfs vfs_{};
  static inline std::map<const sqlite3_io_methods*, Counted> counted_;
  static inline int count_ = 0;
};

}  // namespace reprise::runtime
