// Records go to librdkafka, one after the other, and again to a new producer if one is made.
#include <algorithm>
#include <array>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/mutant.h"
#include "kafka/producer.h"

namespace reprise::runtime::kafka {
namespace {

rd_kafka_vu_t Part(rd_kafka_vtype_t type) {
  rd_kafka_vu_t part{};
  part.vtype = type;
  return part;
}
rd_kafka_vu_t Bytes(rd_kafka_vtype_t type, std::string_view bytes, bool present) {
  rd_kafka_vu_t part = Part(type);
  part.u.mem.ptr = present ? const_cast<char*>(bytes.data()) : nullptr;
  part.u.mem.size = present ? bytes.size() : 0;
  return part;
}

}  // namespace

void Producer::Produce() {
  if (OutboxOf(next_) < first_) next_ = first_ << kIndexBits;
  while (Outbox* outbox = Of(next_)) {
    if (IndexOf(next_) >= outbox->states.size()) {
      next_ = (OutboxOf(next_) + 1) << kIndexBits;
      continue;
    }
    if (outbox->states[IndexOf(next_)] == State::kWaiting && !ProduceOne(*outbox, next_)) return;
    ++next_;
  }
}

/// False: not now, and nothing behind it either.
bool Producer::ProduceOne(Outbox& outbox, std::uint64_t where) {
  FAILPOINT("produce.before");
  const auto error = Hand(At(where), where);
  FAILPOINT("produce.after");
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
    outbox.states[IndexOf(where)] = State::kSent;
    return true;
  }
  if (error == RD_KAFKA_RESP_ERR__QUEUE_FULL) return false;
  if (Permanent(error) && !MUTANT(2)) {  // row 2: what can never be sent holds up the rest
    Refuse(where, Text(error));
    return true;
  }
  broken_ = Text(error);
  return false;
}

/// By its handle: librdkafka asks at once where a topic is whose handle is taken, and once a second
/// for one that it has only heard the name of.
rd_kafka_topic_t* Producer::TopicOf(std::string_view name) {
  const auto known = topics_.find(name);
  if (known != topics_.end()) return known->second.get();
  const std::string text(name);
  Owned<rd_kafka_topic_t> topic(rd_kafka_topic_new(client_.get(), text.c_str(), nullptr));
  return topic ? topics_.emplace(text, std::move(topic)).first->second.get() : nullptr;
}

rd_kafka_resp_err_t Producer::Hand(const RecordView& record, std::uint64_t where) {
  Owned<rd_kafka_headers_t> headers(rd_kafka_headers_new(record.headers.size()));
  for (const auto& [name, value] : record.headers) {
    rd_kafka_header_add(headers.get(), name.data(), static_cast<ssize_t>(name.size()), value.data(),
                        static_cast<ssize_t>(value.size()));
  }
  rd_kafka_topic_t* topic = TopicOf(record.topic);
  if (topic == nullptr) return rd_kafka_last_error();
  std::array<rd_kafka_vu_t, 8> parts{Part(RD_KAFKA_VTYPE_RKT),
                                     Part(RD_KAFKA_VTYPE_PARTITION),
                                     Part(RD_KAFKA_VTYPE_MSGFLAGS),
                                     Part(RD_KAFKA_VTYPE_TIMESTAMP),
                                     Part(RD_KAFKA_VTYPE_OPAQUE),
                                     Bytes(RD_KAFKA_VTYPE_KEY, record.key, !record.key.empty()),
                                     Bytes(RD_KAFKA_VTYPE_VALUE, record.value, record.has_value),
                                     Part(RD_KAFKA_VTYPE_HEADERS)};
  parts[0].u.rkt = topic;
  parts[1].u.i32 = record.partition;
  parts[2].u.i = RD_KAFKA_MSG_F_COPY;
  parts[3].u.i64 = ToMillis(record.at);
  // An opaque of librdkafka is a pointer; ours is a number.
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  parts[4].u.ptr = reinterpret_cast<void*>(static_cast<std::uintptr_t>(where));
  parts[7].u.headers = headers.get();
  const Owned<rd_kafka_error_t> error(
      rd_kafka_produceva(client_.get(), parts.data(), parts.size()));
  if (error) return rd_kafka_error_code(error.get());
  (void)headers.release();
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

/// A new producer, which begins with the first record that is not acknowledged.
void Producer::Rebuild() {
  ++rebuilt_;
  metrics_.Count("reprise_kafka_producer_rebuilt_total");
  Log(LogLevel::kWarn, "the kafka producer is made anew; what is not acknowledged goes again",
      {{"why", broken_}, {"records", left_}});
  Forget();
  broken_.clear();
  for (Outbox& outbox : outboxes_) {
    for (State& state : outbox.states) {
      if (state == State::kSent) state = State::kWaiting;
    }
  }
  next_ = 0;
  if (const Status made = Make(); !made) {
    made_ = Steady::now();
    broken_ = made.error().message;
  }
}

}  // namespace reprise::runtime::kafka
