#include "sqlite/plugin_rows.h"

#include <cctype>

#include <fmt/format.h>

#include "sqlite/values.h"

namespace reprise::runtime::sqlite {
namespace {

bool InWord(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '$';
}

/// Past a string, a quoted name or a comment that begins at `at`; `at` itself if none does.
size_t SkipQuoted(std::string_view sql, size_t at) {
  const std::string_view rest = sql.substr(at);
  size_t end = std::string_view::npos;
  if (rest.starts_with("--")) {
    end = sql.find('\n', at);
  } else if (rest.starts_with("/*")) {
    end = sql.find("*/", at + 2);
    if (end != std::string_view::npos) ++end;
  } else if (sql[at] == '\'' || sql[at] == '"' || sql[at] == '`') {
    end = sql.find(sql[at], at + 1);  // a doubled quote begins the next one
  } else if (sql[at] == '[') {
    end = sql.find(']', at + 1);
  } else {
    return at;
  }
  return end == std::string_view::npos ? sql.size() : end + 1;
}

std::string_view Word(std::string_view sql, size_t& at) {
  while (at < sql.size() && std::isspace(static_cast<unsigned char>(sql[at])) != 0) ++at;
  const size_t from = at;
  while (at < sql.size() && InWord(sql[at])) ++at;
  return sql.substr(from, at - from);
}

bool Is(std::string_view word, std::string_view name) {
  return word.size() == name.size() &&
         sqlite3_strnicmp(word.data(), name.data(), static_cast<int>(name.size())) == 0;
}

/// Where an upsert's ON follows: SQLite would take it for a join's, and wants a WHERE before it.
std::optional<size_t> UpsertAfter(std::string_view sql, size_t at) {
  for (int words = 0; words < 3; ++words) {  // $rows [AS name] ON CONFLICT
    size_t next = at;
    const std::string_view word = Word(sql, next);
    if (word.empty()) return std::nullopt;
    if (Is(word, "ON")) return Is(Word(sql, next), "CONFLICT") ? std::optional(at) : std::nullopt;
    at = next;
  }
  return std::nullopt;
}

}  // namespace

void PluginRows::Column(sqlite3_context* out, size_t row, int column) {
  if (static_cast<size_t>(column) >= columns_) return;  // NULL
  const SqlValue& cell = cells_[row * columns_ + static_cast<size_t>(column)];
  switch (cell.type) {
    case SqlValue::kNull:
      break;
    case SqlValue::kInteger:
      sqlite3_result_int64(out, cell.integer);
      break;
    case SqlValue::kReal:
      sqlite3_result_double(out, cell.real);
      break;
    case SqlValue::kText:
      sqlite3_result_text64(out, Data(cell.text), cell.text.size(), SQLITE_STATIC, SQLITE_UTF8);
      break;
    case SqlValue::kBlob:
      sqlite3_result_blob64(out, Data(cell.text), cell.text.size(), SQLITE_STATIC);
      break;
  }
}

Result<std::string> ExpandRows(std::string_view sql, std::span<const std::string_view> columns) {
  std::string table = "(SELECT ";
  for (size_t i = 0; i < columns.size(); ++i)
    table += fmt::format("{}c{} AS \"{}\"", i == 0 ? "" : ", ", i, columns[i]);
  table += " FROM rp_rows($rows))";

  std::string out;
  bool found = false;
  std::optional<size_t> where;
  for (size_t at = 0; at < sql.size();) {
    if (where == at) out += " WHERE true";
    if (const size_t past = SkipQuoted(sql, at); past != at) {
      out += sql.substr(at, past - at);
      at = past;
    } else if (InWord(sql[at])) {
      const std::string_view word = Word(sql, at);
      if (word != "$rows") {
        out += word;
        continue;
      }
      out += table;
      found = true;
      where = UpsertAfter(sql, at);
    } else {
      out += sql[at++];
    }
  }
  if (!found) return Error{Code::kInvalid, "a statement for many rows must name $rows"};
  return out;
}

}  // namespace reprise::runtime::sqlite
