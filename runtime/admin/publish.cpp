#include "admin/publish.h"

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <set>

#include <fmt/core.h>

namespace reprise::runtime {
namespace {

constexpr std::size_t kLinesMax = 1000;
constexpr std::size_t kPayloadMax = 512 * 1024;

// The answers of a chunk, which arrive one by one.
class Gathered {  // Threads: any.
 public:
  Gathered(std::size_t lines, std::function<void(Answer)> answer)
      : left_(lines), results_(lines), answer_(std::move(answer)) {}

  void Put(std::size_t line, const char* result, json::object more) {
    more["result"] = result;
    const std::lock_guard lock(mutex_);
    results_[line] = std::move(more);
    ++counts_[std::string(result)];
    if (--left_ == 0) answer_(Answer::Of(Body()));
  }

  void Put(std::size_t line, const Result<bool>& made, json::object more) {
    if (made) return Put(line, *made ? "new" : "existed", std::move(more));
    const bool busy = made.error().transient();
    json::object why{{"detail", made.error().message}};
    if (!busy) why["code"] = "refused";
    Put(line, busy ? "busy" : "refused", std::move(why));
  }

 private:
  json::object Body() {
    json::object body;
    for (const char* name : {"new", "existed", "refused", "busy"}) body[name] = counts_[name];
    json::array lines;
    for (json::object& result : results_) lines.push_back(std::move(result));
    body["lines"] = std::move(lines);
    return body;
  }

  std::mutex mutex_;  // guards what follows
  std::size_t left_;
  std::vector<json::object> results_;
  std::map<std::string, std::int64_t> counts_;
  std::function<void(Answer)> answer_;
};

// The payload of a line, or {code, detail} of why it is none.
Result<Payload> Root(const Pipeline& pipeline, const std::string& text) {
  if (text.size() > kPayloadMax) return Error{Code::kInvalid, "the payload is over 512 KiB"};
  auto root = Payload::Parse(text);
  if (!root) return root;
  for (const Step& step : pipeline.steps) {
    if (step.side || step.key_field.empty() || root->Find(step.key_field) != nullptr) continue;
    return Error{Code::kInvalid, fmt::format("field '{}' is missing: it is the key of step '{}'",
                                             step.key_field, step.name)};
  }
  return root;
}

Result<std::vector<PublishLine>> ReadWrapped(std::string_view body) {
  const auto parsed = Payload::Parse(body);
  if (!parsed) return parsed.error();
  const json::value* lines = parsed->Find("lines");
  if (lines == nullptr || !lines->is_array())
    return Error{Code::kInvalid, "'lines' must be an array"};
  std::vector<PublishLine> out;
  for (const json::value& item : lines->get_array()) {
    const json::object* object = item.if_object();
    const json::value* text = object == nullptr ? nullptr : object->if_contains("text");
    const json::value* nth = object == nullptr ? nullptr : object->if_contains("nth");
    const bool counted = nth == nullptr || (nth->is_int64() && nth->get_int64() >= 0);
    if (text == nullptr || !text->is_string() || !counted) {
      return Error{Code::kInvalid, "each of 'lines' must be {\"text\": \"..\", \"nth\": 0}"};
    }
    out.push_back(
        {std::string(text->get_string()), nth == nullptr ? 0U : nth->to_number<std::uint64_t>()});
  }
  return out;
}

std::vector<PublishLine> SplitLines(std::string_view body) {
  std::vector<PublishLine> out;
  std::map<std::string_view, std::uint64_t> seen;
  while (!body.empty()) {
    const std::size_t end = std::min(body.find('\n'), body.size());
    std::string_view line = body.substr(0, end);
    body.remove_prefix(std::min(end + 1, body.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty()) out.push_back({std::string(line), seen[line]++});
  }
  return out;
}

}  // namespace

Uuid PublishId(std::string_view pipeline, std::string_view event, const Payload& root,
               const PublishLine& line) {
  const std::string id = root.Text("id");
  if (!id.empty()) return Derived(Uuid{}, {"publish", pipeline, event, "id", id});
  return Derived(Uuid{},
                 {"publish", pipeline, event, "line", Sha256(line.text), std::to_string(line.nth)});
}

std::vector<std::string> StartEvents(const Pipeline& pipeline) {
  std::set<std::string> events;
  for (const Route& route : pipeline.routes) {
    if (route.kind == RouteKind::kStart) events.insert(route.start);
  }
  for (const Topic& topic : pipeline.topics) events.insert(topic.start);
  for (const auto& [event, targets] : pipeline.targets) {
    if (event.find_first_of("./$") == std::string::npos && !targets.empty()) events.insert(event);
  }
  return {events.begin(), events.end()};
}

bool Starts(const Pipeline& pipeline, std::string_view event) {
  const std::vector<std::string> events = StartEvents(pipeline);
  return std::find(events.begin(), events.end(), event) != events.end();
}

Result<std::vector<PublishLine>> ReadLines(std::string_view content_type, std::string_view body) {
  Result<std::vector<PublishLine>> lines =
      content_type.starts_with("application/json") ? ReadWrapped(body) : SplitLines(body);
  if (!lines) return lines;
  if (lines->empty()) return Error{Code::kInvalid, "there are no lines"};
  if (lines->size() > kLinesMax) {
    return Error{Code::kInvalid,
                 fmt::format("at most {} lines a request, not {}", kLinesMax, lines->size())};
  }
  return lines;
}

void Publish(Ingress& ingress, PipelineRef pipeline, const std::string& event,
             const std::vector<PublishLine>& lines, std::function<void(Answer)> answer) {
  const auto gathered = std::make_shared<Gathered>(lines.size(), std::move(answer));
  for (std::size_t i = 0; i < lines.size(); ++i) {
    auto root = Root(*pipeline, lines[i].text);
    if (!root) {
      gathered->Put(i, "refused", {{"code", "bad_line"}, {"detail", root.error().message}});
      continue;
    }
    Start start;
    start.pipeline = pipeline;
    start.event = event;
    start.id = PublishId(pipeline->name, event, *root, lines[i]);
    start.root = std::move(*root);
    start.done = [gathered, i, id = start.id](const Result<bool>& made) {
      gathered->Put(i, made, {{"id", id.ToString()}});
    };
    ingress.Submit(std::move(start));
  }
}

void PublishRecords(Ingress& ingress, const std::string& topic,
                    const std::vector<PublishLine>& lines, std::function<void(Answer)> answer) {
  const auto gathered = std::make_shared<Gathered>(lines.size(), std::move(answer));
  for (std::size_t i = 0; i < lines.size(); ++i) {
    Record record;
    record.topic = topic;
    record.offset = static_cast<std::int64_t>(lines[i].nth);
    record.value = lines[i].text;
    record.foreign = true;
    Start start;
    start.record = std::make_shared<const Record>(std::move(record));
    start.done = [gathered, i](const Result<bool>& made) { gathered->Put(i, made, {}); };
    ingress.Submit(std::move(start));
  }
}

}  // namespace reprise::runtime
