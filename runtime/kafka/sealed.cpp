#include "kafka/sealed.h"

#include <algorithm>

namespace reprise::runtime::kafka {
namespace {

constexpr std::uint8_t kForeign = 1, kHasValue = 2;
constexpr std::uint64_t kHeadersMax = 1024;

void PutInteger(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(0x80 | (value & 0x7F)));
  out.push_back(static_cast<char>(value));
}
void PutSigned(std::string& out, std::int64_t value) {
  PutInteger(out,
             (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63));
}
void PutText(std::string& out, std::string_view text) {
  PutInteger(out, text.size());
  out.append(text);
}

/// Reads from the front; after the first misfit everything reads as nothing and `ok` stays false.
class Reader {
 public:
  Reader(std::string_view bytes, std::size_t at) : bytes_(bytes), at_(at) {}

  bool ok() const { return ok_; }
  std::size_t at() const { return at_; }

  std::uint8_t Byte() {
    if (at_ >= bytes_.size()) ok_ = false;
    return ok_ ? static_cast<std::uint8_t>(bytes_[at_++]) : std::uint8_t{0};
  }
  std::uint64_t Integer() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::uint8_t byte = Byte();
      const std::uint64_t part = byte & 0x7F;
      if (!ok_ || (shift == 63 && part > 1)) break;
      value |= part << shift;
      if ((byte & 0x80) == 0) return value;
    }
    ok_ = false;
    return 0;
  }
  std::int64_t Signed() {
    const std::uint64_t value = Integer();
    return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
  }
  std::string_view Text() {
    const std::uint64_t size = Integer();
    if (size > bytes_.size() - at_) ok_ = false;
    if (!ok_) return {};
    const std::string_view text = bytes_.substr(at_, size);
    at_ += size;
    return text;
  }

 private:
  std::string_view bytes_;
  std::size_t at_;
  bool ok_ = true;
};

}  // namespace

void AppendRecord(std::string& out, const RecordView& record) {
  out.push_back(
      static_cast<char>((record.foreign ? kForeign : 0U) | (record.has_value ? kHasValue : 0U)));
  PutText(out, record.topic);
  PutSigned(out, record.partition);
  PutText(out, record.key);
  PutSigned(out, ToMillis(record.at));
  PutInteger(out, record.headers.size());
  for (const auto& [name, value] : record.headers) {
    PutText(out, name);
    PutText(out, value);
  }
  if (record.has_value) PutText(out, record.value);
}

Result<RecordView> ReadRecord(std::string_view records, std::size_t& at) {
  Reader in(records, at);
  RecordView record;
  const std::uint8_t flags = in.Byte();
  record.foreign = (flags & kForeign) != 0;
  record.has_value = (flags & kHasValue) != 0;
  record.topic = in.Text();
  const std::int64_t partition = in.Signed();
  record.partition = static_cast<std::int32_t>(partition);
  record.key = in.Text();
  record.at = FromMillis(in.Signed());
  const std::uint64_t headers = in.Integer();
  for (std::uint64_t left = std::min(headers, kHeadersMax + 1); left > 0 && in.ok(); --left) {
    const std::string_view name = in.Text();
    record.headers.emplace_back(name, in.Text());
  }
  if (record.has_value) record.value = in.Text();
  if (!in.ok() || headers > kHeadersMax || record.topic.empty() || record.partition != partition ||
      partition < -1 || (flags & ~(kForeign | kHasValue)) != 0) {
    return Error{Code::kInvalid, "sealed outbox: cut short, or not of this format"};
  }
  at = in.at();
  return record;
}

Result<Unsealed> Unseal(std::string_view sealed) {
  if (!sealed.starts_with(kSealedVersion)) {
    return Error{Code::kInvalid, "sealed outbox: not of a version known here"};
  }
  Unsealed out;
  out.records = sealed.substr(kSealedVersion.size());
  for (std::size_t at = 0; at < out.records.size();) {
    out.starts.push_back(static_cast<std::uint32_t>(at));
    if (auto record = ReadRecord(out.records, at); !record) return record.error();
  }
  return out;
}

}  // namespace reprise::runtime::kafka
