#include "kafka/producer.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/mutant.h"

namespace reprise::runtime::kafka {
namespace {

constexpr std::chrono::seconds kRebuildEvery{1}, kLookEvery{1};
constexpr int kLookMs = 100;

std::int64_t Ms(std::chrono::steady_clock::time_point at) {
  return std::chrono::duration_cast<Millis>(at.time_since_epoch()).count();
}

}  // namespace

Producer::~Producer() {
  if (!Finish()) {
    Log(LogLevel::kWarn, "stopped with records on their way; the journal has them",
        {{"records", left_}});
  }
  Forget();
}

bool Producer::Finish() {
  if (!finish_until_) finish_until_ = Steady::now() + options_.close_within;
  while (client_ && left_ > 0 && Steady::now() < *finish_until_) {
    Serve();
    if (client_) rd_kafka_poll(client_.get(), 20);
  }
  return left_ == 0;
}

void Producer::Forget() {
  if (!client_) return;
  rd_kafka_queue_cb_event_enable(reports_.get(), nullptr, nullptr);
  reports_.reset();
  rd_kafka_purge(client_.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  topics_.clear();
  client_.reset();
}

Status Producer::Open(std::function<void()> wake) {
  wake_ = std::move(wake);
  return Make();
}

Status Producer::Make() {
  auto conf = Configure(options_, ProducerSettings());
  if (!conf) return conf.error();
  rd_kafka_conf_set_opaque(conf->get(), this);
  rd_kafka_conf_set_dr_msg_cb(conf->get(), &OnReport);
  rd_kafka_conf_set_error_cb(conf->get(), &OnError);
  auto client = Create(RD_KAFKA_PRODUCER, std::move(*conf));
  if (!client) return client.error();
  client_ = std::move(*client);
  made_ = Steady::now();
  reports_.reset(rd_kafka_queue_get_main(client_.get()));
  rd_kafka_queue_cb_event_enable(
      reports_.get(),
      [](rd_kafka_t*, void* self) {
        const auto& producer = *static_cast<Producer*>(self);
        if (producer.reports_wanted_ && producer.wake_) producer.wake_();
      },
      this);
  return {};
}

// ---------------------------------------------------------------- what is on its way

void Producer::Put(std::string records, std::vector<std::uint32_t> starts, const Uuid& orphan) {
  if (starts.empty()) {
    if (!orphan.nil()) published_.push_back(orphan);
    return;
  }
  Outbox outbox;
  outbox.orphan = orphan;
  outbox.states.assign(starts.size(), State::kWaiting);
  outbox.left = starts.size();
  outbox.records = std::move(records);
  outbox.starts = std::move(starts);
  outbox.since = Steady::now();
  left_ += outbox.left;
  bytes_ += outbox.records.size();
  outboxes_.push_back(std::move(outbox));
  Serve();
}

void Producer::AppendOutstanding(std::string& out) const {
  for (const Outbox& outbox : outboxes_) {
    if (outbox.left > 0 && outbox.orphan.nil()) out += outbox.records;
  }
}

Producer::Outbox* Producer::Of(std::uint64_t where) {
  const std::uint64_t number = OutboxOf(where);
  return number < first_ || number - first_ >= outboxes_.size() ? nullptr
                                                                : &outboxes_[number - first_];
}

RecordView Producer::At(std::uint64_t where) {
  const Outbox& outbox = *Of(where);
  std::size_t at = outbox.starts[IndexOf(where)];
  auto record = ReadRecord(outbox.records, at);
  return record ? std::move(*record) : RecordView{};
}

void Producer::There(Outbox& outbox, std::size_t index) {
  if (outbox.states[index] == State::kThere) return;
  outbox.states[index] = State::kThere;
  --left_;
  if (--outbox.left > 0) return;
  bytes_ -= outbox.records.size();
  outbox.records = {};
  if (!outbox.orphan.nil()) published_.push_back(outbox.orphan);
  FAILPOINT("acknowledged.before");
  while (!outboxes_.empty() && outboxes_.front().left == 0) {
    outboxes_.pop_front();
    ++first_;
  }
  FAILPOINT("acknowledged.after");
}

void Producer::Refuse(std::uint64_t where, const std::string& reason) {
  Outbox& outbox = *Of(where);
  State& state = outbox.states[IndexOf(where)];
  if (state == State::kRefused || state == State::kThere) return;
  state = State::kRefused;
  refusals_.push_back({where, At(where), reason});
  metrics_.Count("reprise_kafka_records_refused_total");
  Log(LogLevel::kError, "kafka will never take a record; it becomes a dead letter",
      {{"topic", refusals_.back().record.topic}, {"error", reason}});
}

std::vector<Producer::Refusal> Producer::TakeRefusals() {
  return std::exchange(refusals_, {});
}

void Producer::Settle(std::uint64_t where) {
  if (Outbox* outbox = Of(where)) There(*outbox, IndexOf(where));
  Note();
}

std::vector<Uuid> Producer::TakePublished() {
  return std::exchange(published_, {});
}

// ---------------------------------------------------------------- reports

void Producer::OnReport(rd_kafka_t*, const rd_kafka_message_t* message, void* self) {
  Producer& producer = *static_cast<Producer*>(self);
  if (producer.landed_ && message->err == RD_KAFKA_RESP_ERR_NO_ERROR && message->offset >= 0)
    producer.landed_(rd_kafka_topic_name(message->rkt), message->partition, message->offset);
  producer.Report(reinterpret_cast<std::uintptr_t>(message->_private), message->err,
                  message->offset);
}

void Producer::OnError(rd_kafka_t* client, int error, const char* reason, void* self) {
  Producer& producer = *static_cast<Producer*>(self);
  if (error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && !producer.away_.exchange(true))
    Log(LogLevel::kWarn, "no kafka broker can be reached");
  if (error != RD_KAFKA_RESP_ERR__FATAL) {
    Log(LogLevel::kDebug, "kafka producer", {{"error", reason}});
    return;
  }
  char text[256];
  const auto why = rd_kafka_fatal_error(client, text, sizeof text);
  producer.broken_ = fmt::format("{}: {}", rd_kafka_err2name(why), text);
}

void Producer::Report(std::uint64_t where, rd_kafka_resp_err_t error, std::int64_t offset) {
  Outbox* outbox = Of(where);
  if (outbox == nullptr || outbox->states[IndexOf(where)] != State::kSent) return;
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR && offset < 0) {
    SendAgain(*outbox, where);
  } else if (error == RD_KAFKA_RESP_ERR_NO_ERROR || MUTANT(18)) {  // row 18: a failure is sent
    There(*outbox, IndexOf(where));
  } else if (Permanent(error)) {
    Refuse(where, Text(error));
  } else if (broken_.empty()) {
    broken_ = Text(error);
  }
}

/// A report without an offset is librdkafka's guess and not Kafka's word: a later record of the
/// partition is there, and a broker would have refused that one over a gap.  It does not while it
/// knows nothing of this producer: Kafka 4.0 takes 5 as a first sequence, and a producer is new to
/// every partition, and a day after its last record there.
void Producer::SendAgain(Outbox& outbox, std::uint64_t where) {
  outbox.states[IndexOf(where)] = State::kWaiting;
  next_ = std::min(next_, where);
  metrics_.Count("reprise_kafka_records_guessed_total");
}

// ---------------------------------------------------------------- now and then

void Producer::Count() {
  if (client_) rd_kafka_poll(client_.get(), 0);
  Note();
}

void Producer::Serve() {
  Count();
  const auto now = Steady::now();
  if (broken_.empty() && left_ > 0 && now - made_ > options_.producer_stalled &&
      now - outboxes_.front().since > options_.producer_stalled) {
    broken_ = "nothing was acknowledged for too long";
  }
  const bool lately = rebuilt_ > 0 && now - made_ < kRebuildEvery;
  if ((!broken_.empty() || !client_) && !lately) Rebuild();
  if (client_ && broken_.empty()) Produce();
  LookForBroker();
  Note();
}

/// librdkafka says when the last broker goes, and not when the first one comes back.
void Producer::LookForBroker() {
  const auto now = Steady::now();
  if (!away_ || !client_ || now - looked_ < kLookEvery) return;
  looked_ = now;
  const struct rd_kafka_metadata* found = nullptr;
  if (rd_kafka_metadata(client_.get(), 0, nullptr, &found, kLookMs) != RD_KAFKA_RESP_ERR_NO_ERROR)
    return;
  const Owned<const struct rd_kafka_metadata> owned(found);
  away_ = false;
  Log(LogLevel::kInfo, "a kafka broker is there again");
}

// ---------------------------------------------------------------- from any thread

void Producer::Note() {
  bytes_seen_ = bytes_;
  oldest_seen_ms_ = left_ > 0 ? Ms(outboxes_.front().since) : 0;
  reports_wanted_ = Of(next_) != nullptr || bytes_ > options_.unacknowledged_bytes_max ||
                    (left_ > 0 && !outboxes_.front().orphan.nil());
}

std::optional<std::string> Producer::Overloaded() const {
  if (const std::size_t bytes = bytes_seen_; bytes > options_.unacknowledged_bytes_max) {
    return fmt::format("{} bytes are on their way to Kafka and not acknowledged", bytes);
  }
  const std::int64_t oldest = oldest_seen_ms_;
  if (const std::int64_t ms = Ms(Steady::now()) - oldest;
      oldest != 0 && ms > options_.unacknowledged_max.count()) {
    return fmt::format("Kafka has acknowledged nothing for {} s", ms / 1000);
  }
  return std::nullopt;
}

}  // namespace reprise::runtime::kafka
