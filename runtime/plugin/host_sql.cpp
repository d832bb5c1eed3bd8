#include <array>
#include <cmath>

#include <fmt/format.h>

#include "base/utf8.h"
#include "plugin/context.h"
#include "plugin/host.h"
#include "plugin/names.h"

namespace reprise::runtime::host {
namespace {

constexpr unsigned kWithSql = kCallDo | kCallUndo | kCallReconcile | kCallStart | kCallQuestion;
constexpr std::size_t kCellsMax = 1'000'000;

/// A plugin's value for the database; false where a database could not hold it.
bool ToSql(const reprise_value& value, SqlValue& out) {
  out = {};
  switch (value.type) {
    case REPRISE_NULL:
      return true;
    case REPRISE_INT:
    case REPRISE_DURATION:
      out.type = SqlValue::kInteger;
      out.integer = value.as.integer;
      return true;
    case REPRISE_BOOL:
      out.type = SqlValue::kInteger;
      out.integer = value.as.integer != 0 ? 1 : 0;
      return true;
    case REPRISE_REAL:
      out.type = SqlValue::kReal;
      out.real = value.as.real;
      return std::isfinite(value.as.real);
    case REPRISE_TEXT:
    case REPRISE_JSON:
      out.type = SqlValue::kText;
      out.text = View(value.as.text);
      return out.text.find('\0') == std::string_view::npos && IsUtf8(out.text);
    case REPRISE_BLOB:
      out.type = SqlValue::kBlob;
      out.text = View(value.as.text);
      return true;
    default:
      return false;
  }
}

reprise_value FromSql(const SqlValue& value) {
  reprise_value out{REPRISE_NULL, {0}};
  switch (value.type) {
    case SqlValue::kNull:
      break;
    case SqlValue::kInteger:
      out.type = REPRISE_INT;
      out.as.integer = value.integer;
      break;
    case SqlValue::kReal:
      out.type = REPRISE_REAL;
      out.as.real = value.real;
      break;
    case SqlValue::kText:
    case SqlValue::kBlob:
      out.type = value.type == SqlValue::kText ? REPRISE_TEXT : REPRISE_BLOB;
      out.as.text = Str(value.text);
      break;
  }
  return out;
}

/// Hands rows to the plugin; what it throws stays here.
struct Rows {
  reprise_ctx& ctx;
  reprise_row_fn on_row;
  void* user;

  void Take(std::span<const SqlValue> columns) {
    if (on_row == nullptr || ctx.row_threw) return;
    std::array<reprise_value, 32> few{};
    std::vector<reprise_value> many;
    reprise_value* row = few.data();
    if (columns.size() > few.size()) {
      many.resize(columns.size());
      row = many.data();
    }
    for (std::size_t i = 0; i < columns.size(); ++i) row[i] = FromSql(columns[i]);
    try {
      on_row(user, row, columns.size());
    } catch (...) {
      ctx.row_threw = true;
    }
  }
};

/// A statement's values as the database takes them.  They end with the statement: contexts are many
/// and live on, and each would keep what its largest statement needed.
class Values {
 public:
  bool Take(const reprise_value* from, std::size_t n) {
    SqlValue* to = few_.data();
    if (n > few_.size()) {
      many_.resize(n);
      to = many_.data();
    }
    for (std::size_t i = 0; i < n; ++i) {
      if (!ToSql(from[i], to[i])) return false;
    }
    taken_ = {to, n};
    return true;
  }
  std::span<const SqlValue> taken() const { return taken_; }

 private:
  std::array<SqlValue, 16> few_;
  std::vector<SqlValue> many_;
  std::span<const SqlValue> taken_;
};

/// kConflict is an answer a plugin may act on; after any other failure it cannot say Done.
reprise_status Answer(reprise_ctx& ctx, const Result<std::int64_t>& result,
                      std::int64_t* affected) {
  if (ctx.row_threw) return Lose(ctx, RefuseAndBlame(ctx, "exception", "its on_row threw"));
  if (result) {
    if (affected != nullptr) *affected = *result;
    return Ok();
  }
  const Error& error = result.error();
  if (error.code == Code::kInvalid)
    return Lose(ctx, RefuseAndBlame(ctx, "bad_sql", "SQL refused: " + error.message));
  const reprise_status status = Refuse(ctx, error.code, error.message);
  return error.code == Code::kConflict ? status : Lose(ctx, status);
}

reprise_status BadValue(reprise_ctx& ctx) {
  return Lose(
      ctx, RefuseAndBlame(ctx, "bad_sql",
                          "an SQL argument holds a NUL, is not UTF-8, not finite or of no type"));
}

reprise_status AdmitSql(reprise_ctx* ctx, std::string_view function) {
  if (const reprise_status status = Admit(ctx, kWithSql, function); status.code != REPRISE_OK)
    return status;
  if (ctx->sql != nullptr) return Ok();
  return RefuseAndBlame(*ctx, "not_offered",
                        fmt::format("{} is not offered in an external action", function));
}

}  // namespace

reprise_status Query(reprise_ctx* ctx, reprise_str sql, const reprise_value* args,
                     std::size_t n_args, reprise_row_fn on_row, void* user,
                     std::int64_t* affected) {
  if (const reprise_status status = AdmitSql(ctx, "query"); status.code != REPRISE_OK)
    return status;
  if (n_args > kCellsMax || (n_args > 0 && args == nullptr)) {
    return Lose(*ctx, RefuseAndBlame(*ctx, "bad_arguments", "called query with bad arguments"));
  }
  Values values;
  if (!values.Take(args, n_args)) return BadValue(*ctx);
  Rows rows{*ctx, on_row, user};
  Rows* const to = &rows;
  return Answer(*ctx,
                ctx->sql->Run(View(sql), values.taken(),
                              [to](std::span<const SqlValue> columns) { to->Take(columns); }),
                affected);
}

reprise_status QueryRows(reprise_ctx* ctx, reprise_str sql, const reprise_str* columns,
                         std::size_t n_columns, const reprise_value* cells, std::size_t n_rows,
                         reprise_row_fn on_row, void* user, std::int64_t* affected) {
  if (const reprise_status status = AdmitSql(ctx, "query_rows"); status.code != REPRISE_OK)
    return status;
  if (n_columns == 0 || n_columns > 256 || columns == nullptr || n_rows > kCellsMax / n_columns ||
      (n_rows > 0 && cells == nullptr)) {
    return Lose(*ctx,
                RefuseAndBlame(*ctx, "bad_arguments", "called query_rows with bad arguments"));
  }
  std::vector<std::string_view> names;
  names.reserve(n_columns);
  for (std::size_t i = 0; i < n_columns; ++i) {
    if (!IsFieldName(View(columns[i]))) {
      return Lose(*ctx, RefuseAndBlame(*ctx, "bad_sql", "a column of $rows may not be named so"));
    }
    names.push_back(View(columns[i]));
  }
  Values values;
  if (!values.Take(cells, n_rows * n_columns)) return BadValue(*ctx);
  Rows rows{*ctx, on_row, user};
  Rows* const to = &rows;
  return Answer(*ctx,
                ctx->sql->RunRows(View(sql), names, values.taken(),
                                  [to](std::span<const SqlValue> row) { to->Take(row); }),
                affected);
}

}  // namespace reprise::runtime::host
