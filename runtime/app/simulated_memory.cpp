#include "app/simulated_memory.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace reprise::runtime {
namespace {

constexpr std::size_t kRemembered = 20;  // values of a field

}  // namespace

const json::value* SimulatedMemory::Newest(const std::string& name) const {
  const auto known = knows_.find(name);
  return known == knows_.end() ? nullptr : &known->second.back();
}

const json::value* SimulatedMemory::Known(const std::string& name) const {
  const auto known = knows_.find(name);
  if (known == knows_.end()) return nullptr;
  if (dice_->Chance("the newest " + name, 0.6)) return &known->second.back();
  return &known->second[dice_->Below("which " + name, known->second.size())];
}

json::value SimulatedMemory::ValueOf(const std::string& name, const BodyType& type,
                                     const SimulatedMemory& from) const {
  if (type.kind == BodyType::kString && !dice_->Chance("make up a " + name, 0.03)) {
    if (const json::value* known = from.Known(name); known && known->is_string()) return *known;
  }
  return Fresh(name, type, from);
}

json::value SimulatedMemory::Fresh(const std::string& name, const BodyType& type,
                                   const SimulatedMemory& from) const {
  const double unit = static_cast<double>(dice_->Below("value of " + name, 1'000'000)) / 1e6;
  switch (type.kind) {
    case BodyType::kString: {
      std::string text = fmt::format("{}-{}", name, number_);
      const auto most = static_cast<std::size_t>(type.max.value_or(64));
      return json::string(text.substr(0, std::max<std::size_t>(1, most)));
    }
    case BodyType::kInteger: {  // every order of magnitude as often
      const auto least = static_cast<double>(type.min.value_or(0));
      const double most = std::min(static_cast<double>(type.max.value_or(1'000'000)), 1e6);
      return static_cast<std::int64_t>(least + std::pow(std::max(1.0, most - least), unit) - 1);
    }
    case BodyType::kNumber:
      return unit * 1000;
    case BodyType::kBoolean:
      return unit < 0.5;
    case BodyType::kArray: {
      json::array items;
      for (std::size_t n = dice_->Below("length of " + name, 4); n > 0; --n)
        items.push_back(Fresh(name, type.element.front(), from));
      return items;
    }
    case BodyType::kObject:
      return json::object();
    case BodyType::kStruct: {
      json::object fields;
      for (const BodyField& field : type.fields)
        fields[field.name] = ValueOf(field.name, field.type, from);
      return fields;
    }
  }
  return nullptr;
}

void SimulatedMemory::Learn(const json::value& value) {
  if (value.is_array()) {
    for (const json::value& item : value.get_array()) Learn(item);
  }
  if (!value.is_object()) return;
  for (const auto& field : value.get_object()) {
    if (field.value().is_structured()) {
      Learn(field.value());
      continue;
    }
    std::vector<json::value>& known = knows_[field.key()];
    if (std::find(known.begin(), known.end(), field.value()) != known.end()) continue;
    known.push_back(field.value());
    if (known.size() > kRemembered) known.erase(known.begin());
  }
}

}  // namespace reprise::runtime
