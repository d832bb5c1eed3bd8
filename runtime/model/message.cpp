// The bytes of a message: a version byte, two ids, then fields in order.
//
//   uuid     16 bytes
//   integer  LEB128, 7 bits a byte, lowest first; signed ones zigzag
//   text     its length as an integer, then the bytes
//
//   1 | id | saga | flags | step | bit | round | at | pipeline | plan | event | key | trace |
//   payload
//     | count | name ...
//
// `flags` is one byte: bits 0-1 the phase, bit 2 undo_last, bit 3 retry.  The payload is JSON text,
// empty for {}.  Of `added` only the names are written: its values are the payload's.
#include <cstring>

#include "model/saga.h"

namespace reprise::runtime {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kPhaseBits = 3, kUndoLast = 4, kRetryFlag = 8, kKnownBits = 15;

void PutInteger(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(0x80 | (value & 0x7F)));
  out.push_back(static_cast<char>(value));
}

void PutText(std::string& out, std::string_view text) {
  PutInteger(out, text.size());
  out.append(text);
}

std::uint64_t Zigzag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}
std::int64_t Unzigzag(std::uint64_t value) {
  return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
}

/// Reads from the front; after the first misfit everything reads as zero and `ok` stays false.
class Reader {
 public:
  explicit Reader(std::string_view left) : left_(left) {}

  bool ok() const { return ok_; }
  bool finished() const { return ok_ && left_.empty(); }

  std::uint8_t Byte() {
    if (left_.empty()) return Misfit<std::uint8_t>();
    const auto byte = static_cast<std::uint8_t>(left_.front());
    left_.remove_prefix(1);
    return byte;
  }
  Uuid Id() {
    Uuid id;
    if (left_.size() < id.bytes.size()) return Misfit<Uuid>();
    std::memcpy(id.bytes.data(), left_.data(), id.bytes.size());
    left_.remove_prefix(id.bytes.size());
    return id;
  }
  std::uint64_t Integer(std::uint64_t max = ~std::uint64_t{0}) {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::uint8_t byte = Byte();
      const std::uint64_t part = byte & 0x7F;
      if (!ok_ || (shift == 63 && part > 1)) break;
      value |= part << shift;
      if ((byte & 0x80) == 0) return value <= max ? value : Misfit<std::uint64_t>();
    }
    return Misfit<std::uint64_t>();
  }
  std::string_view Text() {
    const std::uint64_t size = Integer();
    if (size > left_.size()) return Misfit<std::string_view>();
    const std::string_view text = left_.substr(0, size);
    left_.remove_prefix(size);
    return text;
  }

 private:
  template <class T>
  T Misfit() {
    ok_ = false;
    left_ = {};
    return T{};
  }

  std::string_view left_;
  bool ok_ = true;
};

Error Unreadable(const char* what) {
  return Error{Code::kInvalid, std::string("message: ") + what};
}

}  // namespace

std::string EncodeMessage(const Message& m) {
  const std::string payload = m.payload.empty() ? std::string() : m.payload.Serialize();
  std::string out;
  out.reserve(96 + m.pipeline.size() + m.plan.size() + m.event.size() + m.key.size() +
              m.trace.size() + payload.size());
  out.push_back(static_cast<char>(kVersion));
  out.append(m.id.view());
  out.append(m.saga.view());
  out.push_back(static_cast<char>(static_cast<unsigned>(m.phase) | (m.undo_last ? kUndoLast : 0U) |
                                  (m.retry ? kRetryFlag : 0U)));
  PutInteger(out, m.step);
  PutInteger(out, m.bit);
  PutInteger(out, m.round);
  PutInteger(out, Zigzag(ToMillis(m.at)));
  for (const std::string* text : {&m.pipeline, &m.plan, &m.event, &m.key, &m.trace, &payload})
    PutText(out, *text);
  PutInteger(out, m.added.size());
  for (const auto& member : m.added) PutText(out, member.key());
  return out;
}

Result<Message> DecodeMessage(std::string_view bytes) {
  Reader in(bytes);
  if (in.Byte() != kVersion) return Unreadable("not of a version known here");
  Message m;
  m.id = in.Id();
  m.saga = in.Id();
  const std::uint8_t flags = in.Byte();
  if ((flags & ~kKnownBits) != 0 || (flags & kPhaseBits) > static_cast<unsigned>(Phase::kClose)) {
    return Unreadable("unknown phase or flags");
  }
  m.phase = static_cast<Phase>(flags & kPhaseBits);
  m.undo_last = (flags & kUndoLast) != 0;
  m.retry = (flags & kRetryFlag) != 0;
  m.step = static_cast<StepIndex>(in.Integer(0xFFFF));
  m.bit = static_cast<std::uint8_t>(in.Integer(kMaxMainSteps - 1));
  m.round = static_cast<std::uint32_t>(in.Integer(0xFFFF'FFFF));
  m.at = FromMillis(Unzigzag(in.Integer()));
  for (std::string* text : {&m.pipeline, &m.plan, &m.event, &m.key, &m.trace})
    text->assign(in.Text());
  const std::string_view payload = in.Text();
  if (!payload.empty()) {
    auto parsed = Payload::Parse(payload);
    if (!parsed) return parsed.error();
    m.payload = std::move(parsed).value();
  }
  for (std::uint64_t left = in.Integer(m.payload.object().size()); left > 0 && in.ok(); --left) {
    const std::string_view name = in.Text();
    const json::value* value = in.ok() ? m.payload.Find(name) : nullptr;
    if (value == nullptr) return Unreadable("names a field that its payload lacks");
    m.added.insert_or_assign(name, *value);
  }
  if (!in.finished()) return Unreadable("cut short, or more follows");
  return m;
}

}  // namespace reprise::runtime
