#include "sql_text.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <vector>

namespace reprise::testkit {
namespace {

using namespace std::string_view_literals;  // NOLINT: literals only

struct Token {
  enum Kind { kWord, kName, kString, kParameter, kOther, kNothing } kind = kNothing;
  std::string_view text;
  std::size_t at = 0;

  /// Words are the same in any case.
  bool Is(std::string_view word) const {
    return (kind == kWord || kind == kOther) &&
           std::equal(text.begin(), text.end(), word.begin(), word.end(), [](char x, char y) {
             return std::toupper(static_cast<unsigned char>(x)) ==
                    std::toupper(static_cast<unsigned char>(y));
           });
  }
  bool Begins(std::string_view prefix) const {
    return Token{kWord, text.substr(0, prefix.size())}.Is(prefix);
  }
  template <std::size_t N>
  bool Among(const std::array<std::string_view, N>& words) const {
    return std::any_of(words.begin(), words.end(), [&](auto word) { return Is(word); });
  }
};

bool Letter(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || (c & 0x80) != 0;
}

/// Takes SQL apart; blanks and comments are left out.
class Scanner {
 public:
  explicit Scanner(std::string_view sql) : sql_(sql) {}

  Token Next() {
    SkipBlank();
    const std::size_t from = at_;
    if (from >= sql_.size()) return {Token::kNothing, {}, from};
    const Token::Kind kind = Skip(sql_[from]);
    return {kind, sql_.substr(from, at_ - from), from};
  }

 private:
  char At(std::size_t at) const { return at < sql_.size() ? sql_[at] : '\0'; }

  void SkipBlank() {
    for (;; ++at_) {
      const std::string_view rest = sql_.substr(std::min(at_, sql_.size()));
      if (rest.starts_with("--")) {
        at_ = std::min(sql_.size(), sql_.find('\n', at_));
      } else if (rest.starts_with("/*")) {
        SkipComment();
      } else if (rest.empty() || std::isspace(static_cast<unsigned char>(rest[0])) == 0) {
        return;
      }
    }
  }

  void SkipComment() {  // they nest; ends at its last character
    int depth = 1;
    for (at_ += 2; depth > 0 && at_ < sql_.size(); ++at_) {
      const std::string_view here = sql_.substr(at_, 2);
      if (here != "/*" && here != "*/") continue;
      depth += here == "/*" ? 1 : -1;
      ++at_;
    }
    --at_;
  }

  Token::Kind Skip(char c) {
    const bool escapes = (c == 'e' || c == 'E') && At(at_ + 1) == '\'';
    if (escapes || c == '\'' || c == '"') {
      const char quote = escapes ? '\'' : c;
      for (at_ += escapes ? 2U : 1U; at_ < sql_.size() && sql_[at_] != quote; ++at_)
        at_ += escapes && sql_[at_] == '\\' ? 1U : 0U;  // a doubled quote begins the next one
      at_ = std::min(sql_.size(), at_ + 1);
      return quote == '"' ? Token::kName : Token::kString;
    }
    if (c == '$' || Letter(c)) {
      const std::size_t from = at_++;
      while (Letter(At(at_)) || (c != '$' && At(at_) == '$')) ++at_;
      if (c != '$') return Token::kWord;
      return SkipDollarQuoted(from) ? Token::kString : Token::kParameter;
    }
    ++at_;
    return Token::kOther;
  }

  bool SkipDollarQuoted(std::size_t from) {
    if (At(at_) != '$' || std::isdigit(static_cast<unsigned char>(At(from + 1))) != 0) return false;
    const std::string_view quote = sql_.substr(from, at_ + 1 - from);
    const std::size_t close = sql_.find(quote, at_ + 1);
    at_ = close == std::string_view::npos ? sql_.size() : close + quote.size();
    return true;
  }

  std::string_view sql_;
  std::size_t at_ = 0;
};

constexpr std::array kStatements{"SELECT"sv, "INSERT"sv, "UPDATE"sv,
                                 "DELETE"sv, "WITH"sv,   "VALUES"sv};
constexpr std::array kOfMigrations{"SELECT"sv, "INSERT"sv, "UPDATE"sv, "DELETE"sv, "WITH"sv,
                                   "CREATE"sv, "ALTER"sv,  "DROP"sv,   "COMMENT"sv};
// What may follow a table that has no name of its own.
constexpr std::array kNoAlias{
    "WHERE"sv, "ON"sv,      "JOIN"sv,      "LEFT"sv,      "RIGHT"sv, "INNER"sv,  "FULL"sv,
    "CROSS"sv, "NATURAL"sv, "GROUP"sv,     "HAVING"sv,    "ORDER"sv, "LIMIT"sv,  "OFFSET"sv,
    "UNION"sv, "EXCEPT"sv,  "INTERSECT"sv, "RETURNING"sv, "FOR"sv,   "WINDOW"sv, "SET"sv};
// Whose answer depends on when they run: a replay would differ.
constexpr std::array kClockFunctions{"now"sv,
                                     "clock_timestamp"sv,
                                     "statement_timestamp"sv,
                                     "random"sv,
                                     "timeofday"sv,
                                     "transaction_timestamp"sv,
                                     "date"sv,
                                     "time"sv,
                                     "datetime"sv,
                                     "julianday"sv,
                                     "strftime"sv,
                                     "unixepoch"sv,
                                     "gen_random_uuid"sv};
constexpr std::array kClockWords{"current_timestamp"sv, "current_time"sv, "current_date"sv,
                                 "localtimestamp"sv, "localtime"sv};

Error Invalid(std::string_view subject, std::string_view rest) {
  return {Code::kInvalid, std::string(subject) + std::string(rest)};
}

Error NotForPlugins(const Token& token) {
  return Invalid(token.text,
                 " is not for plugins: the transaction and the tables are the runtime's, and made "
                 "by migrations only");
}

/// Names that no statement of a plugin may hold.
Status CheckName(const Token& token) {
  if (token.kind != Token::kWord && token.kind != Token::kName) return {};
  Token name = token;
  if (name.kind == Token::kName) name.text = name.text.substr(1, name.text.size() - 2);
  name.kind = Token::kWord;
  if (name.Begins("rp_")) return Invalid(name.text, " is the runtime's own");
  constexpr std::array kOthers{"information_schema"sv, "set_config"sv, "dblink"sv, "dblink_exec"sv};
  if (name.Begins("pg_") || name.Among(kOthers)) return Invalid(name.text, " is not for plugins");
  return {};
}

Status CheckPure(const Token& token, const Token& before) {
  const bool call = token.Is("(") && before.kind == Token::kWord && before.Among(kClockFunctions);
  const bool word = token.kind == Token::kWord && token.Among(kClockWords);
  if (!call && !word) return {};
  return Invalid("a plugin's SQL may not call " + std::string((call ? before : token).text),
                 "(); time comes from Now()");
}

/// `$rows` or `$n`.
Status ReadParameter(std::string_view text, SqlText& into, std::vector<bool>& named) {
  if (text == "$rows") {
    if (into.has_rows) return Invalid("", "QueryRows wants $rows exactly once");
    into.has_rows = true;
    return {};
  }
  int n = 0;
  const auto [end, error] = std::from_chars(text.data() + 1, text.data() + text.size(), n);
  if (error != std::errc() || end != text.data() + text.size() || n < 1 || n > 32'766)
    return Invalid(text, " is no parameter: they are $1, $2, ..");
  into.parameters = std::max(into.parameters, n);
  if (named.size() < static_cast<std::size_t>(n)) named.resize(static_cast<std::size_t>(n));
  named[static_cast<std::size_t>(n) - 1] = true;
  return {};
}

}  // namespace

Result<SqlText> ReadStatement(std::string_view sql) {
  if (sql.find('\0') != std::string_view::npos) return Invalid("", "the SQL holds a NUL character");
  SqlText out;
  Scanner scanner(sql);
  Token before = scanner.Next();
  while (before.Is("(")) before = scanner.Next();
  if (before.kind == Token::kNothing) return Invalid("", "not exactly one statement");
  if (!before.Among(kStatements)) return NotForPlugins(before);
  const bool inserts = before.Is("INSERT");
  std::vector<bool> named;
  bool ended = false;
  for (Token token = scanner.Next(); token.kind != Token::kNothing; token = scanner.Next()) {
    if (ended && !token.Is(";")) return Invalid("", "not exactly one statement");
    ended = ended || token.Is(";");
    if (token.Is("INTO") && !inserts && !before.Is("INSERT")) return NotForPlugins(token);
    if (Status fine = CheckName(token); !fine) return fine.error();
    if (Status fine = CheckPure(token, before); !fine) return fine.error();
    if (token.kind == Token::kParameter) {
      if (Status read = ReadParameter(token.text, out, named); !read) return read.error();
    }
    before = token;
  }
  const auto gap = std::find(named.begin(), named.end(), false);
  if (gap == named.end()) return out;
  return Invalid("$" + std::to_string(gap - named.begin() + 1), " is not used, but a later one is");
}

Status CheckScript(std::string_view sql) {
  if (sql.find('\0') != std::string_view::npos) return Invalid("", "the SQL holds a NUL character");
  Scanner scanner(sql);
  bool inside = false, creating = false;
  for (Token token = scanner.Next(); token.kind != Token::kNothing; token = scanner.Next()) {
    if (token.Is(";")) {
      inside = creating = false;
      continue;
    }
    if (Status fine = CheckName(token); !fine) return fine;
    if (token.kind == Token::kParameter) return Invalid("", "a migration has no parameters");
    if (!inside && !token.Among(kOfMigrations)) return NotForPlugins(token);
    if (creating && (token.Is("TEMP") || token.Is("TEMPORARY")))
      return Invalid("", "temporary tables are not for plugins");
    creating = (!inside && token.Is("CREATE")) ||
               (creating && token.Among(std::array{"LOCAL"sv, "GLOBAL"sv, "OR"sv, "REPLACE"sv}));
    inside = true;
  }
  return {};
}

std::string ExpandRows(std::string_view sql, std::span<const reprise_str> columns) {
  std::string source = "unnest(", names = "(";
  for (std::size_t i = 0; i < columns.size(); ++i) {
    source += (i == 0 ? "$" : ", $") + std::to_string(i + 1);
    names.append(i == 0 ? "\"" : ", \"").append(detail::FromAbi(columns[i])).append("\"");
  }
  source += ") AS ";
  names += ")";
  Scanner scanner(sql);
  Token token = scanner.Next();
  while (token.text != "$rows") token = scanner.Next();  // ReadStatement saw it
  std::string out(sql.substr(0, token.at));
  std::size_t copied = token.at + token.text.size();
  token = scanner.Next();
  if (token.Is("AS")) token = scanner.Next();
  const bool aliased =
      token.kind == Token::kName || (token.kind == Token::kWord && !token.Among(kNoAlias));
  if (aliased) copied = token.at + token.text.size();
  out += source + (aliased ? std::string(token.text) : "given") + names;
  return out += sql.substr(copied);
}

}  // namespace reprise::testkit
