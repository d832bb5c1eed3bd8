/// Checks a JSON value against a declared type and collects everything that is wrong with it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/pipeline.h"

namespace reprise::runtime {

/// What is wrong with one field of what others sent.
struct FieldProblem {
  std::string field, code, detail;  // "items[2].name", "body.wrong_type", "must be an integer"
};

class FieldCheck {  // Threads: one.
 public:
  /// `prefix` begins the codes: "body", "query" or "record"; it outlives this.
  explicit FieldCheck(std::string_view prefix) : prefix_(prefix) {}

  /// Whether the object has the fields of `type` (kStruct) and no others; `at` is its own name, or
  /// empty.
  void Object(const json::object& object, const BodyType& type, const std::string& at);
  void Value(const json::value& value, const BodyType& type, const std::string& at);

  void Unknown(std::string_view name, const BodyType& type, const std::string& at);
  void Missing(const std::string& field, const BodyType& type);
  void Add(const std::string& field, std::string_view code, std::string detail);

  std::vector<FieldProblem> TakeErrors() { return std::move(errors_); }
  bool clean() const { return errors_.empty(); }

 private:
  void Range(std::int64_t value, const BodyType& type, const std::string& at,
             std::string_view what);

  const std::string_view prefix_;
  std::vector<FieldProblem> errors_;
};

/// "string(1..64)", "integer", "[string]": as GRAMMAR writes types.
std::string TypeName(const BodyType& type);

}  // namespace reprise::runtime
