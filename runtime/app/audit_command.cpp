// reprise audit PATH...: whether a journal at rest keeps what is promised.
//
// Reads only: the file of a stopped runtime, or a cluster's PostgreSQL.  Every violation is printed
// with its saga's timeline.

#include <filesystem>
#include <limits>
#include <map>
#include <set>

#include <fmt/format.h>

#include "admin/audit.h"
#include "admin/audit_lanes.h"
#include "admin/sagas.h"
#include "app/assembly.h"
#include "app/commands.h"
#include "app/count_rows.h"
#include "app/loading.h"
#include "app/saga_text.h"
#include "base/clock.h"
#include "postgres/engine.h"
#include "sqlite/engine.h"

namespace reprise::runtime {
namespace {

/// A journal opened for reading, whichever it is.
struct Opened {
  std::unique_ptr<SqliteEngine> sqlite;
  std::unique_ptr<PostgresEngine> postgres;
  Journal& journal() const { return sqlite ? sqlite->journal() : postgres->journal(); }
};

Result<Opened> Open(const Deployment& deployment) {
  Opened opened;
  if (deployment.engine == "cluster") {
    auto engine = PostgresEngine::Open({.url = deployment.cluster.postgres_url});
    if (!engine) return engine.error();
    opened.postgres = std::move(*engine);
    return opened;
  }
  const std::string& file = deployment.embedded.file;
  std::error_code error;
  if (!std::filesystem::exists(file, error))
    return Error{Code::kNotFound, fmt::format("there is no file {}", file)};
  auto engine = SqliteEngine::Open({.file = file, .read_only = true});
  if (!engine) return engine.error();
  opened.sqlite = std::move(*engine);
  return opened;
}

/// What the deployment calls secret.  Short ones would be found everywhere.
std::vector<std::string> SecretsOf(const Deployment& deployment, const PluginCatalog& catalog) {
  constexpr std::size_t kLongEnough = 8;
  std::vector<std::string> secrets;
  for (const auto& [name, settings] : deployment.plugins) {
    const auto plugin = catalog.find(name);
    if (plugin == catalog.end()) continue;
    for (const FieldInfo& field : plugin->second.settings) {
      const json::value* const value = settings.if_contains(field.name);
      if (field.secret && value && value->is_string() && value->get_string().size() >= kLongEnough)
        secrets.emplace_back(value->get_string());
    }
  }
  return secrets;
}

class Audit {
 public:
  Audit(Journal& journal, const Files& files, const Deployment& deployment)
      : journal_(journal),
        files_(files),
        catalog_(files.found.catalog()),
        secrets_(SecretsOf(deployment, catalog_)) {}

  Status Run(std::vector<Message> waiting) {
    for (Message& message : waiting) waiting_[message.saga].push_back(std::move(message));
    for (const auto part : {&Audit::ReadPlans, &Audit::ReadSagas, &Audit::CheckSagas,
                            &Audit::CheckCounts, &Audit::CheckLetters, &Audit::AskPipelines}) {
      if (Status status = (this->*part)(); !status) return status;
    }
    return {};
  }

  /// What its batches did to the lanes, where an engine has any.
  void CheckLanes(const LaneLog& log) {
    Take(AuditLanes(log));
    batches_ = log.lines.size();
  }

  const std::vector<Violation>& found() const { return found_; }
  std::size_t sagas() const { return ids_.size(); }
  std::size_t questions() const { return questions_; }
  std::size_t batches() const { return batches_; }

  /// A saga as `saga show` prints it.
  std::string Timeline(const Uuid& saga) const {
    View view;
    view.plan = [this](const std::string& hash) { return PlanOf(hash); };
    view.pipelines = [this] { return files_.loaded.pipelines; };
    view.catalog = &catalog_;
    view.now = at_;
    const Answer answer = ShowSagaJson(journal_, view, saga.ToString(), {});
    return answer.ok() ? SagaTimeline(answer.body, StdoutLook()) : std::string();
  }

 private:
  PipelineRef PlanOf(const std::string& hash) const {
    const auto it = plans_.find(hash);
    return it == plans_.end() ? nullptr : it->second;
  }

  Status ReadPlans() {
    for (const PipelineRef& pipeline : files_.loaded.pipelines) plans_[pipeline->hash] = pipeline;
    auto rows = journal_.Plans();
    if (!rows) return rows.error();
    for (const Journal::PlanRow& row : *rows) {
      if (plans_.contains(row.hash)) continue;
      if (auto plan = CompilePlan(row.text, catalog_, SystemEnvironment()))
        plans_[row.hash] = *plan;
    }
    return {};
  }

  Status ReadSagas() {
    SagaFilter filter;
    filter.limit = 500;
    for (;;) {
      auto page = journal_.ListSagas(filter);
      if (!page) return page.error();
      for (const Saga& saga : *page) {
        ids_.push_back(saga.id);
        ++counted_[{saga.pipeline, saga.state}];
        // A journal at rest is as old as its last change, not as the clock.
        at_ = std::max({at_, saga.changed, saga.ended, saga.created});
      }
      if (page->size() < filter.limit) return {};
      filter.before = page->back().id;
    }
  }

  Status CheckSagas() {
    static const std::vector<Message> kNone;
    for (const Uuid& id : ids_) {
      auto detail = journal_.ShowSaga(id);
      if (!detail) return detail.error();
      if (!*detail) continue;  // purged meanwhile
      const PipelineRef plan = PlanOf((*detail)->saga.plan);
      if (!plan) {
        found_.push_back({"I1", id, "its plan is in no file and cannot be read from the journal"});
        continue;
      }
      const auto waiting = waiting_.find(id);
      Take(AuditSaga(*plan, **detail, waiting == waiting_.end() ? kNone : waiting->second, at_));
      Take(AuditSecrets(**detail, secrets_));
    }
    const std::set<Uuid> known(ids_.begin(), ids_.end());
    for (const auto& [saga, messages] : waiting_) {
      if (saga.nil() || known.contains(saga)) continue;
      found_.push_back(
          {"I1", saga,
           fmt::format("{} messages wait for a saga that is not there", messages.size())});
    }
    return {};
  }

  /// I1: the journal's own count of sagas, which lists and metrics show.
  Status CheckCounts() {
    auto counts = journal_.CountSagas();
    if (!counts) return counts.error();
    auto left = counted_;
    for (const Journal::Counts& count : *counts) left[{count.pipeline, count.state}] -= count.sagas;
    for (const auto& [of, difference] : left) {
      if (difference == 0) continue;
      found_.push_back(
          {"I1",
           {},
           fmt::format("{} {} sagas of {} are counted {} than there are", std::abs(difference),
                       Name(of.second), of.first, difference > 0 ? "less" : "more")});
    }
    return {};
  }

  Status CheckLetters() {
    DeadLetterFilter filter;
    filter.limit = 500;
    for (const char* const state : {"new", "replayed", "dropped"}) {
      filter.state = state;
      filter.after_id.reset();
      for (;;) {
        auto page = journal_.ListDeadLetters(filter);
        if (!page) return page.error();
        for (const DeadLetter& letter : *page) Take(AuditSecrets(letter, secrets_));
        if (page->size() < filter.limit) break;
        filter.after_id = page->back().id;
      }
    }
    return {};
  }

  /// I8: what the pipelines say must never be found.
  Status AskPipelines() {
    for (const PipelineRef& pipeline : files_.loaded.pipelines) {
      const bool runs = counted_.contains({pipeline->name, SagaState::kRunning}) ||
                        counted_.contains({pipeline->name, SagaState::kUndoing});
      for (const Invariant& invariant : pipeline->invariants) {
        if (invariant.when == "ended" && runs) continue;
        ++questions_;
        const auto rows = CountRows(journal_, invariant.sql, at_);
        if (!rows) return rows.error();
        if (*rows == 0) continue;
        found_.push_back({"I8",
                          {},
                          fmt::format("{}: '{}' finds {} rows, and should find none",
                                      pipeline->name, invariant.name, *rows)});
      }
    }
    return {};
  }

  void Take(std::vector<Violation> found) {
    found_.insert(found_.end(), std::make_move_iterator(found.begin()),
                  std::make_move_iterator(found.end()));
  }

  Journal& journal_;
  const Files& files_;
  const PluginCatalog catalog_;
  const std::vector<std::string> secrets_;
  std::map<std::string, PipelineRef> plans_;
  std::map<Uuid, std::vector<Message>> waiting_;
  std::vector<Uuid> ids_;
  std::map<std::pair<std::string, SagaState>, std::int64_t> counted_;
  Time at_{};
  std::size_t questions_ = 0, batches_ = 0;
  std::vector<Violation> found_;
};

void PrintJson(const Audit& audit) {
  json::array violations;
  for (const Violation& violation : audit.found()) {
    json::object row{{"invariant", violation.invariant}, {"what", violation.what}};
    if (!violation.saga.nil()) row["saga"] = violation.saga.ToString();
    violations.push_back(std::move(row));
  }
  fmt::print("{}\n", json::serialize(json::object{{"sagas", audit.sagas()},
                                                  {"violations", std::move(violations)}}));
}

void PrintText(const Audit& audit) {
  std::set<Uuid> shown;
  for (const Violation& violation : audit.found()) {  // a timeline would tell the secret again
    if (violation.invariant == "I13") shown.insert(violation.saga);
  }
  for (const Violation& violation : audit.found()) {
    const std::string saga = violation.saga.nil() ? "" : "saga " + violation.saga.ToString() + ": ";
    fmt::print("{}  {}{}\n", violation.invariant, saga, violation.what);
    if (!violation.saga.nil() && shown.insert(violation.saga).second)
      fmt::print("{}\n", audit.Timeline(violation.saga));
  }
}

}  // namespace

int RunAudit(const Options& options) {
  const Files files = ReadFiles(options);
  if (PrintErrors(files.loaded)) return exit_code::kProblems;
  Deployment deployment = files.loaded.deployment;
  Overrides overrides;
  overrides.engine = options.engine;
  overrides.file = options.file;
  ApplyOverrides(deployment, SystemEnvironment(), overrides);
  const auto opened = Open(deployment);
  if (!opened) {
    fmt::print(stderr, "reprise: {}\n", opened.error().message);
    return opened.error().code == Code::kNotFound ? exit_code::kNotFound : exit_code::kUnreachable;
  }
  std::vector<Message> waiting;
  if (opened->sqlite) {
    auto polled = opened->sqlite->bus().Poll(std::numeric_limits<std::int32_t>::max());
    if (polled) waiting = std::move(*polled);
  }
  Audit audit(opened->journal(), files, deployment);
  if (const Status done = audit.Run(std::move(waiting)); !done) {
    fmt::print(stderr, "reprise: {}\n", done.error().message);
    return exit_code::kProblems;
  }
  if (opened->postgres) {
    const auto log = opened->postgres->ReadLaneLog();
    if (!log) {
      fmt::print(stderr, "reprise: {}\n", log.error().message);
      return exit_code::kProblems;
    }
    audit.CheckLanes(*log);
  }
  options.json() ? PrintJson(audit) : PrintText(audit);
  const std::string batches =
      opened->postgres ? fmt::format(", {} lines of the lanes' log", audit.batches()) : "";
  fmt::print(stderr, "{} sagas, {} questions of their pipelines{}: {} violations\n", audit.sagas(),
             audit.questions(), batches, audit.found().size());
  return audit.found().empty() ? exit_code::kOk : exit_code::kProblems;
}

}  // namespace reprise::runtime
