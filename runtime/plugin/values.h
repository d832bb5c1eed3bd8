/// JSON values as they cross the plugin ABI, and back.
#pragma once

#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <reprise/abi.h>

#include "base/result.h"
#include "model/catalog.h"
#include "model/payload.h"

namespace reprise::runtime {

inline constexpr std::size_t kPayloadBytesMax = 512 * 1024;
inline constexpr std::size_t kSentMax = 1000;  // records that one call may send to foreign topics

/// Text that lives until Clear: what a call hands out.
class Arena {  // Threads: one.
 public:
  std::string_view Keep(std::string text) { return texts_.emplace_back(std::move(text)); }
  void Clear() {
    if (!texts_.empty()) texts_.clear();
  }

 private:
  std::deque<std::string> texts_;  // elements never move
};

inline std::string_view View(reprise_str text) {
  return text.data == nullptr ? std::string_view() : std::string_view(text.data, text.size);
}
inline reprise_str Str(std::string_view text) {
  return {text.data(), text.size()};
}

/// A payload's value for a plugin.  Strings are borrowed from `value`; objects and arrays are text
/// kept in `arena`.
reprise_value ToAbi(const json::value& value, Arena& arena);

/// A checked setting's value, in the type its field declares; NULL if there is none.
reprise_value SettingToAbi(const FieldInfo& field, const json::value* value, Arena& arena);

/// Settings in the order of their fields; what is absent takes its default, else NULL.
std::vector<reprise_value> SettingsToAbi(std::span<const FieldInfo> fields,
                                         const json::object& settings, Arena& arena);

/// What a plugin emits or answers, as an object.  Fields that are NULL are left out.  kInvalid: a
/// name or text that is not UTF-8 or holds a NUL, a number that is not finite, a blob, JSON that
/// does not parse, a name twice, more than kPayloadBytesMax.
Result<json::object> FromAbi(const reprise_field* fields, std::size_t n);

/// Any JSON text, by the rules of Payload::Parse.
Result<json::value> ParseJson(std::string_view text);

/// The first declared field that `object` lacks or has in another type, as a sentence; else empty.
std::string Mismatch(const json::object& object, std::span<const FieldInfo> declared);

/// About the bytes of the serialised value; never fewer than its text.
std::size_t SizeOf(const json::value& value);
std::size_t SizeOf(const json::object& object);

}  // namespace reprise::runtime
