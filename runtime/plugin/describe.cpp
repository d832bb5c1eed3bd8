#include "plugin/describe.h"

#include <charconv>

#include <fmt/format.h>

#include "base/time.h"

namespace reprise::runtime {
namespace {

namespace json = boost::json;

/// Text inside a table's cell.
std::string Cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c == '\n' || c == '\r' ? ' ' : c;
  }
  return out;
}

std::string Sentence(std::string text) {
  if (!text.empty() && text.back() != '.' && text.back() != '!' && text.back() != '?') text += '.';
  return text;
}

std::string BoundsOf(const FieldInfo& field) {
  if (field.min && field.max) return Shown(field, *field.min) + " to " + Shown(field, *field.max);
  if (field.min) return "at least " + Shown(field, *field.min);
  if (field.max) return "at most " + Shown(field, *field.max);
  return {};
}

std::string DocOf(const FieldInfo& field) {
  std::string doc = Cell(Sentence(field.doc));
  if (const std::string bounds = BoundsOf(field); !bounds.empty())
    doc += (doc.empty() ? "" : " ") + Sentence(bounds);
  if (field.secret) doc += doc.empty() ? "Secret." : " Secret.";
  return doc;
}

void PutSettings(std::string& out, const std::vector<FieldInfo>& fields) {
  out += "\n| setting | type | default | |\n|---|---|---|---|\n";
  for (const FieldInfo& field : fields) {
    std::string fallback = field.optional ? "none" : "**required**";
    if (field.fallback)
      fallback =
          field.fallback->empty() ? "empty" : "`" + Cell(Shown(field, *field.fallback)) + "`";
    out += fmt::format("| `{}` | {} | {} | {} |\n", field.name, Name(field.type), fallback,
                       DocOf(field));
  }
}

void PutFields(std::string& out, std::string_view heading, const std::vector<FieldInfo>& fields) {
  if (fields.empty()) return;
  out += fmt::format("\n| {} | type | |\n|---|---|---|\n", heading);
  for (const FieldInfo& field : fields) {
    out += fmt::format("| `{}` | {}{} | {} |\n", field.name, field.optional ? "optional " : "",
                       Name(field.type), DocOf(field));
  }
}

void PutErrors(std::string& out, const std::vector<ProblemInfo>& errors) {
  if (errors.empty()) return;
  out += "\n| error | HTTP | |\n|---|---|---|\n";
  for (const ProblemInfo& error : errors) {
    out += fmt::format("| `{}` | {} | {} |\n", error.code, error.http, Cell(Sentence(error.doc)));
  }
}

std::string AddsOf(const EventInfo& event) {
  std::string adds;
  for (const FieldInfo& field : event.added)
    adds += (adds.empty() ? "`" : ", `") + field.name + "`";
  return adds.empty() ? "nothing" : adds;
}

void PutEvents(std::string& out, const std::vector<EventInfo>& events) {
  if (events.empty()) return;
  out += "\n| event | adds | |\n|---|---|---|\n";
  for (const EventInfo& event : events) {
    out += fmt::format("| `{}` | {} | {}{} |\n", event.name, AddsOf(event),
                       event.timer ? "Of a timer. " : "", Cell(Sentence(event.doc)));
  }
}

/// What a pipeline's author must know of how it behaves.
std::string Nature(const ActionInfo& action) {
  std::string nature = action.external ? "External" : "Transactional";
  if (action.external)
    nature += action.idempotent ? "; the same call twice is one" : "; not idempotent";
  if (action.reconciles) nature += "; can be asked whether it happened";
  if (action.takes_all) nature += "; takes many at once";
  nature += action.can_undo ? "; can undo." : "; cannot undo.";
  return nature;
}

json::array JsonOf(const std::vector<FieldInfo>& fields) {
  json::array out;
  for (const FieldInfo& field : fields) {
    json::object object{{"name", field.name},
                        {"type", Name(field.type)},
                        {"doc", field.doc},
                        {"optional", field.optional},
                        {"secret", field.secret}};
    if (field.fallback) object["default"] = Shown(field, *field.fallback);
    if (field.min) object["min"] = Shown(field, *field.min);
    if (field.max) object["max"] = Shown(field, *field.max);
    out.push_back(std::move(object));
  }
  return out;
}

json::array JsonOf(const std::vector<ProblemInfo>& errors) {
  json::array out;
  for (const ProblemInfo& error : errors)
    out.push_back({{"code", error.code}, {"http", error.http}, {"doc", error.doc}});
  return out;
}

json::object JsonOf(const ActionInfo& action) {
  json::array events;
  for (const EventInfo& event : action.events) {
    events.push_back({{"name", event.name},
                      {"doc", event.doc},
                      {"timer", event.timer},
                      {"added", JsonOf(event.added)}});
  }
  return {{"name", action.name},
          {"summary", action.summary},
          {"effects", action.external ? "external" : "transactional"},
          {"idempotent", action.idempotent},
          {"undo", action.can_undo},
          {"reconciles", action.reconciles},
          {"many", action.takes_all},
          {"in", JsonOf(action.in)},
          {"with", JsonOf(action.with)},
          {"events", std::move(events)},
          {"errors", JsonOf(action.errors)}};
}

}  // namespace

std::string_view Name(FieldType type) {
  switch (type) {
    case FieldType::kText:
      return "text";
    case FieldType::kInteger:
      return "integer";
    case FieldType::kReal:
      return "number";
    case FieldType::kBoolean:
      return "boolean";
    case FieldType::kDuration:
      return "duration";
    case FieldType::kFieldName:
      return "field name";
    case FieldType::kObject:
      return "object";
    case FieldType::kArray:
      return "array";
  }
  return "?";
}

std::string Shown(const FieldInfo& field, const std::string& canonical) {
  if (field.type != FieldType::kDuration) return canonical;
  std::int64_t ms = 0;
  std::from_chars(canonical.data(), canonical.data() + canonical.size(), ms);
  return FormatDuration(Millis(ms));
}

std::string MarkdownOf(const PluginInfo& plugin) {
  std::string out = fmt::format(
      "<!-- Generated by `reprise plugin describe {0}`: edit the plugin's source, not this page. "
      "-->\n"
      "# {0}\n{1}\n\nVersion {2}.\n",
      plugin.name, Sentence(plugin.summary), plugin.version);
  if (!plugin.settings.empty()) {
    out += fmt::format("\n## Settings\nIn the deployment file, under `plugins: {{ {}: .. }}`.\n",
                       plugin.name);
    PutSettings(out, plugin.settings);
  }
  for (const ActionInfo& action : plugin.actions) {
    out += fmt::format("\n## Action `{}.{}`\n{}\n\n{}\n", plugin.name, action.name,
                       Sentence(action.summary), Nature(action));
    if (!action.with.empty()) PutSettings(out, action.with);
    PutFields(out, "needs in the payload", action.in);
    PutEvents(out, action.events);
    PutErrors(out, action.errors);
  }
  for (const QuestionInfo& question : plugin.questions) {
    out += fmt::format("\n## Question `{}.{}`\n{}\n", plugin.name, question.name,
                       Sentence(question.summary));
    PutFields(out, "asked with", question.in);
    PutFields(out, "answers", question.out);
    PutErrors(out, question.errors);
  }
  return out;
}

boost::json::object JsonOf(const PluginInfo& plugin) {
  json::array actions, questions;
  for (const ActionInfo& action : plugin.actions) actions.push_back(JsonOf(action));
  for (const QuestionInfo& question : plugin.questions) {
    questions.push_back({{"name", question.name},
                         {"summary", question.summary},
                         {"in", JsonOf(question.in)},
                         {"out", JsonOf(question.out)},
                         {"errors", JsonOf(question.errors)}});
  }
  return {{"name", plugin.name},
          {"version", plugin.version},
          {"summary", plugin.summary},
          {"path", plugin.path},
          {"settings", JsonOf(plugin.settings)},
          {"actions", std::move(actions)},
          {"questions", std::move(questions)}};
}

}  // namespace reprise::runtime
