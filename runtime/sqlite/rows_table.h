/// `$rows`: a table-valued function over a plugin's cells, so that one statement takes any number
/// of rows.
///
/// `$rows` in a statement becomes `(SELECT c0 AS "a", c1 AS "b" FROM rp_rows($rows))`; the cells
/// are bound as a pointer, so nothing is copied, no limit on parameters applies and the text stays
/// the same for every number of rows, which lets the statement be prepared once.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include <sqlite3.h>

#include "ports/journal.h"

namespace reprise::runtime::sqlite {

inline constexpr size_t kRowsColumnsMax = 64;

struct RowsTable {
  size_t columns = 0;
  std::span<const SqlValue> cells;  // row-major
};

class Database;

Status InstallRowsTable(Database& db);

/// Binds `rows` to a parameter; it must live until the statement is reset.
int BindRows(sqlite3_stmt* statement, int parameter, const RowsTable* rows);

/// The statement with `$rows` written out; kInvalid if it has no `$rows`.
Result<std::string> ExpandRows(std::string_view sql, std::span<const std::string_view> columns);

}  // namespace reprise::runtime::sqlite
