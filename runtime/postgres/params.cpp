#include "postgres/params.h"

#include "base/utf8.h"

namespace reprise::runtime::postgres {

Oid ArrayOf(Oid element) {
  switch (element) {
    case kBool:
      return 1000;
    case kBytea:
      return 1001;
    case kInt8:
      return 1016;
    case kText:
      return 1009;
    case kFloat8:
      return 1022;
    case kUuid:
      return 2951;
    default:
      return kUntyped;
  }
}

Column::Column(Oid element) : element_(element) {
  bytes_.resize(20);  // the head, written at the end
}

void Column::Null() {
  PutBig(bytes_, 0xFFFF'FFFF, 4);
  nulls_ = true;
  ++count_;
}

void Column::Add(std::int64_t value) {
  PutBig(bytes_, 8, 4);
  PutBig(bytes_, static_cast<std::uint64_t>(value), 8);
  ++count_;
}

void Column::Add(double value) {
  PutBig(bytes_, 8, 4);
  PutBig(bytes_, std::bit_cast<std::uint64_t>(value), 8);
  ++count_;
}

void Column::Add(std::string_view text) {
  PutBig(bytes_, text.size(), 4);
  bytes_ += text;
  ++count_;
}

void Column::Add(const Uuid& id) {
  Add(id.view());
}

/// Dimensions, whether there are NULLs, the element's type; of the one dimension its size and
/// first index.  An empty array has no dimension.
std::string Column::Take() && {
  std::string head;
  PutBig(head, count_ == 0 ? 0 : 1, 4);
  PutBig(head, nulls_ ? 1 : 0, 4);
  PutBig(head, element_, 4);
  if (count_ == 0) return head;
  PutBig(head, count_, 4);
  PutBig(head, 1, 4);
  bytes_.replace(0, head.size(), head);
  return std::move(bytes_);
}

Params& Params::Put(Oid type, std::string bytes) {
  types_.push_back(type);
  lengths_.push_back(static_cast<int>(bytes.size()));
  formats_.push_back(1);
  bytes_.push_back(std::move(bytes));
  return *this;
}

Params& Params::Add(std::int64_t value) {
  std::string bytes;
  PutBig(bytes, static_cast<std::uint64_t>(value), 8);
  return Put(kInt8, std::move(bytes));
}

Params& Params::Add(double value) {
  std::string bytes;
  PutBig(bytes, std::bit_cast<std::uint64_t>(value), 8);
  return Put(kFloat8, std::move(bytes));
}

Params& Params::Add(bool value) {
  return Put(kBool, std::string(1, value ? '\1' : '\0'));
}

Params& Params::Add(Column&& column) {
  const Oid type = column.type();
  return Put(type, std::move(column).Take());
}

Params& Params::Known(const Uuid& id) {
  return id.nil() ? Null(kUuid) : Add(id);
}

Params& Params::Null(Oid type) {
  Put(type, {});
  lengths_.back() = -1;
  return *this;
}

const char* const* Params::values() {
  values_.clear();
  for (std::size_t i = 0; i < bytes_.size(); ++i)
    values_.push_back(lengths_[i] < 0 ? nullptr : bytes_[i].data());
  return values_.data();
}

std::string Clean(std::string_view text) {
  std::string out = IsUtf8(text) ? std::string(text) : CleanUtf8(text, text.size() * 3);
  for (std::size_t at = out.find('\0'); at != std::string::npos; at = out.find('\0', at))
    out.replace(at, 1, "\xEF\xBF\xBD");
  return out;
}

Column IdsOf(std::span<const Uuid> ids) {
  Column out(kUuid);
  out.Reserve(ids.size(), 20);
  for (const Uuid& id : ids) out.Add(id);
  return out;
}

Column NumbersOf(std::span<const std::int64_t> numbers) {
  Column out(kInt8);
  out.Reserve(numbers.size(), 12);
  for (const std::int64_t n : numbers) out.Add(n);
  return out;
}

}  // namespace reprise::runtime::postgres
