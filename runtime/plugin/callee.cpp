#include "plugin/callee.h"

namespace reprise::runtime {

bool Callee::Count(std::string_view counter, std::int64_t delta) const {
  constexpr std::size_t kCountersMax = 64;
  Metrics::Counter* cell = nullptr;
  {
    const std::lock_guard lock(mutex_);
    const auto it = counters_.find(counter);
    if (it != counters_.end()) {
      cell = it->second;
    } else if (counters_.size() >= kCountersMax) {
      return false;
    } else {
      cell =
          &metrics_.CounterOf("reprise_plugin_counter_total",
                              {{"plugin", plugin_}, {"action", own_name_}, {"counter", counter}});
      counters_.emplace(counter, cell);
    }
  }
  cell->Add(static_cast<double>(delta));
  return true;
}

void Callee::CountFault(std::string_view fault) const {
  metrics_.Count("reprise_plugin_faults_total",
                 {{"plugin", plugin_}, {"action", own_name_}, {"fault", fault}});
}

}  // namespace reprise::runtime
