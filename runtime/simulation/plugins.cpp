#include "simulation/plugins.h"

namespace reprise::runtime::simulation {
namespace {

/// Nothing the plugin did counts: the runtime takes its rows back, the rest is forgotten here.
void Spoil(Call& call, Verdict verdict, const char* detail) {
  call.ClearEffects();
  call.outcome = {verdict, {}, "simulated", detail, {}};
  call.finished = true;
}

class DisturbedAction : public Action {
 public:
  DisturbedAction(std::unique_ptr<Action> inner, const Step& step, int process, Shared& shared)
      : inner_(std::move(inner)),
        process_(process),
        shared_(shared),
        do_(step.name + ".do"),
        undo_(step.name + ".undo") {}

  const ActionInfo& info() const override { return inner_->info(); }

  void Run(Call& call) const override {
    const std::string& name = call.phase == Phase::kDo ? do_ : undo_;
    Dice& dice = shared_.dice;
    const bool external = call.sql == nullptr;
    if (dice.Strikes("die in " + name, 0.01)) throw ProcessDied{process_};
    if (!call.reconcile && Fails(call, name)) return;
    if (dice.Strikes("slow " + name, 0.02)) Wait("how slow", 20'000);
    if (dice.Strikes("hang in " + name, 0.003)) {
      Wait("how long it hangs", 60'000);  // until the supervisor kills the process
      throw ProcessDied{process_};
    }
    if (external && !call.reconcile)
      shared_.audit.CallBegins(call.saga, name + " " + std::to_string(call.item),
                               call.idempotency_key);
    inner_->Run(call);
    if (external && dice.Strikes("die after " + name, 0.02)) throw ProcessDied{process_};
    const bool good = call.outcome.verdict == Verdict::kDone;
    if (!call.reconcile && good && dice.Strikes("retry after " + name, 0.02))
      Spoil(call, Verdict::kRetry, "after its effects");
  }

  bool RunAll(std::span<Call* const> calls) const override {
    return !shared_.dice.Chance("one by one", 0.5) && inner_->RunAll(calls);
  }

 private:
  bool Fails(Call& call, const std::string& name) const {
    const bool undo = call.phase == Phase::kUndo;
    if (shared_.dice.Strikes("retry " + name, 0.08)) {
      Spoil(call, Verdict::kRetry, "not this time");
    } else if (shared_.dice.Strikes("fail " + name, undo ? 0.02 : 0.05)) {
      Spoil(call, Verdict::kFail, "for good");
    } else {
      return false;
    }
    return true;
  }

  void Wait(const char* place, std::size_t most) const {
    shared_.clock.Advance(Millis(1 + static_cast<std::int64_t>(shared_.dice.Below(place, most))));
  }

  const std::unique_ptr<Action> inner_;
  const int process_;
  Shared& shared_;
  const std::string do_, undo_;
};

class DisturbedPlugins : public Plugins {
 public:
  DisturbedPlugins(Plugins& inner, int process, Shared& shared)
      : inner_(inner), process_(process), shared_(shared) {}

  const PluginCatalog& catalog() const override { return inner_.catalog(); }
  Result<std::unique_ptr<Action>> Bind(const Step& step) override {
    auto action = inner_.Bind(step);
    if (!action || !*action) return action;
    return std::unique_ptr<Action>(
        std::make_unique<DisturbedAction>(std::move(*action), step, process_, shared_));
  }
  void Ask(const QuestionRef& question, Asked& asked) override { inner_.Ask(question, asked); }
  Status Start(Journal& journal, Time now) override { return inner_.Start(journal, now); }

 private:
  Plugins& inner_;
  const int process_;
  Shared& shared_;
};

}  // namespace

std::unique_ptr<Plugins> Disturbed(Plugins& inner, int process, Shared& shared) {
  return std::make_unique<DisturbedPlugins>(inner, process, shared);
}

}  // namespace reprise::runtime::simulation
