#include "app/simulation_plan.h"

#include <filesystem>

#include "config/invariants.h"
#include "config/report.h"
#include "config/values.h"
#include "config/yaml.h"

namespace reprise::runtime {
namespace {

constexpr int kCustomersMax = 50;

Sometimes ReadSometimes(const Node& node, Sink& sink) {
  Sometimes out;
  if (!CheckMap(node, "a 'sometimes'", {"name", "sql", "events", "answer", "detail"}, sink))
    return out;
  if (const Node* name = Require(node, "a 'sometimes'", "name", sink))
    out.name = AsText(*name, "'name'", sink).value_or("");
  if (const Node* sql = node.Find("sql")) out.sql = AsText(*sql, "'sql'", sink).value_or("");
  if (const Node* events = node.Find("events")) {
    for (const Node* event : AsList(*events, "'events'", sink)) out.events.push_back(event->text);
  }
  if (const Node* answer = node.Find("answer")) {
    if (answer->entries.size() == 1) {
      out.route = answer->entries.front().key.text;
      out.code = answer->entries.front().value.text;
    } else {
      sink.Error("RPR012", *answer, "'answer' is one route and the code it refuses with");
    }
  }
  if (const Node* detail = node.Find("detail"))
    out.detail = AsText(*detail, "'detail'", sink).value_or("");
  const int kinds = !out.sql.empty() + !out.events.empty() + !out.route.empty();
  if (kinds != 1)
    sink.Error("RPR012", node, "a 'sometimes' has exactly one of sql, events and answer");
  return out;
}

SimulationPlan Read(const Node& root, Sink& sink) {
  SimulationPlan plan;
  if (!CheckMap(root, "a simulation",
                {"simulate", "environment", "customers", "invariants", "sometimes"}, sink))
    return plan;
  if (const Node* environment = root.Find("environment")) {
    for (const Node::Entry& entry : environment->entries)
      plan.environment[entry.key.text] = entry.value.text;
  }
  if (const Node* customers = root.Find("customers")) {
    plan.customers = static_cast<int>(
        AsInteger(*customers, "'customers'", 1, kCustomersMax, sink).value_or(plan.customers));
  }
  if (const Node* invariants = root.Find("invariants"))
    plan.invariants = ReadInvariants(*invariants, sink);
  if (const Node* sometimes = root.Find("sometimes")) {
    for (const Node& item : sometimes->items) plan.sometimes.push_back(ReadSometimes(item, sink));
  }
  return plan;
}

}  // namespace

Result<SimulationPlan> ReadSimulation(const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    const std::filesystem::path file = std::filesystem::path(path) / "simulation.yaml";
    if (!std::filesystem::exists(file)) continue;
    auto text = ReadText(file.string());
    if (!text) return text.error();
    const Source source(file.string(), *text);
    std::vector<Finding> findings;
    Sink sink(source, findings);
    const auto tree = ParseYaml(sink);
    SimulationPlan plan;
    if (tree) plan = Read(*tree, sink);
    if (!tree || HasErrors(findings)) return Error{Code::kInvalid, RenderText(findings)};
    return plan;
  }
  return SimulationPlan{};
}

}  // namespace reprise::runtime
