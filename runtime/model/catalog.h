/// What is known of the installed plugins: names, fields, events, errors.  Filled from the .so
/// files by plugin/, read by config/ (lint, schema, docs), by the executor and by `reprise plugin`.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace reprise::runtime {

enum class FieldType { kText, kInteger, kReal, kBoolean, kDuration, kFieldName, kObject, kArray };

struct FieldInfo {
  std::string name, doc;
  FieldType type = FieldType::kText;
  bool optional = false;                // may be absent; a setting with a default is optional
  bool secret = false;                  // masked in print-outs, logs and `tell:`
  std::optional<std::string> fallback;  // a setting's default, canonical text (durations in ms)
  std::optional<std::string> min, max;  // canonical text
};

struct EventInfo {
  std::string name, doc;
  bool timer = false;  // emitted by a timer of the step, not by Do itself
  std::vector<FieldInfo> added;
};

struct ProblemInfo {
  std::string code, doc;
  int http = 500;
};

struct ActionInfo {
  std::string name, summary;
  bool external = false, idempotent = false, can_undo = true, reconciles = false, takes_all = false;
  std::vector<FieldInfo> in, with;
  std::vector<EventInfo> events;
  std::vector<ProblemInfo> errors;
};

struct QuestionInfo {
  std::string name, summary;
  std::vector<FieldInfo> in, out;
  std::vector<ProblemInfo> errors;
};

struct MigrationInfo {
  int number = 0;
  std::string sql, postgres;
};

struct PluginInfo {
  std::string name, version, summary, path;
  std::vector<FieldInfo> settings;
  std::vector<ActionInfo> actions;
  std::vector<QuestionInfo> questions;
  std::vector<MigrationInfo> migrations;

  const ActionInfo* FindAction(const std::string& action) const {
    for (const ActionInfo& a : actions) {
      if (a.name == action) return &a;
    }
    return nullptr;
  }
  const QuestionInfo* FindQuestion(const std::string& question) const {
    for (const QuestionInfo& q : questions) {
      if (q.name == question) return &q;
    }
    return nullptr;
  }
};

using PluginCatalog = std::map<std::string, PluginInfo>;

}  // namespace reprise::runtime
