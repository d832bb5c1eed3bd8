#include "pg_values.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdlib>

namespace reprise::testkit {
namespace {

constexpr std::int64_t kEpoch2000 = 946'684'800'000;  // PostgreSQL counts from there

void PutBig(std::string& out, std::uint64_t value, int bytes) {
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8)
    out += static_cast<char>(value >> static_cast<unsigned>(shift) & 0xFFU);
}

/// With the sign of its width.
std::int64_t GetBig(std::string_view bytes) {
  std::uint64_t out = 0;
  for (const char c : bytes) out = out << 8U | static_cast<unsigned char>(c);
  if (bytes.size() == 2) return static_cast<std::int16_t>(out);
  if (bytes.size() == 4) return static_cast<std::int32_t>(out);
  return static_cast<std::int64_t>(out);
}

std::string BytesOf(const reprise_value& value, Oid type) {
  std::string out;
  if (type == kPgFloat8) {
    const double real =
        value.type == REPRISE_REAL ? value.as.real : static_cast<double>(value.as.integer);
    PutBig(out, std::bit_cast<std::uint64_t>(real), 8);
  } else if (type == kPgInt8) {
    PutBig(out, static_cast<std::uint64_t>(value.as.integer), 8);
  } else {
    out = detail::FromAbi(value.as.text);
  }
  return out;
}

reprise_value Integer(std::int64_t value) {
  return detail::IntValue(REPRISE_INT, value);
}

/// Digits of base 10,000, the first of the weight given.
reprise_value Numeric(std::string_view bytes) {
  const auto half = [&](std::size_t at) { return static_cast<int>(GetBig(bytes.substr(at, 2))); };
  const int digits = half(0), weight = half(2);
  const auto sign = static_cast<std::uint16_t>(half(4));
  if (sign == 0xC000) return detail::RealValue(std::nan(""));
  if (sign == 0xD000 || sign == 0xF000)
    return detail::RealValue(sign == 0xD000 ? HUGE_VAL : -HUGE_VAL);
  std::string text = sign == 0x4000 ? "-" : "";
  text += weight < 0 ? "0." + std::string(static_cast<std::size_t>(-weight - 1) * 4, '0') : "";
  bool whole = true;
  for (int i = 0; i <= std::max(weight, digits - 1); ++i) {
    const int digit = i < digits ? half(8 + 2 * static_cast<std::size_t>(i)) : 0;
    if (i == weight + 1 && weight >= 0) text += '.';
    whole = whole && (i <= weight || digit == 0);
    const std::string plain = std::to_string(digit);
    text += std::string(4 - plain.size(), '0') + plain;
  }
  if (digits == 0) return Integer(0);
  std::int64_t value = 0;
  const char* const end = text.data() + std::min(text.find('.'), text.size());
  const auto [read, error] = std::from_chars(text.data(), end, value);
  if (whole && error == std::errc() && read == end) return Integer(value);
  return detail::RealValue(std::strtod(text.c_str(), nullptr));
}

std::string Id(std::string_view bytes) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
    out.append({kHex[byte >> 4U], kHex[byte & 15U]});
  }
  return out;
}

}  // namespace

Oid PgTypeOf(const reprise_value& value) {
  switch (value.type) {
    case REPRISE_NULL:
      return kPgUntyped;
    case REPRISE_INT:
    case REPRISE_BOOL:
    case REPRISE_DURATION:
      return kPgInt8;
    case REPRISE_REAL:
      return kPgFloat8;
    case REPRISE_BLOB:
      return kPgBytea;
    default:
      return kPgText;
  }
}

Oid PgArrayOf(Oid element) {
  switch (element) {
    case kPgBytea:
      return 1001;
    case kPgInt8:
      return 1016;
    case kPgText:
      return 1009;
    case kPgFloat8:
      return 1022;
    default:
      return kPgUntyped;
  }
}

void PgParams::Add(const reprise_value& value, Oid type) {
  types_.push_back(type);
  bytes_.emplace_back();
  if (value.type != REPRISE_NULL) bytes_.back() = BytesOf(value, type);
}

/// An array: dimensions, whether there are NULLs, the element's type; of the one dimension its
/// size and first index; the elements.  An empty one has no dimension.
void PgParams::AddColumn(std::span<const reprise_value> cells, std::size_t column,
                         std::size_t width, Oid element) {
  std::string out;
  PutBig(out, cells.empty() ? 0 : 1, 4);
  PutBig(out, 1, 4);
  PutBig(out, element, 4);
  if (!cells.empty()) {
    PutBig(out, cells.size() / width, 4);
    PutBig(out, 1, 4);
  }
  for (std::size_t at = column; at < cells.size(); at += width) {
    const bool null = cells[at].type == REPRISE_NULL;
    const std::string bytes = null ? "" : BytesOf(cells[at], element);
    PutBig(out, null ? 0xFFFF'FFFFU : bytes.size(), 4);
    out += bytes;
  }
  types_.push_back(PgArrayOf(element));
  bytes_.emplace_back(std::move(out));
}

PgAnswer PgParams::Execute(PgSession* session, const std::string& sql) const {
  std::vector<const char*> values;
  std::vector<int> lengths;
  for (const std::optional<std::string>& bytes : bytes_) {
    values.push_back(bytes ? bytes->data() : nullptr);
    lengths.push_back(bytes ? static_cast<int>(bytes->size()) : 0);
  }
  const std::vector<int> formats(bytes_.size(), 1);
  return PgAnswer(Libpq::Get().execute_with(session, sql.c_str(), static_cast<int>(bytes_.size()),
                                            types_.data(), values.data(), lengths.data(),
                                            formats.data(), 1));
}

Result<reprise_value> PgCell(const PgResult* rows, int row, int column,
                             std::deque<std::string>& keep) {
  const Libpq& pq = Libpq::Get();
  if (pq.null(rows, row, column) != 0) return detail::NullValue();
  const std::string_view bytes(pq.value(rows, row, column),
                               static_cast<std::size_t>(pq.length(rows, row, column)));
  switch (pq.type(rows, column)) {
    case 16:  // bool, int8, int2, int4
    case 20:
    case 21:
    case 23:
      return Integer(GetBig(bytes));
    case 26:  // oid
      return Integer(static_cast<std::uint32_t>(GetBig(bytes)));
    case 700:
      return detail::RealValue(std::bit_cast<float>(static_cast<std::uint32_t>(GetBig(bytes))));
    case 701:
      return detail::RealValue(std::bit_cast<double>(GetBig(bytes)));
    case 1700:
      return Numeric(bytes);
    case 17:
      return detail::TextValue(REPRISE_BLOB, bytes);
    case 1114:  // timestamp, timestamptz: microseconds
    case 1184: {
      const std::int64_t micros = GetBig(bytes);
      return Integer(micros / 1000 - (micros % 1000 < 0 ? 1 : 0) + kEpoch2000);
    }
    case 2950:
      return detail::TextValue(REPRISE_TEXT, keep.emplace_back(Id(bytes)));
    case 3802:  // jsonb: a version byte, then text
      return detail::TextValue(REPRISE_TEXT, bytes.substr(1));
    case 18:  // "char", name, text, json, unknown, bpchar, varchar
    case 19:
    case 25:
    case 114:
    case 705:
    case 1042:
    case 1043:
      return detail::TextValue(REPRISE_TEXT, bytes);
    default:
      return Error{Code::kInvalid, "column " + std::to_string(column + 1) + " has a type (OID " +
                                       std::to_string(pq.type(rows, column)) +
                                       ") that plugins cannot read; cast it to text"};
  }
}

}  // namespace reprise::testkit
