#include "app/demo_script.h"

#include <charconv>

#include "config/report.h"
#include "config/yaml.h"
#include "model/payload.h"

namespace reprise::runtime {
namespace {

json::value ToJson(const Node& node) {
  if (node.map()) {
    json::object out;
    for (const Node::Entry& entry : node.entries) out[entry.key.text] = ToJson(entry.value);
    return out;
  }
  if (node.sequence()) {
    json::array out;
    for (const Node& item : node.items) out.push_back(ToJson(item));
    return out;
  }
  std::int64_t number = 0;
  const char* end = node.text.data() + node.text.size();
  const auto [stop, error] = std::from_chars(node.text.data(), end, number);
  if (!node.quoted && error == std::errc{} && stop == end) return number;
  return json::string(node.text);
}

std::map<std::string, std::string> Texts(const Node& node) {
  std::map<std::string, std::string> out;
  for (const Node::Entry& entry : node.entries) out[entry.key.text] = entry.value.text;
  return out;
}

class Reader {
 public:
  explicit Reader(Sink& sink) : sink_(sink) {}

  DemoScript Read(const Node& root) {
    DemoScript demo;
    for (const Node::Entry& entry : root.entries) {
      const std::string& key = entry.key.text;
      if (key == "demo") {
        demo.name = entry.value.text;
      } else if (key == "environment") {
        demo.environment = Texts(entry.value);
      } else if (key == "stand_ins") {
        for (const Node::Entry& one : entry.value.entries) demo.stand_ins.push_back(StandIn(one));
      } else if (key == "script") {
        for (const Node& item : entry.value.items) demo.script.push_back(Item(item));
      } else if (key == "try") {
        for (const Node& item : entry.value.items) demo.tries.push_back(item.text);
      } else {
        static const std::string kKnown[] = {"demo", "environment", "stand_ins", "script", "try"};
        sink_.Unknown("RPR002", entry.key, "unknown key '" + key + "'", kKnown);
      }
    }
    return demo;
  }

 private:
  StandInPlan StandIn(const Node::Entry& entry) {
    StandInPlan plan;
    plan.name = entry.key.text;
    if (const Node* url = entry.value.Find("url")) plan.url_variable = url->text;
    if (const Node* command = entry.value.Find("command")) {
      for (const Node& word : command->items) plan.command.push_back(word.text);
    }
    if (plan.command.empty())
      sink_.Error("RPR003", entry.key, "a stand-in needs `command: [program, ..]`");
    return plan;
  }

  DemoItem Item(const Node& node) {
    DemoItem item;
    item.line = node.place.line;
    if (!node.map() || node.entries.size() != 1) {
      sink_.Error(
          "RPR003", node,
          "an item of the script is one of say, request, until, saga, pushes, received, fault, "
          "faults, clock");
      return item;
    }
    const Node::Entry& only = node.entries.front();
    item.kind = only.key.text;
    static const std::string kKinds[] = {"say",      "request", "until",  "saga", "pushes",
                                         "received", "fault",   "faults", "clock"};
    if (std::find(std::begin(kKinds), std::end(kKinds), item.kind) == std::end(kKinds)) {
      sink_.Unknown("RPR002", only.key, "unknown item '" + item.kind + "'", kKinds);
    }
    if (only.value.scalar()) item.text = only.value.text;
    for (const Node::Entry& entry : only.value.entries) Part(item, entry);
    return item;
  }

  void Part(DemoItem& item, const Node::Entry& entry) {
    const std::string& key = entry.key.text;
    const Node& value = entry.value;
    if (key == "GET" || key == "POST") {
      item.method = key;
      item.path = value.text;
    } else if (key == "at") {
      item.path = value.text;
    } else if (key == "body") {
      item.body = json::serialize(ToJson(value));
    } else if (key == "bearer") {
      item.bearer = value.text;
    } else if (key == "key") {
      item.key = value.text;
    } else if (key == "status") {
      item.status = std::atoi(value.text.c_str());
    } else if (key == "save" || (key == "has" && value.map())) {
      item.fields = Texts(value);
    } else if (key == "has") {
      for (const Node& event : value.items) item.list.push_back(event.text);
    } else if (key == "id") {
      item.id = value.text;
    } else if (key == "state") {
      item.state = value.text;
    } else if (key == "by") {
      item.by = value.text;
    } else if (key == "text") {
      item.text = value.text;
    } else if (key == "where") {
      item.where = Texts(value);
    } else if (key == "within") {
      const auto within = ParseDuration(value.text);
      if (!within) sink_.Error("RPR003", value, "a duration is written 5s or 1m");
      item.within = within.value_or(item.within);
    } else if (item.kind == "fault") {
      item.fields[key] = value.text;
    } else {
      sink_.Error("RPR002", entry.key, "unknown key '" + key + "'");
    }
  }

  Sink& sink_;
};

}  // namespace

Result<DemoScript> ReadDemo(const std::string& file) {
  auto text = ReadText(file);
  if (!text) return text.error();
  const Source source(file, *text);
  std::vector<Finding> findings;
  Sink sink(source, findings);
  const auto tree = ParseYaml(sink);
  DemoScript demo;
  if (tree) demo = Reader(sink).Read(*tree);
  if (!tree || HasErrors(findings)) return Error{Code::kInvalid, RenderText(findings)};
  demo.file = file;
  return demo;
}

}  // namespace reprise::runtime
