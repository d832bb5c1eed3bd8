/// Who is called: an action, a question or a plugin's Start, as messages and metrics name it.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "base/metrics.h"
#include "model/catalog.h"

namespace reprise::runtime {

class Callee {  // Threads: any.
 public:
  Callee(std::string plugin, std::string own_name, Metrics& metrics)
      : plugin_(std::move(plugin)),
        own_name_(std::move(own_name)),
        name_(plugin_ + "." + own_name_),
        metrics_(metrics) {}

  /// "shop.order".
  const std::string& name() const { return name_; }
  const std::string& plugin() const { return plugin_; }

  const ActionInfo* action = nullptr;      // of an action
  const QuestionInfo* question = nullptr;  // of a question

  /// Counts what the plugin counts.  False: its names have become too many.
  bool Count(std::string_view counter, std::int64_t delta) const;
  void CountFault(std::string_view fault) const;

 private:
  const std::string plugin_, own_name_, name_;
  Metrics& metrics_;
  mutable std::mutex mutex_;  // guards what follows
  mutable std::map<std::string, Metrics::Counter*, std::less<>> counters_;
};

}  // namespace reprise::runtime
