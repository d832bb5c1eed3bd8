/// How a process of the cluster engine meets its Redis.
#pragma once

#include <string>

#include "base/backoff.h"

namespace reprise::runtime::redis {

struct Options {
  std::string url;           // redis://user:password@host:port/db; see url.h
  std::string prefix;        // of every key and channel: "shop"
  Millis connect_wait{500};  // for the connection
  Millis command_wait{250};  // for one answer; the executor waits for it, so it is short
  RetryPolicy again{.immediate = 0, .first = Millis(200), .max = Millis(5'000)};
};

}  // namespace reprise::runtime::redis
