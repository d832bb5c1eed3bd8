// Plugins' SQL on the embedded engine: a value comes back as it was or is refused, and no statement
// ends the transaction that it runs in.
#include <cstring>

#include <sqlite3.h>

#include "fuzz/fuzz.h"
#include "sqlite/engine.h"

namespace {
using namespace reprise::runtime;
using reprise::fuzz::Must;

/// A statement without end is an author's own affair too: SQLite ends it.
int g_thousands = 0;

int Bound(sqlite3* db, const char**, const sqlite3_api_routines*) {
  const auto enough = [](void*) { return static_cast<int>(++g_thousands > 1000); };
  sqlite3_progress_handler(db, 1000, enough, nullptr);
  return SQLITE_OK;
}

SqliteEngine& Engine() {
  static const std::unique_ptr<SqliteEngine> engine = [] {
    sqlite3_hard_heap_limit64(std::int64_t{256} << 20);  // zeroblob(1e9) is an author's own affair
    sqlite3_auto_extension(reinterpret_cast<void (*)()>(&Bound));
    auto opened = SqliteEngine::Open({.file = ":memory:"});
    Must(opened.ok(), "an engine in memory opens");
    const Status made = (*opened)->journal().Migrate(std::vector<Journal::PluginMigration>{
        {"shop", 1, "CREATE TABLE shop(id INTEGER PRIMARY KEY, v)"}});
    Must(made.ok(), "its table is made");
    return std::move(*opened);
  }();
  return *engine;
}

std::unique_ptr<Transaction> Begin() {
  g_thousands = 0;
  auto begun = Engine().journal().Begin();
  Must(begun.ok(), "a transaction begins");
  return std::move(*begun);
}

void Value(const SqlValue& value, bool may_refuse) {
  const auto tx = Begin();
  const auto put = tx->sql().Run("INSERT INTO shop VALUES(1, $1)", {&value, 1}, {});
  Must(put.ok() || may_refuse, "a value is stored");
  if (!put) return;
  bool same = false;
  const auto got = tx->sql().Run("SELECT v FROM shop", {}, [&](std::span<const SqlValue> row) {
    const SqlValue& v = row[0];
    same = v.type == value.type && v.text == value.text && v.integer == value.integer &&
           v.real == value.real;
  });
  Must(got.ok() && same, "a value comes back as it was");
}

void Number(std::string_view bytes) {
  SqlValue integer{.type = SqlValue::kInteger}, real{.type = SqlValue::kReal};
  if (bytes.size() < 8) return Value({}, false);
  std::memcpy(&integer.integer, bytes.data(), 8);
  std::memcpy(&real.real, bytes.data(), 8);
  Value(integer, false);
  if (real.real == real.real) Value(real, false);  // plugin/ lets no NaN through
}

void Statement(std::string_view sql) {
  for (const bool in_rows : {false, true}) {
    {
      const auto tx = Begin();
      Must(tx->sql().Run("INSERT INTO shop VALUES(77, 'mark')", {}, {}).ok(), "a mark is put");
      const std::string_view columns[] = {"a"};
      const SqlValue cells[] = {{.type = SqlValue::kText, .text = "x"}};
      if (in_rows) {
        (void)tx->sql().RunRows(sql, columns, cells, {});
      } else {
        (void)tx->sql().Run(sql, {}, [](std::span<const SqlValue>) {});
      }
      g_thousands = 0;  // for the rollback and the count, which SQLite is not to end
    }
    std::int64_t left = -1;
    const auto counted = Engine().journal().reads().Run(
        "SELECT count(*) FROM shop", {},
        [&](std::span<const SqlValue> row) { left = row[0].integer; });
    Must(counted.ok() && left == 0, "no statement commits, and the table is still there");
  }
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto [which, rest] = reprise::fuzz::Choose(data, size, 4);
  if (which == 0) {
    Value({.type = SqlValue::kText, .text = rest}, rest.find('\0') != std::string_view::npos);
  } else if (which == 1) {
    Value({.type = SqlValue::kBlob, .text = rest}, false);
  } else if (which == 2) {
    Number(rest);
  } else {
    Statement(rest);
  }
  return 0;
}
