/// The JSON columns of saga and step rows, alike in every journal.
///
/// What is rarely there (undo, joins, codes) is one object, `more`, so that the common row is
/// short: a field is in it only if it is not what a fresh row has.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/saga.h"

namespace reprise::runtime {

/// A column's text, or nothing for NULL.
using Json = std::optional<std::string>;
Json MoreOf(const Saga& saga);
Json MoreOf(const StepRow& row);
Json TextOf(const json::object& object);  // NULL if empty

// The way back.  NULL is the empty text.  kInternal: the row is damaged.
Status ReadMore(std::string_view text, Saga& into);
Status ReadMore(std::string_view text, StepRow& into);
Status ReadObject(std::string_view text, json::object& into);

/// `final` and `done_told` as a number.
int FlagsOf(const Saga& saga);
void ReadFlags(std::int64_t flags, Saga& into);

/// JSON text in memory that is used again for the next one.
class JsonText {
 public:
  std::string_view Of(const json::object& object);

 private:
  json::serializer serializer_;
  std::string text_;
};

/// The ids whose text begins with a prefix; nothing if no id can.
struct IdRange {
  Uuid low, high;
};
std::optional<IdRange> RangeOf(std::string_view prefix);

}  // namespace reprise::runtime
