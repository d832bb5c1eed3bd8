/// What a bench says of its figures: each beside what is wanted of it.
#pragma once

#include <string>
#include <vector>

#include "model/payload.h"

namespace reprise::runtime {

struct Figure {
  enum class Wanted { kNothing, kAtLeast, kAtMost, kBelow };

  std::string name;
  double value = 0;
  int digits = 0;  // after the point
  Wanted wanted = Wanted::kNothing;
  double bound = 0;

  bool met() const;
  /// "at least 0.60", or "below 64.0: missed by 14.8 (23 %)", or nothing.
  std::string Judgement() const;
};

/// Of the stages disk_at_rate, floor, floor_again, small, small_again, large, sides, latency and
/// ready: pure.
std::vector<Figure> BenchFigures(const json::object& stages);

/// Of the stages floor, floor_again, small, large, two and latency on servers: pure.
std::vector<Figure> ClusterBenchFigures(const json::object& stages);

/// One line each, ✗ before what is missed.
std::string RenderFigures(const std::vector<Figure>& figures);

/// [{name, value, wanted, met}]
json::array FiguresJson(const std::vector<Figure>& figures);

}  // namespace reprise::runtime
