/// A stand-in for somebody else's server, as a process of its own.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/result.h"

namespace reprise::runtime {

class StandIn {  // Threads: one.
 public:
  /// Starts the command; the first line it prints is its URL.  It dies with us.
  static Result<std::unique_ptr<StandIn>> Run(const std::vector<std::string>& command);
  ~StandIn();
  StandIn(const StandIn&) = delete;
  StandIn& operator=(const StandIn&) = delete;

  const std::string& url() const { return url_; }

 private:
  StandIn(pid_t pid, int out) : pid_(pid), out_(out) {}

  const pid_t pid_;
  const int out_;
  std::string url_;
};

}  // namespace reprise::runtime
