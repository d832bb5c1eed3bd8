// Records: what comes of a lane, what is given back, and what stops it.
#include <algorithm>

#include <fmt/format.h>

#include "base/log.h"
#include "base/mutant.h"
#include "kafka/consumer.h"
#include "kafka/wire.h"

namespace reprise::runtime::kafka {
namespace {

constexpr int kGapsMax = 3;
constexpr int kAskEdgesMs = 5'000;
constexpr std::size_t kRecordBytesMax = 4U << 20;  // of others, in one batch

/// The record as it came; views of `raw`, and of nothing else.
RecordView ViewOf(const rd_kafka_message_t& raw) {
  RecordView view;
  view.partition = raw.partition;
  if (raw.key != nullptr) view.key = {static_cast<const char*>(raw.key), raw.key_len};
  view.has_value = raw.payload != nullptr;
  if (view.has_value) view.value = {static_cast<const char*>(raw.payload), raw.len};
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(&raw, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return view;
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  for (std::size_t i = 0;
       rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
       ++i) {
    view.headers.emplace_back(
        name, std::string_view(static_cast<const char*>(value), value == nullptr ? 0 : size));
  }
  return view;
}

/// The same, to be kept.
RecordRef RecordOf(const rd_kafka_message_t& raw, const Topics::Place& place) {
  Record record = Kept(ViewOf(raw));
  record.topic = place.topic;
  record.offset = raw.offset;
  rd_kafka_timestamp_type_t kind = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
  record.at = FromMillis(std::max<std::int64_t>(0, rd_kafka_message_timestamp(&raw, &kind)));
  record.foreign = place.foreign;
  return std::make_shared<const Record>(std::move(record));
}

Message MessageOf(const rd_kafka_message_t& raw, const Topics::Place& place) {
  if (place.foreign) return ForeignMessage(RecordOf(raw, place), place.lane | raw.partition);
  Message message = ReadMessage(ViewOf(raw), place, raw.offset);
  if (!message.broken.empty()) message.record = RecordOf(raw, place);
  return message;
}

}  // namespace

std::vector<Message> Consumer::Poll(std::size_t most) {
  Drain(most);
  std::vector<Message> out;
  out.reserve(std::min(most, waiting_.size()));
  std::size_t bytes = 0;
  while (out.size() < most && !waiting_.empty() && bytes < kRecordBytesMax) {
    if (const auto& record = waiting_.front().record) bytes += record->value.size();
    out.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
    held_.at(out.back().lane).give = out.back().offset + 1;
  }
  return out;
}

/// What was taken last from a lane begins where the lane is to go on; before it there may be gaps.
void Consumer::Return(std::vector<Message> messages) {
  if (MUTANT(17)) return;  // row 17: a lane has moved, and what was under way on others is dropped
  std::set<LaneId> going_back;
  for (auto it = messages.rbegin(); it != messages.rend(); ++it) {
    const auto held = held_.find(it->lane);
    if (held == held_.end()) continue;
    if (held->second.give == it->offset + 1) going_back.insert(it->lane);
    if (!going_back.contains(it->lane) || it->offset >= held->second.give) continue;
    held->second.give = it->offset;
    waiting_.push_front(std::move(*it));
  }
}

void Consumer::Drain(std::size_t most) {
  while (client_ && waiting_.size() < most) {
    const Owned<rd_kafka_message_t> raw(rd_kafka_consumer_poll(client_.get(), 0));
    if (assign_) Assign();
    if (!raw) {
      drained_ = Steady::now();
      return;
    }
    OnRecord(*raw);
    if (assign_) Assign();
  }
}

void Consumer::OnRecord(const rd_kafka_message_t& raw) {
  const LaneId lane = raw.rkt == nullptr ? 0 : LaneOf(rd_kafka_topic_name(raw.rkt), raw.partition);
  if (raw.err != RD_KAFKA_RESP_ERR_NO_ERROR) return OnFailure(lane, raw);
  const auto it = held_.find(lane);
  if (it == held_.end() || it->second.stopped) return;
  Held& held = it->second;
  const Topics::Place& place = *topics_.Of(lane);
  Message message = MessageOf(raw, place);
  if (!held.check.nil() && raw.offset == held.expect - 1) {
    if (message.id == held.check) {
      held.check = {};
      return;
    }
    return Stop(lane, fmt::format("the record at offset {} is {}, the journal's last message was "
                                  "{}: the topic was truncated or made anew",
                                  raw.offset, message.id.ToString(), held.check.ToString()));
  }
  if (raw.offset < held.expect) return;  // from before an assignment
  if (!place.foreign && (raw.offset > held.expect || !held.check.nil()))
    return Gap(lane, raw.offset);
  held.check = {};
  held.fresh = false;
  held.expect = raw.offset + 1;
  held.behind = {};
  waiting_.push_back(std::move(message));
}

void Consumer::OnFailure(LaneId lane, const rd_kafka_message_t& raw) {
  const auto held = held_.find(lane);
  if (raw.err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET && held != held_.end())
    return OutOfRange(lane, held->second);
  metrics_.Count("reprise_kafka_consumer_errors_total", {{"error", rd_kafka_err2name(raw.err)}});
  Log(LogLevel::kWarn, "kafka consumer",
      {{"lane", lane == 0 ? std::string() : topics_.Name(lane)},
       {"error", rd_kafka_message_errstr(&raw)}});
}

/// Kafka has no record at the offset asked for.  That may be the one before the next: retention may
/// have removed it, and nothing that was not consumed.
void Consumer::OutOfRange(LaneId lane, Held& held) {
  if (held.stopped) return;
  std::int64_t low = 0, high = 0;
  const auto error = rd_kafka_query_watermark_offsets(
      client_.get(), topics_.Of(lane)->topic.c_str(), static_cast<std::int32_t>(PartitionOf(lane)),
      &low, &high, kAskEdgesMs);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    Log(LogLevel::kWarn, "kafka does not say where a lane begins and ends",
        {{"lane", topics_.Name(lane)}, {"error", Text(error)}});
    Drop(lane);  // and is taken again
  } else if (low <= held.expect && held.expect <= high) {
    if (low == held.expect) held.check = {};
  } else if (held.expect < low && topics_.Of(lane)->foreign) {
    Skip(lane, held, low);
  } else if (held.expect < low) {
    return Stop(lane, fmt::format("the journal comes to offset {}, and Kafka has removed what was "
                                  "before {}: messages were lost",
                                  held.expect, low));
  } else {
    return Stop(lane, fmt::format("the journal comes to offset {}, and the topic ends at {}: it "
                                  "was truncated or made anew",
                                  held.expect, high));
  }
  assign_ = true;
}

/// What others' retention took before it was read is gone: a dead letter says so, and the lane goes
/// on.  A lane in which nothing was ever consumed just begins there.
void Consumer::Skip(LaneId lane, Held& held, std::int64_t low) {
  if (!held.fresh) {
    Record gone;
    gone.topic = topics_.Of(lane)->topic;
    gone.partition = static_cast<std::int32_t>(PartitionOf(lane));
    gone.offset = low - 1;
    gone.has_value = false;
    gone.foreign = true;
    Message message = ForeignMessage(std::make_shared<const Record>(std::move(gone)), lane);
    message.broken = fmt::format("Kafka removed the records {} to {} before they were read",
                                 held.expect, low - 1);
    metrics_.Count("reprise_records_lost_total", {{"topic", topics_.Of(lane)->topic}});
    Log(LogLevel::kError, "records of a topic were removed before they were read",
        {{"lane", topics_.Name(lane)}, {"from", held.expect}, {"to", low - 1}});
    waiting_.push_back(std::move(message));
  }
  held.check = {};
  held.expect = low;
}

/// Records are missing between two.  Once it may be the client's mistake, thrice it is the log's.
void Consumer::Gap(LaneId lane, std::int64_t offset) {
  Held& held = held_.at(lane);
  metrics_.Count("reprise_kafka_offset_gaps_total");
  held.gaps = held.gap_at == held.expect ? held.gaps + 1 : 1;
  held.gap_at = held.expect;
  if (held.gaps >= kGapsMax) {
    return Stop(lane, fmt::format("after offset {} comes {}: records are missing in the topic",
                                  held.expect - 1, offset));
  }
  Log(LogLevel::kWarn, "records were skipped; the lane is read again",
      {{"lane", topics_.Name(lane)}, {"expected", held.expect}, {"came", offset}});
  assign_ = true;
}

void Consumer::Stop(LaneId lane, const std::string& why) {
  held_.at(lane).stopped = true;  // what came before it in order is still handed out
  assign_ = true;
  metrics_.Count("reprise_lanes_stopped_total");
  Log(LogLevel::kError, "a lane stands still; nothing of it is skipped",
      {{"lane", topics_.Name(lane)}, {"why", why}});
  untold_[lane] = why;
  const std::lock_guard lock(mutex_);
  stopped_[lane] = fmt::format("{}: {}", topics_.Name(lane), why);
}

}  // namespace reprise::runtime::kafka
