/// SimulatedWorld: one to three processes of one deployment over one journal and one wire, all in
/// this thread, on a clock that only moves when nobody has anything to do.
///
/// Real: pipelines, plugins, SQL, executor.  Simulated: the wire, time, deaths (simulation/).
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "app/assembly.h"
#include "http/routes.h"
#include "simulation/journal.h"
#include "sqlite/engine.h"

namespace reprise::runtime {

class SimulatedWorld {  // Threads: one.
 public:
  struct Setup {
    std::shared_ptr<const Loaded> loaded;
    std::shared_ptr<const FoundPlugins> found;
    Environment environment;
    std::string image;  // of a journal that is ready: SimulatedWorld::Prepare
    std::uint64_t seed = 1;
    std::optional<std::set<std::string>> only;  // faults
  };
  using Answered = std::function<void(const HttpResponse* answer)>;  // null: the process died

  /// A journal in which the plugins have started, without any fault.
  static Result<std::string> Prepare(Setup setup);

  explicit SimulatedWorld(Setup setup);
  ~SimulatedWorld();

  Status Start();
  /// No more faults: everybody lives, and nothing is late.
  void Heal();

  /// One turn of a process that is drawn; false: nobody has anything to do at this moment.
  bool Turn();
  /// The next moment at which something happens by itself, if there is one.
  std::optional<Time> Next();
  /// To `time`, or a little further than now if that has come.
  void MoveTo(Time time);

  void Post(const HttpRequest& request, const Answered& answered);
  void Submit(runtime::Start start);
  /// An operator's verb; whether it is taken is not asked.
  void Submit(Verb verb);
  /// Between two moments: an answer row for each row of the SQL; `$1` is now, in milliseconds.
  Result<std::size_t> Ask(const std::string& sql);

  simulation::Dice& dice() { return dice_; }
  simulation::Audit& audit() { return audit_; }
  ManualClock& clock() { return clock_; }
  Journal& journal() { return engine_->journal(); }
  const Loaded& loaded() const { return *setup_.loaded; }
  const PluginCatalog& catalog() const { return catalog_; }
  int adopted() const { return wire_.adopted(); }    // leases that ended with something to publish
  int repeated() const { return wire_.repeated(); }  // messages that came again

  /// What happened, a line each, with the time since the beginning.
  void Note(const std::string& line);
  const std::vector<std::string>& timeline() const { return timeline_; }
  /// Events as they were committed: "order/ship.late" with its saga.
  struct Event {
    Uuid saga;
    std::string name;
  };
  const std::vector<Event>& events() const { return events_; }

 private:
  class ProcessEngine;
  struct Process {
    std::unique_ptr<Assembly> assembly;
    std::unique_ptr<Routes> routes;
    Time back{};
    std::map<int, Answered> waiting;  // who asked it something
    std::map<std::string, Time> calls;
  };
  Status OpenJournal(const std::string& image);
  Status Raise(int n);
  AssemblyOptions OptionsOf(int n);
  void Kill(int n, const std::string& why);
  void PowerCut();
  bool MayCall(int n, const CallJob& job);
  bool TurnOf(int n);
  PipelineRef PlanOf(const std::string& hash) const;
  std::vector<int> Alive() const;
  Process* Door();

  const Setup setup_;
  const PluginCatalog catalog_;
  ManualClock clock_;
  const Time began_;
  simulation::Dice dice_;
  const int count_;
  simulation::Wire wire_;
  simulation::Audit audit_;
  simulation::Shared shared_;
  std::unique_ptr<SqliteEngine> engine_;
  std::shared_ptr<HttpLoop> loop_;
  std::vector<Process> processes_;
  int requests_ = 0;
  std::vector<std::string> timeline_;
  std::vector<Event> events_;
};

}  // namespace reprise::runtime
