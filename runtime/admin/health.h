/// /livez, /readyz and /metrics.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/result.h"
#include "model/catalog.h"
#include "ports/http.h"
#include "ports/ingress.h"

namespace reprise::runtime {

class Health {  // Threads: AddCheck before requests come; the rest any.
 public:
  struct Wiring {
    Ingress& ingress;
    Metrics& metrics;
    const Clock& clock;
    const PluginCatalog* catalog = nullptr;  // may be null
    std::string version, commit;             // of this build
    int abi = 1;
    std::function<Result<std::int64_t>()>
        lag;  // messages waiting; on the executor's thread; may be null
    std::function<std::optional<Time>()> oldest;  // of them, emitted when; likewise
    std::string data_folder;                      // its disk is watched; empty: none is
  };

  /// What `wiring` refers to outlives every request in flight.
  explicit Health(Wiring wiring);
  ~Health();

  /// A named check of /readyz.  The text of a passed one is shown behind its "ok"; it must not
  /// block and may be called from any thread.
  void AddCheck(std::string name, std::function<Result<std::string>()> check);

  /// From now on /readyz says 503: the process is leaving.
  void Drain();

  /// The process lives; never asks anything else.
  void Livez(const HttpRequest& request, std::shared_ptr<Responder> responder) const;
  /// 200 or 503; `?verbose` lists the checks, `?exclude=a&exclude=b` leaves some out.  The check
  /// `executor` is always there: the executor's thread answers, and its journal does.
  void Readyz(const HttpRequest& request, std::shared_ptr<Responder> responder) const;
  void MetricsText(const HttpRequest& request, std::shared_ptr<Responder> responder) const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace reprise::runtime
