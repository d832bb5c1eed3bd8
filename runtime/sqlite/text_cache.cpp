#include "sqlite/text_cache.h"

#include <array>
#include <charconv>

#include <fmt/format.h>

namespace reprise::runtime::sqlite {
namespace {

std::string_view FirstWord(std::string_view sql) {
  size_t from = 0;
  while (from < sql.size() &&
         (std::isspace(static_cast<unsigned char>(sql[from])) != 0 || sql[from] == ';'))
    ++from;
  size_t to = from;
  while (to < sql.size() && std::isalpha(static_cast<unsigned char>(sql[to])) != 0) ++to;
  return sql.substr(from, to - from);
}

/// VACUUM and the like do not ask Access; the others do, this only says it in clearer words.
Status CheckVerb(std::string_view sql) {
  constexpr std::array<std::string_view, 13> kRefused{
      "BEGIN",  "COMMIT", "END",    "ROLLBACK", "SAVEPOINT", "RELEASE", "ATTACH",
      "DETACH", "PRAGMA", "VACUUM", "ANALYZE",  "REINDEX",   "EXPLAIN"};
  const std::string_view word = FirstWord(sql);
  for (std::string_view refused : kRefused) {
    if (word.size() == refused.size() &&
        sqlite3_strnicmp(word.data(), refused.data(), static_cast<int>(word.size())) == 0) {
      return Error{
          Code::kInvalid,
          fmt::format("{} is not for plugins: the transaction and the file are the runtime's",
                      refused)};
    }
  }
  return {};
}

/// Names every parameter's argument.
Status ReadParameters(PluginStatement& statement) {
  const int count = sqlite3_bind_parameter_count(statement.handle);
  std::vector<bool> named;
  for (int i = 1; i <= count; ++i) {
    const char* raw = sqlite3_bind_parameter_name(statement.handle, i);
    const std::string_view name = raw == nullptr ? "?" : raw;
    if (name == "$rows") {
      statement.arguments.push_back(PluginStatement::kRowsArgument);
      continue;
    }
    int n = 0;
    const auto [end, error] = std::from_chars(name.data() + 1, name.data() + name.size(), n);
    if (name[0] != '$' || error != std::errc() || end != name.data() + name.size() || n < 1 ||
        n > 32'766) {
      return Error{Code::kInvalid, fmt::format("parameters are $1, $2, ..; '{}' is not one", name)};
    }
    statement.arguments.push_back(n);
    statement.argument_count = std::max(statement.argument_count, n);
    if (named.size() < static_cast<size_t>(n)) named.resize(static_cast<size_t>(n));
    named[static_cast<size_t>(n - 1)] = true;
  }
  for (size_t i = 0; i < named.size(); ++i) {
    if (!named[i])
      return Error{Code::kInvalid, fmt::format("${} is not used, but ${} is", i + 1, named.size())};
  }
  return {};
}

Error Refusal(Database& db, int rc) {
  Error error = ErrorOf(db.handle(), rc, "SQL");
  if (db.access().refused().empty()) return error;
  return {Code::kInvalid, db.access().refused()};
}

}  // namespace

Result<std::unique_ptr<PluginStatement>> Compile(Database& db, std::string_view sql) {
  if (sql.find('\0') != std::string_view::npos)
    return Error{Code::kInvalid, "the statement holds a NUL character"};
  if (auto fine = CheckVerb(sql); !fine) return fine.error();
  auto statement = std::make_unique<PluginStatement>();
  const char* rest = nullptr;
  int rc = sqlite3_prepare_v3(db.handle(), sql.data(), static_cast<int>(sql.size()),
                              SQLITE_PREPARE_PERSISTENT, &statement->handle, &rest);
  if (rc != SQLITE_OK) return Refusal(db, rc);
  if (statement->handle == nullptr) return Error{Code::kInvalid, "the statement is empty"};
  // What follows may be blank or a comment: then it compiles to nothing.
  const int left = static_cast<int>(sql.data() + sql.size() - rest);
  PluginStatement second;
  rc = sqlite3_prepare_v3(db.handle(), rest, left, 0, &second.handle, nullptr);
  if (rc != SQLITE_OK || second.handle != nullptr)
    return Error{Code::kInvalid, "more than one statement"};
  if (auto read = ReadParameters(*statement); !read) return read.error();
  statement->reads_only = sqlite3_stmt_readonly(statement->handle) != 0;
  return statement;
}

Result<PluginStatement*> TextCache::Add(std::string_view key, const std::string& sql) {
  auto compiled = Compile(db_, sql);
  if (!compiled) return compiled.error();
  for (auto last = order_.end(); order_.size() >= most_ && last != order_.begin();) {
    --last;
    if (last->statement->busy) continue;
    places_.erase(last->key);
    last = order_.erase(last);
  }
  order_.push_front(Entry{std::string(key), std::move(*compiled)});
  places_.emplace(order_.front().key, order_.begin());
  return order_.front().statement.get();
}

}  // namespace reprise::runtime::sqlite
