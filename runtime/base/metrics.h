/// Counters, gauges and histograms, named as in Prometheus' practices, kept by prometheus-cpp.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace reprise::runtime {

class Metrics {  // Threads: any.
 public:
  using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  /// A cell to keep: looking it up costs a hash, using it an atomic add.  Owned by this Metrics.
  class Counter {
   public:
    virtual ~Counter() = default;
    virtual void Add(double delta) = 0;
  };
  class Histogram {  // seconds
   public:
    virtual ~Histogram() = default;
    virtual void Observe(double seconds) = 0;
  };
  Counter& CounterOf(std::string_view name, Labels labels = {});
  Histogram& HistogramOf(std::string_view name, Labels labels = {});

  void Count(std::string_view name, Labels labels = {}, double delta = 1) {
    CounterOf(name, labels).Add(delta);
  }
  void Set(std::string_view name, Labels labels, double value);
  void Observe(std::string_view name, Labels labels, double seconds) {
    HistogramOf(name, labels).Observe(seconds);
  }

  /// The text format of Prometheus.
  std::string Text() const;

 private:
  struct Cells;
  std::unique_ptr<Cells> cells_;
};

}  // namespace reprise::runtime
