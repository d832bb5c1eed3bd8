#include "app/world.h"

#include <condition_variable>
#include <mutex>

#include "app/no_socket.h"

namespace reprise::runtime {
namespace {

constexpr Millis kLookAgain{2};  // whether a wire has become quiet
constexpr std::chrono::seconds kQuietWithin{60};
constexpr int kTriesMax = 20;  // of one input: a crash takes one each

}  // namespace

World::World(Setup setup, TemporaryFolder folder)
    : setup_(std::move(setup)), folder_(std::move(folder)), loop_(std::make_shared<NoLoop>()) {}

World::~World() {
  routes_.reset();
  if (setup_.servers && !(assembly_ && cluster_->Quiet())) setup_.servers->Distrust();
  assembly_.reset();
}

Result<std::unique_ptr<World>> World::Make(Setup setup) {
  auto folder = TemporaryFolder::Make("world");
  if (!folder) return folder.error();
  std::unique_ptr<World> world(new World(std::move(setup), std::move(*folder)));
  world->faults_ = world->setup_.faults;
  if (const auto& servers = world->setup_.servers) {
    if (Status clear = servers->Clear(); !clear) return clear.error();
  }
  if (Status status = world->Boot(); !status) return status.error();
  return world;
}

Status World::Boot() {
  AssemblyOptions options;
  options.paths = setup_.paths;
  options.config = setup_.config;
  options.loaded = setup_.loaded;
  options.plugin_folders = setup_.plugin_folders;
  options.environment = setup_.environment;
  if (setup_.servers) {
    options.overrides.engine = "cluster";
    options.engine = [this] { return OpenEngine(); };
  } else {
    options.overrides.engine = "embedded";
    options.overrides.file = (folder_.path() / "world.db").string();
  }
  options.clock = &clock_;
  options.hop_commits = setup_.hop_commits;
  options.executor.call_threads = 0;
  options.executor.seed = setup_.seed * 1'000'003 + ++boots_;
  options.executor.faults = faults_;
  auto assembly = Assembly::Build(std::move(options));
  if (!assembly) return assembly.error();
  assembly_ = std::move(*assembly);
  Executor& executor = assembly_->executor();
  executor.OnCommit([this] { return ++commits_ != crash_at_; });
  executor.OnCrash([] {});  // the executor is dead, this process lives
  executor.OnLine([this](const Executor::Line& line) {
    if (line.what == "event") events_.push_back({line.saga, line.pipeline, line.detail});
    if (line.what == "started") sagas_.push_back({line.saga, line.pipeline, ""});
  });
  RoutesOptions routes;
  routes.loop = loop_;
  routes.clock = &clock_;
  auto made = Routes::Make(assembly_->loaded().pipelines, executor, routes);
  if (!made) return made.error();
  routes_ = std::move(*made);
  return {};
}

Result<std::unique_ptr<Engine>> World::OpenEngine() {
  EngineOptions wanted;
  wanted.clock = &clock_;
  wanted.metrics = &metrics_;
  wanted.hop_commits = setup_.hop_commits;
  auto opened = setup_.servers->Engine(wanted);
  if (!opened) return opened.error();
  cluster_ = opened->get();
  return std::unique_ptr<Engine>(std::move(*opened));
}

Status World::Restart() {
  ++crashes_;
  faults_ = assembly_->executor().faults();
  routes_.reset();
  if (cluster_) cluster_->Abandon();
  assembly_.reset();
  return Boot();
}

Status World::TurnUntil(const std::function<bool()>& done) {
  std::optional<std::chrono::steady_clock::time_point> since;
  while (!done()) {
    const bool did = assembly_->executor().Turn();
    if (assembly_->executor().dead()) {
      if (Status status = Restart(); !status) return status;
      if (done()) return {};
      return Error{Code::kUnavailable, "crashed"};
    }
    if (did) {
      since.reset();
    } else if (!cluster_ || cluster_->Quiet()) {
      return {};
    } else if (Status rested = Rest(since); !rested) {
      return rested;
    }
  }
  return {};
}

/// A wire takes its time, whatever the clock says.
Status World::Rest(std::optional<std::chrono::steady_clock::time_point>& since) {
  const auto now = std::chrono::steady_clock::now();
  if (now - since.value_or(now) > kQuietWithin) {
    std::string why;
    for (const Engine::Part& part : cluster_->parts()) {
      if (const auto fine = part.check(); !fine)
        why += "; " + part.name + ": " + fine.error().message;
    }
    return Error{Code::kUnavailable, "the cluster's wire does not come to rest" + why};
  }
  since = since.value_or(now);
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable nobody;
  nobody.wait_for(lock, kLookAgain);
  return {};
}

Status World::Settle() {
  for (;;) {
    Status status = TurnUntil([] { return false; });
    if (status || status.error().message != "crashed") return status;
  }
}

Status World::Advance(Millis by) {
  const Time target = clock_.Now() + by;
  if (Status status = Settle(); !status) return status;
  for (;;) {
    auto next = journal().NextDue();
    if (!next) return next.error();
    if (!*next || **next > target) break;
    if (**next > clock_.Now()) clock_.Set(**next);
    if (Status status = Settle(); !status) return status;
  }
  clock_.Set(target);
  return Settle();
}

Result<Uuid> World::Start(const std::string& pipeline, const std::string& event,
                          const json::object& root) {
  const Uuid id = DerivedAt(clock_.Now(), {"start", pipeline, event, json::serialize(root)});
  for (int tries = 0; tries < kTriesMax; ++tries) {
    bool answered = false;
    runtime::Start start;
    start.pipeline = assembly_->loaded().Find(pipeline);
    if (!start.pipeline) return Error{Code::kNotFound, "there is no pipeline '" + pipeline + "'"};
    start.event = event;
    start.root = Payload(root);
    start.id = id;
    start.done = [&](const Result<bool>&) { answered = true; };
    assembly_->executor().Submit(std::move(start));
    const Status status = TurnUntil([&] { return answered; });
    if (answered) break;
    if (!status && status.error().message != "crashed") return status.error();
  }
  if (Status status = Settle(); !status) return status.error();
  return id;
}

Result<HttpResponse> World::Request(const HttpRequest& request) {
  std::optional<HttpResponse> answer;
  for (int tries = 0; tries < kTriesMax && !answer; ++tries) {
    routes_->Handle(request, std::make_shared<Kept>(answer));
    const Status status = TurnUntil([&] { return answer.has_value(); });
    if (!answer && !status && status.error().message != "crashed") return status.error();
  }
  if (Status status = Settle(); !status) return status.error();
  if (!answer)
    return Error{Code::kInternal, request.method + " " + request.path + " was never answered"};
  return *answer;
}

void World::Post(const HttpRequest& request, std::function<void(const HttpResponse&)> answered) {
  routes_->Handle(request, std::make_shared<HandedOn>(std::move(answered)));
}

Result<Reply> World::Do(const Verb& verb) {
  std::optional<Reply> answer;
  for (int tries = 0; tries < kTriesMax && !answer; ++tries) {
    Verb copy = verb;
    copy.reply = [&](Reply reply) { answer = std::move(reply); };
    assembly_->executor().Submit(std::move(copy));
    const Status status = TurnUntil([&] { return answer.has_value(); });
    if (!answer && !status && status.error().message != "crashed") return status.error();
  }
  if (Status status = Settle(); !status) return status.error();
  if (!answer) return Error{Code::kInternal, "the verb was never answered"};
  return *answer;
}

}  // namespace reprise::runtime
