#include "admin/view.h"

namespace reprise::runtime {

std::string NameOfStep(const Pipeline* pipeline, StepIndex step) {
  if (pipeline != nullptr && step < pipeline->steps.size()) return pipeline->steps[step].name;
  return "#" + std::to_string(step);
}

std::set<std::string> SecretFields(const PluginCatalog* catalog) {
  std::set<std::string> names;
  const auto add = [&](const std::vector<FieldInfo>& fields) {
    for (const FieldInfo& field : fields) {
      if (field.secret) names.insert(field.name);
    }
  };
  if (catalog == nullptr) return names;
  for (const auto& [_, plugin] : *catalog) {
    for (const ActionInfo& action : plugin.actions) {
      add(action.in);
      add(action.with);
      for (const EventInfo& event : action.events) add(event.added);
    }
    for (const QuestionInfo& question : plugin.questions) {
      add(question.in);
      add(question.out);
    }
  }
  return names;
}

json::value Masked(const json::value& value, const std::set<std::string>& secret) {
  if (const json::array* items = value.if_array()) {
    json::array out;
    for (const json::value& item : *items) out.push_back(Masked(item, secret));
    return out;
  }
  const json::object* object = value.if_object();
  if (object == nullptr) return value;
  json::object out;
  for (const auto& [name, field] : *object) {
    out[name] = secret.contains(std::string(name)) ? json::value("***") : Masked(field, secret);
  }
  return out;
}

}  // namespace reprise::runtime
