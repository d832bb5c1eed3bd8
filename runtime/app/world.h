/// World: a whole runtime inside this process, with a clock one moves and no threads of its own:
/// what `reprise test` and plugins' scenarios run on.
///
/// Everything is the real thing (pipelines, plugins, journal) except time and the network: calls of
/// external steps run between turns, requests come in without a socket.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/assembly.h"
#include "app/temporary_folder.h"
#include "app/world_servers.h"
#include "http/routes.h"
#include "ports/http.h"

namespace reprise::runtime {

class World {  // Threads: one.
 public:
  struct Setup {
    std::vector<std::string> paths;
    std::string config;
    std::shared_ptr<const Loaded> loaded;  // read once for many worlds; empty: read from `paths`
    std::vector<std::string> plugin_folders;
    Environment environment = SystemEnvironment();
    std::vector<Fault> faults;
    std::uint64_t seed = 1;
    bool hop_commits = false;  // each hop is a commit, so that a crash can come between any two
    std::shared_ptr<WorldServers> servers;  // the cluster engine's; null: the embedded engine
  };

  /// In a temporary folder that goes with the world.
  static Result<std::unique_ptr<World>> Make(Setup setup);
  ~World();

  ManualClock& clock() { return clock_; }
  Assembly& assembly() { return *assembly_; }
  Journal& journal() { return assembly_->engine().journal(); }

  /// Does everything that can be done now.  A crash (injected, or by CrashAt) is followed by a
  /// restart.
  Status Settle();
  /// Moves the clock through everything that falls due on the way.
  Status Advance(Millis by);
  /// The process dies right after its n-th commit from now, and is started again; once.
  void CrashAt(std::uint64_t commit) { crash_at_ = commit; }
  std::uint64_t commits() const { return commits_; }
  std::uint64_t crashes() const { return crashes_; }

  /// Starts a saga and settles; the same id again changes nothing.
  Result<Uuid> Start(const std::string& pipeline, const std::string& event,
                     const json::object& root);
  /// A request as HTTP would bring it; comes again, with the same Idempotency-Key, after a crash.
  Result<HttpResponse> Request(const HttpRequest& request);
  /// Hands a request in and runs nothing: it is answered in a later turn, never after a crash.
  void Post(const HttpRequest& request, std::function<void(const HttpResponse&)> answered);
  Result<Reply> Do(const Verb& verb);

  /// The events of every saga, as they were committed: "reserve.held", "$done".
  struct Seen {
    Uuid saga;
    std::string pipeline, event;
  };
  const std::vector<Seen>& events() const { return events_; }
  /// The sagas that began, in order.
  const std::vector<Seen>& sagas() const { return sagas_; }

 private:
  World(Setup setup, TemporaryFolder folder);
  Status Boot();
  Status Restart();
  Result<std::unique_ptr<Engine>> OpenEngine();
  Status TurnUntil(const std::function<bool()>& done);
  Status Rest(std::optional<std::chrono::steady_clock::time_point>& since);

  const Setup setup_;
  const TemporaryFolder folder_;  // outlives what is in it
  ManualClock clock_;
  Metrics metrics_;  // of the servers' engine
  std::unique_ptr<Assembly> assembly_;
  WorldEngine* cluster_ = nullptr;  // the assembly's engine; null: it is embedded
  std::unique_ptr<Routes> routes_;
  std::shared_ptr<HttpLoop> loop_;
  std::uint64_t commits_ = 0, crash_at_ = 0, crashes_ = 0, boots_ = 0;
  std::vector<Seen> events_, sagas_;
  std::vector<Fault> faults_;  // with the crashes that are left
};

}  // namespace reprise::runtime
