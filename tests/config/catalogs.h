/// Catalogs built by hand: the concert's plugins as its pipelines use them, and small ones for
/// planted mistakes.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "model/catalog.h"

namespace reprise::runtime::test {

inline FieldInfo Need(std::string name, FieldType type = FieldType::kText) {
  FieldInfo field;
  field.name = std::move(name);
  field.type = type;
  return field;
}

inline FieldInfo May(std::string name, FieldType type = FieldType::kText) {
  FieldInfo field = Need(std::move(name), type);
  field.optional = true;
  return field;
}

inline FieldInfo With(std::string name, FieldType type, std::string fallback) {
  FieldInfo field = May(std::move(name), type);
  field.fallback = std::move(fallback);
  return field;
}

inline EventInfo Emits(std::string name, std::vector<FieldInfo> added = {}) {
  EventInfo event;
  event.name = std::move(name);
  event.added = std::move(added);
  return event;
}

inline EventInfo Timer(std::string name) {
  EventInfo event = Emits(std::move(name));
  event.timer = true;
  return event;
}

inline ActionInfo Does(std::string name, std::vector<FieldInfo> in,
                       std::vector<EventInfo> events = {}, std::vector<FieldInfo> with = {}) {
  ActionInfo action;
  action.name = std::move(name);
  action.in = std::move(in);
  action.events = std::move(events);
  action.with = std::move(with);
  return action;
}

inline QuestionInfo Asks(std::string name, std::vector<FieldInfo> in, std::vector<FieldInfo> out) {
  QuestionInfo question;
  question.name = std::move(name);
  question.in = std::move(in);
  question.out = std::move(out);
  return question;
}

inline PluginInfo Made(std::string name, std::vector<ActionInfo> actions,
                       std::vector<QuestionInfo> questions = {},
                       std::vector<FieldInfo> settings = {}) {
  PluginInfo plugin;
  plugin.name = std::move(name);
  plugin.version = "1.0.0";
  plugin.actions = std::move(actions);
  plugin.questions = std::move(questions);
  plugin.settings = std::move(settings);
  return plugin;
}

PluginCatalog ConcertCatalog();

/// `demo`: actions begin (emits began + number, or refused), work (Undo; emits worked), call
/// (external), mail (external, no undo), tick (a timer), plain (no event), need (wants `number`),
/// rename (emits named + key); questions who (adds userId), show (wants id), secret (adds a token).
PluginCatalog DemoCatalog();

}  // namespace reprise::runtime::test
