#include "app/simulated_world.h"

#include <fmt/format.h>

#include "app/count_rows.h"
#include "app/no_socket.h"
#include "simulation/plugins.h"

namespace reprise::runtime {

using simulation::ProcessDied;
using simulation::Shared;

namespace {

constexpr std::uint32_t kPartitions = 4;
constexpr Millis kMoment{1'000};  // a process looks for what others armed this often
constexpr std::size_t kDownMax = 20'000, kCallMax = 90'000;

}  // namespace

/// The engine as one process has it.
class SimulatedWorld::ProcessEngine : public Engine {
 public:
  ProcessEngine(std::unique_ptr<Journal> journal, std::unique_ptr<Bus> bus, bool shared)
      : journal_(std::move(journal)), bus_(std::move(bus)), shared_(shared) {}

  Journal& journal() override { return *journal_; }
  Bus& bus() override { return *bus_; }
  std::uint32_t partitions() const override { return shared_ ? kPartitions : 0; }
  std::int64_t commits() const override { return 0; }

 private:
  const std::unique_ptr<Journal> journal_;
  const std::unique_ptr<Bus> bus_;
  const bool shared_;
};

SimulatedWorld::SimulatedWorld(Setup setup)
    : setup_(std::move(setup)),
      catalog_(setup_.found->catalog()),
      began_(clock_.Now()),
      dice_(setup_.seed),
      count_(static_cast<int>(1 + dice_.Below("processes", 3))),
      wire_(dice_, clock_, count_),
      audit_([this](const std::string& hash) { return PlanOf(hash); }),
      shared_{dice_, clock_, wire_, audit_, static_cast<Shared::Local>(dice_.Below("local", 3))},
      loop_(std::make_shared<NoLoop>()),
      processes_(static_cast<std::size_t>(count_)) {
  if (setup_.only) dice_.Only(*setup_.only);
  dice_.OnStrike([this](const std::string& fault) { Note("! " + fault); });
}

SimulatedWorld::~SimulatedWorld() {
  for (Process& process : processes_) {
    process.routes.reset();
    process.assembly.reset();
  }
  if (engine_) engine_->Abandon();
}

Result<std::string> SimulatedWorld::Prepare(Setup setup) {
  setup.image.clear();
  SimulatedWorld world(std::move(setup));
  world.dice_.Heal();
  if (Status opened = world.OpenJournal({}); !opened) return opened.error();
  auto assembly = Assembly::Build(world.OptionsOf(0));
  if (!assembly) return assembly.error();
  assembly->reset();
  return world.engine_->Image();
}

Status SimulatedWorld::OpenJournal(const std::string& image) {
  SqliteEngine::Options options;
  options.file = ":memory:";
  options.clock = &clock_;
  auto engine = SqliteEngine::Open(std::move(options), image);
  if (!engine) return engine.error();
  engine_ = std::move(*engine);
  return {};
}

Status SimulatedWorld::Start() {
  if (Status opened = OpenJournal(setup_.image); !opened) return opened;
  static constexpr const char* kLocal[] = {"nothing", "what its lanes take", "everything"};
  Note(fmt::format("{} process{}, a transaction goes on with {}", count_, count_ == 1 ? "" : "es",
                   kLocal[shared_.local]));
  for (int n = 0; n < count_; ++n) {
    if (Status up = Raise(n); !up && !up.error().transient()) return up;
  }
  return {};
}

// ---------------------------------------------------------------- lives and deaths

AssemblyOptions SimulatedWorld::OptionsOf(int n) {
  AssemblyOptions options;
  options.loaded = setup_.loaded;
  options.found = setup_.found;
  options.environment = setup_.environment;
  options.clock = &clock_;
  options.executor.call_threads = 0;
  options.executor.call_gate = [this, n](const CallJob& job) { return MayCall(n, job); };
  options.executor.seed = dice_.Draw("ids") | 1;
  options.engine = [this, n]() -> Result<std::unique_ptr<Engine>> {
    return std::unique_ptr<Engine>(
        std::make_unique<ProcessEngine>(simulation::Disturbed(engine_->journal(), n, shared_),
                                        wire_.PortOf(n, engine_->bus()), count_ > 1));
  };
  options.around_plugins = [this, n](Plugins& plugins) {
    return simulation::Disturbed(plugins, n, shared_);
  };
  return options;
}

Status SimulatedWorld::Raise(int n) {
  Process& process = processes_[static_cast<std::size_t>(n)];
  try {
    auto assembly = Assembly::Build(OptionsOf(n));
    if (!assembly) {
      process.back = clock_.Now() + kMoment;
      return assembly.error();
    }
    process.assembly = std::move(*assembly);
  } catch (const ProcessDied&) {
    process.back = clock_.Now() + kMoment;
    return {};
  }
  wire_.Rise(n);
  Executor& executor = process.assembly->executor();
  executor.OnCommit([this, n] {
    audit_.CheckOpen(engine_->journal());
    if (dice_.Strikes("die after commit", 0.01)) throw ProcessDied{n};
    return true;
  });
  executor.OnLine([this, n](const Executor::Line& line) {
    if (line.what == "event") events_.push_back({line.saga, line.pipeline + "/" + line.detail});
    const std::string step = line.step.empty() ? "" : "/" + line.step;
    Note(fmt::format("p{} {}{} {} {} {}", n, line.pipeline, step, line.what, line.detail,
                     line.saga.ToString().substr(24)));
  });
  RoutesOptions routes;
  routes.loop = loop_;
  routes.clock = &clock_;
  auto made = Routes::Make(process.assembly->loaded().pipelines, executor, routes);
  if (!made) return made.error();
  process.routes = std::move(*made);
  return {};
}

void SimulatedWorld::Kill(int n, const std::string& why) {
  Process& process = processes_[static_cast<std::size_t>(n)];
  Note(fmt::format("p{} dies{}", n, why));
  process.routes.reset();
  process.assembly.reset();
  process.calls.clear();
  process.back =
      clock_.Now() +
      Millis(1 + static_cast<std::int64_t>(dice_.Below("how long it is down", kDownMax)));
  wire_.Die(n);
  for (auto& [id, answered] : std::exchange(process.waiting, {})) answered(nullptr);
  if (count_ == 1) PowerCut();
}

/// Nothing is left but what is in the journal.
void SimulatedWorld::PowerCut() {
  auto image = engine_->Image();
  engine_->Abandon();
  engine_.reset();
  const Status opened = image ? OpenJournal(*image) : Status(image.error());
  if (!opened) return audit_.Break("the journal cannot be opened again: " + opened.error().message);
  wire_.PowerCut();
  auto stored = engine_->bus().Poll(SIZE_MAX);
  if (stored) wire_.Load(std::move(*stored));
  for (const auto& [id, saga] : audit_.sagas()) {
    const auto found = engine_->journal().FindSaga(id);
    if (!found || !*found || (*found)->state != saga.state)
      audit_.Break(fmt::format("saga {} is not what was committed", id.ToString()));
  }
}

void SimulatedWorld::Heal() {
  dice_.Heal();
  Note("healed: no more faults");
  for (int n = 0; n < count_; ++n) processes_[static_cast<std::size_t>(n)].back = clock_.Now();
}

std::vector<int> SimulatedWorld::Alive() const {
  std::vector<int> alive;
  for (int n = 0; n < count_; ++n) {
    if (processes_[static_cast<std::size_t>(n)].assembly) alive.push_back(n);
  }
  return alive;
}

// ---------------------------------------------------------------- turns and time

bool SimulatedWorld::TurnOf(int n) {
  try {
    return processes_[static_cast<std::size_t>(n)].assembly->executor().Turn();
  } catch (const ProcessDied&) {
    Kill(n, "");
    return true;
  }
}

bool SimulatedWorld::Turn() {
  for (int n = 0; n < count_; ++n) {
    const Process& process = processes_[static_cast<std::size_t>(n)];
    if (process.assembly || process.back > clock_.Now()) continue;
    Note(fmt::format("p{} starts", n));
    const Status up = Raise(n);
    if (!up && !up.error().transient()) audit_.Break("no start: " + up.error().message);
  }
  if (count_ > 1 && dice_.Strikes("cut the power", 0.0005)) {
    for (const int n : Alive()) Kill(n, ", as the power is cut");
    PowerCut();
  }
  std::vector<int> alive = Alive();
  while (!alive.empty()) {
    const std::size_t at = dice_.Below("turn", alive.size());
    if (TurnOf(alive[at])) return true;
    alive.erase(alive.begin() + static_cast<std::ptrdiff_t>(at));
  }
  return false;
}

/// A call may take its time, longer than its step allows too.
bool SimulatedWorld::MayCall(int n, const CallJob& job) {
  auto& calls = processes_[static_cast<std::size_t>(n)].calls;
  const std::string& step = job.plan->step(job.step).name;
  const std::string name = fmt::format("{} {} {} {} {}", job.saga.ToString(), step, job.item,
                                       Name(job.phase), job.attempt);
  const auto [known, fresh] = calls.emplace(name, clock_.Now());
  if (fresh && dice_.Strikes("slow call " + step, 0.1)) {
    known->second +=
        Millis(1 + static_cast<std::int64_t>(dice_.Below("how long a call takes", kCallMax)));
  }
  return known->second <= clock_.Now() || dice_.healed();
}

std::optional<Time> SimulatedWorld::Next() {
  std::optional<Time> next = wire_.Next();
  const auto take = [&](Time at) {
    if (!next || at < *next) next = at;
  };
  if (const auto due = engine_->journal().NextDue(); due && *due && **due < kNoTime) take(**due);
  for (const Process& process : processes_) {
    if (!process.assembly) take(process.back);
    for (const auto& [name, at] : process.calls) {
      if (at > clock_.Now()) take(at);
    }
  }
  return next;
}

void SimulatedWorld::MoveTo(Time time) {
  clock_.Set(time > clock_.Now() ? time : clock_.Now() + kMoment);
}

// ---------------------------------------------------------------- from outside

/// Of those that live any; null: none does.
SimulatedWorld::Process* SimulatedWorld::Door() {
  const std::vector<int> alive = Alive();
  if (alive.empty()) return nullptr;
  return &processes_[static_cast<std::size_t>(alive[dice_.Below("door", alive.size())])];
}

void SimulatedWorld::Post(const HttpRequest& request, const Answered& answered) {
  Process* const process = Door();
  if (!process) return answered(nullptr);
  const int id = ++requests_;
  process->waiting[id] = answered;
  process->routes->Handle(request,
                          std::make_shared<HandedOn>([process, id](const HttpResponse& response) {
                            const auto waiting = process->waiting.extract(id);
                            if (waiting) waiting.mapped()(&response);
                          }));
}

void SimulatedWorld::Submit(runtime::Start start) {
  if (Process* const process = Door()) process->assembly->executor().Submit(std::move(start));
}

void SimulatedWorld::Submit(Verb verb) {
  Process* const process = Door();
  if (!process) return;
  verb.who = "simulated";
  verb.reply = [](const Reply&) {};
  process->assembly->executor().Submit(std::move(verb));
}

Result<std::size_t> SimulatedWorld::Ask(const std::string& sql) {
  return CountRows(engine_->journal(), sql, clock_.Now());
}

PipelineRef SimulatedWorld::PlanOf(const std::string& hash) const {
  for (const PipelineRef& pipeline : setup_.loaded->pipelines) {
    if (pipeline->hash == hash) return pipeline;
  }
  return nullptr;
}

void SimulatedWorld::Note(const std::string& line) {
  const std::int64_t ms = (clock_.Now() - began_).count();
  timeline_.push_back(fmt::format("+{}:{:02}:{:02}.{:03} {}", ms / 3'600'000, ms / 60'000 % 60,
                                  ms / 1000 % 60, ms % 1000, line));
}

}  // namespace reprise::runtime
