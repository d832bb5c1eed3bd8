/// A value or an error.  Errors are values inside the runtime; only start-up may throw.
///
/// Code numbers are those of the plugin ABI (sdk/include/reprise/abi.h).
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace reprise::runtime {

enum class Code {
  kOk = 0,
  kUnavailable = 1,  // 1..31 may pass with time
  kConflict = 2,
  kDeadline = 3,
  kCancelled = 4,
  kInDoubt = 5,
  kInternal = 6,
  kFenced = 7,     // inside the runtime only: another worker has what this one thought its own
  kContended = 8,  //   ... too: others' locks were in the way; less at once may go through
  kNotFound = 32,  // 32.. never will
  kInvalid = 33,
  kExhausted = 34,
};

struct Error {
  Code code = Code::kInternal;
  std::string message;

  /// Whether the same call may succeed later.
  bool transient() const { return static_cast<int>(code) < 32; }
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}      // NOLINT: implicit on purpose
  Result(Error error) : value_(std::move(error)) {}  // NOLINT: implicit on purpose

  explicit operator bool() const { return value_.index() == 0; }
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

  explicit operator bool() const { return !error_; }
  bool ok() const { return !error_; }
  const Error& error() const { return *error_; }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;

}  // namespace reprise::runtime
