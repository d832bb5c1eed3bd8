/// Plugins' statements, prepared once per text and types; the least recently used one goes.
#pragma once

#include <list>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "postgres/database.h"
#include "postgres/sql_text.h"

namespace reprise::runtime::postgres {

/// A text, and what it was prepared as for each list of types it was given.
struct PluginStatement {
  SqlText text;
  struct Prepared {
    std::string name;
    std::vector<Oid> types;  // with those that the given ones left open
    std::int64_t session = 0;
  };
  std::map<std::vector<Oid>, Prepared> prepared;
};

class TextCache {
 public:
  explicit TextCache(Database& db, std::size_t most = 500) : db_(db), most_(most) {}

  /// Reads the text if it is new.  Valid until the next Find.
  Result<PluginStatement*> Find(std::string_view key, std::string_view sql);
  std::string NewName() { return "sql_" + std::to_string(++last_); }

 private:
  struct Entry {
    std::string key;
    PluginStatement statement;
  };
  void Drop(const PluginStatement& statement);

  Database& db_;
  const std::size_t most_;
  std::int64_t last_ = 0;
  std::list<Entry> order_;
  std::unordered_map<std::string_view, std::list<Entry>::iterator> places_;
};

}  // namespace reprise::runtime::postgres
