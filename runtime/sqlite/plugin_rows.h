/// `$rows`: a plugin's cells as a table in its statement.
///
/// `$rows` becomes `(SELECT c0 AS "a", c1 AS "b" FROM rp_rows($rows))`: no limit on parameters
/// applies, and the text stays the same for every number of rows, so that the statement is prepared
/// once.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "ports/journal.h"
#include "sqlite/row_source.h"

namespace reprise::runtime::sqlite {

/// Cells in row-major order.
class PluginRows : public RowSource {
 public:
  PluginRows(size_t columns, std::span<const SqlValue> cells) : columns_(columns), cells_(cells) {}
  size_t size() const override { return cells_.size() / columns_; }
  void Column(sqlite3_context* out, size_t row, int column) override;

 private:
  const size_t columns_;
  const std::span<const SqlValue> cells_;
};

/// The statement with `$rows` written out; kInvalid if it has no `$rows`.
Result<std::string> ExpandRows(std::string_view sql, std::span<const std::string_view> columns);

}  // namespace reprise::runtime::sqlite
