#include "app/serving.h"

#include <csignal>
#include <cstdlib>

#include <pthread.h>

#include "app/version.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "http/problem.h"

namespace reprise::runtime {
namespace {

std::string Env(const char* name) {
  const auto value = SystemEnvironment()(name);
  return value ? *value : std::string();
}

sigset_t StopSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

}  // namespace

void BlockSignals() {
  const sigset_t set = StopSignals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);  // NOLINT(cert-err33-c): the default it replaces is of no use
}

int WaitForSignal() {
  const sigset_t set = StopSignals();
  int signal = 0;
  sigwait(&set, &signal);
  return signal;
}

bool SignalComes(Millis within) {
  const sigset_t set = StopSignals();
  const timespec time{within.count() / 1000, within.count() % 1000 * 1'000'000};
  return sigtimedwait(&set, nullptr, &time) > 0;
}

Serving::Serving(Assembly& assembly) : assembly_(assembly) {}

Serving::~Serving() {
  Stop();
}

Status Serving::Start() {
  HttpOptions http;
  if (Status status = ParseListen(assembly_.deployment().listen, http); !status) return status;
  http.body_bytes_max = static_cast<std::size_t>(assembly_.deployment().limits.body_bytes);
  server_ = std::make_unique<HttpServer>(http);
  if (Status status = server_->Listen(); !status) return status;

  Executor& executor = assembly_.executor();
  RoutesOptions routes;
  routes.loop = server_->loop();
  routes.clock = &assembly_.clock();
  routes.metrics = &assembly_.metrics();
  routes.admin_token = Env("REPRISE_ADMIN_TOKEN");
  routes.problems = MakeProblemBook(assembly_.plugins().catalog());
  auto made = Routes::Make(
      assembly_.serves_routes() ? assembly_.loaded().pipelines : std::vector<PipelineRef>(),
      executor, routes);
  if (!made) return made.error();
  routes_ = std::move(*made);

  View view;
  view.plan = [this](const std::string& hash) { return assembly_.PlanOf(hash); };
  view.pipelines = [this] { return assembly_.loaded().pipelines; };
  view.catalog = &assembly_.plugins().catalog();
  view.settings = assembly_.deployment().plugins;
  view.desk = assembly_.engine().desk();
  admin_ = std::make_unique<AdminApi>(
      AdminApi::Wiring{executor, assembly_.clock(), view, routes.admin_token});

  Health::Wiring health{executor, assembly_.metrics(), assembly_.clock()};
  health.catalog = &assembly_.plugins().catalog();
  health.version = std::string(kVersion);
  health.commit = std::string(Commit());
  health.lag = [this] { return assembly_.engine().bus().Lag(); };
  health.oldest = [this] { return assembly_.engine().bus().Oldest(); };
  health.data_folder = assembly_.engine().data_folder();
  health_ = std::make_unique<Health>(std::move(health));
  health_->AddCheck("journal", [this]() -> Result<std::string> {
    const auto why = assembly_.executor().Overloaded();
    if (why && why->first == "unavailable") return Error{Code::kUnavailable, why->second};
    return std::string();
  });
  for (Engine::Part& part : assembly_.engine().parts())
    health_->AddCheck(part.name, std::move(part.check));
  health_->AddCheck("ingress", [this]() -> Result<std::string> {
    const auto why = assembly_.executor().Overloaded();
    if (why && why->first != "unavailable") return Error{Code::kUnavailable, why->second};
    return std::string();
  });

  // A hint reaches the streams of every process; what comes from others is not sent on.
  assembly_.engine().OnHint([this](const std::string& channel) { routes_->Hint(channel); });
  executor.OnHint([this](const std::string& channel) { assembly_.engine().Hint(channel); });

  worker_ = std::thread([&executor] { executor.Run(); });
  return server_->Start([this](HttpRequest request, std::shared_ptr<Responder> responder) {
    Handle(std::move(request), std::move(responder));
  });
}

void Serving::Handle(HttpRequest request, std::shared_ptr<Responder> responder) {
  const std::string& path = request.path;
  const bool looked_at = path == "/livez" || path == "/readyz" || path == "/metrics";
  if (looked_at && request.method != "GET" && request.method != "HEAD") {
    Problem problem = MakeProblem(405, "method_not_allowed", path + " takes GET, HEAD");
    problem.instance = path;
    problem.headers.emplace_back("Allow", "GET, HEAD");
    return responder->Refuse(std::move(problem));
  }
  if (path.starts_with("/api/")) {
    admin_->Handle(std::move(request), std::move(responder));
  } else if (path == "/livez") {
    health_->Livez(request, std::move(responder));
  } else if (path == "/readyz") {
    health_->Readyz(request, std::move(responder));
  } else if (path == "/metrics") {
    health_->MetricsText(request, std::move(responder));
  } else {
    routes_->Handle(request, std::move(responder));
  }
}

void Serving::Stop() {
  if (stopped_) return;
  stopped_ = true;
  if (health_) health_->Drain();
  FAILPOINT("drain.before");
  if (server_) server_->Stop();  // what was accepted is answered first
  FAILPOINT("drain.after");
  assembly_.executor().Stop();
  if (worker_.joinable()) worker_.join();
  assembly_.engine().OnHint(
      {});  // a hint may come for as long as the engine lives; the routes end before it
}

}  // namespace reprise::runtime
