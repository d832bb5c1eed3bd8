#include "app/graph.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "app/graph_parts.h"

namespace reprise::runtime {
namespace {

std::string Title(const Pipeline& pipeline) {
  std::string out = pipeline.name;
  if (!pipeline.about.empty()) out += ": " + pipeline.about;
  out += "\n";
  if (pipeline.timeout)
    out += "undone if it is not through after " + FormatDuration(*pipeline.timeout) + "\n";
  return out;
}

/// The do flow as a tree; a step with several ways to it is drawn at the first.
class Tree {
 public:
  Tree(const Pipeline& pipeline, const PluginCatalog* catalog)
      : pipeline_(pipeline), catalog_(catalog) {}

  std::string Text() {
    for (const Beginning& beginning : Beginnings(pipeline_)) {
      out_ += beginning.what + "\n";
      if (beginning.run.empty()) {
        Children({beginning.event}, "  ");
      } else {
        Inline(beginning.run, 0, "  ");
      }
    }
    return out_;
  }

 private:
  struct Branch {
    std::string label;
    StepIndex step = 0;
  };

  void Inline(const std::vector<StepIndex>& run, size_t at, const std::string& indent) {
    const bool last = at + 1 == run.size();
    const std::vector<Branch> branches = Branches(EventsOf(run[at]));
    out_ += indent + "`-- run --> " + Marked(run[at]) + "\n";
    if (!drawn_.insert(run[at]).second) return;
    const std::string below = indent + "    ";
    for (size_t i = 0; i < branches.size(); ++i)
      Draw(branches[i], below, last && i + 1 == branches.size());
    if (!last) Inline(run, at + 1, below);
  }

  std::vector<std::string> EventsOf(StepIndex step) const {
    std::vector<std::string> out;
    for (const std::string& event : pipeline_.step(step).events)
      out.push_back(pipeline_.step(step).name + "." + event);
    return out;
  }

  std::vector<Branch> Branches(const std::vector<std::string>& events) const {
    std::vector<Branch> out;
    for (const std::string& event : events) {
      const std::string label = EventLabel(pipeline_, catalog_, event);
      for (const auto* targets : {&pipeline_.targets, &pipeline_.foreign}) {
        const auto found = targets->find(event);
        if (found == targets->end()) continue;
        for (const Target& target : found->second) out.push_back({label, target.step});
      }
    }
    return out;
  }

  void Children(const std::vector<std::string>& events, const std::string& indent) {
    const std::vector<Branch> branches = Branches(events);
    for (size_t i = 0; i < branches.size(); ++i)
      Draw(branches[i], indent, i + 1 == branches.size());
  }

  void Draw(const Branch& branch, const std::string& indent, bool last) {
    const bool fresh = drawn_.insert(branch.step).second;
    const std::string text =
        fresh ? Marked(branch.step) : pipeline_.step(branch.step).name + " (above)";
    out_ += fmt::format("{}{}-- {} --> {}\n", indent, last ? "`" : "|", branch.label, text);
    if (fresh) Children(EventsOf(branch.step), indent + (last ? "    " : "|   "));
  }

  std::string Marked(StepIndex index) const {
    const Step& step = pipeline_.step(index);
    std::string out = step.name + "  " + What(step);
    for (const std::string& mark : Marks(step)) out += "  [" + mark + "]";
    return out;
  }

  const Pipeline& pipeline_;
  const PluginCatalog* catalog_;
  std::set<StepIndex> drawn_;
  std::string out_;
};

std::string Names(const Pipeline& pipeline, StepSet steps) {
  std::string out;
  steps.Each([&](StepIndex i) { out += (out.empty() ? "" : ", ") + pipeline.step(i).name; });
  return out;
}

std::string UndoText(const Pipeline& pipeline) {
  std::string out = "\nundo: each step after all that depends on it\n";
  const std::vector<StepSet> waves = UndoWaves(pipeline);
  const StepSet last = LastSteps(pipeline);
  int number = 0;
  for (const StepSet& wave : waves) {
    if (!(wave - last).empty())
      out += fmt::format("  {}. {}\n", ++number, Names(pipeline, wave - last));
  }
  if (!last.empty()) out += "  last. " + Names(pipeline, last) + "\n";
  return out;
}

std::string PolicyText(const Pipeline& pipeline) {
  std::string out;
  for (StepIndex i = 0; i < pipeline.main_count; ++i) {
    const Step& step = pipeline.step(i);
    if (step.kind == StepKind::kWait || step.inlined) continue;
    const OnFailure& policy = step.on_failure;
    const std::string hold =
        policy.hold_forever ? "waits for a person, then "
        : policy.hold ? fmt::format("waits {} for a person, then ", FormatDuration(*policy.hold))
                      : "";
    const std::string what = policy.none                       ? "nothing"
                             : policy.undo == pipeline.mains() ? "all"
                                                               : Names(pipeline, policy.undo);
    out += fmt::format("  {} {}undoes {}\n", step.name, hold, what);
  }
  return out.empty() ? "" : "\nfailure of\n" + out;
}

std::string SideText(const Pipeline& pipeline) {
  std::string out;
  for (size_t i = pipeline.main_count; i < pipeline.steps.size(); ++i) {
    const Step& step = pipeline.steps[i];
    out += "  " + Joined(step.on, ", ") + " --> " + step.name + "  " + What(step);
    if (!step.undo_on.empty()) out += "  [undone on " + step.undo_on + "]";
    out += "\n";
  }
  return out.empty() ? "" : "\nside steps\n" + out;
}

std::string QuestionText(const Pipeline& pipeline) {
  std::string out;
  for (const Route& route : pipeline.routes) {
    if (route.kind == RouteKind::kAsk) out += "  " + route.name() + " asks " + route.ask.name();
    if (route.kind == RouteKind::kStream)
      out += "  " + route.name() + " streams " + route.ask.name();
    if (route.kind == RouteKind::kSignal) out += "  " + route.name() + " signals " + route.signal;
    if (!route.tell.empty()) out += ", tells " + route.tell;
    if (route.kind != RouteKind::kStart && route.kind != RouteKind::kRun) out += "\n";
  }
  return out.empty() ? "" : "\nother routes\n" + out;
}

}  // namespace

std::string AsciiGraph(const Pipeline& pipeline, const PluginCatalog* catalog) {
  std::string out = Title(pipeline);
  if (pipeline.main_count > 0) {
    out += "\ndo\n" + Tree(pipeline, catalog).Text() + UndoText(pipeline) + PolicyText(pipeline);
  }
  return out + SideText(pipeline) + QuestionText(pipeline);
}

}  // namespace reprise::runtime
