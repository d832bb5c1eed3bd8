/// What is said of a plugin's SQL before PostgreSQL sees it, as the runtime says it there: strings,
/// quoted names and comments are told apart from words as PostgreSQL does.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include <reprise/plugin.hpp>

namespace reprise::testkit {

struct SqlText {
  bool has_rows = false;  // it names $rows
  int parameters = 0;     // $1..$n
};

/// A plugin's one statement, or why it is refused (kInvalid).
Result<SqlText> ReadStatement(std::string_view sql);

/// Whether a migration's statements are such (kInvalid).
Status CheckScript(std::string_view sql);

/// `$rows` as `unnest($1, $2, ..) AS name("column", ..)`.
std::string ExpandRows(std::string_view sql, std::span<const reprise_str> columns);

}  // namespace reprise::testkit
