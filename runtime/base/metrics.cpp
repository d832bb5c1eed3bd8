#include "base/metrics.h"

#include <array>
#include <map>
#include <mutex>
#include <unordered_map>
#include <vector>

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "base/log.h"

namespace reprise::runtime {
namespace {

enum class Buckets { kNone, kOperation, kSaga, kShort };

struct Known {
  std::string_view name, help;
  Buckets buckets = Buckets::kNone;
};

constexpr std::array kKnown{
    Known{"reprise_build_info", "Always 1; the labels say what runs."},
    Known{"reprise_plugin_info", "Always 1; a loaded plugin, its version and ABI."},
    Known{"reprise_plugin_faults_total", "Calls in which a plugin broke its contract."},
    Known{"reprise_plugin_counter_total", "What plugins count of their own."},
    Known{"reprise_sagas_active", "Sagas by state, as of the last look into the journal."},
    Known{"reprise_sagas_finished_total", "Sagas that ended, by outcome."},
    Known{"reprise_saga_duration_seconds", "From accept to end of a saga.", Buckets::kSaga},
    Known{"reprise_saga_oldest_age_seconds", "Age of the oldest saga in a state."},
    Known{"reprise_step_attempts_total", "Attempts of Do and Undo, by outcome."},
    Known{"reprise_step_duration_seconds", "Time inside a plugin's Do or Undo.", Buckets::kShort},
    Known{"reprise_queue_wait_seconds", "From a message's emission to its batch.", Buckets::kShort},
    Known{"reprise_timer_lateness_seconds", "How long after it was due a timer ran.",
          Buckets::kOperation},
    Known{"reprise_commit_duration_seconds", "Time of a journal commit.", Buckets::kShort},
    Known{"reprise_commits_total", "Journal commits."},
    Known{"reprise_dlq_messages", "Dead letters that wait for a person."},
    Known{"reprise_dlq_published_total", "Dead letters made, by reason."},
    Known{"reprise_consumer_lag_messages", "Messages that wait to be handled."},
    Known{"reprise_consumer_lag_seconds", "Age of the oldest message that waits to be handled."},
    Known{"reprise_http_requests_total", "HTTP requests, by route and status."},
    Known{"reprise_http_request_duration_seconds", "From an HTTP request's arrival to its answer.",
          Buckets::kOperation},
    Known{"messaging_process_duration_seconds", "Duration of processing a message.",
          Buckets::kOperation},
    Known{"messaging_client_operation_duration_seconds", "Duration of a messaging operation.",
          Buckets::kOperation},
    Known{"messaging_client_consumed_messages_total", "Messages delivered to the application."},
    Known{"messaging_client_sent_messages_total", "Messages sent to the broker."},
};

const Known* FindKnown(std::string_view name) {
  for (const Known& known : kKnown) {
    if (known.name == name) return &known;
  }
  return nullptr;
}

std::string HelpOf(std::string_view name) {
  const Known* const known = FindKnown(name);
  return std::string(known != nullptr ? known->help : name);
}

std::vector<double> BucketsOf(std::string_view name) {
  const Known* const known = FindKnown(name);
  switch (known == nullptr ? Buckets::kOperation : known->buckets) {
    case Buckets::kSaga:
      return {.005, .025, .1, .5, 1, 5, 15, 60, 300, 600, 1800, 3600, 21600, 86400};
    case Buckets::kShort:
      return {.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10};
    case Buckets::kNone:
    case Buckets::kOperation:
      break;  // as OpenTelemetry's messaging.client.operation.duration
  }
  return {.005, .01, .025, .05, .075, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10};
}

class CounterCell : public Metrics::Counter {
 public:
  explicit CounterCell(prometheus::Counter* metric) : metric_(metric) {}
  void Add(double delta) override {
    if (metric_ != nullptr) metric_->Increment(delta);
  }

 private:
  prometheus::Counter* const metric_;
};

class HistogramCell : public Metrics::Histogram {
 public:
  explicit HistogramCell(prometheus::Histogram* metric) : metric_(metric) {}
  void Observe(double seconds) override {
    if (metric_ != nullptr) metric_->Observe(seconds);
  }

 private:
  prometheus::Histogram* const metric_;
};

/// Hashes and compares string and string_view alike, so that a lookup makes no string.
struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>()(text);
  }
};
template <class T>
using ByKey = std::unordered_map<std::string, T, TextHash, std::equal_to<>>;

std::string_view KeyOf(std::string_view name, Metrics::Labels labels) {
  thread_local std::string key;
  key.assign(name);
  for (const auto& [label, value] : labels) {
    key += '\x1f';
    key += label;
    key += '\x1e';
    key += value;
  }
  return key;
}

std::map<std::string, std::string> MapOf(Metrics::Labels labels) {
  std::map<std::string, std::string> map;
  for (const auto& [label, value] : labels) map.emplace(label, value);
  return map;
}

/// A metric, or null where prometheus-cpp refuses: a name of another kind, a malformed name or
/// label. That is our own mistake; it must not cost a saga.
template <class Make>
auto Try(std::string_view name, Make make) -> decltype(make()) {
  try {
    return make();
  } catch (const std::exception& e) {
    Log(LogLevel::kError, "metric is not kept", {{"metric", name}, {"why", e.what()}});
    return nullptr;
  }
}

}  // namespace

struct Metrics::Cells {
  prometheus::Registry registry;
  mutable std::mutex mutex;  // guards what follows
  ByKey<std::unique_ptr<CounterCell>> counters;
  ByKey<std::unique_ptr<HistogramCell>> histograms;
  ByKey<prometheus::Gauge*> gauges;
};

Metrics::Metrics() : cells_(std::make_unique<Cells>()) {}
Metrics::~Metrics() = default;

Metrics::Counter& Metrics::CounterOf(std::string_view name, Labels labels) {
  const std::string_view key = KeyOf(name, labels);
  const std::lock_guard lock(cells_->mutex);
  if (const auto it = cells_->counters.find(key); it != cells_->counters.end()) return *it->second;
  prometheus::Counter* const metric = Try(name, [&] {
    return &prometheus::BuildCounter()
                .Name(std::string(name))
                .Help(HelpOf(name))
                .Register(cells_->registry)
                .Add(MapOf(labels));
  });
  return *cells_->counters.emplace(key, std::make_unique<CounterCell>(metric)).first->second;
}

Metrics::Histogram& Metrics::HistogramOf(std::string_view name, Labels labels) {
  const std::string_view key = KeyOf(name, labels);
  const std::lock_guard lock(cells_->mutex);
  if (const auto it = cells_->histograms.find(key); it != cells_->histograms.end())
    return *it->second;
  prometheus::Histogram* const metric = Try(name, [&] {
    return &prometheus::BuildHistogram()
                .Name(std::string(name))
                .Help(HelpOf(name))
                .Register(cells_->registry)
                .Add(MapOf(labels), BucketsOf(name));
  });
  return *cells_->histograms.emplace(key, std::make_unique<HistogramCell>(metric)).first->second;
}

void Metrics::Set(std::string_view name, Labels labels, double value) {
  const std::string_view key = KeyOf(name, labels);
  const std::lock_guard lock(cells_->mutex);
  auto it = cells_->gauges.find(key);
  if (it == cells_->gauges.end()) {
    prometheus::Gauge* const metric = Try(name, [&] {
      return &prometheus::BuildGauge()
                  .Name(std::string(name))
                  .Help(HelpOf(name))
                  .Register(cells_->registry)
                  .Add(MapOf(labels));
    });
    it = cells_->gauges.emplace(key, metric).first;
  }
  if (it->second != nullptr) it->second->Set(value);
}

std::string Metrics::Text() const {
  return prometheus::TextSerializer().Serialize(cells_->registry.Collect());
}

}  // namespace reprise::runtime
