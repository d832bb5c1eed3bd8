#include <algorithm>

#include <fmt/format.h>

#include "base/suggest.h"
#include "config/events.h"
#include "config/payloads.h"
#include "config/settings.h"

namespace reprise::runtime {
namespace {

class PayloadLint {
 public:
  PayloadLint(Draft& draft, Payloads& payloads)
      : draft_(draft), pipeline_(draft.pipeline), payloads_(payloads), sink_(draft.sink) {}

  void Run() {
    for (size_t i = 0; i < draft_.routes.size(); ++i) CheckRoute(i);
    for (size_t i = 0; i < draft_.topics.size(); ++i) CheckTopic(i);
    CheckSubject();
    for (size_t at = 0; at < pipeline_.steps.size(); ++at) {
      const auto i = static_cast<StepIndex>(at);
      if (i < pipeline_.main_count) {
        CheckKey(i);
        CheckMain(i);
        CheckAdded(i);
      } else {
        CheckSide(i);
      }
    }
  }

 private:
  /// What is missing of `wanted` in `have`, told at `at`.
  void CheckFields(const Shape& have, const std::vector<FieldInfo>& wanted, const Node& at,
                   const std::string& who, const std::string& where, std::string_view code) {
    if (have.unknown) return;
    for (const FieldInfo& field : wanted) {
      const FieldShape* found = have.Find(field.name);
      if (found == nullptr && !field.optional) {
        sink_.Error(code, at,
                    fmt::format("{} needs the field '{}', which {} lacks", who, field.name, where) +
                        DidYouMean(field.name, Names(have)));
      } else if (found != nullptr && !found->sure && !field.optional) {
        sink_.Error(code, at,
                    fmt::format("{} needs the field '{}', which {} does not always have", who,
                                field.name, where));
      } else if (found != nullptr && !Serves(*found, field.type)) {
        sink_.Error("RPR078", at,
                    fmt::format("{} needs '{}' to be {}, but in {} it is {}", who, field.name,
                                TypeName(field.type), where, TypeName(*found->type)));
      }
    }
  }

  void CheckChecks(const std::vector<QuestionUse>& checks, Shape have, const std::string& where) {
    const std::vector<std::string> named = Names(have);
    for (const QuestionUse& check : checks) {
      if (check.info == nullptr) return;
      CheckFields(have, check.info->in, *check.node, "check '" + check.node->text + "'", where,
                  "RPR057");
      for (const FieldInfo& out : check.info->out) {
        if (std::find(named.begin(), named.end(), out.name) == named.end()) continue;
        sink_.Error("RPR055", *check.node,
                    fmt::format("check '{}' sets '{}', which the request names itself",
                                check.node->text, out.name));
      }
      have = Over(std::move(have), ShapeOf(check.info->out));
    }
  }

  void CheckRoute(size_t i) {
    const Route& route = pipeline_.routes[i];
    const RouteDraft& marks = draft_.routes[i];
    CheckNamedOnce(i);
    CheckChecks(marks.check, payloads_.Asked(draft_, i, 0), "the request");
    if (marks.ask.info != nullptr) {
      Shape have = payloads_.Asked(draft_, i, marks.check.size());
      if (route.kind == RouteKind::kStream) have.Set("after", {true, FieldType::kText});
      CheckFields(have, marks.ask.info->in, *marks.ask.node,
                  "question '" + marks.ask.node->text + "'", "the request", "RPR057");
    }
    if (!route.id.empty() &&
        payloads_.Asked(draft_, i, marks.check.size()).Find(route.id) != nullptr) {
      sink_.Error("RPR058", marks.At("id"),
                  fmt::format("'{}' is already a field of the request or of a check", route.id));
    }
    const Shape before = payloads_.Before(draft_, i);
    if (!route.lock.empty())
      CheckRootField(before, route.lock, marks.At("lock"), "lock",
                     "the request with what its checks add");
    const Shape root = payloads_.During(draft_, i, route.run.size());
    for (const std::string& field : Placeholders(route.location)) {
      const FieldShape* found = root.Find(field);
      if (root.unknown || (found != nullptr && found->sure)) continue;
      sink_.Error(
          "RPR058", marks.At("location"),
          fmt::format("'location' names the field '{}', which the root payload lacks", field) +
              DidYouMean(field, Names(root)));
    }
  }

  /// A field that comes twice: in the path, the query and the body.
  void CheckNamedOnce(size_t i) {
    const Route& route = pipeline_.routes[i];
    std::vector<std::string> seen;
    for (const std::string& name : Placeholders(route.path)) {
      if (std::find(seen.begin(), seen.end(), name) != seen.end())
        sink_.Error("RPR058", *draft_.routes[i].key,
                    fmt::format("the path names '{}' twice", name));
      seen.push_back(name);
    }
    for (const auto& [key, type] :
         {std::pair{"query", &route.query}, std::pair{"body", &route.body}}) {
      for (const auto& [name, field] : type->fields) {
        if (std::find(seen.begin(), seen.end(), name) != seen.end()) {
          const Node* at = draft_.routes[i].At(key).FindKey(name);
          sink_.Error("RPR058", at == nullptr ? *draft_.routes[i].key : *at,
                      fmt::format("the request names '{}' twice", name));
        }
        seen.push_back(name);
      }
    }
  }

  void CheckTopic(size_t i) {
    const Topic& topic = pipeline_.topics[i];
    const Shape body = ShapeOf(topic);
    CheckChecks(draft_.topics[i].check, body, "the record");
    if (!topic.key.empty()) CheckTopicKey(topic, body, draft_.topics[i].At("key"));
    if (topic.dedupe != "offset" && topic.dedupe != "ce_id") {
      CheckRootField(body, topic.dedupe, draft_.topics[i].At("dedupe"), "dedupe", "the record");
    }
  }

  /// The record's key is text, whatever field it becomes.
  void CheckTopicKey(const Topic& topic, const Shape& body, const Node& at) {
    CheckRootField(body, topic.key, at, "key", "the record");
    const FieldShape* found = body.Find(topic.key);
    if (found == nullptr || found->type == FieldType::kText) return;
    if (found->type == FieldType::kInteger) {
      sink_.Error(
          "RPR078", at,
          fmt::format("a record's key is text, but '{}' is {}", topic.key, TypeName(*found->type)));
    }
  }

  void CheckRootField(const Shape& root, const std::string& field, const Node& at,
                      std::string_view what, const std::string& where) {
    if (root.unknown) return;
    const FieldShape* found = root.Find(field);
    if (found != nullptr && found->sure) {
      if (Serves(*found, FieldType::kText) || Serves(*found, FieldType::kInteger)) return;
      sink_.Error("RPR078", at,
                  fmt::format("{} '{}' must be text or a whole number, but in {} it is {}", what,
                              field, where, TypeName(*found->type)));
      return;
    }
    sink_.Error("RPR075", at,
                fmt::format("{} '{}' {} {}", what, field,
                            found == nullptr ? "is not in" : "is not always in", where) +
                    (found == nullptr ? DidYouMean(field, Names(root)) : ""));
  }

  std::string EntryName(const std::string& entry) const {
    if (const auto route = RunRoute(draft_, entry))
      return "'" + pipeline_.routes[*route].name() + "'";
    return "'" + entry + "'";
  }

  void CheckSubject() {
    if (pipeline_.subject.empty()) return;
    const Node& at = *draft_.root.Find("subject");
    for (const std::string& entry : payloads_.Entries(draft_)) {
      CheckRootField(payloads_.Root(draft_, entry), pipeline_.subject, at, "subject",
                     "the root payload of " + EntryName(entry));
    }
  }

  void CheckKey(StepIndex i) {
    const Step& step = pipeline_.step(i);
    if (step.key_field.empty()) return;
    const Node& at = draft_.steps[i].At("key");
    for (const std::string& entry : payloads_.EntriesOf(draft_, i)) {
      const bool known = payloads_.Entries(draft_).contains(entry);
      if (!known) continue;
      const auto route = RunRoute(draft_, entry);
      if (step.inlined && route) {
        CheckRootField(payloads_.Before(draft_, *route), step.key_field, at, "key",
                       "what precedes 'run' of " + EntryName(entry));
      } else {
        CheckRootField(payloads_.Root(draft_, entry), step.key_field, at, "key",
                       "the root payload of " + EntryName(entry));
      }
    }
  }

  void CheckMain(StepIndex i) {
    const ActionInfo* action = draft_.steps[i].action;
    if (action == nullptr) return;
    const Shape have = payloads_.OfStep(draft_, i);
    CheckFields(have, action->in, draft_.steps[i].At("plugin"),
                "step '" + pipeline_.step(i).name + "'", "its payload", "RPR076");
    CheckNames(i, *action, have, "its payload");
  }

  /// `with` settings that name payload fields.
  void CheckNames(StepIndex i, const ActionInfo& action, const Shape& have,
                  const std::string& where) {
    const Step& step = pipeline_.step(i);
    if (have.unknown) return;
    for (const FieldInfo& setting : action.with) {
      const json::value* value = step.with.if_contains(setting.name);
      if (setting.type != FieldType::kFieldName || value == nullptr || !value->is_string() ||
          value->get_string().empty())
        continue;
      const std::string field(value->get_string());
      const FieldShape* found = have.Find(field);
      if (found != nullptr && found->sure) continue;
      const Node* at = draft_.steps[i].At("with").Find(setting.name);
      sink_.Error(
          "RPR077", at == nullptr ? *draft_.steps[i].name : *at,
          fmt::format("step '{}': '{}' names the field '{}', which {} {}", step.name, setting.name,
                      field, where, found == nullptr ? "lacks" : "does not always have") +
              (found == nullptr ? DidYouMean(field, Names(have)) : ""));
    }
  }

  /// Keys, locks and the subject are evaluated once: no event may change what they stand on.
  void CheckAdded(StepIndex i) {
    const Step& step = pipeline_.step(i);
    const Shape root = payloads_.Root(draft_);
    for (const std::string& event : step.events) {
      for (const auto& [field, shape] : payloads_.Added(draft_, i, event).fields) {
        const std::string use = UseOf(field);
        if (use.empty() || root.Find(field) == nullptr || (step.inlined && !Precedes(i, field)))
          continue;
        sink_.Error("RPR079", *draft_.steps[i].name,
                    fmt::format("event '{}.{}' sets '{}', which is {} and must not change",
                                step.name, event, field, use));
      }
    }
  }

  std::string UseOf(const std::string& field) const {
    if (field == pipeline_.subject) return "the pipeline's subject";
    for (const Step& step : pipeline_.steps) {
      if (step.key_field == field) return "the key of step '" + step.name + "'";
    }
    for (const Route& route : pipeline_.routes) {
      if (route.lock == field) return "the lock of '" + route.name() + "'";
    }
    return "";
  }

  /// Whether a route that runs the step had the field before.
  bool Precedes(StepIndex i, const std::string& field) {
    for (size_t r = 0; r < pipeline_.routes.size(); ++r) {
      const auto& run = pipeline_.routes[r].run;
      if (std::find(run.begin(), run.end(), i) != run.end() &&
          payloads_.Before(draft_, r).Find(field) != nullptr)
        return true;
    }
    return false;
  }

  void CheckSide(StepIndex i) {
    const Step& step = pipeline_.step(i);
    const StepDraft& marks = draft_.steps[i];
    for (const std::string& event : Heard(step)) {
      const Shape have = payloads_.OfEvent(draft_, event);
      const std::string where = "the payload of '" + event + "'";
      if (!step.key_field.empty())
        CheckRootField(have, step.key_field, marks.At("key"), "key", where);
      if (marks.action == nullptr) continue;
      CheckFields(have, marks.action->in, marks.At("plugin"), "side step '" + step.name + "'",
                  where, "RPR076");
      CheckNames(i, *marks.action, have, where);
    }
  }

  std::vector<std::string> Heard(const Step& step) const {
    std::vector<std::string> known = AllEvents(pipeline_);
    if (std::find(step.on.begin(), step.on.end(), "*") != step.on.end()) return known;
    std::vector<std::string> out;
    for (const std::string& event : step.on) {
      if (std::find(known.begin(), known.end(), event) != known.end()) out.push_back(event);
    }
    return out;
  }

  Draft& draft_;
  const Pipeline& pipeline_;
  Payloads& payloads_;
  Sink& sink_;
};

}  // namespace

void LintPayloads(const Drafts& all) {
  Payloads payloads(all);
  for (const auto& draft : all) {
    if (InCycles(draft->pipeline).empty()) PayloadLint(*draft, payloads).Run();
  }
}

}  // namespace reprise::runtime
