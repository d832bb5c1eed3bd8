/// RowSource: rows of ours as a table in SQL, `rp_rows(?)`.
///
/// One statement then writes any number of rows.  It moves along the b-trees once, instead of
/// finding its place anew for each row, and pays for its beginning and end once.  The source is
/// bound as a pointer; nothing is copied.
#pragma once

#include <cstddef>

#include <sqlite3.h>

#include "base/result.h"

namespace reprise::runtime::sqlite {

class Database;

inline constexpr size_t kSourceColumnsMax = 64;  // c0, c1, ..

class RowSource {
 public:
  virtual ~RowSource() = default;
  virtual size_t size() const = 0;
  /// Answers a cell by sqlite3_result_*; what it points to must stay until the next row is asked
  /// for.
  virtual void Column(sqlite3_context* out, size_t row, int column) = 0;
};

Status InstallRowSource(Database& db);

/// Binds `rows` to a parameter; it must live until the statement is reset.
int BindSource(sqlite3_stmt* statement, int parameter, RowSource* rows);

}  // namespace reprise::runtime::sqlite
