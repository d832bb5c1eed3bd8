// Which database it is, and what tests see of its rows, which is the same on each.
#include "database.h"

#include <cstdlib>
#include <stdexcept>
#include <utility>

#include "postgres.h"
#include "sqlite.h"

namespace reprise::testkit {
namespace {

void Print(std::string& out, const reprise_value& value) {
  switch (value.type) {
    case REPRISE_NULL:
      return;
    case REPRISE_INT:
      out += std::to_string(value.as.integer);
      return;
    case REPRISE_REAL:
      out += detail::Canonical(value.as.real);
      return;
    default:
      out += detail::FromAbi(value.as.text);
  }
}

/// As a literal of SQL, so that NULL, '' and 'NULL' differ.
void PrintLiteral(std::string& out, const reprise_value& value) {
  constexpr std::string_view kHex = "0123456789abcdef";
  if (value.type == REPRISE_NULL) out += "NULL";
  if (value.type != REPRISE_TEXT && value.type != REPRISE_BLOB) return Print(out, value);
  const bool text = value.type == REPRISE_TEXT;
  out += text ? "'" : "x'";
  for (const char c : detail::FromAbi(value.as.text)) {
    if (text) {
      out.append(c == '\'' ? 2U : 1U, c);
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out.append({kHex[byte >> 4U], kHex[byte & 15U]});
    }
  }
  out += "'";
}

}  // namespace

std::unique_ptr<Database> Database::Open() {
  const char* const where = std::getenv("REPRISE_TESTKIT_POSTGRES");
  if (where == nullptr || *where == '\0') return std::make_unique<SqliteDatabase>();
  return std::make_unique<PostgresDatabase>(where);
}

std::string Database::Show(std::string_view sql, std::span<const reprise_value> args) {
  std::string out;
  bool first = true;
  const auto row = [&](std::span<const reprise_value> columns) {
    if (!std::exchange(first, false)) out += '\n';
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (i > 0) out += '|';
      Print(out, columns[i]);
    }
  };
  Must(Run(sql, args, row), sql);
  return out;
}

std::vector<std::string> Database::Lines(const std::string& table,
                                         const std::vector<std::string>& columns,
                                         const std::string& where) {
  std::string select = "SELECT 1";  // there may be no column left, and still rows
  for (const std::string& column : columns) select.append(", \"").append(column).append("\"");
  select.append(" FROM \"").append(table).append("\" WHERE ").append(where);
  std::vector<std::string> lines;
  const auto row = [&](std::span<const reprise_value> values) {
    std::string& line = lines.emplace_back();
    for (std::size_t i = 0; i < columns.size(); ++i) {
      line.append(i == 0 ? "" : ", ").append(columns[i]).append("=");
      PrintLiteral(line, values[i + 1]);
    }
  };
  Must(Run(select, {}, row), select);
  return lines;
}

RowFn Database::Into(std::vector<std::string>& names) {
  return [&names](std::span<const reprise_value> columns) {
    names.emplace_back(detail::FromAbi(columns[0].as.text));
  };
}

void Database::Must(const Result<std::int64_t>& ran, std::string_view sql) {
  if (!ran) throw std::runtime_error(ran.error().message + " in: " + std::string(sql));
}

}  // namespace reprise::testkit
