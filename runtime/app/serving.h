/// Serving: an assembled runtime at work: its executor on a thread of its own, and its HTTP server.
#pragma once

#include <memory>
#include <string>
#include <thread>

#include "admin/api.h"
#include "admin/health.h"
#include "app/assembly.h"
#include "http/routes.h"
#include "http/server.h"

namespace reprise::runtime {

class Serving {  // Threads: the one that made it.
 public:
  explicit Serving(Assembly& assembly);
  ~Serving();

  /// Takes the address and serves.
  Status Start();
  /// Drains: refuses what is new, finishes what is in flight, commits.
  void Stop();

  std::string address() const { return server_->address(); }

 private:
  void Handle(HttpRequest request, std::shared_ptr<Responder> responder);

  Assembly& assembly_;
  std::unique_ptr<HttpServer> server_;
  std::unique_ptr<Routes> routes_;
  std::unique_ptr<AdminApi> admin_;
  std::unique_ptr<Health> health_;
  std::thread worker_;
  bool stopped_ = false;
};

/// SIGINT and SIGTERM are kept for WaitForSignal; to be called before any thread is made.
void BlockSignals();
int WaitForSignal();
/// Whether one of them comes within this time.
bool SignalComes(Millis within);

}  // namespace reprise::runtime
