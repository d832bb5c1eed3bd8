#include "sqlite/values.h"

#include <fmt/format.h>

#include "sqlite/database.h"

namespace reprise::runtime::sqlite {

Status CheckValues(std::span<const SqlValue> values) {
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i].type == SqlValue::kText && values[i].text.find('\0') != std::string_view::npos) {
      return Error{Code::kInvalid, fmt::format("value {} holds a NUL character", i + 1)};
    }
  }
  return {};
}

void BindValue(sqlite3_stmt* statement, int parameter, const SqlValue& value) {
  switch (value.type) {
    case SqlValue::kNull:
      sqlite3_bind_null(statement, parameter);
      break;
    case SqlValue::kInteger:
      sqlite3_bind_int64(statement, parameter, value.integer);
      break;
    case SqlValue::kReal:
      sqlite3_bind_double(statement, parameter, value.real);
      break;
    case SqlValue::kText:
      sqlite3_bind_text64(statement, parameter, Data(value.text), value.text.size(), SQLITE_STATIC,
                          SQLITE_UTF8);
      break;
    case SqlValue::kBlob:
      sqlite3_bind_blob64(statement, parameter, Data(value.text), value.text.size(), SQLITE_STATIC);
      break;
  }
}

SqlValue ColumnValue(sqlite3_stmt* statement, int column) {
  SqlValue value;
  switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
      value.type = SqlValue::kInteger;
      value.integer = sqlite3_column_int64(statement, column);
      break;
    case SQLITE_FLOAT:
      value.type = SqlValue::kReal;
      value.real = sqlite3_column_double(statement, column);
      break;
    case SQLITE_TEXT:
      value.type = SqlValue::kText;
      value.text = TextOf(statement, column);
      break;
    case SQLITE_BLOB:
      value.type = SqlValue::kBlob;
      value.text = TextOf(statement, column);
      break;
    default:
      break;
  }
  return value;
}

}  // namespace reprise::runtime::sqlite
