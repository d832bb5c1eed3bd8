/// The push plugin's settings and tables.
#pragma once

#include <string>
#include <string_view>

#include <reprise/plugin.hpp>

namespace push {

using namespace reprise;

struct Settings {
  std::string notion_url, notion_token, notion_database;
  std::string notion_version = "2025-09-03";
  std::string alerts_topic = "alerts";
  static void Describe(auto& d) {
    d("notion_url", &Settings::notion_url,
      "base of Notion's API, without path; empty: alerts go to the log and to `alerts_topic`");
    d("notion_token", &Settings::notion_token, "the integration's token").Secret();
    d("notion_database", &Settings::notion_database,
      "the data source that gets the pages; the database before version 2025-09-03");
    d("notion_version", &Settings::notion_version, "sent as Notion-Version");
    d("alerts_topic", &Settings::alerts_topic,
      "embedded, the file <journal>.topics/<alerts_topic>.jsonl; empty: only the log");
  }
};

class Push : public Plugin<Settings> {
 public:
  static constexpr About kAbout{"push", "1.0.0", "Tells customers over SSE, and people in charge."};
  static constexpr Migration kMigrations[] = {
      {1,
       "CREATE TABLE push_user ("
       "  user_id TEXT NOT NULL, seq INTEGER NOT NULL, event TEXT NOT NULL, data TEXT NOT NULL,"
       "  at INTEGER NOT NULL, PRIMARY KEY (user_id, seq)"
       ") STRICT, WITHOUT ROWID",
       "CREATE TABLE push_user ("
       "  user_id text NOT NULL, seq bigint NOT NULL, event text NOT NULL, data text NOT NULL,"
       "  at bigint NOT NULL, PRIMARY KEY (user_id, seq))"},
      {2,
       "CREATE TABLE push_told ("
       "  user_id TEXT NOT NULL, about TEXT NOT NULL, version INTEGER NOT NULL, at INTEGER NOT "
       "NULL,"
       "  PRIMARY KEY (user_id, about)"
       ") STRICT, WITHOUT ROWID",
       "CREATE TABLE push_told ("
       "  user_id text NOT NULL, about text NOT NULL, version bigint NOT NULL, at bigint NOT NULL,"
       "  PRIMARY KEY (user_id, about))"},
  };

  Status Start(Context&) override {
    if (settings().notion_url.empty()) return {};
    if (settings().notion_token.empty() || settings().notion_database.empty()) {
      return Error{Code::kInvalid,
                   "push.notion_url is set, so notion_token and notion_database must be too"};
    }
    return {};
  }
};

}  // namespace push
