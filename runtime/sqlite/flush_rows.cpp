#include "sqlite/flush_rows.h"

#include <algorithm>

#include "sqlite/rows.h"

namespace reprise::runtime::sqlite {
namespace {

void Put(sqlite3_context* out, std::int64_t value) {
  sqlite3_result_int64(out, value);
}
void Put(sqlite3_context* out, Time t) {
  if (t != Time{}) Put(out, ToMillis(t));
}
void Put(sqlite3_context* out, const Uuid& id) {
  if (!id.nil()) sqlite3_result_blob(out, id.bytes.data(), 16, SQLITE_STATIC);
}
void Put(sqlite3_context* out, std::string_view text) {
  sqlite3_result_text64(out, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
}
void PutFilled(sqlite3_context* out, std::string_view text) {
  if (!text.empty()) Put(out, text);
}
void PutMore(sqlite3_context* out, Json more, std::string& keep) {
  if (!more) return;
  keep = std::move(*more);
  Put(out, std::string_view(keep));
}

}  // namespace

// The columns are those of the tables in schema.cpp.  What is not put is NULL.

void SagaRows::Column(sqlite3_context* out, size_t row, int column) {
  const Saga& s = rows[row]->saga;
  switch (column) {
    case 0:
      return Put(out, s.id);
    case 1:
      return Put(out, rows[row]->plan);
    case 2:
      return Put(out, static_cast<std::int64_t>(s.state));
    case 3:
      return Put(out, s.open);
    case 4:
      return Put(out, static_cast<std::int64_t>(FlagsOf(s)));
    case 5:
      return Put(out, s.created);
    case 6:
      return Put(out, s.changed);
    case 7:
      return Put(out, s.ended);
    case 8:
      return PutFilled(out, s.subject);
    case 9:
      return PutFilled(out, s.code);
    case 10:
      return PutMore(out, MoreOf(s), more_);
    case 11:
      return Put(out, root_.Of(s.root.object()));
    default:
      return;
  }
}

void StepRows::Column(sqlite3_context* out, size_t row, int column) {
  const StepRow& r = *rows[row];
  switch (column) {
    case 0:  // nil too: part of the key
      return sqlite3_result_blob(out, r.saga.bytes.data(), 16, SQLITE_STATIC);
    case 1:
      return Put(out, std::int64_t{r.step});
    case 2:
      return Put(out, r.item);
    case 3:
      return Put(out, static_cast<std::int64_t>(r.state));
    case 4:
      return Put(out, std::int64_t{r.attempt});
    case 5:
      return Put(out, std::int64_t{r.timers});
    case 6:
      return Put(out, r.began);
    case 7:
      return Put(out, r.done);
    case 8:
      return Put(out, r.do_id);
    case 9:
      return PutFilled(out, r.memo);
    case 10:
      return r.added.empty() ? void() : Put(out, added_.Of(r.added));
    case 11:
      return PutMore(out, MoreOf(r), more_);
    default:
      return;
  }
}

void DueRows::Column(sqlite3_context* out, size_t row, int column) {
  const Due& d = *rows[row].due;
  switch (column) {
    case 0:
      return sqlite3_result_blob(out, d.saga.bytes.data(), 16, SQLITE_STATIC);
    case 1:
      return Put(out, std::int64_t{d.step});
    case 2:
      return Put(out, d.item);
    case 3:
      return Put(out, static_cast<std::int64_t>(d.kind));
    case 4:
      return Put(out, std::string_view(d.event.c_str(), d.event.size()));
    case 5:
      return Put(out, ToMillis(d.due));
    case 6:
      return Put(out, rows[row].plan);
    case 7:
      return d.added.empty() ? void() : Put(out, added_.Of(d.added));
    case 8:
      return PutFilled(out, d.line);
    default:
      return;
  }
}

}  // namespace reprise::runtime::sqlite
