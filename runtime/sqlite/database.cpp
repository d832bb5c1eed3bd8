#include "sqlite/database.h"

#include <fmt/format.h>

namespace reprise::runtime::sqlite {

Code CodeOf(int extended) {
  if (extended == SQLITE_CONSTRAINT_DATATYPE) return Code::kInvalid;
  switch (extended & 0xFF) {
    case SQLITE_OK:
      return Code::kOk;
    case SQLITE_CONSTRAINT:
      return Code::kConflict;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_FULL:
      return Code::kUnavailable;
    case SQLITE_ERROR:
    case SQLITE_AUTH:
    case SQLITE_MISUSE:
    case SQLITE_RANGE:
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG:
      return Code::kInvalid;
    default:
      return Code::kInternal;
  }
}

Error ErrorOf(sqlite3* db, int rc, std::string_view doing) {
  const int extended = db == nullptr ? rc : sqlite3_extended_errcode(db);
  const bool same = (extended & 0xFF) == (rc & 0xFF);  // else the message is of another call
  const char* words = db != nullptr && same ? sqlite3_errmsg(db) : sqlite3_errstr(rc);
  const int number = same ? extended : rc;
  return {CodeOf(number), fmt::format("{}: {} (SQLite code {})", doing, words, number)};
}

Result<bool> Cursor::Next() {
  const int rc = Raw();
  if (rc == SQLITE_ROW) return true;
  if (rc == SQLITE_DONE) return false;
  return Failure();
}

Status Cursor::Run() {
  int rc = Raw();
  while (rc == SQLITE_ROW) rc = Raw();
  if (rc != SQLITE_DONE) return Failure();
  return {};
}

Database::Database(sqlite3* handle) : handle_(handle) {
  access_.Install(handle);
}

Database::~Database() {
  for (const auto& [sql, statement] : prepared_) sqlite3_finalize(statement);
  sqlite3_close_v2(handle_);
}

Cursor Database::Use(const char* sql) {
  sqlite3_stmt*& statement = prepared_[sql];
  if (statement == nullptr) {
    const int rc =
        sqlite3_prepare_v3(handle_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (rc != SQLITE_OK) return Cursor(handle_, nullptr, false, rc);
  }
  return Cursor(handle_, statement, false, SQLITE_OK);
}

Cursor Database::Once(const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  const int rc = sqlite3_prepare_v3(handle_, sql.c_str(), -1, 0, &statement, nullptr);
  return Cursor(handle_, statement, true, rc);
}

Status Database::Execute(const char* sql) {
  const int rc = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
  if (rc != SQLITE_OK) return ErrorOf(handle_, rc, "journal");
  return {};
}

}  // namespace reprise::runtime::sqlite
