/// An action of a plugin, bound to one step's settings.
#pragma once

#include <memory>

#include "plugin/instance.h"

namespace reprise::runtime {

class BoundAction : public Action {  // Threads: any; constant.
 public:
  /// The error says what the action has against the step's `with`.
  static Result<std::unique_ptr<Action>> Create(std::shared_ptr<PluginInstance> instance,
                                                const Step& step);
  ~BoundAction() override;

  const ActionInfo& info() const override { return info_; }
  void Run(Call& call) const override;
  bool RunAll(std::span<Call* const> calls) const override;

 private:
  BoundAction(std::shared_ptr<PluginInstance> instance, const ActionInfo& info,
              const reprise_action& table);

  const std::shared_ptr<PluginInstance> instance_;
  const ActionInfo& info_;  // of instance_
  const reprise_action& table_;
  Callee callee_;
  void* self_ = nullptr;
};

}  // namespace reprise::runtime
