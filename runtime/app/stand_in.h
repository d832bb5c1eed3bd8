/// A stand-in for somebody else's server, as a process of its own.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "app/child.h"
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
  StandIn(Child child, int out) : child_(std::move(child)), out_(out) {}

  Child child_;
  const int out_;
  std::string url_;
};

}  // namespace reprise::runtime
