#include "config/tests.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/suggest.h"
#include "config/events.h"
#include "config/values.h"

namespace reprise::runtime {
namespace {

class Reader {
 public:
  Reader(const std::vector<PipelineRef>& pipelines, std::string own, Sink& sink)
      : pipelines_(pipelines), own_(std::move(own)), sink_(sink) {}

  TestCase Case(const Node& node) {
    TestCase out;
    out.line = node.place.line;
    if (!CheckMap(node, "a case", {"name", "start", "request", "faults", "crash", "then", "expect"},
                  sink_))
      return out;
    if (const Node* n = Require(node, "a case", "name", sink_))
      out.name = AsText(*n, "'name'", sink_).value_or("");
    if (const Node* n = node.Find("start")) out.start = Start(*n);
    if (const Node* n = node.Find("request")) out.requests = Requests(*n);
    if (const Node* n = node.Find("faults")) out.faults = Faults(*n);
    if (const Node* n = node.Find("crash"))
      out.crash_every_commit = AsOneOf(*n, "'crash'", {"every_commit"}, sink_).has_value();
    if (const Node* n = node.Find("then")) out.then = Then(*n);
    if (const Node* n = node.Find("expect")) out.expect = Expect(*n);
    if (!out.start && out.requests.empty())
      sink_.Error("RPR011", node, "a case needs 'start' or 'request'");
    const bool expects =
        std::any_of(out.then.begin(), out.then.end(), [](const TestAction& action) {
          return action.kind == TestAction::kExpect || action.request.status ||
                 !action.request.reply.empty();
        });
    const bool answers =
        std::any_of(out.requests.begin(), out.requests.end(),
                    [](const TestRequest& r) { return r.status || !r.reply.empty(); });
    if (out.expect.empty() && !expects && !answers)
      sink_.Error("RPR011", node, "a case needs 'expect'");
    return out;
  }

 private:
  const Pipeline* Named(std::string_view name) const {
    for (const PipelineRef& pipeline : pipelines_) {
      if (pipeline->name == name) return pipeline.get();
    }
    return nullptr;
  }

  /// "step" or "pipeline/step".
  StepName StepAt(const Node& at, const std::string& text) {
    StepName out{own_, text};
    if (const size_t slash = text.find('/'); slash != std::string::npos) {
      out = {text.substr(0, slash), text.substr(slash + 1)};
    }
    const Pipeline* pipeline = Named(out.pipeline);
    if (pipeline == nullptr) {
      const std::vector<std::string> known = NamesBehind(pipelines_);
      if (out.pipeline != own_) {
        sink_.Error(
            "RPR045", at,
            fmt::format("unknown pipeline '{}'", out.pipeline) + DidYouMean(out.pipeline, known));
      }
    } else if (!pipeline->Find(out.step)) {
      const std::vector<std::string> known = NamesOf(pipeline->steps);
      sink_.Error("RPR044", at,
                  fmt::format("pipeline '{}' has no step '{}'", out.pipeline, out.step) +
                      DidYouMean(out.step, known));
    }
    return out;
  }

  std::optional<TestStart> Start(const Node& node) {
    if (!node.map() || node.entries.size() != 1) {
      sink_.Error("RPR012", node,
                  "'start' is one event with its payload: { requested: { id: R1 } }");
      return std::nullopt;
    }
    const Node::Entry& entry = node.entries[0];
    if (const Pipeline* pipeline = Named(own_)) {
      std::vector<std::string> known = EntryEvents(*pipeline);
      for (const auto& [event, targets] : pipeline->foreign) known.push_back(event);
      if (std::find(known.begin(), known.end(), entry.key.text) == known.end()) {
        sink_.Unknown("RPR043", entry.key,
                      fmt::format("'{}' begins no saga of '{}'", entry.key.text, own_), known);
      }
    }
    return TestStart{entry.key.text, AsObject(entry.value, "a payload", sink_)};
  }

  std::vector<TestRequest> Requests(const Node& node) {
    std::vector<TestRequest> out;
    if (node.sequence()) {
      for (const Node& item : node.items) out.push_back(ReadTestRequest(item, pipelines_, sink_));
    } else {
      out.push_back(ReadTestRequest(node, pipelines_, sink_));
    }
    return out;
  }

  /// { deadline.do: fail, billing/take.undo: retry:3 }
  std::vector<TestFault> Faults(const Node& node) {
    std::vector<TestFault> out;
    if (!node.map()) {
      sink_.Error("RPR012", node, "'faults' must be a map: { step.do: fail }");
      return out;
    }
    for (const Node::Entry& entry : node.entries) {
      const std::string& key = entry.key.text;
      TestFault fault;
      const size_t dot = key.rfind('.');
      const std::string phase = dot == std::string::npos ? "" : key.substr(dot + 1);
      if (phase != "do" && phase != "undo") {
        sink_.Error("RPR013", entry.key,
                    fmt::format("'{}' must be written STEP.do or STEP.undo", key));
        continue;
      }
      fault.undo = phase == "undo";
      fault.step = StepAt(entry.key, key.substr(0, dot));
      if (FaultKind(entry.value, fault)) out.push_back(std::move(fault));
    }
    return out;
  }

  bool FaultKind(const Node& node, TestFault& fault) {
    const auto text = AsText(node, "a fault", sink_);
    if (!text) return false;
    const std::string word = text->substr(0, text->find(':'));
    const auto times = text->find(':') == std::string::npos
                           ? std::nullopt
                           : ParseInteger(text->substr(text->find(':') + 1));
    const bool counted = times && *times >= 1 && *times <= 1000;
    if (*text == "fail" || *text == "unknown") {
      fault.kind = *text == "fail" ? TestFault::kFail : TestFault::kUnknown;
      return true;
    }
    if ((word == "retry" || word == "crash") && counted) {
      fault.kind = word == "retry" ? TestFault::kRetry : TestFault::kCrash;
      fault.times = static_cast<int>(*times);
      return true;
    }
    sink_.Error(
        "RPR013", node,
        fmt::format("a fault is 'fail', 'retry:N', 'crash:N' or 'unknown', not '{}'", *text));
    return false;
  }

  std::vector<TestAction> Then(const Node& node) {
    std::vector<TestAction> out;
    if (!node.sequence()) {
      sink_.Error("RPR012", node, fmt::format("'then' must be a list, not {}", KindName(node)));
      return out;
    }
    for (const Node& item : node.items) {
      if (!CheckMap(item, "an action of 'then'", {"advance", "signal", "request", "verb", "expect"},
                    sink_))
        continue;
      if (item.entries.size() != 1) {
        sink_.Error(
            "RPR013", item,
            "an action of 'then' is one of 'advance', 'signal', 'request', 'verb' and 'expect'");
        continue;
      }
      if (auto action = Action(item.entries[0])) out.push_back(*std::move(action));
    }
    return out;
  }

  std::optional<TestAction> Action(const Node::Entry& entry) {
    TestAction out;
    out.line = entry.key.place.line;
    const std::string& what = entry.key.text;
    if (what == "advance") {
      out.kind = TestAction::kAdvance;
      out.advance = AsDuration(entry.value, "'advance'", sink_).value_or(Millis(1));
    } else if (what == "signal") {
      out.kind = TestAction::kSignal;
      out.signal = Signal(entry.value);
    } else if (what == "request") {
      out.kind = TestAction::kRequest;
      out.request = ReadTestRequest(entry.value, pipelines_, sink_);
    } else if (what == "verb") {
      out.kind = TestAction::kVerb;
      out.verb = Verb(entry.value);
    } else if (what == "expect") {
      out.kind = TestAction::kExpect;
      out.expect = Expect(entry.value);
    } else {
      return std::nullopt;
    }
    return out;
  }

  /// { approved: { by: ann } } or just the name.
  TestSignal Signal(const Node& node) {
    const bool named = node.map() && node.entries.size() == 1;
    if (!named && !node.scalar()) {
      sink_.Error("RPR012", node,
                  "'signal' is one signal with its fields: { approved: { by: ann } }");
      return {};
    }
    const Node& at = named ? node.entries[0].key : node;
    TestSignal out{at.text, named ? AsObject(node.entries[0].value, "a signal's fields", sink_)
                                  : json::object()};
    if (const Pipeline* pipeline = Named(own_)) {
      std::vector<std::string> known;
      for (const auto& step : pipeline->steps) {
        if (step.kind == StepKind::kWait) known.push_back(step.wait_for);
      }
      if (std::find(known.begin(), known.end(), out.name) == known.end()) {
        sink_.Unknown("RPR047", at, fmt::format("no step waits for the signal '{}'", out.name),
                      known);
      }
    }
    return out;
  }

  /// { retry: deadline }, { skip: deadline, event: due }, { resolve: reserve }, undo;
  /// { undo: billing, refused: final } is of that pipeline's saga.
  TestVerb Verb(const Node& node) {
    TestVerb out;
    out.step.pipeline = own_;
    if (node.scalar()) {
      out.what = AsOneOf(node, "'verb' alone", {"undo"}, sink_).value_or("");
      return out;
    }
    if (!CheckMap(node, "'verb'", {"retry", "undo", "skip", "resolve", "event", "refused"}, sink_))
      return out;
    for (const Node::Entry& entry : node.entries) {
      if (entry.key.text == "event") {
        out.event = AsText(entry.value, "'event'", sink_).value_or("");
        continue;
      }
      if (entry.key.text == "refused") {
        out.refused = AsText(entry.value, "'refused'", sink_).value_or("");
        continue;
      }
      if (!out.what.empty()) sink_.Error("RPR013", entry.key, "one verb at a time");
      out.what = entry.key.text;
      const bool undo = out.what == "undo";
      const auto text = AsText(entry.value, undo ? "a pipeline" : "a step", sink_);
      if (!text) continue;
      out.step = undo ? StepName{*text, ""} : StepAt(entry.value, *text);
      if (undo && Named(*text) == nullptr) {
        const std::vector<std::string> known = NamesBehind(pipelines_);
        sink_.Unknown("RPR045", entry.value, fmt::format("unknown pipeline '{}'", *text), known);
      }
    }
    return out;
  }

  TestExpect Expect(const Node& node) {
    TestExpect out;
    if (!CheckMap(node, "'expect'", {"saga", "steps", "events", "rows", "pushes"}, sink_))
      return out;
    if (const Node* n = node.Find("saga")) {
      out.saga =
          AsOneOf(*n, "'saga'",
                  {"running", "undoing", "done", "undone", "stuck", "held", "retrying"}, sink_);
    }
    if (const Node* n = node.Find("steps"); n != nullptr && IsMap(*n, "'steps'")) {
      for (const Node::Entry& entry : n->entries) {
        const auto state =
            AsOneOf(entry.value, "a step's state",
                    {"waiting", "running", "retrying", "held", "done", "failed", "unknown",
                     "undoing", "undone", "tombstone", "stuck", "skipped"},
                    sink_);
        out.steps.emplace_back(StepAt(entry.key, entry.key.text), state.value_or(""));
      }
    }
    if (const Node* n = node.Find("events")) {
      for (const Node* item : AsList(*n, "'events'", sink_)) {
        CheckEvent(*item);
        out.events.push_back(item->text);
      }
    }
    if (const Node* n = node.Find("rows"); n != nullptr && IsMap(*n, "'rows'")) {
      for (const Node::Entry& entry : n->entries)
        out.rows.emplace_back(entry.key.text, Rows(entry.value));
    }
    if (const Node* n = node.Find("pushes"); n != nullptr && IsMap(*n, "'pushes'")) {
      for (const Node::Entry& entry : n->entries)
        out.pushes.emplace_back(entry.key.text, Pushes(entry.value));
    }
    return out;
  }

  bool IsMap(const Node& node, std::string_view what) {
    if (!node.map())
      sink_.Error("RPR012", node, fmt::format("{} must be a map, not {}", what, KindName(node)));
    return node.map();
  }

  void CheckEvent(const Node& at) {
    const std::string& text = at.text;
    const size_t slash = text.find('/');
    const Pipeline* pipeline = Named(slash == std::string::npos ? own_ : text.substr(0, slash));
    if (pipeline == nullptr) return;
    std::vector<std::string> known = AllEvents(*pipeline);
    for (const Step& step : pipeline->steps) {
      if (!step.side) continue;
      for (const std::string& event : step.events) known.push_back(step.name + "." + event);
    }
    const std::string event = slash == std::string::npos ? text : text.substr(slash + 1);
    if (std::find(known.begin(), known.end(), event) != known.end()) return;
    sink_.Error("RPR043", at,
                fmt::format("pipeline '{}' has no event '{}'", pipeline->name, event) +
                    DidYouMean(event, known));
  }

  json::array Rows(const Node& node) {
    json::value rows = AsJson(node);
    const bool good =
        rows.is_array() && std::all_of(rows.get_array().begin(), rows.get_array().end(),
                                       [](const json::value& row) { return row.is_array(); });
    if (good) return std::move(rows.get_array());
    sink_.Error("RPR012", node, "rows are a list of lists: [[1, A], [2, B]]");
    return {};
  }

  std::vector<std::string> Pushes(const Node& node) {
    std::vector<std::string> out;
    if (node.sequence() && node.items.empty()) return out;
    for (const Node* item : AsList(node, "pushes", sink_)) out.push_back(item->text);
    return out;
  }

  const std::vector<PipelineRef>& pipelines_;
  const std::string own_;
  Sink& sink_;
};

}  // namespace

TestFile ReadTests(const Node& root, const std::vector<PipelineRef>& pipelines, Sink& sink) {
  TestFile out;
  out.file = sink.source().file;
  if (!CheckMap(root, "a test file", {"test", "cases"}, sink)) return out;
  if (const Node* name = root.Find("test")) {
    out.name = AsName(*name, "a pipeline", sink).value_or("");
    const std::vector<std::string> known = NamesBehind(pipelines);
    if (!out.name.empty() && std::find(known.begin(), known.end(), out.name) == known.end()) {
      sink.Unknown("RPR045", *name, fmt::format("unknown pipeline '{}'", out.name), known);
    }
  }
  const Node* cases = Require(root, "a test file", "cases", sink);
  if (cases == nullptr) return out;
  if (!cases->sequence()) {
    sink.Error("RPR012", *cases, fmt::format("'cases' must be a list, not {}", KindName(*cases)));
    return out;
  }
  Reader reader(pipelines, out.name, sink);
  for (const Node& item : cases->items) out.cases.push_back(reader.Case(item));
  return out;
}

}  // namespace reprise::runtime
