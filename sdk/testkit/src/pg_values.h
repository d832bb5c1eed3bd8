/// Values to and from PostgreSQL's binary form, as the runtime sends and reads them.
#pragma once

#include <deque>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <reprise/plugin.hpp>

#include "libpq.h"

namespace reprise::testkit {

inline constexpr Oid kPgUntyped = 0, kPgBytea = 17, kPgInt8 = 20, kPgText = 25, kPgFloat8 = 701;

/// bigint, double precision, text or bytea; NULL says nothing.
Oid PgTypeOf(const reprise_value& value);
Oid PgArrayOf(Oid element);

/// The values of one statement; a value's type is said with it.
class PgParams {
 public:
  void Add(const reprise_value& value, Oid type);
  /// One column of rows that are `width` wide, as an array.
  void AddColumn(std::span<const reprise_value> cells, std::size_t column, std::size_t width,
                 Oid element);

  PgAnswer Execute(PgSession* session, const std::string& sql) const;

 private:
  std::vector<Oid> types_;
  std::vector<std::optional<std::string>> bytes_;
};

/// A cell.  Integers and booleans are integers, instants milliseconds since 1970, numerics integers
/// if they are whole and fit; texts, JSON and ids are text.  kInvalid for other types.  `keep`
/// holds what had to be made.
Result<reprise_value> PgCell(const PgResult* rows, int row, int column,
                             std::deque<std::string>& keep);

}  // namespace reprise::testkit
