#include "app/bench_report.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace reprise::runtime {
namespace {

using Wanted = Figure::Wanted;

double Number(const json::object& stages, const char* stage, const char* name) {
  const json::value* figures = stages.if_contains(stage);
  const json::value* value =
      figures && figures->is_object() ? figures->get_object().if_contains(name) : nullptr;
  return value && value->is_number() ? value->to_number<double>() : 0;
}

std::string Bound(const Figure& figure) {
  switch (figure.wanted) {
    case Wanted::kNothing:
      return "";
    case Wanted::kAtLeast:
      return fmt::format("at least {:.{}f}", figure.bound, figure.digits);
    case Wanted::kAtMost:
      return fmt::format("at most {:.{}f}", figure.bound, figure.digits);
    case Wanted::kBelow:
      return fmt::format("below {:.{}f}", figure.bound, figure.digits);
  }
  return "";
}

}  // namespace

bool Figure::met() const {
  switch (wanted) {
    case Wanted::kNothing:
      return true;
    case Wanted::kAtLeast:
      return value >= bound;
    case Wanted::kAtMost:
      return value <= bound;
    case Wanted::kBelow:
      return value < bound;
  }
  return false;
}

std::string Figure::Judgement() const {
  if (met()) return Bound(*this);
  const double by = std::abs(value - bound);
  // One digit more: a figure that looks like its bound was missed by something all the same.
  return fmt::format("{}: missed by {:.{}f} ({:.0f} %)", Bound(*this), by, digits + 1,
                     std::ceil(100 * by / bound));
}

std::vector<Figure> BenchFigures(const json::object& stages) {
  const auto get = [&](const char* stage, const char* name) { return Number(stages, stage, name); };
  const double rate = get("small", "sagas_per_s");
  const double floor = std::max(get("floor", "sagas_per_s"), get("floor_again", "sagas_per_s"));
  // A shared machine is now faster, now slower: the larger run is held against one before and one
  // after it.
  const double around = (rate + get("small_again", "sagas_per_s")) / 2;
  const double memory = get("small", "peak_mib");
  // Two commits and a little work; the slowest wait behind a few others.  A disk that has rested
  // since the last commit takes longer than one that is kept busy, so it is asked at the same rate.
  const double p50 = 2 * get("disk_at_rate", "p50_ms") + 1;
  return {
      {"sagas per second", rate},
      {"hand-written floor", floor},
      {"of the floor", rate / floor, 2, Wanted::kAtLeast, 0.6},
      {"with side steps on, sagas per second", get("sides", "sagas_per_s")},
      {"commits per saga", get("small", "commits_per_saga"), 4, Wanted::kBelow, 0.02},
      {"CPU-seconds per 1,000 sagas", get("small", "cpu_s_per_1000"), 3},
      {"accept to push at a steady rate, p50 ms", get("latency", "p50_ms"), 2, Wanted::kAtMost,
       p50},
      {"accept to push at a steady rate, p99 ms", get("latency", "p99_ms"), 2, Wanted::kAtMost,
       4 * p50},
      {"ready after a start on an empty file, p50 ms", get("ready", "p50_ms"), 0, Wanted::kAtMost,
       200},
      {"memory, smaller run, MiB", memory, 1, Wanted::kBelow, 64},
      {"memory, larger run (no higher), MiB", get("large", "peak_mib"), 1, Wanted::kAtMost,
       memory * 1.05},
      {"throughput of the larger run, of the smaller", get("large", "sagas_per_s") / around, 2,
       Wanted::kAtLeast, 0.8},
  };
}

std::vector<Figure> ClusterBenchFigures(const json::object& stages) {
  const auto get = [&](const char* stage, const char* name) { return Number(stages, stage, name); };
  // Both run twice, in turn, and the better counts: a shared machine only ever makes one slower.
  const char* better =
      get("small_again", "sagas_per_s") > get("small", "sagas_per_s") ? "small_again" : "small";
  const double rate = get(better, "sagas_per_s");
  const double floor = std::max(get("floor", "sagas_per_s"), get("floor_again", "sagas_per_s"));
  const double own = get(better, "cpu_s_per_1000");
  const double servers = get(better, "servers_cpu_s_per_1000");
  std::vector<Figure> figures{
      {"sagas per second, the better of two runs", rate},
      {"hand-written floor, the better of one and two workers", floor},
      {"of the floor", rate / floor, 2, Wanted::kAtLeast, 0.7},
      {"two processes, sagas per second", get("two", "sagas_per_s"), 0, Wanted::kAtLeast, rate},
      {"commits per saga", get("small", "commits_per_saga"), 4},
      {"CPU-seconds per 1,000 sagas, of this process", own, 3},
      {"accept to push at a steady rate, p50 ms", get("latency", "p50_ms"), 2, Wanted::kAtMost, 5},
      {"accept to push at a steady rate, p99 ms", get("latency", "p99_ms"), 2, Wanted::kAtMost, 12},
      {"memory of a process, larger run, MiB", get("large", "peak_mib"), 1, Wanted::kBelow, 96},
      {"throughput of the larger run, of the smaller", get("large", "sagas_per_s") / rate, 2,
       Wanted::kAtLeast, 0.8},
  };
  if (servers > 0) {  // they run on this machine, and it was said which they are
    figures.push_back({"CPU-seconds per 1,000 sagas, with broker and database", own + servers, 3,
                       Wanted::kAtMost, 0.25});
  }
  return figures;
}

std::string RenderFigures(const std::vector<Figure>& figures) {
  std::string out;
  for (const Figure& figure : figures) {
    std::string line = fmt::format("  {} {:<54} {:>12.{}f}   {}", figure.met() ? "✓" : "✗",
                                   figure.name, figure.value, figure.digits, figure.Judgement());
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

json::array FiguresJson(const std::vector<Figure>& figures) {
  json::array out;
  for (const Figure& figure : figures) {
    out.push_back(json::object{{"name", figure.name},
                               {"value", figure.value},
                               {"wanted", Bound(figure)},
                               {"met", figure.met()}});
  }
  return out;
}

}  // namespace reprise::runtime
