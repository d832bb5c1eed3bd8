/// SqlText: what can be said of a plugin's statement before the server sees it.
///
/// The words decide: which statement it is, which parameters it has, whether it names tables that
/// are not its own.  Strings, quoted names and comments are told apart from them as PostgreSQL
/// does.  It keeps plugins from mistakes; a plugin is trusted code.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "postgres/params.h"

namespace reprise::runtime::postgres {

struct SqlToken {
  enum Kind { kWord, kName, kString, kParameter, kSemicolon, kOther, kNothing } kind = kNothing;
  std::string_view text;
  std::size_t at = 0;
  /// A word in any case, or a quoted name as it is.
  bool Is(std::string_view word) const;
};

/// Takes SQL apart; blanks and comments are left out.
class SqlScanner {
 public:
  explicit SqlScanner(std::string_view sql) : sql_(sql) {}
  SqlToken Next();  // kNothing at the end

 private:
  void SkipBlank();
  std::size_t EndOfDollarQuote(std::size_t at) const;  // npos: none begins here

  std::string_view sql_;
  std::size_t at_ = 0;
};

struct SqlText {
  bool writes = false;    // it may change rows
  bool has_rows = false;  // it names $rows
  int parameters = 0;     // $1..$n
};

/// A plugin's one statement, or why it is refused (kInvalid).
Result<SqlText> ReadStatement(std::string_view sql);

/// The statements of a migration, or why one is refused (kInvalid).
Result<std::vector<std::string>> ReadScript(std::string_view sql);

/// `$rows` as `unnest($1, $2, ..) AS name("column", ..)`.
std::string ExpandRows(std::string_view sql, std::span<const std::string_view> columns);

/// Whether `table` belongs to the plugin: `shop`, or `shop_...`.
bool Owns(std::string_view plugin, std::string_view table);
bool OfRuntime(std::string_view table);  // rp_...

}  // namespace reprise::runtime::postgres
