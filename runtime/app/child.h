/// Another program, as a child process: one that dies with its owner, and with us, or one that is
/// run to its end.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>

#include "base/result.h"

namespace reprise::runtime {

class Child {  // Threads: one, and it must outlive the child.
 public:
  /// Starts a command; its words are taken as they are.  Its stdout and stderr go to these
  /// descriptors, which stay the caller's; -1: where ours go.
  static Result<Child> Start(const std::vector<std::string>& command, int out, int err = -1);
  ~Child();
  Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// Whether it has not ended by itself.
  bool Runs();

 private:
  explicit Child(pid_t pid) : pid_(pid) {}

  pid_t pid_;  // -1: nobody to end
};

/// Runs it, with what it says on stdout and stderr added to `log`, and answers its exit code (128 +
/// n if signal n ended it).  kNotFound: there is no such program.
Result<int> RunChild(const std::vector<std::string>& command, const std::filesystem::path& log);

}  // namespace reprise::runtime
