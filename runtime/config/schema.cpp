#include "config/schema.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include "base/time.h"
#include "config/settings.h"
#include "config/values.h"

namespace reprise::runtime {
namespace {

/// What does not depend on plugins.  `"step"` and `"plugins"` get the plugins' parts.
constexpr std::string_view kFixed = R"json({
"$schema": "http://json-schema.org/draft-07/schema#",
"title": "Reprise: pipelines, deployment and tests",
"type": "object",
"if": {"required": ["pipeline"]}, "then": {"$ref": "#/definitions/pipeline"},
"else": {"if": {"required": ["runtime"]}, "then": {"$ref": "#/definitions/runtime"},
         "else": {"$ref": "#/definitions/test"}},
"definitions": {
"name": {"type": "string", "pattern": "^[a-z][a-z0-9-]{0,62}$"},
"field": {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]{0,62}$"},
"interpolated": {"type": "string", "pattern": "\\$\\{"},
"duration": {"type": "string", "pattern": "^([0-9]+(d|h|m|s|ms))+$|\\$\\{", "examples": ["100ms", "5m", "7d"]},
"size": {"type": ["string", "integer"], "pattern": "^[0-9]+(B|KiB|MiB|GiB)?$|\\$\\{"},
"names": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]},
"on": {"description": "one event, any one of a list, or all of { all: [..] }",
  "anyOf": [{"$ref": "#/definitions/names"},
    {"type": "object", "properties": {"all": {"$ref": "#/definitions/names"}}, "required": ["all"], "additionalProperties": false}]},
"retry": {"type": "object", "additionalProperties": false, "properties": {
  "attempts": {"description": "tries in all", "type": ["integer", "string"], "default": 8},
  "immediate": {"description": "of these, how many follow at once", "type": ["integer", "string"], "default": 2},
  "first": {"$ref": "#/definitions/duration", "default": "200ms"},
  "factor": {"type": ["number", "string"], "default": 2},
  "max": {"$ref": "#/definitions/duration", "default": "30s"},
  "jitter": {"type": ["number", "string"], "default": 0.2}}},
"on_failure": {"type": "object", "additionalProperties": false, "properties": {
  "hold": {"description": "how long to wait for a person before undoing, or forever",
           "anyOf": [{"const": "forever"}, {"$ref": "#/definitions/duration"}]},
  "undo": {"description": "all, none, or the steps to undo with all that depends on them", "default": "all",
           "anyOf": [{"enum": ["all", "none"]}, {"type": "array", "items": {"$ref": "#/definitions/name"}}]}}},
"type": {"description": "string(1..64), integer(1..9), number, boolean, object, [T], {...}, each perhaps optional",
  "anyOf": [{"type": "string"}, {"type": "array", "minItems": 1, "maxItems": 1, "items": {"$ref": "#/definitions/type"}},
            {"$ref": "#/definitions/fields"}]},
"fields": {"type": "object", "additionalProperties": {"$ref": "#/definitions/type"},
           "propertyNames": {"$ref": "#/definitions/field"}},
"route": {"type": "object", "additionalProperties": false,
  "oneOf": [{"required": ["start"]}, {"required": ["run"]}, {"required": ["ask"]}, {"required": ["signal"]}, {"required": ["stream"]}],
  "properties": {
  "body": {"$ref": "#/definitions/fields"}, "query": {"$ref": "#/definitions/fields"},
  "check": {"description": "questions asked in order; each adds fields or refuses",
            "anyOf": [{"$ref": "#/definitions/question"}, {"type": "array", "items": {"$ref": "#/definitions/question"}}]},
  "lock": {"description": "a field: one request at a time for each of its values", "$ref": "#/definitions/field"},
  "id": {"description": "the name of the saga's id in payload and reply", "$ref": "#/definitions/field"},
  "reply": {"description": "fields of the 202's reply", "type": "object"},
  "location": {"type": "string"}, "idempotency": {"enum": ["required"]}, "token": {"enum": ["admin"]},
  "deadline": {"$ref": "#/definitions/duration"}, "tell": {"$ref": "#/definitions/name"},
  "start": {"description": "begin a saga with this event", "$ref": "#/definitions/name"},
  "run": {"description": "run these steps in the request's transaction", "$ref": "#/definitions/names"},
  "ask": {"$ref": "#/definitions/question"}, "stream": {"$ref": "#/definitions/question"},
  "signal": {"$ref": "#/definitions/name"}}},
"topic": {"type": "object", "additionalProperties": false, "required": ["start"], "properties": {
  "format": {"enum": ["auto", "cloudevents", "json", "raw"], "default": "auto"}, "body": {"$ref": "#/definitions/fields"},
  "key": {"$ref": "#/definitions/field"}, "dedupe": {"type": "string", "default": "offset"},
  "from": {"enum": ["earliest", "latest"], "default": "latest"}, "check": {"$ref": "#/definitions/names"},
  "start": {"$ref": "#/definitions/name"}}},
"step": {"type": "object", "additionalProperties": false, "properties": {
  "plugin": {"$ref": "#/definitions/action"}, "on": {"$ref": "#/definitions/on"},
  "key": {"description": "messages of one key are taken in order; default the saga's id", "$ref": "#/definitions/field"},
  "with": {"type": "object"}, "retry": {"$ref": "#/definitions/retry"}, "undo_retry": {"$ref": "#/definitions/retry"},
  "timeout": {"$ref": "#/definitions/duration", "default": "30s"}, "patience": {"$ref": "#/definitions/duration", "default": "1h"},
  "concurrency": {"type": ["integer", "string"], "default": 16}, "ordering": {"enum": ["strict"]},
  "undo": {"enum": ["last"]}, "final": {"type": "boolean"}, "halt": {"type": "boolean"},
  "on_failure": {"$ref": "#/definitions/on_failure"},
  "wait": {"type": "object", "additionalProperties": false, "required": ["for", "at_most"], "properties": {
    "for": {"$ref": "#/definitions/name"}, "at_most": {"$ref": "#/definitions/duration"}}},
  "fail": {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,62}$"}}},
"side": {"type": "object", "additionalProperties": false, "required": ["plugin", "on"], "properties": {
  "plugin": {"$ref": "#/definitions/action"}, "on": {"$ref": "#/definitions/names"}, "undo_on": {"type": "string"},
  "key": {"$ref": "#/definitions/field"}, "with": {"type": "object"},
  "retry": {"$ref": "#/definitions/retry"}, "undo_retry": {"$ref": "#/definitions/retry"},
  "timeout": {"$ref": "#/definitions/duration"}, "patience": {"$ref": "#/definitions/duration"},
  "concurrency": {"type": ["integer", "string"]}, "ordering": {"enum": ["strict"]}}},
"keep": {"type": "object", "additionalProperties": false, "properties": {
  "done": {"$ref": "#/definitions/duration"}, "undone": {"$ref": "#/definitions/duration"}}},
"pipeline": {"type": "object", "additionalProperties": false, "required": ["pipeline"], "properties": {
  "pipeline": {"$ref": "#/definitions/name"}, "about": {"type": "string"},
  "subject": {"description": "a field of the root payload by which people look for a saga", "$ref": "#/definitions/field"},
  "timeout": {"$ref": "#/definitions/duration"}, "keep": {"$ref": "#/definitions/keep"},
  "defaults": {"type": "object", "additionalProperties": false, "properties": {
    "retry": {"$ref": "#/definitions/retry"}, "undo_retry": {"$ref": "#/definitions/retry"},
    "timeout": {"$ref": "#/definitions/duration"}, "patience": {"$ref": "#/definitions/duration"},
    "concurrency": {"type": ["integer", "string"]}, "on_failure": {"$ref": "#/definitions/on_failure"}}},
  "routes": {"type": "object", "propertyNames": {"pattern": "^(GET|POST|PUT|PATCH|DELETE) /"},
             "additionalProperties": {"$ref": "#/definitions/route"}},
  "topics": {"type": "object", "additionalProperties": {"$ref": "#/definitions/topic"}},
  "steps": {"type": "object", "propertyNames": {"$ref": "#/definitions/name"}, "maxProperties": 64,
            "additionalProperties": {"$ref": "#/definitions/step"}},
  "side": {"type": "object", "propertyNames": {"$ref": "#/definitions/name"}, "additionalProperties": {"$ref": "#/definitions/side"}},
  "invariants": {"type": "array", "items": {"type": "object", "additionalProperties": false, "required": ["name", "sql"],
    "properties": {"name": {"type": "string"}, "sql": {"type": "string"}, "expect": {"enum": ["empty"]},
                   "when": {"enum": ["always", "ended"], "default": "always"}}}}}},
"runtime": {"type": "object", "additionalProperties": false, "required": ["runtime"], "properties": {
  "runtime": {"$ref": "#/definitions/name"},
  "engine": {"anyOf": [{"enum": ["embedded", "cluster"]}, {"$ref": "#/definitions/interpolated"}], "default": "embedded"},
  "listen": {"type": "string", "default": "127.0.0.1:8080"}, "plugin_path": {"$ref": "#/definitions/names"},
  "embedded": {"type": "object", "additionalProperties": false, "properties": {"file": {"type": "string"}}},
  "cluster": {"type": "object", "additionalProperties": false, "properties": {
    "prefix": {"type": "string"}, "partitions": {"type": ["integer", "string"], "default": 24},
    "kafka": {"type": "object", "additionalProperties": false, "properties": {"brokers": {"type": "string"}, "options": {"type": "object"}}},
    "postgres": {"type": "object", "additionalProperties": false, "properties": {"url": {"type": "string"}}},
    "redis": {"type": "object", "additionalProperties": false, "properties": {"url": {"type": "string"}}}}},
  "plugins": {"type": "object", "additionalProperties": false, "properties": {}},
  "limits": {"type": "object", "additionalProperties": false, "properties": {"batch": {"type": ["integer", "string"], "default": 500},
    "outbox": {"$ref": "#/definitions/size", "default": "64MiB"}, "body": {"$ref": "#/definitions/size", "default": "1MiB"}}},
  "keep": {"$ref": "#/definitions/keep"}}},
"test": {"type": "object", "additionalProperties": false, "required": ["test", "cases"], "properties": {
  "test": {"$ref": "#/definitions/name"},
  "cases": {"type": "array", "items": {"type": "object", "additionalProperties": false, "required": ["name"], "properties": {
    "name": {"type": "string"}, "start": {"type": "object", "minProperties": 1, "maxProperties": 1},
    "request": {"type": ["object", "array"]},
    "faults": {"type": "object", "propertyNames": {"pattern": "\\.(do|undo)$"},
               "additionalProperties": {"type": "string", "pattern": "^(fail|unknown|retry:[0-9]+|crash:[0-9]+)$"}},
    "crash": {"enum": ["every_commit"]},
    "then": {"type": "array", "items": {"type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": false,
      "properties": {"advance": {"$ref": "#/definitions/duration"}, "signal": {"type": ["object", "string"]},
        "request": {"type": "object"}, "verb": {"type": ["object", "string"]}, "expect": {"$ref": "#/definitions/expect"}}}},
    "expect": {"$ref": "#/definitions/expect"}}}}}},
"expect": {"type": "object", "additionalProperties": false, "properties": {
  "saga": {"enum": ["running", "undoing", "done", "undone", "stuck", "held", "retrying"]},
  "steps": {"type": "object", "additionalProperties": {"enum": ["waiting", "running", "retrying", "held", "done", "failed",
    "unknown", "undoing", "undone", "tombstone", "stuck", "skipped"]}},
  "events": {"$ref": "#/definitions/names"},
  "rows": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "array"}}},
  "pushes": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}}}}
}})json";

json::object Ref(std::string_view name) {
  return {{"$ref", "#/definitions/" + std::string(name)}};
}

json::object BaseType(const FieldInfo& field) {
  switch (field.type) {
    case FieldType::kText:
      return {{"type", json::array{"string", "number", "boolean"}}};
    case FieldType::kFieldName:
      return Ref("field");
    case FieldType::kInteger:
      return {{"type", "integer"}};
    case FieldType::kReal:
      return {{"type", "number"}};
    case FieldType::kBoolean:
      return {{"type", "boolean"}};
    case FieldType::kDuration:
      return Ref("duration");
    case FieldType::kObject:
      return {{"type", "object"}};
    case FieldType::kArray:
      return {{"type", "array"}};
  }
  return {};
}

void SetBounds(const FieldInfo& field, json::object& type) {
  if (field.type != FieldType::kInteger && field.type != FieldType::kReal) return;
  if (const auto min = field.min ? ParseNumber(*field.min) : std::nullopt) type["minimum"] = *min;
  if (const auto max = field.max ? ParseNumber(*field.max) : std::nullopt) type["maximum"] = *max;
}

json::object OfField(const FieldInfo& field) {
  json::object type = BaseType(field);
  SetBounds(field, type);
  json::object out{{"anyOf", json::array{type, Ref("interpolated")}}, {"description", field.doc}};
  if (!field.fallback) return out;
  if (field.type == FieldType::kDuration) {
    const auto ms = ParseInteger(*field.fallback);
    if (ms) out["default"] = FormatDuration(Millis(*ms));
  } else if (auto value = FromCanonical(field, *field.fallback)) {
    out["default"] = *std::move(value);
  }
  return out;
}

json::object OfFields(const std::vector<FieldInfo>& fields) {
  json::object properties;
  json::array required;
  for (const FieldInfo& field : fields) {
    properties[field.name] = OfField(field);
    if (!field.optional && !field.fallback) required.push_back(json::string(field.name));
  }
  json::object out{{"type", "object"}, {"additionalProperties", false}, {"properties", properties}};
  if (!required.empty()) out["required"] = required;
  return out;
}

/// "plugin.name" with its summary, for every action or question.
void AddName(json::array& names, const std::string& name, const std::string& summary) {
  names.push_back({{"const", name}, {"description", summary}});
}

}  // namespace

std::string Schema(const PluginCatalog& catalog) {
  json::value root = json::parse(kFixed);
  json::object& definitions = root.as_object().at("definitions").as_object();
  json::array actions, questions, cases;
  json::object settings;
  for (const auto& [name, plugin] : catalog) {
    settings[name] = OfFields(plugin.settings);
    settings[name].as_object()["description"] = plugin.summary;
    for (const ActionInfo& action : plugin.actions) {
      AddName(actions, name + "." + action.name, action.summary);
      const json::object is{{"properties", {{"plugin", {{"const", name + "." + action.name}}}}},
                            {"required", {"plugin"}}};
      cases.push_back({{"if", is}, {"then", {{"properties", {{"with", OfFields(action.with)}}}}}});
    }
    for (const QuestionInfo& question : plugin.questions)
      AddName(questions, name + "." + question.name, question.summary);
  }
  const auto choice = [](json::array names) {
    return names.empty() ? json::object{{"type", "string"}}
                         : json::object{{"oneOf", std::move(names)}};
  };
  definitions["action"] = choice(std::move(actions));
  definitions["question"] = choice(std::move(questions));
  if (!cases.empty()) {
    definitions.at("step").as_object()["allOf"] = cases;
    definitions.at("side").as_object()["allOf"] = cases;
  }
  definitions.at("runtime").at("properties").at("plugins").as_object()["properties"] =
      std::move(settings);
  return json::serialize(root) + "\n";
}

}  // namespace reprise::runtime
