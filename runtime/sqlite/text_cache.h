/// Plugins' statements, prepared once per text; the least recently used one goes.
#pragma once

#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sqlite/database.h"

namespace reprise::runtime::sqlite {

/// A compiled statement of a plugin.
struct PluginStatement {
  PluginStatement() = default;
  PluginStatement(const PluginStatement&) = delete;
  PluginStatement& operator=(const PluginStatement&) = delete;
  ~PluginStatement() { sqlite3_finalize(handle); }

  sqlite3_stmt* handle = nullptr;
  std::vector<int> arguments;  // of parameter i + 1: `$n` is n, `$rows` is kRowsArgument
  int argument_count = 0;
  bool reads_only = false;
  bool busy = false;  // being stepped: a row's callback may run the same text again
  static constexpr int kRowsArgument = -1;
};

/// Compiles exactly one statement, refused unless a plugin may run it.
Result<std::unique_ptr<PluginStatement>> Compile(Database& db, std::string_view sql);

class TextCache {
 public:
  explicit TextCache(Database& db, size_t most = 500) : db_(db), most_(most) {}

  /// Valid until the next Find, unless busy.
  template <class Write>
  Result<PluginStatement*> Find(std::string_view key, Write write) {
    if (const auto it = places_.find(key); it != places_.end()) {
      order_.splice(order_.begin(), order_, it->second);
      return it->second->statement.get();
    }
    Result<std::string> sql = write();
    if (!sql) return sql.error();
    return Add(key, *sql);
  }

 private:
  struct Entry {
    std::string key;
    std::unique_ptr<PluginStatement> statement;
  };
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  Result<PluginStatement*> Add(std::string_view key, const std::string& sql);

  Database& db_;
  const size_t most_;
  std::list<Entry> order_;
  std::unordered_map<std::string_view, std::list<Entry>::iterator, Hash, std::equal_to<>> places_;
};

}  // namespace reprise::runtime::sqlite
