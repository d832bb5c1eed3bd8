/// Params: the values of one statement in PostgreSQL's binary form.
///
/// Binary, so that a text or blob is what it is, with any byte in it, and numbers are not printed
/// and read again.  A value's type is said with it: the server infers nothing.
#pragma once

#include <bit>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/time.h"

namespace reprise::runtime::postgres {

using Oid = unsigned int;  // as in libpq-fe.h
inline constexpr Oid kUntyped = 0, kBool = 16, kBytea = 17, kInt8 = 20, kText = 25, kFloat8 = 701,
                     kUuid = 2950;
/// The type of an array of these.
Oid ArrayOf(Oid element);

struct Blob {
  std::string_view bytes;
};

inline void PutBig(std::string& out, std::uint64_t value, int bytes) {
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8)
    out += static_cast<char>(value >> shift & 0xFF);
}

/// One column of many rows.
class Column {
 public:
  explicit Column(Oid element);

  void Reserve(std::size_t rows, std::size_t bytes_each) { bytes_.reserve(20 + rows * bytes_each); }
  void Null();
  void Add(std::int64_t value);
  void Add(double value);
  void Add(std::string_view text);  // also blobs
  void Add(const Uuid& id);
  void Add(Time t) { Add(ToMillis(t)); }
  void AddKnown(Time t) { t == Time{} ? Null() : Add(t); }        // zero is no time,
  void AddKnown(const Uuid& id) { id.nil() ? Null() : Add(id); }  // nil no id
  void AddFilled(std::string_view text) { text.empty() ? Null() : Add(text); }
  void AddGiven(const std::optional<std::string>& text) { text ? Add(*text) : Null(); }

  std::size_t size() const { return count_; }
  Oid type() const { return ArrayOf(element_); }
  std::string Take() &&;  // with its head

 private:
  const Oid element_;
  std::string bytes_;
  std::uint32_t count_ = 0;
  bool nulls_ = false;
};

class Params {
 public:
  template <class... A>
  static Params Of(A&&... values) {
    Params out;
    (out.Add(std::forward<A>(values)), ...);
    return out;
  }

  Params& Add(std::int64_t value);
  Params& Add(int value) { return Add(static_cast<std::int64_t>(value)); }
  Params& Add(std::uint16_t value) { return Add(static_cast<std::int64_t>(value)); }
  Params& Add(std::uint32_t value) { return Add(static_cast<std::int64_t>(value)); }
  Params& Add(bool value);
  Params& Add(double value);
  Params& Add(std::string_view text) { return Put(kText, std::string(text)); }
  Params& Add(const std::string& text) { return Add(std::string_view(text)); }
  Params& Add(const char* text) { return Add(std::string_view(text)); }
  Params& Add(Blob blob) { return Put(kBytea, std::string(blob.bytes)); }
  Params& Add(const Uuid& id) { return Put(kUuid, std::string(id.view())); }
  Params& Add(Time t) { return Add(ToMillis(t)); }
  Params& Add(Column&& column);
  Params& Known(const Uuid& id);  // NULL for nil
  Params& Null(Oid type);

  int count() const { return static_cast<int>(types_.size()); }
  const Oid* types() const { return types_.data(); }
  std::span<const Oid> type_list() const { return types_; }
  const char* const* values();
  const int* lengths() const { return lengths_.data(); }
  const int* formats() const { return formats_.data(); }

 private:
  Params& Put(Oid type, std::string bytes);

  std::vector<Oid> types_;
  std::vector<std::string> bytes_;
  std::vector<int> lengths_, formats_;  // length -1: NULL
  std::vector<const char*> values_;
};

/// What a text column takes: UTF-8 without NUL.  Anything else becomes U+FFFD.
std::string Clean(std::string_view text);

/// Ids as one array.
Column IdsOf(std::span<const Uuid> ids);
Column NumbersOf(std::span<const std::int64_t> numbers);

}  // namespace reprise::runtime::postgres
