/// Engine: the journal, the bus and what belongs to them, whichever of them a deployment names.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/result.h"
#include "config/deployment.h"
#include "executor/plans.h"
#include "ports/bus.h"
#include "ports/journal.h"
#include "ports/lane_desk.h"

namespace reprise::runtime {

class Engine {  // Threads: the executor's, unless a function says otherwise.
 public:
  virtual ~Engine() = default;

  virtual Journal& journal() = 0;
  /// After Join only.
  virtual Bus& bus() = 0;

  /// The pipelines are known and their plans bound: lanes are made and work may begin.
  virtual Status Join(const Plans& plans) {
    (void)plans;
    return {};
  }
  /// A plan that came later: its steps' lanes can be sent to.
  virtual void Learnt(const Pipeline& pipeline) { (void)pipeline; }
  /// Whose SQL the journal speaks.
  virtual bool postgres() const { return false; }
  /// The topic to which every dead letter goes too; empty: there is no wire.
  virtual std::string dead_topic() const { return {}; }
  /// Of every step's lanes; 0: there are none.
  virtual std::uint32_t partitions() const { return 0; }

  /// Runs `work`, whose commits may reach the disk together when it ends: for a start, which begins
  /// again after a crash.  Answers the first error; each commit is durable afterwards.
  virtual Status DurableAtEnd(const std::function<Status()>& work) { return work(); }

  /// Commits of the journal, all of them.
  virtual std::int64_t commits() const = 0;

  /// For operators; null: there are no lanes.  After Join only.
  virtual LaneDesk* desk() { return nullptr; }

  /// A part that must work for the runtime to be ready.  Threads: any.
  struct Part {
    std::string name;
    std::function<Result<std::string>()> check;
  };
  virtual std::vector<Part> parts() { return {}; }
  /// The folder whose disk the journal fills; empty: it is elsewhere.
  virtual std::string data_folder() const { return {}; }
  /// Where this process keeps its flight recorder (executor/flight.h); empty: nowhere.
  virtual std::string flight_file() const { return {}; }

  /// Tells every process that a channel has something new, and hears of it until an empty listener
  /// is given: that one waits for a call that is under way.  Threads: any.
  virtual void Hint(const std::string& channel) { (void)channel; }
  virtual void OnHint(std::function<void(const std::string& channel)> /*listener*/) {}
};

struct EngineOptions {
  Clock* clock = nullptr;          // outlives the engine
  SystemClock* follows = nullptr;  // the same, if it may be set by the journal's time; or null
  Metrics* metrics = nullptr;
  /// Called on the worker's thread while the journal's server is silent: true gives it up.
  std::function<bool()> waiting;
  bool hop_commits = false;  // each hop of a message is a commit of its own (crash tests)
  /// The steps that this process works on; null: all.
  std::function<bool(const Pipeline&, const Step&)> mine;
};

/// What the deployment says.
Result<std::unique_ptr<Engine>> OpenEngine(const Deployment& deployment,
                                           const EngineOptions& options);

Result<std::unique_ptr<Engine>> OpenEmbedded(const Deployment& deployment,
                                             const EngineOptions& options);
Result<std::unique_ptr<Engine>> OpenCluster(const Deployment& deployment,
                                            const EngineOptions& options);

}  // namespace reprise::runtime
