/// Which fields a payload has: surely or perhaps, and of what type.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/catalog.h"
#include "model/pipeline.h"

namespace reprise::runtime {

struct FieldShape {
  bool sure = true;
  std::optional<FieldType> type;  // nothing: it depends
};

struct Shape {
  std::map<std::string, FieldShape> fields;
  bool unknown = false;  // something was wrong already: claim nothing

  const FieldShape* Find(const std::string& field) const {
    const auto it = fields.find(field);
    return it == fields.end() ? nullptr : &it->second;
  }
  void Set(const std::string& field, FieldShape shape);  // as a later value over an earlier one
};

Shape Over(Shape base, const Shape& added);    // added set on top of base
Shape Either(const Shape& a, const Shape& b);  // one of the two
Shape ShapeOf(const BodyType& type);
Shape ShapeOf(const Topic& topic);  // of its records; without a body nothing is claimed
Shape ShapeOf(const std::vector<FieldInfo>& fields, bool with_secrets = true);

/// Whether a field of type `have` serves where `want` is needed.
bool Serves(const FieldShape& have, FieldType want);

/// "{id}" fields of a path or a location.
std::vector<std::string> Placeholders(const std::string& path);

/// The names of the fields, for suggestions.
std::vector<std::string> Names(const Shape& shape);

}  // namespace reprise::runtime
