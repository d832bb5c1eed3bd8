/// `topics:`: the records of others that begin sagas.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/suggest.h"
#include "config/draft.h"
#include "config/types.h"
#include "config/values.h"

namespace reprise::runtime {
namespace {

/// As Kafka has it.
bool IsTopicName(std::string_view name) {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  return !name.empty() && name.size() <= 249 && name != "." && name != ".." &&
         std::all_of(name.begin(), name.end(), good);
}

/// What a raw record is: see model/input.h.
BodyType RawBody() {
  BodyType text, body;
  body.kind = BodyType::kStruct;
  for (const char* name : {"value", "encoding", "key"}) body.fields.push_back({name, text});
  return body;
}

void ReadBody(const Node& node, Topic& topic, Sink& sink) {
  topic.body.kind = BodyType::kObject;  // any fields
  const Node* body = node.Find("body");
  if (topic.format == "raw") {
    topic.body = RawBody();
    if (body != nullptr) {
      sink.Error("RPR059", *body,
                 "a raw record has no body: its fields are value, encoding and key");
    }
  } else if (body != nullptr) {
    topic.body = ReadStruct(*body, "'body'", sink);
  }
}

void ReadTopic(const Node::Entry& entry, Draft& draft, const PluginCatalog& catalog) {
  Sink& sink = draft.sink;
  const Node& node = entry.value;
  if (!IsTopicName(entry.key.text)) {
    sink.Error("RPR014", entry.key,
               fmt::format("'{}' is no name of a topic: letters, digits, '.', '_' and '-', at most "
                           "249",
                           entry.key.text));
  }
  if (!CheckMap(node, "a topic", {"format", "body", "key", "dedupe", "from", "check", "start"},
                sink)) {
    return;
  }
  Topic topic;
  TopicDraft marks{&entry.key, &entry.value, {}};
  topic.name = entry.key.text;
  if (const Node* n = node.Find("format")) {
    topic.format =
        AsOneOf(*n, "'format'", {"auto", "cloudevents", "json", "raw"}, sink).value_or("auto");
  }
  ReadBody(node, topic, sink);
  if (const Node* n = node.Find("key")) topic.key = AsField(*n, "'key'", sink).value_or("");
  if (const Node* n = node.Find("dedupe"))
    topic.dedupe = AsField(*n, "'dedupe' (a field, ce_id or offset)", sink).value_or("offset");
  if (const Node* n = node.Find("from"))
    topic.from = AsOneOf(*n, "'from'", {"earliest", "latest"}, sink).value_or("latest");
  if (const Node* n = node.Find("check")) marks.check = ReadChecks(*n, catalog, topic.check, sink);
  if (const Node* n = Require(node, "a topic", "start", sink))
    topic.start = AsName(*n, "an event", sink).value_or("");
  if (topic.dedupe == "ce_id" && (topic.format == "json" || topic.format == "raw")) {
    sink.Error("RPR059", marks.At("dedupe"),
               fmt::format("a record in format '{}' has no ce_id: name a field, or 'offset'",
                           topic.format));
  }
  draft.pipeline.topics.push_back(std::move(topic));
  draft.topics.push_back(std::move(marks));
}

}  // namespace

void ReadTopics(Draft& draft, const PluginCatalog& catalog) {
  const Node* topics = MapAt(draft.root, "topics", draft.sink);
  if (topics == nullptr) return;
  for (const Node::Entry& entry : topics->entries) ReadTopic(entry, draft, catalog);
}

}  // namespace reprise::runtime
