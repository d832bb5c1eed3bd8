#include "plugin/loaded_plugins.h"

#include <chrono>
#include <thread>

#include <fmt/format.h>

#include "base/suggest.h"
#include "plugin/action.h"
#include "plugin/instance.h"

namespace reprise::runtime {
namespace {

/// A transaction that holds the lock `name`; other processes that start now wait for their turn.
Result<std::unique_ptr<Transaction>> BeginAlone(Journal& journal, const std::string& name) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  for (;;) {
    auto transaction = journal.Begin();
    if (!transaction) return transaction;
    const auto taken = (*transaction)->TakeLocks(std::span(&name, 1));
    if (!taken) return taken.error();
    if (taken->front()) return transaction;
    if (std::chrono::steady_clock::now() > give_up)
      return Error{Code::kContended, name + ": another process has not finished it in a minute"};
    transaction = Error{};  // rolls back before the wait
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

}  // namespace

LoadedPlugins::LoadedPlugins(FoundPlugins found, Metrics& metrics)
    : found_(std::move(found)), catalog_(found_.catalog()), metrics_(metrics) {}
LoadedPlugins::~LoadedPlugins() = default;

Result<std::unique_ptr<LoadedPlugins>> LoadedPlugins::Create(
    FoundPlugins found, const std::map<std::string, json::object>& settings,
    const std::set<std::string>& needed, Metrics& metrics) {
  std::unique_ptr<LoadedPlugins> plugins(new LoadedPlugins(std::move(found), metrics));
  const json::object none;
  for (const std::string& name : needed) {
    const auto it = plugins->found_.plugins.find(name);
    if (it == plugins->found_.plugins.end())
      return Error{Code::kNotFound, plugins->found_.WhyNot(name)};
    const auto set = settings.find(name);
    auto instance =
        PluginInstance::Create(it->second, set == settings.end() ? none : set->second, metrics);
    if (!instance) return instance.error();
    const PluginInfo& info = it->second.info;
    const std::string abi = fmt::format("{}.{}", REPRISE_ABI_MAJOR, it->second.library.abi_minor);
    metrics.Set("reprise_plugin_info",
                {{"plugin", info.name}, {"version", info.version}, {"abi", abi}}, 1);
    plugins->instances_.emplace(name, *std::move(instance));
  }
  return plugins;
}

Result<std::unique_ptr<Action>> LoadedPlugins::Bind(const Step& step) {
  const auto it = instances_.find(step.plugin);
  if (it == instances_.end()) return Error{Code::kNotFound, found_.WhyNot(step.plugin)};
  return BoundAction::Create(it->second, step);
}

void LoadedPlugins::Ask(const QuestionRef& question, Asked& asked) {
  const auto it = instances_.find(question.plugin);
  if (it != instances_.end()) return it->second->Ask(question.question, asked);
  asked.kind = Asked::kNone;
  asked.code = "internal";
  asked.detail = found_.WhyNot(question.plugin);
}

Status LoadedPlugins::Start(Journal& journal, Time now) {
  for (const auto& [name, instance] : instances_) {
    if (!instance->starts()) continue;
    Result<std::unique_ptr<Transaction>> transaction = BeginAlone(journal, "start of " + name);
    if (!transaction) return transaction.error();
    if (Status status = instance->Start(**transaction, now); !status) return status;
    if (Status status = (*transaction)->Commit({}); !status) return status;
  }
  return {};
}

std::vector<Journal::PluginMigration> LoadedPlugins::Migrations(bool postgres) const {
  std::vector<Journal::PluginMigration> migrations;
  for (const auto& [name, instance] : instances_) {
    for (const MigrationInfo& migration : instance->info().migrations) {
      const bool other = postgres && !migration.postgres.empty();
      migrations.push_back({name, migration.number, other ? migration.postgres : migration.sql});
    }
  }
  return migrations;
}

}  // namespace reprise::runtime
