#include "app/bench_plan.h"

#include <charconv>

#include "config/yaml.h"

namespace reprise::runtime {
namespace {

std::string Filled(std::string text, std::int64_t n, const std::string& id) {
  const auto put = [&](std::string_view mark, const std::string& value) {
    if (const std::size_t at = text.find(mark); at != std::string::npos)
      text.replace(at, mark.size(), value);
  };
  put("{id}", id);
  put("{n}", std::to_string(n));
  return text;
}

json::value Scalar(const Node& node) {
  std::int64_t number = 0;
  const char* end = node.text.data() + node.text.size();
  if (!node.quoted && std::from_chars(node.text.data(), end, number).ptr == end &&
      !node.text.empty())
    return number;
  return json::string(node.text);
}

}  // namespace

json::object BenchPlan::Root(std::int64_t n, const std::string& id) const {
  json::object out;
  for (const auto& field : root) {
    out[field.key()] =
        field.value().is_string()
            ? json::value(json::string(Filled(std::string(field.value().get_string()), n, id)))
            : field.value();
  }
  if (undone_every > 0 && n % undone_every == undone_every - 1) out["bench"] = "undone";
  return out;
}

Result<BenchPlan> ReadBenchPlan(const std::string& file) {
  auto text = ReadText(file);
  if (!text) return text.error();
  const Source source(file, *text);
  std::vector<Finding> findings;
  Sink sink(source, findings);
  const auto tree = ParseYaml(sink);
  if (!tree || HasErrors(findings)) return Error{Code::kInvalid, file + ": not a bench file"};
  BenchPlan plan;
  const auto take = [&](const char* key, std::string& out) {
    if (const Node* node = tree->Find(key)) out = node->text;
  };
  take("bench", plan.pipeline);
  take("start", plan.start);
  take("told", plan.told);
  take("floor", plan.floor);
  take("cluster_floor", plan.cluster_floor);
  take("prepare", plan.prepare);
  if (const Node* root = tree->Find("root")) {
    for (const Node::Entry& entry : root->entries) plan.root[entry.key.text] = Scalar(entry.value);
  }
  if (const Node* undone = tree->Find("undone")) {
    if (const Node* step = undone->Find("step")) plan.undone_step = step->text;
    if (const Node* every = undone->Find("every"))
      plan.undone_every = std::atoi(every->text.c_str());
  }
  if (plan.pipeline.empty() || plan.start.empty() || plan.told.empty()) {
    return Error{Code::kInvalid, file + ": a bench file names bench, start, root and told"};
  }
  return plan;
}

}  // namespace reprise::runtime
