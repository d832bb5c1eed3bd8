/// A runtime of one worker over a SQLite file in a temporary folder, with a clock one moves.
///
///   Flow({A("a", "start"), A("b", "a.ok")});  Begin("start");  EXPECT_EQ(Trace(), "do:a do:b
///   done");
#pragma once

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "executor/executor.h"
#include "fake_plugins.h"
#include "model/trace.h"
#include "sqlite/engine.h"

namespace reprise::runtime {

class ExecutorTest : public ::testing::Test {
 protected:
  ExecutorTest() {
    std::string folder =
        (std::filesystem::temp_directory_path() / "reprise-executor-XXXXXX").string();
    folder_ = mkdtemp(folder.data());
  }
  ~ExecutorTest() override {
    executor_.reset();
    engine_.reset();
    std::filesystem::remove_all(folder_);
  }

  /// A step of plugin `p` whose action has the step's name; it emits `ok`.
  static Step A(const std::string& name, const std::string& on) {
    Step step;
    step.name = name;
    step.plugin = "p";
    step.action = name;
    if (!on.empty()) step.on = {on};
    step.events = {"ok"};
    step.on_failure.undo = StepSet(~std::uint64_t{0});
    step.retry.immediate = 0;
    step.retry.jitter = 0;
    step.undo_retry.jitter = 0;
    return step;
  }
  static Step Side(const std::string& name, const std::string& on) {
    Step step = A(name, on);
    step.side = true;
    step.events.clear();
    return step;
  }

  void Flow(std::vector<Step> steps, std::vector<Route> routes = {},
            const std::string& name = "flow") {
    auto pipeline = std::make_shared<Pipeline>();
    pipeline->name = name;
    pipeline->text = pipeline->hash = "plan of " + name;
    std::stable_partition(steps.begin(), steps.end(), [](const Step& s) { return !s.side; });
    for (const Step& step : steps)
      pipeline->main_count = static_cast<StepIndex>(pipeline->main_count + !step.side);
    for (Step& step : steps)
      step.on_failure.undo = step.on_failure.undo & pipeline->mains() &
                             StepSet((std::uint64_t{1} << pipeline->main_count) - 1);
    pipeline->steps = std::move(steps);
    for (Step& step : pipeline->steps)
      step.on_failure.undo = step.on_failure.undo & pipeline->mains();
    pipeline->routes = std::move(routes);
    pipeline->timeout = timeout_;
    Link(*pipeline);
    pipelines_.push_back(pipeline);
  }

  /// The last pipeline listens to a topic of others.
  void Listen(Topic topic) {
    auto pipeline = std::make_shared<Pipeline>(*pipelines_.back());
    pipeline->topics.push_back(std::move(topic));
    pipelines_.back() = std::move(pipeline);
  }

  void Boot() {
    executor_.reset();
    plans_.reset();
    engine_.reset();
    SqliteEngine::Options file;
    file.file = (folder_ / "test.db").string();
    file.hop_commits = hop_commits_;
    file.clock = &clock_;
    auto engine = SqliteEngine::Open(file);
    ASSERT_TRUE(engine) << engine.error().message;
    engine_ = std::move(*engine);
    ASSERT_TRUE(engine_->journal().Migrate(std::vector<Journal::PluginMigration>{
        {"p", 1, "CREATE TABLE p_row(who TEXT PRIMARY KEY, n INTEGER NOT NULL)"}}));
    plans_ = std::make_unique<Plans>(plugins_, metrics_);
    for (const auto& pipeline : pipelines_) {
      ASSERT_TRUE(engine_->journal().PutPlan(pipeline->hash, pipeline->name, pipeline->text));
      ASSERT_TRUE(plans_->Add(pipeline, true));
    }
    ExecutorOptions options;
    options.call_threads = 0;
    options.seed = ++boots_;
    options.faults = faults_;
    options.dead_topic = dead_topic_;
    options.flight = flight_.get();
    executor_ = std::make_unique<Executor>(engine_->journal(), engine_->bus(), plugins_, *plans_,
                                           clock_, metrics_, options);
    executor_->OnLine([this](const Executor::Line& line) {
      if (line.what == "event" || line.what == "started") return;
      trace_ +=
          (trace_.empty() ? "" : " ") + line.what + (line.step.empty() ? "" : ":" + line.step);
    });
    executor_->OnCommit([this] { return ++commits_ != crash_at_; });
  }

  Uuid Begin(const std::string& event, json::object root = {},
             const std::string& pipeline = "flow") {
    if (!executor_) Boot();
    Start start;
    start.pipeline = Find(pipeline);
    start.event = event;
    start.root = Payload(std::move(root));
    start.id = DerivedAt(clock_.Now(), {event, std::to_string(++started_)});
    const Uuid id = start.id;
    executor_->Submit(std::move(start));
    Run();
    return id;
  }

  PipelineRef Find(const std::string& name) const {
    for (const auto& pipeline : pipelines_) {
      if (pipeline->name == name) return pipeline;
    }
    return nullptr;
  }

  /// Until nothing is left to do now; a crash is followed by a restart.
  void Run() {
    for (;;) {
      executor_->Settle();
      if (!executor_->dead()) return;
      Boot();
    }
  }
  void Advance(Millis by) {
    const Time target = clock_.Now() + by;
    for (;;) {
      auto next = engine_->journal().NextDue();
      ASSERT_TRUE(next);
      if (!*next || **next > target) break;
      clock_.Set(std::max(**next, clock_.Now()));
      const std::uint64_t before = commits_;
      Run();
      ASSERT_GT(commits_, before) << "nothing takes what is due";
    }
    clock_.Set(target);
    Run();
  }

  Reply Ask(std::size_t route, json::object fields, const std::string& key = "",
            const std::string& hash = "h") {
    if (!executor_) Boot();
    Request request;
    request.pipeline = pipelines_.front();
    request.route = &pipelines_.front()->routes.at(route);
    request.fields = std::move(fields);
    request.idempotency_key = key;
    request.body_hash = hash;
    Reply out;
    request.reply = [&](Reply reply) { out = std::move(reply); };
    executor_->Submit(std::move(request));
    Run();
    return out;
  }
  Reply Do(const std::string& what, const Uuid& saga, const std::string& step = "",
           const std::string& event = "") {
    Verb verb;
    verb.what = what;
    verb.saga = saga;
    verb.step = step;
    verb.event = event;
    return Do(std::move(verb));
  }
  Reply Do(Verb verb) {
    verb.who = "kim";
    verb.why = "test";
    Reply out;
    verb.reply = [&](Reply reply) { out = std::move(reply); };
    executor_->Submit(std::move(verb));
    Run();
    return out;
  }

  SagaDetail Show(const Uuid& id) {
    auto detail = engine_->journal().ShowSaga(id);
    return detail && *detail ? **detail : SagaDetail{};
  }
  std::string State(const Uuid& id) { return std::string(Name(Show(id).saga.state)); }
  std::string StepOf(const Uuid& id, const std::string& step) {
    const SagaDetail detail = Show(id);
    for (const auto& pipeline : pipelines_) {
      if (pipeline->hash != detail.saga.plan) continue;
      for (const StepRow& row : detail.steps) {
        if (row.step == *pipeline->Find(step)) return std::string(Name(row.state));
      }
    }
    return "-";
  }
  std::vector<DeadLetter> Letters() {
    auto letters = engine_->journal().ListDeadLetters({});
    return letters ? *letters : std::vector<DeadLetter>{};
  }
  std::int64_t Number(const std::string& sql) {
    std::int64_t n = -1;
    (void)engine_->journal().reads().Run(
        sql, {}, [&](std::span<const SqlValue> row) { n = row[0].integer; });
    return n;
  }

  std::string Trace() const { return trace_; }
  /// Only what was done and undone, each once, in order.
  void Forget() { trace_.clear(); }

  static void Fail(Call& call, const std::string& code = "broken") {
    call.outcome = {Verdict::kFail, "", code, "", {}};
  }
  static void Retry(Call& call, const std::string& code = "busy") {
    call.outcome = {Verdict::kRetry, "", code, "", {}};
  }
  static void Ok(Call& call) {
    if (call.phase == Phase::kDo) call.emitted.push_back({"ok", {}});
  }

  FakePlugins plugins_;
  ManualClock clock_;
  Metrics metrics_;
  std::filesystem::path folder_;
  std::vector<PipelineRef> pipelines_;
  std::unique_ptr<SqliteEngine> engine_;
  std::unique_ptr<Plans> plans_;
  std::unique_ptr<FlightRecorder> flight_;
  std::unique_ptr<Executor> executor_;
  std::vector<Fault> faults_;
  std::optional<Millis> timeout_;
  std::string trace_, dead_topic_;
  bool hop_commits_ = false;
  std::uint64_t boots_ = 0, started_ = 0, commits_ = 0, crash_at_ = 0;
};

}  // namespace reprise::runtime
