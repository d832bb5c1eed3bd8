/// /api/v1: what operators, the command line and the console read and change.
///
///   GET   sagas, sagas/{id}, dlq, dlq/{id}, pipelines, pipelines/{name}, plugins, lanes
///   POST  sagas/{id}/{retry|undo|skip|resolve|signal}, dlq/{id}/{replay|drop},
///         lanes/{topic}[:{partition}]/resume, backup, publish/{pipeline}/{event}
/// Readings run on the executor's thread between transactions; changes are verbs and starts like
/// any other input.  Source  MECHANISMS.md 13.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "admin/view.h"
#include "base/clock.h"
#include "ports/http.h"
#include "ports/ingress.h"

namespace reprise::runtime {

class AdminApi {  // Threads: any.
 public:
  struct Wiring {
    Ingress& ingress;
    const Clock& clock;
    /// `now` is set for each answer.  `plan` is called on the executor's thread, `pipelines` on
    /// any.
    View view;
    std::string token;  // REPRISE_ADMIN_TOKEN; empty: changes need none
  };

  /// What `wiring` refers to outlives every request in flight.
  explicit AdminApi(Wiring wiring);

  /// For everything under /api/v1.
  void Handle(HttpRequest request, std::shared_ptr<Responder> responder) const;

 private:
  std::shared_ptr<const Wiring> wiring_;
};

}  // namespace reprise::runtime
