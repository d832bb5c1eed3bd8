/// A server on a free port of loopback, with a handler of the test's.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>

#include <gtest/gtest.h>

#include "client.h"
#include "http/server.h"

namespace reprise::runtime {

inline HttpOptions OnAnyPort() {
  HttpOptions options;
  options.port = 0;
  return options;
}

/// Waits until the server's threads have made `holds` true: polled under a condition, never slept
/// for.
class Eventually {
 public:
  void Notify() {
    const std::lock_guard lock(mutex_);
    changed_.notify_all();
  }
  template <class Holds>
  bool Wait(Holds holds) {
    std::unique_lock lock(mutex_);
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!holds()) {
      if (std::chrono::steady_clock::now() > limit) return false;
      changed_.wait_for(lock, std::chrono::milliseconds(5));
    }
    return true;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
};

class Serving {
 public:
  explicit Serving(HttpHandler handler, HttpOptions options = OnAnyPort())
      : server(std::move(options)) {
    const Status started = server.Start(std::move(handler));
    EXPECT_TRUE(started) << (started ? "" : started.error().message);
  }
  std::uint16_t port() const { return server.port(); }

  HttpServer server;
};

/// Answers with what it got.
inline void Echo(HttpRequest request, std::shared_ptr<Responder> responder) {
  HttpResponse response;
  response.content_type = "text/plain";
  response.body = request.method + " " + request.path + " " + request.body;
  responder->Send(std::move(response));
}

}  // namespace reprise::runtime
