/// A payload: one immutable JSON object, shared by everything in flight that carries it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <boost/json.hpp>

#include "base/result.h"

namespace reprise::runtime {

namespace json = boost::json;

class Payload {  // Threads: any; immutable.
 public:
  Payload();
  explicit Payload(json::object object)
      : object_(std::make_shared<const json::object>(std::move(object))) {}

  const json::object& object() const { return *object_; }
  const json::value* Find(std::string_view field) const { return object_->if_contains(field); }
  bool empty() const { return object_->empty(); }

  /// The field as text, as used for keys: strings as they are, integers in decimal; else empty.
  std::string Text(std::string_view field) const;

  /// This payload with the fields of `added` set.
  Payload With(const json::object& added) const;
  Payload With(const Payload& added) const { return With(added.object()); }

  /// The fields of this one that `base` lacks or has otherwise: base.With(x) == *this.
  json::object Since(const Payload& base) const;

  std::string Serialize() const;

  /// Parses one JSON object.  Refuses what Boost.JSON lets through: a number that is not finite or
  /// not exactly representable (an integer past 64 bits), a NUL in a string, duplicate keys, depth
  /// over 32.
  static Result<Payload> Parse(std::string_view text);

 private:
  std::shared_ptr<const json::object> object_;
};

}  // namespace reprise::runtime
