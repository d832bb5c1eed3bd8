/// The plugins of a running runtime: created with their settings, bound to steps, called.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "plugin/catalog.h"
#include "ports/plugins.h"

namespace reprise::runtime {

class PluginInstance;

class LoadedPlugins : public Plugins {
  // Threads: Create, Bind, Start: one, before sagas run and when a plan is loaded; Ask and the
  // actions: any.
 public:
  /// Creates the plugins named in `needed`; of the others only the catalog is known.
  ///
  /// `settings`  per plugin, canonical and checked; what is absent takes its default
  /// `metrics`   outlives this
  /// Errors: a needed plugin that is not there (with the reason), or that refuses its settings.
  static Result<std::unique_ptr<LoadedPlugins>> Create(
      FoundPlugins found, const std::map<std::string, json::object>& settings,
      const std::set<std::string>& needed, Metrics& metrics);
  ~LoadedPlugins() override;

  const PluginCatalog& catalog() const override { return catalog_; }

  /// The action keeps its plugin alive; it may outlive this.
  Result<std::unique_ptr<Action>> Bind(const Step& step) override;
  void Ask(const QuestionRef& question, Asked& asked) override;
  Status Start(Journal& journal, Time now) override;

  /// What Journal::Migrate is to run before Start: the created plugins' tables.
  std::vector<Journal::PluginMigration> Migrations(bool postgres = false) const;

 private:
  LoadedPlugins(FoundPlugins found, Metrics& metrics);

  FoundPlugins found_;  // constant after construction, as all that follows
  PluginCatalog catalog_;
  std::map<std::string, std::shared_ptr<PluginInstance>, std::less<>> instances_;
  Metrics& metrics_;
};

}  // namespace reprise::runtime
