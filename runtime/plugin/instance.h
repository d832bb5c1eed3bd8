/// One plugin, created with its settings, and its questions.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include <reprise/abi.h>

#include "plugin/callee.h"
#include "plugin/catalog.h"
#include "ports/plugins.h"

namespace reprise::runtime {

class PluginInstance {  // Threads: any, once made.
 public:
  /// The error says what the plugin has against its settings.
  static Result<std::shared_ptr<PluginInstance>> Create(const FoundPlugin& found,
                                                        const json::object& settings,
                                                        Metrics& metrics);
  ~PluginInstance();
  PluginInstance(const PluginInstance&) = delete;
  PluginInstance& operator=(const PluginInstance&) = delete;

  const PluginInfo& info() const { return info_; }
  const reprise_action* FindAction(const std::string& name) const;
  void* self() const { return self_; }
  Metrics& metrics() const { return metrics_; }

  void Ask(const std::string& question, Asked& asked) const;
  bool starts() const { return table_.start != nullptr; }
  /// Start, in `transaction`; the caller commits.
  Status Start(Transaction& transaction, Time now) const;

 private:
  struct Question {
    const reprise_question* table;
    std::unique_ptr<Callee> callee;
  };
  PluginInstance(const FoundPlugin& found, Metrics& metrics);

  const PluginInfo info_;  // constant after construction, as all that follows
  const reprise_plugin& table_;
  void* self_ = nullptr;
  Metrics& metrics_;
  std::map<std::string, Question> questions_;
};

/// Runs a plugin's create; `make(why, user)` calls it.  Its words, or what it threw, are the error.
Result<void*> RunCreate(
    const std::string& name,
    const std::function<void*(void (*why)(void*, reprise_str), void* user)>& make);

}  // namespace reprise::runtime
