#include "postgres/plugin_sql.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "postgres/sqlstate.h"
#include "postgres/values.h"

namespace reprise::runtime::postgres {
namespace {

constexpr std::size_t kRowColumnsMax = 64;

/// What a column of NULLs may be: a bigint goes by itself into texts and numbers.
constexpr std::array kGuesses{kInt8, kText, kBytea, kFloat8};

/// The type of a column by its cells; kUntyped if all are NULL.
Result<Oid> TypeOfColumn(std::span<const SqlValue> cells, std::size_t column, std::size_t width) {
  Oid type = kUntyped;
  for (std::size_t at = column; at < cells.size(); at += width) {
    const Oid here = TypeOf(cells[at]);
    if (here == kUntyped || here == type) continue;
    const bool numbers = (here == kInt8 || here == kFloat8) && (type == kInt8 || type == kFloat8);
    if (type != kUntyped && !numbers)
      return Error{Code::kInvalid, "a column holds values of more than one type"};
    type = numbers ? kFloat8 : here;
  }
  return type;
}

/// Array types of a statement for many rows, plain types of others.
Oid Guess(Oid guess, bool arrays) {
  return arrays ? ArrayOf(guess) : guess;
}

}  // namespace

Status PluginSql::Ready() const {
  if (lost_) return *lost_;
  if (spoiled_) {
    return Error{Code::kConflict,
                 "an earlier statement of this attempt failed; nothing more can be done in it"};
  }
  return {};
}

Result<std::int64_t> PluginSql::Run(std::string_view sql, std::span<const SqlValue> args,
                                    const SqlRow& on_row) {
  if (auto ready = Ready(); !ready) return ready.error();
  auto statement = core_.texts.Find(sql, sql);
  if (!statement) return statement.error();
  const SqlText& text = (*statement)->text;
  if (text.has_rows) return Error{Code::kInvalid, "$rows is for statements for many rows"};
  if (static_cast<std::size_t>(text.parameters) != args.size()) {
    return Error{Code::kInvalid, fmt::format("the statement has {} parameters, {} were given",
                                             text.parameters, args.size())};
  }
  if (auto fine = CheckValues(args); !fine) return fine.error();
  std::vector<Oid> types;
  for (const SqlValue& value : args) types.push_back(TypeOf(value));
  auto prepared = Prepare(**statement, types, std::string(sql));
  if (!prepared) return prepared.error();
  Params params;
  for (std::size_t i = 0; i < args.size(); ++i) AddValue(params, args[i], (*prepared)->types[i]);
  return Finish(**statement, **prepared, std::move(params), on_row);
}

Result<std::int64_t> PluginSql::RunRows(std::string_view sql,
                                        std::span<const std::string_view> columns,
                                        std::span<const SqlValue> cells, const SqlRow& on_row) {
  if (auto ready = Ready(); !ready) return ready.error();
  if (columns.empty() || columns.size() > kRowColumnsMax || cells.size() % columns.size() != 0) {
    return Error{Code::kInvalid, fmt::format("{} cells do not fill rows of {} columns (1 to {})",
                                             cells.size(), columns.size(), kRowColumnsMax)};
  }
  std::string key(sql);
  for (std::string_view column : columns) {
    if (column.empty() ||
        column.find_first_of(std::string_view("\"\0", 2)) != std::string_view::npos) {
      return Error{Code::kInvalid, fmt::format("'{}' is not a column's name", column)};
    }
    (key += '\n') += column;
  }
  auto statement = core_.texts.Find(key, sql);
  if (!statement) return statement.error();
  const SqlText& text = (*statement)->text;
  if (!text.has_rows) return Error{Code::kInvalid, "a statement for many rows must name $rows"};
  if (text.parameters != 0)
    return Error{Code::kInvalid, "a statement for many rows has no other parameters"};
  if (auto fine = CheckValues(cells); !fine) return fine.error();
  std::vector<Oid> types;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const auto type = TypeOfColumn(cells, i, columns.size());
    if (!type) return type.error();
    types.push_back(ArrayOf(*type));
  }
  auto prepared = Prepare(**statement, types, ExpandRows(sql, columns));
  if (!prepared) return prepared.error();
  Params params;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const auto element = std::find_if(kGuesses.begin(), kGuesses.end(), [&](Oid type) {
      return ArrayOf(type) == (*prepared)->types[i];
    });
    Column column(element == kGuesses.end() ? kText : *element);
    for (std::size_t at = i; at < cells.size(); at += columns.size()) AddValue(column, cells[at]);
    params.Add(std::move(column));
  }
  return Finish(**statement, **prepared, std::move(params), on_row);
}

// ---------------------------------------------------------------- preparing

Result<PluginSql::Prepared*> PluginSql::Prepare(PluginStatement& statement,
                                                const std::vector<Oid>& types,
                                                const std::string& sql) {
  if (use_ == kReading && statement.text.writes)
    return Error{Code::kInvalid, "outside a transaction SQL may only read"};
  if (auto connected = core_.in_transaction ? Status() : core_.db.Connect(); !connected)
    return connected.error();
  const auto known = statement.prepared.find(types);
  if (known != statement.prepared.end() && known->second.session == core_.db.session())
    return &known->second;
  Prepared fresh{core_.texts.NewName(), types, core_.db.session()};
  if (auto done = PrepareGuessing(fresh.name, fresh.types, sql); !done) return done.error();
  return &(statement.prepared[types] = std::move(fresh));
}

/// Types that the values leave open are the server's to find out; where it cannot, they are tried,
/// and the server's complaints, which come from left to right, say how far a try has got.
Status PluginSql::PrepareGuessing(const std::string& name, std::vector<Oid>& types,
                                  const std::string& sql) {
  const bool arrays = sql.find("unnest($1") != std::string::npos;
  const auto attempt = [&](int& position) -> Status {
    if (auto guard = Guard(); !guard) return guard;
    auto done = core_.db.Prepare(name, sql, types);
    position = done ? 0 : std::max(1, core_.db.refusal().position);
    if (auto ended = EndGuard(done.ok()); !ended) return ended;
    if (!done && lost_) return *lost_;
    return done;
  };
  std::vector<std::size_t> open;
  for (std::size_t i = 0; i < types.size(); ++i) {
    if (types[i] == kUntyped) open.push_back(i);
  }
  if (arrays) {
    for (const std::size_t i : open) types[i] = Guess(kGuesses[0], true);
  }
  int best = 0;
  Status done = attempt(best);
  if (!arrays) {
    if (done || lost_ || open.empty() || !IsUnknownType(core_.db.refusal().sqlstate)) return done;
    for (const Oid guess : {kText, kInt8, kFloat8, kBytea}) {
      for (const std::size_t i : open) types[i] = guess;
      if (const Status tried = attempt(best); tried || lost_) return tried;
    }
    return done;
  }
  for (std::size_t turn = 0; !done && !lost_ && turn < open.size(); ++turn) {
    for (const std::size_t i : open) {
      for (const Oid guess : kGuesses) {
        const Oid before = std::exchange(types[i], Guess(guess, true));
        if (before == types[i]) continue;
        int position = 0;
        done = attempt(position);
        if (done || lost_) return done;
        if (position > best) {
          best = position;
        } else {
          types[i] = before;
        }
      }
    }
  }
  return done;
}

// ---------------------------------------------------------------- running

bool PluginSql::guarded() const {
  return core_.in_transaction && core_.db.connected();
}

Status PluginSql::Guard() {
  if (!guarded()) return {};
  auto done = core_.db.Execute("SAVEPOINT statement");
  if (!done) Lose(done.error());
  return done;
}

Status PluginSql::EndGuard(bool good) {
  if (!core_.in_transaction) return {};
  if (!core_.db.connected()) {
    Lose({Code::kUnavailable, "PostgreSQL: " + core_.db.refusal().message});
    return *lost_;
  }
  auto done =
      core_.db.Execute(good ? "RELEASE statement" : "ROLLBACK TO statement; RELEASE statement");
  if (!done) Lose(done.error());
  return done;
}

/// What a failure while running leaves behind.
Error PluginSql::Failed(Error error) {
  if (!core_.in_transaction) return error;
  if (!core_.db.connected() || error.code == Code::kContended) {
    Lose(error);
  } else if (core_.db.state() == PQTRANS_INERROR) {
    spoiled_ = wrote_ = true;
  } else if (core_.db.state() != PQTRANS_INTRANS) {
    Lose({Code::kInternal, "the transaction was ended by a statement"});
    return *lost_;
  }
  return error;
}

Result<Answer> PluginSql::Execute(const std::string& name, Params& params) {
  const bool alone = careful_ || use_ == kReading;
  if (alone) {
    if (auto guard = Guard(); !guard) return guard.error();
  }
  auto answer = core_.db.RunPrepared(name, params);
  if (alone && (answer.ok() || answer.error().code != Code::kContended)) {
    if (auto ended = EndGuard(answer.ok()); !ended) return ended.error();
  }
  if (!answer) return Failed(answer.error());
  if (core_.in_transaction && core_.db.state() != PQTRANS_INTRANS)
    return Failed({Code::kInternal, "the transaction was ended by a statement"});
  return answer;
}

Result<std::int64_t> PluginSql::Finish(const PluginStatement& statement, const Prepared& prepared,
                                       Params params, const SqlRow& on_row) {
  const bool writes = statement.text.writes;  // a row's callback may make the cache forget it
  auto answer = Execute(prepared.name, params);
  if (!answer) return answer.error();
  const bool selected = answer->tag().starts_with("SELECT");
  wrote_ = wrote_ || (writes && (selected || answer->changed() > 0));
  if (on_row) {
    std::vector<SqlValue> row(static_cast<std::size_t>(answer->columns()));
    for (int i = 0; i < answer->rows(); ++i) {
      std::deque<std::string> keep;
      for (int column = 0; column < answer->columns(); ++column) {
        auto value = ValueAt(*answer, i, column, keep);
        if (!value) return value.error();
        row[static_cast<std::size_t>(column)] = *value;
      }
      on_row(row);
    }
  }
  return selected ? 0 : answer->changed();
}

}  // namespace reprise::runtime::postgres
