#include "config/shapes.h"

namespace reprise::runtime {
namespace {

std::optional<FieldType> TypeOf(const BodyType& type) {
  switch (type.kind) {
    case BodyType::kString:
      return FieldType::kText;
    case BodyType::kInteger:
      return FieldType::kInteger;
    case BodyType::kNumber:
      return FieldType::kReal;
    case BodyType::kBoolean:
      return FieldType::kBoolean;
    case BodyType::kArray:
      if (type.element.empty()) return std::nullopt;  // it could not be read
      return FieldType::kArray;
    case BodyType::kObject:
    case BodyType::kStruct:
      break;
  }
  return FieldType::kObject;
}

/// Durations travel as numbers or text and names as text: their type is not compared.
std::optional<FieldType> Comparable(FieldType type) {
  if (type == FieldType::kDuration) return std::nullopt;
  if (type == FieldType::kFieldName) return FieldType::kText;
  return type;
}

}  // namespace

void Shape::Set(const std::string& field, FieldShape shape) {
  const auto [it, fresh] = fields.emplace(field, shape);
  if (fresh) return;
  if (shape.sure) {
    it->second = shape;
  } else if (it->second.type != shape.type) {
    it->second.type.reset();
  }
}

Shape Over(Shape base, const Shape& added) {
  for (const auto& [name, field] : added.fields) base.Set(name, field);
  base.unknown = base.unknown || added.unknown;
  return base;
}

Shape Either(const Shape& a, const Shape& b) {
  Shape out;
  out.unknown = a.unknown || b.unknown;
  for (const auto& [name, field] : a.fields) {
    const FieldShape* other = b.Find(name);
    FieldShape both = field;
    both.sure = other != nullptr && field.sure && other->sure;
    if (other != nullptr && other->type != field.type) both.type.reset();
    out.fields[name] = both;
  }
  for (const auto& [name, field] : b.fields) {
    if (a.Find(name) == nullptr) out.fields[name] = {false, field.type};
  }
  return out;
}

Shape ShapeOf(const BodyType& type) {
  Shape out;
  for (const auto& [name, field] : type.fields) out.fields[name] = {!field.optional, TypeOf(field)};
  return out;
}

Shape ShapeOf(const Topic& topic) {
  Shape shape = ShapeOf(topic.body);
  shape.unknown = topic.body.kind != BodyType::kStruct;
  const auto key = shape.fields.find(topic.key);
  if (key != shape.fields.end()) key->second.sure = true;  // the record's own, if it names none
  return shape;
}

Shape ShapeOf(const std::vector<FieldInfo>& fields, bool with_secrets) {
  Shape out;
  for (const FieldInfo& field : fields) {
    if (field.secret && !with_secrets) continue;
    out.fields[field.name] = {!field.optional, Comparable(field.type)};
  }
  return out;
}

bool Serves(const FieldShape& have, FieldType want) {
  const auto wanted = Comparable(want);
  if (!have.type || !wanted || have.type == wanted) return true;
  return have.type == FieldType::kInteger && wanted == FieldType::kReal;
}

std::vector<std::string> Placeholders(const std::string& path) {
  std::vector<std::string> out;
  for (size_t at = path.find('{'); at != std::string::npos; at = path.find('{', at + 1)) {
    const size_t end = path.find('}', at);
    if (end == std::string::npos) break;
    out.push_back(path.substr(at + 1, end - at - 1));
  }
  return out;
}

std::vector<std::string> Names(const Shape& shape) {
  std::vector<std::string> out;
  for (const auto& [name, field] : shape.fields) out.push_back(name);
  return out;
}

}  // namespace reprise::runtime
