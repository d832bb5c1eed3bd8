#include <set>

#include <fmt/format.h>

#include "app/graph.h"
#include "app/graph_parts.h"

namespace reprise::runtime {
namespace {

/// Text inside a quoted Mermaid label.
std::string Label(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '"') {
      out += "#quot;";
    } else if (c == '<') {
      out += "#lt;";
    } else if (c == '>') {
      out += "#gt;";
    } else if (c == '#') {
      out += "#35;";
    } else {
      out += c;
    }
  }
  return "\"" + out + "\"";
}

std::string StepLabel(const Step& step) {
  std::string out = Label(step.name + "\n" + What(step));
  for (const std::string& mark : Marks(step)) {
    if (!mark.starts_with("key ") && !mark.starts_with("joins "))
      out.insert(out.size() - 1, "\n" + mark);
  }
  for (size_t at = out.find('\n'); at != std::string::npos; at = out.find('\n', at))
    out.replace(at, 1, "<br/>");
  return out;
}

std::string Nodes(const Pipeline& pipeline) {
  std::string out;
  for (size_t i = 0; i < pipeline.steps.size(); ++i) {
    const Step& step = pipeline.steps[i];
    const auto [open, close] = step.side                      ? std::pair("([", "])")
                               : step.kind == StepKind::kWait ? std::pair("[/", "/]")
                               : step.final                   ? std::pair("{{", "}}")
                                                              : std::pair("[", "]");
    out += fmt::format("  s{}{}{}{}\n", i, open, StepLabel(step), close);
  }
  return out;
}

std::string DoEdges(const Pipeline& pipeline, const PluginCatalog* catalog) {
  std::string out;
  const std::vector<Beginning> beginnings = Beginnings(pipeline);
  std::set<std::string> drawn;  // an event that two routes emit leads on from each of them
  for (size_t b = 0; b < beginnings.size(); ++b) {
    const Beginning& beginning = beginnings[b];
    out += fmt::format("  b{}>{}]\n", b, Label(beginning.what));
    if (!beginning.run.empty())
      out += fmt::format("  b{} -->|run| s{}\n", b, beginning.run.front());
    for (size_t i = 1; i < beginning.run.size(); ++i) {
      const std::string edge =
          fmt::format("  s{} -->|then| s{}\n", beginning.run[i - 1], beginning.run[i]);
      if (drawn.insert(edge).second) out += edge;
    }
    for (const auto* targets : {&pipeline.targets, &pipeline.foreign}) {
      const auto found = targets->find(beginning.event);
      if (found == targets->end()) continue;
      for (const Target& target : found->second) {
        out += fmt::format("  b{} -->|{}| s{}\n", b, Label(beginning.event), target.step);
      }
    }
  }
  for (StepIndex i = 0; i < pipeline.main_count; ++i) {
    for (const std::string& event : pipeline.step(i).events) {
      const std::string name = pipeline.step(i).name + "." + event;
      for (const Target& target : pipeline.TargetsOf(name)) {
        out += fmt::format("  s{} -->|{}| s{}\n", i, Label(EventLabel(pipeline, catalog, name)),
                           target.step);
      }
    }
  }
  return out;
}

/// From a step to the one it depends on: that is the order of undo.  An `undo: last` step comes
/// after the steps at the end of that flow.
std::string UndoEdges(const Pipeline& pipeline) {
  std::string out;
  const StepSet last = LastSteps(pipeline);
  StepSet ends;
  (pipeline.mains() - last).Each([&](StepIndex i) {
    const StepSet causes = pipeline.step(i).causes - last;
    if (causes.empty()) ends.Add(i);
    causes.Each(
        [&](StepIndex cause) { out += fmt::format("  s{} -.->|\"undo\"| s{}\n", i, cause); });
  });
  last.Each([&](StepIndex i) {
    ends.Each(
        [&](StepIndex end) { out += fmt::format("  s{} -.->|\"undo, last\"| s{}\n", end, i); });
  });
  return out;
}

std::string SideEdges(const Pipeline& pipeline) {
  std::string out;
  std::set<std::string> told;
  for (size_t i = pipeline.main_count; i < pipeline.steps.size(); ++i) {
    for (const std::string& event : pipeline.steps[i].on) {
      const auto from = pipeline.Find(event.substr(0, event.find('.')));
      if (from && event.find('.') != std::string::npos) {
        out +=
            fmt::format("  s{} --o|{}| s{}\n", *from, Label(event.substr(event.find('.') + 1)), i);
        continue;
      }
      std::string id = "e";
      for (const char c : event) id += fmt::format("{:02x}", static_cast<unsigned char>(c));
      if (told.insert(event).second)
        out += fmt::format("  {}(({}))\n", id, Label(event == "*" ? "any event" : event));
      out += fmt::format("  {} --o s{}\n", id, i);
    }
  }
  return out;
}

}  // namespace

std::string MermaidGraph(const Pipeline& pipeline, const PluginCatalog* catalog) {
  std::string out = "flowchart LR\n";
  out += Nodes(pipeline) + DoEdges(pipeline, catalog) + UndoEdges(pipeline) + SideEdges(pipeline);
  out += "  classDef side stroke-dasharray: 4 2,fill:transparent\n";
  std::string side;
  for (size_t i = pipeline.main_count; i < pipeline.steps.size(); ++i)
    side += fmt::format("{}s{}", side.empty() ? "" : ",", i);
  if (!side.empty()) out += "  class " + side + " side\n";
  return out;
}

}  // namespace reprise::runtime
