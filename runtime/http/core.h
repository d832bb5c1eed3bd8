/// What the server and its sessions share.  Only for server.cpp and session.cpp.
#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <unordered_set>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "http/server.h"
#include "ports/http.h"

namespace reprise::runtime {

class Session;

/// Kept by every session and responder, so that an answer which comes after the server was stopped,
/// or even destroyed, finds something to be dropped by.
struct HttpCore {
  explicit HttpCore(HttpOptions o) : options(std::move(o)), io(options.threads) {}

  /// Posts unless the server has stopped: what is posted later would keep this object alive
  /// forever.
  template <class Executor, class Work>
  void Post(const Executor& executor, Work work) {
    const std::shared_lock lock(stop_mutex);
    if (!stopped) boost::asio::post(executor, std::move(work));
  }

  const HttpOptions options;
  HttpHandler handler;  // constant after Start
  boost::asio::io_context io;
  std::atomic<bool> draining = false;

  std::shared_mutex stop_mutex;  // guards `stopped`
  bool stopped = false;

  mutable std::mutex mutex;  // guards what follows
  std::condition_variable changed;
  std::unordered_set<Session*> sessions;
  std::map<std::string, std::size_t> per_client;
};

}  // namespace reprise::runtime
