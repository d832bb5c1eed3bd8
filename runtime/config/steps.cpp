#include <fmt/format.h>

#include "base/suggest.h"
#include "config/draft.h"
#include "config/settings.h"
#include "config/values.h"

namespace reprise::runtime {
namespace {

constexpr std::int64_t kAttemptsMax = 1'000'000;

RetryPolicy ReadRetry(const Node& node, std::string_view what, RetryPolicy policy, Sink& sink) {
  if (!CheckMap(node, what, {"attempts", "immediate", "first", "factor", "max", "jitter"}, sink))
    return policy;
  if (const Node* n = node.Find("attempts")) {
    policy.attempts = static_cast<std::uint32_t>(
        AsInteger(*n, "'attempts'", 1, kAttemptsMax, sink).value_or(policy.attempts));
    policy.immediate = std::min(policy.immediate, policy.attempts);
  }
  if (const Node* n = node.Find("immediate")) {
    policy.immediate = static_cast<std::uint32_t>(
        AsInteger(*n, "'immediate'", 1, 10, sink).value_or(policy.immediate));
  }
  if (const Node* n = node.Find("first"))
    policy.first = AsDuration(*n, "'first'", sink).value_or(policy.first);
  if (const Node* n = node.Find("factor"))
    policy.factor = AsNumber(*n, "'factor'", 1, 100, sink).value_or(policy.factor);
  if (const Node* n = node.Find("jitter"))
    policy.jitter = AsNumber(*n, "'jitter'", 0, 1, sink).value_or(policy.jitter);
  if (const Node* n = node.Find("max")) {
    policy.max = AsDuration(*n, "'max'", sink).value_or(policy.max);
    if (policy.max < policy.first)
      sink.Error("RPR013", *n, "'max' must not be shorter than 'first'");
  } else {
    policy.max = std::max(policy.max, policy.first);
  }
  return policy;
}

/// `undo:` of on_failure, read once all steps are known.
void ReadScope(const Node& node, const Pipeline& pipeline, OnFailure& out, Sink& sink) {
  if (node.scalar()) {
    const auto word = AsOneOf(node, "'undo'", {"all", "none"}, sink);
    out.none = word == "none";
    out.undo = out.none ? StepSet() : pipeline.mains();
    return;
  }
  out.undo = StepSet();
  out.none = false;
  std::vector<std::string> known;
  for (StepIndex i = 0; i < pipeline.main_count; ++i) known.push_back(pipeline.steps[i].name);
  for (const Node* item : AsList(node, "'undo'", sink)) {
    const auto step = pipeline.Find(item->text);
    if (step && *step < pipeline.main_count) {
      out.undo.Add(*step);
    } else {
      const char* why = step ? "a side step is never undone with the saga" : "unknown step";
      sink.Unknown("RPR044", *item, fmt::format("{}: '{}'", why, item->text), known);
    }
  }
}

void ReadOnFailure(const Node& node, const Pipeline& pipeline, OnFailure& out, Sink& sink) {
  if (!CheckMap(node, "'on_failure'", {"hold", "undo"}, sink)) return;
  if (const Node* hold = node.Find("hold")) {
    out.hold_forever = hold->scalar() && hold->text == "forever";
    out.hold =
        out.hold_forever ? std::nullopt : AsDuration(*hold, "'hold' ('forever' or a time)", sink);
  }
  if (const Node* undo = node.Find("undo")) ReadScope(*undo, pipeline, out, sink);
}

void ReadTuning(const Node& node, Step& step, Sink& sink) {
  if (const Node* n = node.Find("retry")) step.retry = ReadRetry(*n, "'retry'", step.retry, sink);
  if (const Node* n = node.Find("undo_retry"))
    step.undo_retry = ReadRetry(*n, "'undo_retry'", step.undo_retry, sink);
  if (const Node* n = node.Find("timeout"))
    step.timeout = AsDuration(*n, "'timeout'", sink).value_or(step.timeout);
  if (const Node* n = node.Find("patience"))
    step.patience = AsDuration(*n, "'patience'", sink).value_or(step.patience);
  if (const Node* n = node.Find("concurrency")) {
    step.concurrency = static_cast<std::uint32_t>(
        AsInteger(*n, "'concurrency'", 1, 1024, sink).value_or(step.concurrency));
  }
}

void ReadOn(const Node& node, Step& step, StepDraft& draft, Sink& sink) {
  const Node* list = &node;
  if (node.map()) {
    if (!CheckMap(node, "'on'", {"all"}, sink)) return;
    list = Require(node, "'on'", "all", sink);
    if (list == nullptr) return;
    step.all = true;
    if (step.side)
      sink.Error("RPR061", node, "a side step cannot join; list the events: on: [a.x, b.y]");
  }
  for (const Node* item : AsList(*list, "'on'", sink)) {
    if (item->bad) continue;
    if (std::find(step.on.begin(), step.on.end(), item->text) != step.on.end()) {
      sink.Error("RPR013", *item, fmt::format("'{}' is listed twice", item->text));
      continue;
    }
    step.on.push_back(item->text);
    draft.on.push_back(item);
  }
  if (step.all && step.on.size() == 1)
    sink.Error("RPR013", *list, "a join of one event; write on: " + step.on[0]);
  if (step.all && step.on.size() > 64)
    sink.Error("RPR013", *list, "a join takes at most 64 events");
}

void ReadAction(const Node& node, const PluginCatalog& catalog, Step& step, StepDraft& draft,
                Sink& sink) {
  const Node& at = *node.Find("plugin");
  const Node* with = node.Find("with");
  draft.known = false;
  const PluginInfo* plugin = FindPlugin(at, catalog, step.plugin, step.action, sink);
  if (plugin == nullptr) return;
  draft.action = plugin->FindAction(step.action);
  if (draft.action == nullptr) {
    const std::vector<std::string> known = NamesOf(plugin->actions);
    const char* hint = plugin->FindQuestion(step.action) != nullptr ? " (it is a question)" : "";
    sink.Error("RPR041", at,
               fmt::format("plugin '{}' has no action '{}'{}", step.plugin, step.action, hint) +
                   DidYouMean(step.action, known));
    return;
  }
  draft.known = true;
  const ActionInfo& action = *draft.action;
  step.external = action.external;
  step.idempotent = action.idempotent;
  step.can_undo = action.can_undo;
  step.reconciles = action.reconciles;
  step.takes_all = action.takes_all;
  for (const EventInfo& event : action.events) step.events.push_back(event.name);
  step.with = BindSettings(with, *draft.name, "step '" + step.name + "'", action.with, sink);
}

void ReadWait(const Node& node, Step& step, Sink& sink) {
  if (!CheckMap(node, "'wait'", {"for", "at_most"}, sink)) return;
  if (const Node* signal = Require(node, "'wait'", "for", sink)) {
    step.wait_for = AsName(*signal, "a signal", sink).value_or("");
    if (step.wait_for == "late")
      sink.Error("RPR014", *signal,
                 "'late' is what a wait emits when nothing came; name the signal otherwise");
  }
  if (const Node* most = Require(node, "'wait'", "at_most", sink)) {
    step.wait_at_most = AsDuration(*most, "'at_most'", sink).value_or(Millis(1));
  }
  step.events = {step.wait_for, "late"};
}

void ReadFail(const Node& node, Step& step, Sink& sink) {
  step.fail_code = AsText(node, "'fail'", sink).value_or("");
  bool good = !step.fail_code.empty() && step.fail_code.size() <= 63 && step.fail_code[0] >= 'a' &&
              step.fail_code[0] <= 'z';
  for (const char c : step.fail_code)
    good = good && ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_');
  if (!good) {
    sink.Error(
        "RPR046", node,
        fmt::format("'{}' is no error code: lower-case letters, digits and '_', a letter first, "
                    "at most 63",
                    step.fail_code));
  }
}

/// Which keys a step takes, by what it is.
bool CheckKeys(const Node& node, const Step& step, Sink& sink) {
  const std::string what = fmt::format("{} '{}'", step.side ? "side step" : "step", step.name);
  if (step.side) {
    return CheckMap(node, what,
                    {"plugin", "on", "undo_on", "key", "with", "retry", "undo_retry", "timeout",
                     "patience", "concurrency", "ordering"},
                    sink);
  }
  if (step.kind == StepKind::kWait)
    return CheckMap(node, what, {"on", "wait", "key", "final"}, sink);
  if (step.kind == StepKind::kFail)
    return CheckMap(node, what, {"on", "fail", "key", "on_failure"}, sink);
  return CheckMap(node, what,
                  {"plugin", "on", "key", "with", "retry", "undo_retry", "timeout", "patience",
                   "concurrency", "ordering", "undo", "final", "halt", "on_failure"},
                  sink);
}

bool ReadKind(const Node& node, Step& step, const StepDraft& draft, Sink& sink) {
  const bool plugin = node.Find("plugin") != nullptr;
  const bool wait = !step.side && node.Find("wait") != nullptr;
  const bool fail = !step.side && node.Find("fail") != nullptr;
  step.kind = wait ? StepKind::kWait : fail ? StepKind::kFail : StepKind::kAction;
  if (plugin + wait + fail == 1) return true;
  sink.Error("RPR060", *draft.name,
             step.side
                 ? fmt::format("side step '{}' needs 'plugin'", step.name)
                 : fmt::format("step '{}' must say exactly one of 'plugin', 'wait' and 'fail'",
                               step.name));
  return false;
}

void ReadStep(const Node::Entry& entry, bool side, const Step& defaults, Draft& draft,
              const PluginCatalog& catalog) {
  Sink& sink = draft.sink;
  Step step = defaults;
  StepDraft marks;
  step.side = side;
  step.name = entry.key.text;
  marks.name = &entry.key;
  marks.body = &entry.value;
  AsName(entry.key, "a step", sink);
  const Node& node = entry.value;
  if (!node.map()) {
    sink.Error("RPR012", entry.key,
               fmt::format("step '{}' must be a map, not {}", step.name, KindName(node)));
    marks.known = false;
  } else if (!ReadKind(node, step, marks, sink)) {
    marks.known = false;
  } else {
    CheckKeys(node, step, sink);
    if (step.kind == StepKind::kAction) ReadAction(node, catalog, step, marks, sink);
    if (step.kind == StepKind::kWait) ReadWait(*node.Find("wait"), step, sink);
    if (step.kind == StepKind::kFail) ReadFail(*node.Find("fail"), step, sink);
  }
  if (const Node* on = node.Find("on")) ReadOn(*on, step, marks, sink);
  if (const Node* on = side ? node.Find("undo_on") : nullptr)
    step.undo_on = AsText(*on, "'undo_on'", sink).value_or("");
  if (const Node* key = node.Find("key"))
    step.key_field = AsField(*key, "'key'", sink).value_or("");
  if (step.kind == StepKind::kAction) ReadTuning(node, step, sink);
  if (const Node* n = node.Find("ordering"))
    step.strict = AsOneOf(*n, "'ordering'", {"strict"}, sink).has_value();
  if (const Node* n = side ? nullptr : node.Find("undo"))
    step.undo_last = AsOneOf(*n, "'undo'", {"last"}, sink).has_value();
  if (const Node* n = side ? nullptr : node.Find("final"))
    step.final = AsBoolean(*n, "'final'", sink).value_or(false);
  if (const Node* n = side ? nullptr : node.Find("halt"))
    step.halt = AsBoolean(*n, "'halt'", sink).value_or(false);
  draft.pipeline.steps.push_back(std::move(step));
  draft.steps.push_back(std::move(marks));
}

}  // namespace

void ReadSteps(Draft& draft, const PluginCatalog& catalog) {
  Sink& sink = draft.sink;
  Pipeline& pipeline = draft.pipeline;
  const Node* defaults = MapAt(draft.root, "defaults", sink);
  Step standard;
  if (defaults != nullptr) {
    CheckMap(*defaults, "'defaults'",
             {"retry", "undo_retry", "timeout", "patience", "concurrency", "on_failure"}, sink);
    ReadTuning(*defaults, standard, sink);
  }
  if (const Node* steps = MapAt(draft.root, "steps", sink)) {
    for (const Node::Entry& entry : steps->entries) {
      if (pipeline.steps.size() == kMaxMainSteps) {
        sink.Error("RPR062", entry.key,
                   fmt::format("more than {} steps; split the pipeline in two, joined by "
                               "`on: pipeline/step.event`",
                               kMaxMainSteps));
        break;
      }
      ReadStep(entry, false, standard, draft, catalog);
    }
  }
  pipeline.main_count = static_cast<StepIndex>(pipeline.steps.size());
  if (const Node* side = MapAt(draft.root, "side", sink)) {
    for (const Node::Entry& entry : side->entries) {
      if (pipeline.Find(entry.key.text)) {
        sink.Error("RPR009", entry.key,
                   fmt::format("'{}' is already the name of a step", entry.key.text));
        continue;
      }
      if (pipeline.steps.size() >= 1024) {
        sink.Error("RPR062", entry.key, "more than 1024 steps and side steps");
        break;
      }
      ReadStep(entry, true, standard, draft, catalog);
    }
  }
  OnFailure on_failure;
  on_failure.undo = pipeline.mains();
  if (const Node* node = defaults == nullptr ? nullptr : defaults->Find("on_failure")) {
    ReadOnFailure(*node, pipeline, on_failure, sink);
  }
  for (StepIndex i = 0; i < pipeline.main_count; ++i) {
    pipeline.steps[i].on_failure = on_failure;
    const Node* node = draft.steps[i].body->Find("on_failure");
    if (node != nullptr) ReadOnFailure(*node, pipeline, pipeline.steps[i].on_failure, sink);
  }
}

}  // namespace reprise::runtime
