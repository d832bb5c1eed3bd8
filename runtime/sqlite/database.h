/// Database: the one SQLite connection, its prepared statements, and what a failure is called.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include <sqlite3.h>

#include "base/ids.h"
#include "base/result.h"
#include "base/time.h"
#include "sqlite/access.h"
#include "sqlite/row_source.h"

namespace reprise::runtime::sqlite {

/// What SQLite's extended result code means to a caller.
Code CodeOf(int extended);

/// "doing: <SQLite's message> (SQLite code 2067)".
Error ErrorOf(sqlite3* db, int rc, std::string_view doing);

struct Blob {
  std::string_view bytes;
};

inline std::string_view TextOf(sqlite3_stmt* s, int column) {
  const void* data = sqlite3_column_blob(s, column);  // of a text: its UTF-8 bytes
  const int size = sqlite3_column_bytes(s, column);
  return data == nullptr
             ? std::string_view{}
             : std::string_view(static_cast<const char*>(data), static_cast<size_t>(size));
}

/// Of what is bound by its address.
template <class T>
inline constexpr bool kOwnsBytes = std::is_same_v<T, std::string> || std::is_same_v<T, Uuid>;
template <class T>
inline constexpr bool kOwnsBytes<std::optional<T>> = kOwnsBytes<T>;

/// One use of a prepared statement; the end of its scope resets it.
/// What is bound must live until then.
class Cursor {
 public:
  Cursor(sqlite3* db, sqlite3_stmt* statement, bool owned, int failed)
      : db_(db), statement_(statement), owned_(owned), rc_(failed) {}
  Cursor(const Cursor&) = delete;
  Cursor& operator=(const Cursor&) = delete;
  ~Cursor() {
    if (statement_ == nullptr) return;
    owned_ ? sqlite3_finalize(statement_) : sqlite3_reset(statement_);
  }

  template <class... A>
  Cursor& Bind(A&&... values) {
    static_assert((!(kOwnsBytes<std::remove_cvref_t<A>> && !std::is_lvalue_reference_v<A>)&&...),
                  "SQLite keeps a pointer to what is bound: a temporary would be gone by then");
    if (statement_ != nullptr) (One(++bound_, values), ...);
    return *this;
  }

  /// The first and only parameter is a table of rows.
  void BindRows(RowSource* rows) {
    if (statement_ != nullptr) BindSource(statement_, 1, rows);
  }

  /// The next row, as SQLITE_ROW or SQLITE_DONE, or an error's code.  For the hot paths.
  int Raw() { return statement_ == nullptr ? rc_ : rc_ = sqlite3_step(statement_); }
  Result<bool> Next();  // whether there is a row
  Status Run();         // to the end
  /// Ready for the next row of values.
  void Again() {
    if (statement_ != nullptr) sqlite3_reset(statement_);
    bound_ = 0;
  }
  Error Failure() const { return ErrorOf(db_, rc_, "journal"); }

  bool Null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }
  std::int64_t Int(int column) const { return sqlite3_column_int64(statement_, column); }
  std::string_view Text(int column) const { return TextOf(statement_, column); }
  std::string String(int column) const { return std::string(Text(column)); }
  Uuid Id(int column) const { return Uuid::FromBytes(Text(column)).value_or(Uuid{}); }
  Time At(int column) const { return FromMillis(Int(column)); }  // NULL: zero

 private:
  void One(int i, std::nullptr_t) { sqlite3_bind_null(statement_, i); }
  void One(int i, std::int64_t v) { sqlite3_bind_int64(statement_, i, v); }
  void One(int i, int v) { sqlite3_bind_int64(statement_, i, v); }
  void One(int i, std::uint32_t v) { sqlite3_bind_int64(statement_, i, v); }
  void One(int i, bool v) { sqlite3_bind_int64(statement_, i, v ? 1 : 0); }
  void One(int i, std::uint16_t v) { sqlite3_bind_int64(statement_, i, v); }
  void One(int i, std::string_view v) {
    sqlite3_bind_text64(statement_, i, v.data() == nullptr ? "" : v.data(), v.size(), SQLITE_STATIC,
                        SQLITE_UTF8);
  }
  void One(int i, const std::string& v) { One(i, std::string_view(v)); }
  void One(int i, const char* v) { One(i, std::string_view(v)); }
  void One(int i, Blob v) {
    sqlite3_bind_blob64(statement_, i, v.bytes.data(), v.bytes.size(), SQLITE_STATIC);
  }
  void One(int i, const Uuid& v) {
    sqlite3_bind_blob(statement_, i, v.bytes.data(), 16, SQLITE_STATIC);
  }
  template <class T>
  void One(int i, const std::optional<T>& v) {
    v ? One(i, *v) : One(i, nullptr);
  }

  sqlite3* db_;
  sqlite3_stmt* statement_;
  bool owned_;
  int rc_;
  int bound_ = 0;
};

class Database {  // Threads: one at a time.
 public:
  explicit Database(sqlite3* handle);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  sqlite3* handle() const { return handle_; }
  Access& access() { return access_; }

  /// A statement of ours, prepared once: `sql` is a literal, its address is the key.
  Cursor Use(const char* sql);
  /// A statement made for one use.
  Cursor Once(const std::string& sql);
  /// Any number of statements without values.
  Status Execute(const char* sql);

  /// No transaction is open: there never was one, or SQLite has rolled it back by itself.
  bool autocommit() const { return sqlite3_get_autocommit(handle_) != 0; }

 private:
  sqlite3* handle_;
  Access access_;
  std::unordered_map<const void*, sqlite3_stmt*> prepared_;
};

/// Zero is not a time and nil is not an id: neither is stored.
inline std::optional<std::int64_t> Stamp(Time t) {
  return t == Time{} ? std::nullopt : std::optional(ToMillis(t));
}
/// A view of `id`, which must outlive the statement.
inline std::optional<Blob> Known(const Uuid& id) {
  if (id.nil()) return std::nullopt;
  return Blob{{reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()}};
}
std::optional<Blob> Known(Uuid&&) = delete;
inline std::optional<std::string_view> Filled(std::string_view text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

}  // namespace reprise::runtime::sqlite
