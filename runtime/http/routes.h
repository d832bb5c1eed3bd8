/// From a request to a pipeline's route and back: checks it, submits it to Ingress, answers with
/// the reply.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/result.h"
#include "http/problem_book.h"
#include "http/router.h"
#include "http/server.h"
#include "ports/http.h"
#include "ports/ingress.h"

namespace reprise::runtime {

class EventStreams;

struct RoutesOptions {
  std::shared_ptr<HttpLoop> loop;  // of the server that calls Handle
  const Clock* clock = nullptr;    // the journal's, for routes' deadlines; outlives us
  Metrics* metrics = nullptr;      // requests by route and status, their time; outlives the server
  std::string admin_token;         // of `token: admin`; empty: those routes are open
  ProblemBook problems;            // what codes mean, for GET /problems/<code>
  std::vector<std::string> reserved{"api", "livez", "readyz", "metrics", "problems"};
  Millis stream_every{5'000};
};

class Routes {  // Threads: Handle from any.
 public:
  /// Refuses routes that do not fit together; see Router::Build.  `ingress` outlives the server.
  static Result<std::unique_ptr<Routes>> Make(const std::vector<PipelineRef>& pipelines,
                                              Ingress& ingress, RoutesOptions options);
  ~Routes();

  /// Answers every request: 404 `no_route` where nothing fits.
  void Handle(const HttpRequest& request, std::shared_ptr<Responder> responder);

  /// Open event streams, for metrics.
  std::size_t streams() const;
  /// Something may be new for the streams of `channel`: another process says so.  Threads: any.
  void Hint(const std::string& channel);

 private:
  struct Call;
  Routes(Router router, Ingress& ingress, RoutesOptions options);

  std::optional<Problem> Prepare(const HttpRequest& request, const Router::Entry& entry,
                                 Call& call);
  std::optional<Problem> CheckDoor(const HttpRequest& request, const Route& route, Call& call);
  std::optional<Problem> DecodeFields(const HttpRequest& request, const Router::Entry& entry,
                                      Call& call);
  void NoRoute(const HttpRequest& request, std::vector<std::string> allow, Responder& responder);
  bool ExplainProblem(const HttpRequest& request, Responder& responder) const;
  void OpenStream(const HttpRequest& request, Call call, std::shared_ptr<Responder> responder);

  const Router router_;
  Ingress& ingress_;
  const RoutesOptions options_;
  const std::shared_ptr<EventStreams> streams_;
};

}  // namespace reprise::runtime
