#include "postgres/values.h"

#include <bit>
#include <cmath>

#include <fmt/format.h>

#include "base/utf8.h"

namespace reprise::runtime::postgres {
namespace {

constexpr std::int64_t kEpoch2000 = 946'684'800'000;  // PostgreSQL counts from there

SqlValue Integer(std::int64_t value) {
  return {.type = SqlValue::kInteger, .integer = value};
}
SqlValue Real(double value) {
  return {.type = SqlValue::kReal, .real = value};
}
SqlValue Text(std::string_view value) {
  return {.type = SqlValue::kText, .text = value};
}

/// Digits of base 10,000, the first of the weight given.
SqlValue Numeric(std::string_view bytes) {
  const auto half = [&](std::size_t at) {
    return static_cast<std::int16_t>(GetBig(bytes.substr(at, 2)));
  };
  const int digits = half(0), weight = half(2);
  const auto sign = static_cast<std::uint16_t>(half(4));
  if (sign == 0xC000) return Real(std::nan(""));
  if (sign == 0xD000 || sign == 0xF000) return Real(sign == 0xD000 ? HUGE_VAL : -HUGE_VAL);
  std::string text = sign == 0x4000 ? "-0" : "0";
  bool whole = true;
  for (int i = 0; i <= std::max(weight, digits - 1); ++i) {
    const int digit = i < digits ? half(8 + 2 * static_cast<std::size_t>(i)) : 0;
    if (i == weight + 1 || (i == 0 && weight < 0)) {
      text += '.';
      for (int gap = weight + 1; gap < 0; ++gap) text += "0000";
    }
    whole = whole && (i <= weight || digit == 0);
    text += fmt::format("{:04}", digit);
  }
  if (whole) {
    std::int64_t value = 0;
    const std::string_view number = std::string_view(text).substr(0, text.find('.'));
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
    if (error == std::errc() && end == number.data() + number.size()) return Integer(value);
  }
  return Real(std::strtod(text.c_str(), nullptr));
}

}  // namespace

Status CheckValues(std::span<const SqlValue> values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i].type != SqlValue::kText) continue;
    if (values[i].text.find('\0') != std::string_view::npos)
      return Error{Code::kInvalid, fmt::format("value {} holds a NUL character", i + 1)};
    if (!IsUtf8(values[i].text))
      return Error{Code::kInvalid, fmt::format("value {} is not UTF-8", i + 1)};
  }
  return {};
}

Oid TypeOf(const SqlValue& value) {
  switch (value.type) {
    case SqlValue::kInteger:
      return kInt8;
    case SqlValue::kReal:
      return kFloat8;
    case SqlValue::kText:
      return kText;
    case SqlValue::kBlob:
      return kBytea;
    default:
      return kUntyped;
  }
}

void AddValue(Params& params, const SqlValue& value, Oid type) {
  switch (value.type) {
    case SqlValue::kInteger:
      params.Add(value.integer);
      break;
    case SqlValue::kReal:
      params.Add(value.real);
      break;
    case SqlValue::kText:
      params.Add(value.text);
      break;
    case SqlValue::kBlob:
      params.Add(Blob{value.text});
      break;
    default:
      params.Null(type);
      break;
  }
}

void AddValue(Column& column, const SqlValue& value) {
  const bool real = column.type() == ArrayOf(kFloat8);
  switch (value.type) {
    case SqlValue::kInteger:
      real ? column.Add(static_cast<double>(value.integer)) : column.Add(value.integer);
      break;
    case SqlValue::kReal:
      column.Add(value.real);
      break;
    case SqlValue::kText:
    case SqlValue::kBlob:
      column.Add(value.text);
      break;
    default:
      column.Null();
      break;
  }
}

Result<SqlValue> ValueAt(const Answer& rows, int row, int column, std::deque<std::string>& keep) {
  if (rows.Null(row, column)) return SqlValue{};
  const std::string_view bytes = rows.Bytes(row, column);
  switch (rows.TypeOf(column)) {
    case 16:  // bool
      return Integer(bytes[0] == '\0' ? 0 : 1);
    case 20:  // int8, int2, int4, oid
    case 21:
    case 23:
      return Integer(rows.Int(row, column));
    case 26:
      return Integer(static_cast<std::int64_t>(GetBig(bytes)));
    case 700:
      return Real(
          static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(GetBig(bytes)))));
    case 701:
      return Real(std::bit_cast<double>(GetBig(bytes)));
    case 1700:
      return Numeric(bytes);
    case 17: {  // bytea
      SqlValue blob = Text(bytes);
      blob.type = SqlValue::kBlob;
      return blob;
    }
    case 1114:  // timestamp, timestamptz: microseconds
    case 1184: {
      const std::int64_t micros = rows.Int(row, column);
      const std::int64_t down = micros % 1000 < 0 ? 1 : 0;
      return Integer(micros / 1000 - down + kEpoch2000);
    }
    case 2950:
      keep.push_back(rows.Id(row, column).ToString());
      return Text(keep.back());
    case 3802:  // jsonb: a version byte, then text
      return Text(bytes.substr(1));
    case 18:  // "char", name, text, json, unknown, bpchar, varchar
    case 19:
    case 25:
    case 114:
    case 705:
    case 1042:
    case 1043:
      return Text(bytes);
    default:
      return Error{Code::kInvalid,
                   fmt::format("column {} has a type (OID {}) that plugins cannot read; cast it to "
                               "text",
                               column + 1, rows.TypeOf(column))};
  }
}

}  // namespace reprise::runtime::postgres
