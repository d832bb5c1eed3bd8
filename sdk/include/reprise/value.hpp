/// Values that cross the edge: query arguments (borrowed), fields of payloads and answers (owned).
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <reprise/abi.h>
#include <reprise/result.hpp>
#include <reprise/time.hpp>

namespace reprise {

/// The text of a JSON object or array.
struct Json {
  std::string text;
  friend bool operator==(const Json&, const Json&) = default;
};

/// A setting that names a field of the payload (`at: expiresAt`); lint checks that the field is
/// there.
struct FieldName {
  std::string name;
  operator std::string_view() const { return name; }  // NOLINT: implicit on purpose
  friend bool operator==(const FieldName&, const FieldName&) = default;
};

/// Bytes for a query, where a string would be text.
struct Blob {
  std::string_view bytes;
};

namespace detail {

template <class T>
inline constexpr bool kIsOptional = false;
template <class T>
inline constexpr bool kIsOptional<std::optional<T>> = true;

template <class T>
inline constexpr bool kIsDuration = false;
template <class Rep, class Period>
inline constexpr bool kIsDuration<std::chrono::duration<Rep, Period>> = true;

constexpr reprise_value NullValue() {
  return {REPRISE_NULL, {0}};
}

constexpr reprise_value IntValue(std::int32_t type, std::int64_t integer) {
  reprise_value value{type, {0}};
  value.as.integer = integer;
  return value;
}

constexpr reprise_value TextValue(std::int32_t type, std::string_view text) {
  reprise_value value{type, {0}};
  value.as.text = ToAbi(text);
  return value;
}

constexpr reprise_value RealValue(double real) {
  reprise_value value{REPRISE_REAL, {0}};
  value.as.real = real;
  return value;
}

template <class T>
concept Stringish =
    std::convertible_to<const T&, std::string_view> && !std::same_as<T, std::nullptr_t>;

/// Borrows: the value must outlive what comes back.  Durations and instants go as milliseconds.
template <class T>
constexpr reprise_value ValueOf(const T& value) {
  if constexpr (std::same_as<T, std::nullptr_t> || std::same_as<T, std::nullopt_t>) {
    return NullValue();
  } else if constexpr (std::same_as<T, bool>) {
    return IntValue(REPRISE_BOOL, value ? 1 : 0);
  } else if constexpr (std::integral<T>) {
    static_assert(sizeof(T) < 8 || std::signed_integral<T>,
                  "an unsigned 64-bit number may not fit; cast it");
    return IntValue(REPRISE_INT, static_cast<std::int64_t>(value));
  } else if constexpr (std::floating_point<T>) {
    return RealValue(static_cast<double>(value));
  } else if constexpr (std::same_as<T, Json>) {
    return TextValue(REPRISE_JSON, value.text);
  } else if constexpr (std::same_as<T, Blob>) {
    return TextValue(REPRISE_BLOB, value.bytes);
  } else if constexpr (Stringish<T>) {
    return TextValue(REPRISE_TEXT, value);
  } else if constexpr (kIsDuration<T>) {
    return IntValue(REPRISE_INT, std::chrono::duration_cast<Millis>(value).count());
  } else if constexpr (std::same_as<T, Time>) {
    return IntValue(REPRISE_INT, ToMillis(value));
  } else if constexpr (kIsOptional<T>) {
    return value ? ValueOf(*value) : NullValue();
  } else {
    return value.abi();
  }
}

constexpr std::string_view TypeName(std::int32_t type) {
  switch (type) {
    case REPRISE_NULL:
      return "null";
    case REPRISE_INT:
      return "integer";
    case REPRISE_REAL:
      return "number";
    case REPRISE_TEXT:
      return "text";
    case REPRISE_BOOL:
      return "boolean";
    case REPRISE_BLOB:
      return "bytes";
    case REPRISE_DURATION:
      return "duration";
    case REPRISE_FIELD_NAME:
      return "field name";
    case REPRISE_ARRAY:
      return "array";
    default:
      return "object";
  }
}

[[noreturn]] inline void ThrowType(std::string_view what, std::int32_t is, std::string_view want) {
  throw std::runtime_error(std::string(what) + " is " + std::string(TypeName(is)) + ", not " +
                           std::string(want));
}

}  // namespace detail

/// One owned value: null, integer, number, text, boolean, bytes or JSON.
class Value {
 public:
  Value() = default;
  template <class T>
  requires(!std::same_as<T, Value>) Value(const T& value)
      : Value(detail::ValueOf(value), nullptr) {}  // NOLINT: implicit on purpose

  static Value Copy(const reprise_value& value) { return Value(value, nullptr); }

  std::int32_t type() const { return value_.type; }
  bool null() const { return value_.type == REPRISE_NULL; }
  /// These throw std::runtime_error when the value is of another type.
  std::int64_t Int() const {
    if (!IsInteger()) detail::ThrowType("value", value_.type, "an integer");
    return value_.as.integer;
  }
  double Real() const {
    if (IsInteger()) return static_cast<double>(value_.as.integer);
    if (value_.type != REPRISE_REAL) detail::ThrowType("value", value_.type, "a number");
    return value_.as.real;
  }
  bool Bool() const { return Int() != 0; }
  std::string_view Text() const {
    if (!IsText()) detail::ThrowType("value", value_.type, "text");
    return text_;
  }

  /// Borrowed from this value.
  reprise_value abi() const {
    reprise_value value = value_;
    if (IsText()) value.as.text = detail::ToAbi(text_);
    return value;
  }

  friend bool operator==(const Value& a, const Value& b) {
    if (a.value_.type != b.value_.type) return false;
    if (a.IsText()) return a.text_ == b.text_;
    return a.null() || a.value_.as.integer == b.value_.as.integer;
  }

 private:
  Value(const reprise_value& value, std::nullptr_t) : value_(value) {
    if (IsText()) text_ = detail::FromAbi(value.as.text);
  }
  bool IsText() const {
    return value_.type == REPRISE_TEXT || value_.type == REPRISE_BLOB ||
           value_.type == REPRISE_JSON;
  }
  bool IsInteger() const { return value_.type == REPRISE_INT || value_.type == REPRISE_BOOL; }

  reprise_value value_{REPRISE_NULL, {0}};
  std::string text_;
};

struct Field {
  std::string name;
  Value value;
  friend bool operator==(const Field&, const Field&) = default;
};

}  // namespace reprise
