/// Plugins' values to and from SQLite.
#pragma once

#include <span>
#include <string_view>

#include <sqlite3.h>

#include "ports/journal.h"

namespace reprise::runtime::sqlite {

/// SQLite takes a null pointer for NULL, also with size 0.
inline const char* Data(std::string_view text) {
  return text.data() == nullptr ? "" : text.data();
}

/// kInvalid if a text holds a NUL: databases cut it there, each in its own way.
Status CheckValues(std::span<const SqlValue> values);

void BindValue(sqlite3_stmt* statement, int parameter, const SqlValue& value);
SqlValue ColumnValue(sqlite3_stmt* statement, int column);

}  // namespace reprise::runtime::sqlite
