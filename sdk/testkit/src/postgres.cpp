#include "postgres.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <stdexcept>
#include <utility>

namespace reprise::testkit {
namespace {

/// What an SQLSTATE means to a plugin: the first beginning that fits.
Code CodeOf(std::string_view sqlstate) {
  struct Meaning {
    std::string_view begins;
    Code code;
  };
  constexpr std::array kMeanings{
      Meaning{"53200", Code::kUnavailable},  // out of memory, as other resources
      Meaning{"25006", Code::kInvalid},      // a write where only reading is allowed
      Meaning{"42", Code::kInvalid},         // SQL
      Meaning{"22", Code::kInvalid},         // values
      Meaning{"21", Code::kInvalid},         // more than one row
      Meaning{"0A", Code::kInvalid},         // not supported
      Meaning{"54", Code::kInvalid},         // too complex
      Meaning{"23", Code::kConflict},        // constraints
      Meaning{"40", Code::kUnavailable},     // deadlock, serialization
      Meaning{"08", Code::kUnavailable},     // connection
      Meaning{"53", Code::kUnavailable},     // resources
      Meaning{"55", Code::kUnavailable},     // locks
      Meaning{"57", Code::kUnavailable},     // ended by hand, or by a limit
  };
  if (sqlstate.empty()) return Code::kUnavailable;
  for (const Meaning& meaning : kMeanings) {
    if (sqlstate.starts_with(meaning.begins)) return meaning.code;
  }
  return Code::kInternal;
}

/// Nothing in the statement, or more than one thing, says what type a NULL has.
bool IsUnknownType(std::string_view sqlstate) {
  return sqlstate == "42P18" || sqlstate == "42P08";
}

std::string Trimmed(const char* text) {
  std::string out = text == nullptr ? "" : text;
  while (!out.empty() && (out.back() == '\n' || out.back() == ' ')) out.pop_back();
  return out;
}

[[noreturn]] void ThrowAbout(const std::string& why) {
  throw std::runtime_error("REPRISE_TESTKIT_POSTGRES: " + why);
}

/// libpq's own message about a connection string may quote the password in it.
void CheckWhere(const std::string& where) {
  const Libpq& pq = Libpq::Get();
  char* why = nullptr;
  void* const parsed = pq.parse(where.c_str(), &why);
  if (why != nullptr) pq.free_text(why);
  if (parsed == nullptr)
    ThrowAbout("it is no connection string; postgresql://user@host:port/database is one");
  pq.free_parsed(parsed);
}

/// The type of a column by its cells; kPgUntyped if all are NULL.
Result<Oid> TypeOfColumn(std::span<const reprise_value> cells, std::size_t column,
                         std::size_t width) {
  Oid type = kPgUntyped;
  for (std::size_t at = column; at < cells.size(); at += width) {
    const Oid here = PgTypeOf(cells[at]);
    if (here == kPgUntyped || here == type) continue;
    const bool numbers =
        (here == kPgInt8 || here == kPgFloat8) && (type == kPgInt8 || type == kPgFloat8);
    if (type != kPgUntyped && !numbers)
      return Error{Code::kInvalid, "a column holds values of more than one type"};
    type = numbers ? kPgFloat8 : here;
  }
  return type;
}

PgParams ParamsOf(std::span<const reprise_value> cells, const std::vector<Oid>& columns) {
  PgParams params;
  for (std::size_t i = 0; i < columns.size(); ++i)
    params.AddColumn(cells, i, columns.size(), columns[i]);
  return params;
}

}  // namespace

PostgresDatabase::PostgresDatabase(const std::string& where) {
  CheckWhere(where);
  const Libpq& pq = Libpq::Get();
  // What `where` says of the timeout stands behind this, and wins.
  const std::array<const char*, 4> names{"connect_timeout", "dbname", "client_encoding", nullptr};
  const std::array<const char*, 4> values{"10", where.c_str(), "UTF8", nullptr};
  session_.reset(pq.connect(names.data(), values.data(), 1));
  if (session_ == nullptr || pq.status(session_.get()) != Libpq::kConnected)
    ThrowAbout("cannot connect: " + Trimmed(session_ ? pq.session_error(session_.get()) : ""));
  // One session is one Host; plans are the cluster's, which avoids scans of whole tables.
  const std::string schema = "kit_" + std::to_string(pq.backend(session_.get()));
  try {
    Send("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; CREATE SCHEMA " + schema +
         "; SET LOCAL search_path = " + schema +
         "; SET LOCAL standard_conforming_strings = on; SET LOCAL enable_seqscan = off;"
         " SET LOCAL jit = off; SET LOCAL statement_timeout = '30s'");
  } catch (const std::runtime_error& e) {
    ThrowAbout(e.what());
  }
}

PostgresDatabase::Refusal PostgresDatabase::RefusalOf(const PgAnswer& answer) const {
  const Libpq& pq = Libpq::Get();
  Refusal out;
  out.sqlstate = Trimmed(pq.error_field(answer.get(), Libpq::kSqlState));
  if (out.sqlstate.empty()) {
    out.error = {Code::kUnavailable, "PostgreSQL: " + Trimmed(pq.session_error(session_.get()))};
    return out;
  }
  const std::string position = Trimmed(pq.error_field(answer.get(), Libpq::kPosition));
  std::from_chars(position.data(), position.data() + position.size(), out.position);
  out.error = {CodeOf(out.sqlstate),
               "PostgreSQL: " + Trimmed(pq.error_field(answer.get(), Libpq::kMessage)) +
                   " (SQLSTATE " + out.sqlstate + ")"};
  return out;
}

void PostgresDatabase::Execute(const std::string& sql) {
  first_ += sql + ";";
}

void PostgresDatabase::Send(const std::string& sql) {
  const Libpq& pq = Libpq::Get();
  const PgAnswer answer(pq.execute(session_.get(), sql.c_str()));
  if (pq.result_status(answer.get()) == Libpq::kCommandDone ||
      pq.result_status(answer.get()) == Libpq::kRowsDone)
    return;
  throw std::runtime_error(RefusalOf(answer).error.message + " in: " + sql);
}

void PostgresDatabase::Migrate(const reprise_migration& migration) {
  const std::string_view own = detail::FromAbi(migration.postgres);
  const std::string sql(own.empty() ? detail::FromAbi(migration.sql) : own);
  if (const Status fine = CheckScript(sql); !fine)
    throw std::runtime_error(fine.error().message + " in: " + sql);
  Send(std::exchange(first_, {}) + sql);
}

// ---------------------------------------------------------------- statements

std::optional<PostgresDatabase::Refusal> PostgresDatabase::Try(const PgParams& params,
                                                               const std::string& sql,
                                                               PgAnswer& answer) {
  const Libpq& pq = Libpq::Get();
  Execute("SAVEPOINT statement");
  if (!writes_) Execute("SET LOCAL transaction_read_only = on");
  Send(std::exchange(first_, {}));
  answer = params.Execute(session_.get(), sql);
  const int status = pq.result_status(answer.get());
  std::optional<Refusal> refusal;
  if (status != Libpq::kCommandDone && status != Libpq::kRowsDone) refusal = RefusalOf(answer);
  if (refusal && refusal->sqlstate.empty()) return refusal;  // there is no session any more
  const bool keep = !refusal && writes_;
  Execute(keep ? "RELEASE statement" : "ROLLBACK TO statement; RELEASE statement");
  return refusal;
}

/// Types that the values leave open are the server's to find out; where it cannot, they are tried.
std::optional<PostgresDatabase::Refusal> PostgresDatabase::TryTypes(
    std::span<const reprise_value> args, std::vector<Oid> types, const std::string& sql,
    PgAnswer& answer) {
  const auto attempt = [&] {
    PgParams params;
    for (std::size_t i = 0; i < args.size(); ++i) params.Add(args[i], types[i]);
    return Try(params, sql, answer);
  };
  std::optional<Refusal> refusal = attempt();
  const bool open = std::find(types.begin(), types.end(), kPgUntyped) != types.end();
  if (!refusal || !open || !IsUnknownType(refusal->sqlstate)) return refusal;
  for (const Oid guess : {kPgText, kPgInt8, kPgFloat8, kPgBytea}) {
    for (std::size_t i = 0; i < args.size(); ++i) {
      if (args[i].type == REPRISE_NULL) types[i] = guess;
    }
    if (!attempt()) return std::nullopt;
  }
  return refusal;
}

Result<std::int64_t> PostgresDatabase::Hand(const PgAnswer& answer, const RowFn& on_row) {
  const Libpq& pq = Libpq::Get();
  std::vector<reprise_value> row(static_cast<std::size_t>(pq.columns(answer.get())));
  for (int i = 0; on_row && i < pq.rows(answer.get()); ++i) {
    std::deque<std::string> keep;
    for (std::size_t column = 0; column < row.size(); ++column) {
      const auto value = PgCell(answer.get(), i, static_cast<int>(column), keep);
      if (!value) return value.error();
      row[column] = *value;
    }
    on_row(row);
  }
  std::int64_t changed = 0;
  const std::string text = Trimmed(pq.changed(answer.get()));
  std::from_chars(text.data(), text.data() + text.size(), changed);
  return std::string_view(pq.tag(answer.get())).starts_with("SELECT") ? 0 : changed;
}

Result<std::int64_t> PostgresDatabase::Run(std::string_view sql,
                                           std::span<const reprise_value> args,
                                           const RowFn& on_row) {
  const Result<SqlText> text = ReadStatement(sql);
  if (!text) return text.error();
  if (text->has_rows) return Error{Code::kInvalid, "$rows is for QueryRows"};
  if (static_cast<std::size_t>(text->parameters) != args.size()) {
    return Error{Code::kInvalid, "the statement has " + std::to_string(text->parameters) +
                                     " parameters, " + std::to_string(args.size()) + " came"};
  }
  std::vector<Oid> types;
  for (const reprise_value& arg : args) types.push_back(PgTypeOf(arg));
  PgAnswer answer;
  if (auto refusal = TryTypes(args, types, std::string(sql), answer)) return refusal->error;
  return Hand(answer, on_row);
}

/// A column of NULLs is tried as each type, the first as a bigint, which goes by itself into texts
/// and numbers; the server's complaints come from left to right and say how far a try has got.
Result<std::int64_t> PostgresDatabase::RunRows(std::string_view sql,
                                               std::span<const reprise_str> columns,
                                               std::span<const reprise_value> cells,
                                               const RowFn& on_row) {
  if (columns.empty() || cells.size() % columns.size() != 0)
    return Error{Code::kInvalid, "ragged rows"};
  const Result<SqlText> text = ReadStatement(sql);
  if (!text) return text.error();
  if (!text->has_rows || text->parameters != 0)
    return Error{Code::kInvalid, "QueryRows wants $rows exactly once, and no other parameters"};
  std::vector<Oid> types;
  std::vector<std::size_t> open;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const Result<Oid> type = TypeOfColumn(cells, i, columns.size());
    if (!type) return type.error();
    if (*type == kPgUntyped) open.push_back(i);
    types.push_back(*type == kPgUntyped ? kPgInt8 : *type);
  }
  const std::string whole = ExpandRows(sql, columns);
  PgAnswer answer;
  std::optional<Refusal> refusal = Try(ParamsOf(cells, types), whole, answer);
  for (std::size_t turn = 0; refusal && turn < open.size(); ++turn) {
    for (const std::size_t i : open) {
      for (const Oid guess : {kPgInt8, kPgText, kPgBytea, kPgFloat8}) {
        if (!refusal || guess == types[i]) continue;
        const Oid before = std::exchange(types[i], guess);
        auto next = Try(ParamsOf(cells, types), whole, answer);
        if (next && next->position <= refusal->position)
          types[i] = before;
        else
          refusal = std::move(next);
      }
    }
  }
  if (refusal) return refusal->error;
  return Hand(answer, on_row);
}

// ---------------------------------------------------------------- tables

std::vector<std::string> PostgresDatabase::Names(const std::string& sql,
                                                 std::span<const reprise_value> args) {
  PgAnswer answer;
  std::vector<std::string> names;
  const auto refusal = TryTypes(args, std::vector<Oid>(args.size(), kPgText), sql, answer);
  if (refusal) throw std::runtime_error(refusal->error.message);
  Must(Hand(answer, Into(names)), sql);
  return names;
}

std::vector<std::string> PostgresDatabase::Tables() {
  return Names(
      "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace"
      " AND relkind IN ('r', 'p') ORDER BY relname COLLATE \"C\"",
      {});
}

std::vector<std::string> PostgresDatabase::Columns(std::string_view table) {
  const std::array<reprise_value, 1> args{detail::TextValue(REPRISE_TEXT, table)};
  return Names(
      "SELECT attname FROM pg_attribute WHERE attrelid = quote_ident($1)::regclass"
      " AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
      args);
}

}  // namespace reprise::testkit
