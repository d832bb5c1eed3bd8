#include "postgres/sql_text.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include <fmt/format.h>

namespace reprise::runtime::postgres {
namespace {

bool Letter(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || (c & 0x80) != 0;
}

char Lower(char c) {
  return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
}

bool Same(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return Lower(x) == Lower(y); });
}

bool Begins(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && Same(text.substr(0, prefix.size()), prefix);
}

template <std::size_t N>
bool Among(const SqlToken& token, const std::array<std::string_view, N>& words) {
  return token.kind == SqlToken::kWord &&
         std::any_of(words.begin(), words.end(), [&](auto word) { return token.Is(word); });
}

constexpr std::array<std::string_view, 6> kStatements{"SELECT", "INSERT", "UPDATE",
                                                      "DELETE", "WITH",   "VALUES"};
constexpr std::array<std::string_view, 9> kOfMigrations{
    "SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "CREATE", "ALTER", "DROP", "COMMENT"};
constexpr std::array<std::string_view, 3> kWriting{"INSERT", "UPDATE", "DELETE"};
// What may follow a table that has no name of its own.
constexpr std::array<std::string_view, 21> kNoAlias{
    "WHERE", "ON",      "JOIN",      "LEFT",      "RIGHT", "INNER",  "FULL",
    "CROSS", "NATURAL", "GROUP",     "HAVING",    "ORDER", "LIMIT",  "OFFSET",
    "UNION", "EXCEPT",  "INTERSECT", "RETURNING", "FOR",   "WINDOW", "SET"};

/// Names that no statement of a plugin may hold.
Status CheckName(const SqlToken& token) {
  if (token.kind != SqlToken::kWord && token.kind != SqlToken::kName) return {};
  if (OfRuntime(token.text))
    return Error{Code::kInvalid, fmt::format("table '{}' is the runtime's own", token.text)};
  if (Begins(token.text, "pg_") || token.Is("information_schema") || token.Is("set_config") ||
      token.Is("dblink") || token.Is("dblink_exec")) {
    return Error{Code::kInvalid, fmt::format("{} is not for plugins", token.text)};
  }
  return {};
}

/// `$rows` or `$n`.
Status ReadParameter(std::string_view text, SqlText& into, std::vector<bool>& named) {
  if (text == "$rows") {
    into.has_rows = true;
    return {};
  }
  int n = 0;
  const auto [end, error] = std::from_chars(text.data() + 1, text.data() + text.size(), n);
  if (error != std::errc() || end != text.data() + text.size() || n < 1 || n > 32'766)
    return Error{Code::kInvalid, fmt::format("parameters are $1, $2, ..; '{}' is not one", text)};
  into.parameters = std::max(into.parameters, n);
  if (named.size() < static_cast<std::size_t>(n)) named.resize(static_cast<std::size_t>(n));
  named[static_cast<std::size_t>(n - 1)] = true;
  return {};
}

Status CheckNul(std::string_view sql) {
  if (sql.find('\0') == std::string_view::npos) return {};
  return Error{Code::kInvalid, "the statement holds a NUL character"};
}

Error NotForPlugins(const SqlToken& token) {
  return {Code::kInvalid,
          fmt::format("{} is not for plugins: the transaction and the tables are the runtime's, "
                      "and made by migrations only",
                      token.text)};
}

}  // namespace

bool OfRuntime(std::string_view table) {
  return Begins(table, "rp_");
}

bool Owns(std::string_view plugin, std::string_view table) {
  std::string name(plugin);
  std::replace(name.begin(), name.end(), '-', '_');
  return Same(table, name) || Begins(table, name + "_");
}

bool SqlToken::Is(std::string_view word) const {
  return (kind == kWord && Same(text, word)) || (kind == kName && text == word);
}

void SqlScanner::SkipBlank() {
  while (at_ < sql_.size()) {
    const std::string_view rest = sql_.substr(at_);
    if (std::isspace(static_cast<unsigned char>(rest[0])) != 0) {
      ++at_;
    } else if (rest.starts_with("--")) {
      at_ = std::min(sql_.size(), sql_.find('\n', at_));
    } else if (rest.starts_with("/*")) {
      int depth = 0;  // comments nest
      do {
        const std::string_view here = sql_.substr(at_);
        const int step = here.starts_with("/*") ? 1 : here.starts_with("*/") ? -1 : 0;
        depth += step;
        at_ += step == 0 ? 1 : 2;
      } while (depth > 0 && at_ < sql_.size());
    } else {
      return;
    }
  }
}

std::size_t SqlScanner::EndOfDollarQuote(std::size_t at) const {
  std::size_t end = at + 1;
  while (end < sql_.size() && Letter(sql_[end])) ++end;
  const bool tag = end == at + 1 || std::isdigit(static_cast<unsigned char>(sql_[at + 1])) == 0;
  if (end >= sql_.size() || sql_[end] != '$' || !tag) return std::string_view::npos;
  const std::string_view quote = sql_.substr(at, end + 1 - at);
  const std::size_t close = sql_.find(quote, end + 1);
  return close == std::string_view::npos ? sql_.size() : close + quote.size();
}

SqlToken SqlScanner::Next() {
  SkipBlank();
  SqlToken token;
  token.at = at_;
  if (at_ >= sql_.size()) return token;
  const char c = sql_[at_];
  std::size_t end = at_ + 1;
  if (c == '\'' || c == '"') {
    token.kind = c == '"' ? SqlToken::kName : SqlToken::kString;
    end = sql_.find(c, end);  // a doubled quote begins the next one
    token.text = sql_.substr(at_ + 1, end - at_ - 1);
    at_ = end == std::string_view::npos ? sql_.size() : end + 1;
    return token;
  }
  if ((c == 'e' || c == 'E') && end < sql_.size() && sql_[end] == '\'') {  // with backslashes
    token.kind = SqlToken::kString;
    for (++end; end < sql_.size() && sql_[end] != '\''; ++end) end += sql_[end] == '\\' ? 1U : 0U;
    end = std::min(sql_.size(), end + 1);
  } else if (c == '$') {
    const std::size_t close = EndOfDollarQuote(at_);
    token.kind = close == std::string_view::npos ? SqlToken::kParameter : SqlToken::kString;
    while (end < sql_.size() && Letter(sql_[end])) ++end;
    if (close != std::string_view::npos) end = close;
  } else if (Letter(c)) {
    token.kind = SqlToken::kWord;
    while (end < sql_.size() && (Letter(sql_[end]) || sql_[end] == '$')) ++end;
  } else {
    token.kind = c == ';' ? SqlToken::kSemicolon : SqlToken::kOther;
  }
  token.text = sql_.substr(at_, end - at_);
  at_ = end;
  return token;
}

Result<SqlText> ReadStatement(std::string_view sql) {
  if (auto fine = CheckNul(sql); !fine) return fine.error();
  SqlText out;
  SqlScanner scanner(sql);
  SqlToken first = scanner.Next();
  while (first.kind == SqlToken::kOther && first.text == "(") first = scanner.Next();
  if (first.kind == SqlToken::kNothing) return Error{Code::kInvalid, "the statement is empty"};
  if (!Among(first, kStatements)) return NotForPlugins(first);
  out.writes = Among(first, kWriting);
  std::vector<bool> named;
  bool ended = false;
  SqlToken before = first;
  for (SqlToken token = scanner.Next(); token.kind != SqlToken::kNothing; token = scanner.Next()) {
    if (token.kind == SqlToken::kSemicolon) {
      ended = true;
      continue;
    }
    if (ended) return Error{Code::kInvalid, "more than one statement"};
    if (auto fine = CheckName(token); !fine) return fine.error();
    if (token.kind == SqlToken::kParameter) {
      if (auto read = ReadParameter(token.text, out, named); !read) return read.error();
    }
    const bool locks = token.Is("UPDATE") && (before.Is("FOR") || before.Is("KEY"));
    out.writes = out.writes || (Among(token, kWriting) && !locks);
    if (token.Is("INTO") && token.kind == SqlToken::kWord && !before.Is("INSERT") &&
        !first.Is("INSERT"))
      return NotForPlugins(token);
    before = token;
  }
  for (std::size_t i = 0; i < named.size(); ++i) {
    if (!named[i])
      return Error{Code::kInvalid, fmt::format("${} is not used, but ${} is", i + 1, named.size())};
  }
  return out;
}

Result<std::vector<std::string>> ReadScript(std::string_view sql) {
  if (auto fine = CheckNul(sql); !fine) return fine.error();
  std::vector<std::string> out;
  SqlScanner scanner(sql);
  std::size_t from = 0;
  bool inside = false, creating = false;
  for (;;) {
    const SqlToken token = scanner.Next();
    const bool end = token.kind == SqlToken::kSemicolon || token.kind == SqlToken::kNothing;
    if (end && inside) out.emplace_back(sql.substr(from, token.at - from));
    if (token.kind == SqlToken::kNothing) return out;
    if (end) {
      inside = creating = false;
      continue;
    }
    if (auto fine = CheckName(token); !fine) return fine.error();
    if (token.kind == SqlToken::kParameter)
      return Error{Code::kInvalid, "a migration has no parameters"};
    if (!inside) {
      if (!Among(token, kOfMigrations)) return NotForPlugins(token);
      from = token.at;
      creating = token.Is("CREATE");
      inside = true;
    } else if (creating) {
      if (token.Is("TEMP") || token.Is("TEMPORARY"))
        return Error{Code::kInvalid, "temporary tables are not for plugins"};
      creating = token.Is("LOCAL") || token.Is("GLOBAL") || token.Is("OR") || token.Is("REPLACE");
    }
  }
}

std::string ExpandRows(std::string_view sql, std::span<const std::string_view> columns) {
  std::string source = "unnest(", names = "(";
  for (std::size_t i = 0; i < columns.size(); ++i) {
    source += fmt::format("{}${}", i == 0 ? "" : ", ", i + 1);
    names += fmt::format("{}\"{}\"", i == 0 ? "" : ", ", columns[i]);
  }
  source += ") AS ";
  names += ")";

  std::string out;
  std::size_t copied = 0;
  SqlScanner scanner(sql);
  SqlToken token = scanner.Next();
  while (token.kind != SqlToken::kNothing) {
    if (token.kind != SqlToken::kParameter || token.text != "$rows") {
      token = scanner.Next();
      continue;
    }
    out += sql.substr(copied, token.at - copied);
    copied = token.at + token.text.size();
    token = scanner.Next();
    if (token.Is("AS")) token = scanner.Next();
    const bool named =
        (token.kind == SqlToken::kWord && !Among(token, kNoAlias)) || token.kind == SqlToken::kName;
    if (named) {
      const std::size_t quotes = token.kind == SqlToken::kName ? 2 : 0;  // the last may be missing
      const std::string_view name = sql.substr(token.at, token.text.size() + quotes);
      out += source + std::string(name) + names;
      copied = token.at + name.size();
      token = scanner.Next();
    } else {
      out += source + "given" + names;
    }
  }
  return out += sql.substr(copied);
}

}  // namespace reprise::runtime::postgres
