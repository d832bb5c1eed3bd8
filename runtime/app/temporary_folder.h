/// A folder of its own, gone with its owner.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"

namespace reprise::runtime {

class TemporaryFolder {  // Threads: one.
 public:
  /// `name` is part of the folder's: "bench" gives .../reprise-bench-k3Xp9a, in the folder `where`
  /// or in the system's temporary one.
  static Result<TemporaryFolder> Make(const std::string& name,
                                      const std::filesystem::path& where = {});
  ~TemporaryFolder();
  TemporaryFolder(TemporaryFolder&& other) noexcept : path_(std::move(other.path_)) {
    other.path_.clear();
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  /// From here on the folder stays.
  void Keep() { path_.clear(); }

 private:
  explicit TemporaryFolder(std::filesystem::path path) : path_(std::move(path)) {}

  std::filesystem::path path_;  // empty: nothing to remove
};

}  // namespace reprise::runtime
