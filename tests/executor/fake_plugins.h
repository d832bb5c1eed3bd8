/// Plugins made of lambdas: what a step does is written in the test that needs it.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "ports/plugins.h"

namespace reprise::runtime {

class FakePlugins : public Plugins {
 public:
  using Run = std::function<void(Call&)>;

  /// "p.act": Do and Undo as given; without one, Do is done and emits its first event.
  void On(const std::string& action, Run run) { runs_[action] = std::move(run); }
  void Answer(const std::string& question, std::function<void(Asked&)> ask) {
    asks_[question] = std::move(ask);
  }
  void Declare(const std::string& plugin, ActionInfo action) {
    catalog_[plugin].name = plugin;
    catalog_[plugin].actions.push_back(std::move(action));
  }
  void Declare(const std::string& plugin, QuestionInfo question) {
    catalog_[plugin].name = plugin;
    catalog_[plugin].questions.push_back(std::move(question));
  }

  const PluginCatalog& catalog() const override { return catalog_; }
  Result<std::unique_ptr<Action>> Bind(const Step& step) override {
    return std::unique_ptr<Action>(new Bound(*this, step));
  }
  void Ask(const QuestionRef& question, Asked& asked) override {
    if (const auto it = asks_.find(question.name()); it != asks_.end()) it->second(asked);
  }
  Status Start(Journal&, Time) override { return {}; }

 private:
  class Bound : public Action {
   public:
    Bound(FakePlugins& plugins, const Step& step) : plugins_(plugins), step_(step) {
      info_.reconciles = step.reconciles;
    }
    const ActionInfo& info() const override { return info_; }
    void Run(Call& call) const override {
      call.finished = true;
      const auto it = plugins_.runs_.find(step_.plugin + "." + step_.action);
      if (it != plugins_.runs_.end()) return it->second(call);
      if (call.phase == Phase::kDo && !step_.events.empty())
        call.emitted.push_back({step_.events.front(), {}});
    }
    bool RunAll(std::span<Call* const>) const override { return false; }

   private:
    FakePlugins& plugins_;
    const Step& step_;
    ActionInfo info_;
  };

  PluginCatalog catalog_;
  std::map<std::string, Run> runs_;
  std::map<std::string, std::function<void(Asked&)>> asks_;
};

}  // namespace reprise::runtime
