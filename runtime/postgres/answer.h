/// Answer: the rows of one statement, in binary form.
#pragma once

#include <charconv>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <libpq-fe.h>

#include "base/ids.h"
#include "base/time.h"

namespace reprise::runtime::postgres {

inline std::uint64_t GetBig(std::string_view bytes) {
  std::uint64_t out = 0;
  for (const char c : bytes) out = out << 8 | static_cast<unsigned char>(c);
  return out;
}

class Answer {
 public:
  explicit Answer(PGresult* result = nullptr) : result_(result) {}

  PGresult* raw() const { return result_.get(); }
  int rows() const { return PQntuples(result_.get()); }
  int columns() const { return PQnfields(result_.get()); }
  Oid TypeOf(int column) const { return PQftype(result_.get(), column); }
  /// "INSERT 0 5", "SELECT 1", "COMMIT".
  std::string_view tag() const { return PQcmdStatus(result_.get()); }
  /// Rows inserted, changed, removed; of a SELECT, found.
  std::int64_t changed() const {
    std::int64_t out = 0;
    const std::string_view text = PQcmdTuples(result_.get());
    std::from_chars(text.data(), text.data() + text.size(), out);
    return out;
  }

  bool Null(int row, int column) const { return PQgetisnull(result_.get(), row, column) != 0; }
  std::string_view Bytes(int row, int column) const {
    return {PQgetvalue(result_.get(), row, column),
            static_cast<std::size_t>(PQgetlength(result_.get(), row, column))};
  }
  std::string_view Text(int row, int column) const { return Bytes(row, column); }
  std::string String(int row, int column) const { return std::string(Bytes(row, column)); }
  /// Of 2, 4 or 8 bytes, and booleans; NULL is 0.
  std::int64_t Int(int row, int column) const {
    const std::string_view bytes = Bytes(row, column);
    const std::uint64_t raw = GetBig(bytes);
    if (bytes.size() == 4) return static_cast<std::int32_t>(raw);
    if (bytes.size() == 2) return static_cast<std::int16_t>(raw);
    return static_cast<std::int64_t>(raw);
  }
  Uuid Id(int row, int column) const {
    return Uuid::FromBytes(Bytes(row, column)).value_or(Uuid{});
  }
  Time At(int row, int column) const { return FromMillis(Int(row, column)); }  // NULL: zero

 private:
  struct Clear {
    void operator()(PGresult* result) const { PQclear(result); }
  };
  std::unique_ptr<PGresult, Clear> result_;
};

}  // namespace reprise::runtime::postgres
