/// The streams of all clients: asks each one's question, sends what is new, and asks again when a
/// hint for its channel comes, when there may be more, and every so often anyway.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "base/time.h"
#include "http/server.h"
#include "ports/http.h"
#include "ports/ingress.h"

namespace reprise::runtime {

class EventStreams : public std::enable_shared_from_this<EventStreams> {
  // Threads: any for what is public; all work is done on the loop, one piece at a time.
 public:
  /// `ingress` must outlive the loop's server.
  EventStreams(Ingress& ingress, std::shared_ptr<HttpLoop> loop, Millis ask_every);

  /// Asks `question` after event `last_id`.  A refusal is the answer to the request (`refuse` makes
  /// the problem of it); otherwise the responder becomes a stream.
  void Open(Request question, std::string last_id, std::shared_ptr<Responder> responder,
            std::function<Problem(const Reply&)> refuse);

  /// Something may be new for the streams of `channel`.
  void Hint(std::string channel);

  std::size_t open() const { return open_; }

 private:
  struct Viewer;
  using ViewerRef = std::shared_ptr<Viewer>;

  void Ask(const ViewerRef& viewer);
  void Answered(const ViewerRef& viewer, const Reply& refused, StreamBatch batch);
  bool OpenStream(const ViewerRef& viewer);
  bool SendBatch(Viewer& viewer, const StreamBatch& batch);
  void AskAgainSoon(const ViewerRef& viewer);
  void Join(const ViewerRef& viewer, const std::string& channel);
  void Leave(const ViewerRef& viewer);
  void Tick();
  void ScheduleTick();

  Ingress& ingress_;
  const std::shared_ptr<HttpLoop> loop_;
  const Millis ask_every_;
  std::atomic<std::size_t> open_ = 0;
  const std::shared_ptr<std::atomic<std::size_t>> viewers_;  // also those being opened

  // On the loop.
  std::map<std::string, std::set<ViewerRef>> channels_;
  bool ticking_ = false;
};

}  // namespace reprise::runtime
