/// A value or an error.  Errors are values in a plugin too; what is thrown stops at the plugin's
/// edge.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include <reprise/abi.h>

namespace reprise {

enum class Code : std::int32_t {
  kOk = REPRISE_OK,
  kUnavailable = REPRISE_UNAVAILABLE,  // 1..31 may pass with time
  kConflict = REPRISE_CONFLICT,
  kDeadline = REPRISE_DEADLINE,
  kCancelled = REPRISE_CANCELLED,
  kInDoubt = REPRISE_IN_DOUBT,
  kInternal = REPRISE_INTERNAL,
  kNotFound = REPRISE_NOT_FOUND,  // 32.. never will
  kInvalid = REPRISE_INVALID,
  kExhausted = REPRISE_EXHAUSTED,
};

struct Error {
  Code code = Code::kInternal;
  std::string message;

  /// Whether the same call may succeed later.
  bool transient() const { return static_cast<std::int32_t>(code) < REPRISE_NOT_FOUND; }
};

/// Short and stable, as it stands in metrics: "unavailable", "conflict", ...
constexpr std::string_view NameOf(Code code) {
  switch (code) {
    case Code::kOk:
      return "ok";
    case Code::kUnavailable:
      return "unavailable";
    case Code::kConflict:
      return "conflict";
    case Code::kDeadline:
      return "deadline";
    case Code::kCancelled:
      return "cancelled";
    case Code::kInDoubt:
      return "in_doubt";
    case Code::kInternal:
      return "internal";
    case Code::kNotFound:
      return "not_found";
    case Code::kInvalid:
      return "invalid";
    case Code::kExhausted:
      return "exhausted";
  }
  return "internal";
}

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}      // NOLINT: implicit on purpose
  Result(Error error) : value_(std::move(error)) {}  // NOLINT: implicit on purpose

  explicit operator bool() const { return ok(); }
  bool ok() const { return value_.index() == 0; }

  T& value() & { return std::get<0>(value_); }
  const T& value() const& { return std::get<0>(value_); }
  T&& value() && { return std::get<0>(std::move(value_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const { return std::get<1>(value_); }

 private:
  std::variant<T, Error> value_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit on purpose

  explicit operator bool() const { return ok(); }
  bool ok() const { return !error_; }
  const Error& error() const { return *error_; }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;

namespace detail {

constexpr reprise_str ToAbi(std::string_view text) {
  return {text.data(), text.size()};
}

inline std::string_view FromAbi(reprise_str text) {
  return text.data == nullptr ? std::string_view{} : std::string_view{text.data, text.size};
}

inline Status FromAbi(const reprise_status& status) {
  if (status.code == REPRISE_OK) return {};
  return Error{static_cast<Code>(status.code), std::string(FromAbi(status.message))};
}

}  // namespace detail
}  // namespace reprise
