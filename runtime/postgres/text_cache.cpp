#include "postgres/text_cache.h"

namespace reprise::runtime::postgres {

Result<PluginStatement*> TextCache::Find(std::string_view key, std::string_view sql) {
  if (const auto it = places_.find(key); it != places_.end()) {
    order_.splice(order_.begin(), order_, it->second);
    return &it->second->statement;
  }
  auto text = ReadStatement(sql);
  if (!text) return text.error();
  while (order_.size() >= most_) {
    Drop(order_.back().statement);
    places_.erase(order_.back().key);
    order_.pop_back();
  }
  order_.push_front(Entry{std::string(key), {*text, {}}});
  places_.emplace(order_.front().key, order_.begin());
  return &order_.front().statement;
}

void TextCache::Drop(const PluginStatement& statement) {
  for (const auto& [types, prepared] : statement.prepared) {
    if (prepared.session != db_.session() || !db_.connected()) continue;
    if (db_.state() != PQTRANS_INERROR) (void)db_.Execute("DEALLOCATE " + prepared.name);
  }
}

}  // namespace reprise::runtime::postgres
