#include "kafka/wire.h"

#include <charconv>

#include <fmt/format.h>

namespace reprise::runtime::kafka {
namespace {

constexpr std::size_t kForeignHeadersMax = 1000;
constexpr std::string_view kNoEvent = "reprise.command";  // ce_type may not be empty

/// Who emitted it: the step before the dot of `reserve.held`, or the pipeline.
std::string Source(const Message& message) {
  const std::string_view event = message.event;
  if (const auto slash = event.find('/'); slash != event.npos)
    return fmt::format("/reprise/{}", event.substr(0, slash));
  if (const auto dot = event.find('.'); dot != event.npos)
    return fmt::format("/reprise/{}/{}", message.pipeline, event.substr(0, dot));
  return fmt::format("/reprise/{}", message.pipeline);
}

template <class T>
bool ReadNumber(std::string_view text, T max, T& out) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value > max) return false;
  out = static_cast<T>(value);
  return true;
}

bool ReadFlag(std::string_view text, bool& out) {
  out = text == "true";
  return out || text.empty();
}

std::string NamesOf(const json::object& object) {
  json::array names;
  for (const auto& member : object) names.emplace_back(member.key());
  return json::serialize(names);
}

/// Why the names are none of the payload's fields, or nothing.
const char* ReadAdded(std::string_view text, Message& m) {
  if (text.empty()) return nullptr;
  json::error_code bad;
  const json::value names = json::parse(json::string_view(text.data(), text.size()), bad);
  if (bad || !names.is_array()) return "ce_sagaadded is no list of names";
  for (const json::value& name : names.get_array()) {
    const json::value* value =
        name.is_string() ? m.payload.Find(std::string_view(name.get_string())) : nullptr;
    if (value == nullptr) return "ce_sagaadded names a field that the payload lacks";
    m.added.insert_or_assign(name.get_string(), *value);
  }
  return nullptr;
}

const char* ReadHeaders(const RecordView& record, const Topics::Place& place, Message& m) {
  if (!record.Header("ce_specversion").starts_with("1.")) return "no CloudEvent in binary mode";
  const auto id = Uuid::Parse(record.Header("ce_id"));
  if (!id) return "ce_id is no UUID";
  m.id = *id;
  if (const auto saga = record.Header("ce_sagaid"); !saga.empty()) {
    const auto parsed = Uuid::Parse(saga);
    if (!parsed) return "ce_sagaid is no UUID";
    m.saga = *parsed;
  }
  if (record.Header("ce_sagastep") != place.step) return "ce_sagastep is another step's name";
  m.plan = record.Header("ce_sagaplan");
  if (m.plan.empty()) return "ce_sagaplan is missing";
  if (!ReadNumber(record.Header("ce_sagaindex"), StepIndex{0xFFFF}, m.step))
    return "ce_sagaindex is no step";
  m.event = record.Header("ce_type");
  if (m.event.empty()) return "ce_type is missing";
  if (m.event == kNoEvent) m.event.clear();
  const auto at = ParseRfc3339(record.Header("ce_time"));
  if (!at) return "ce_time is no time";
  m.at = *at;
  const std::string_view phase = record.Header("ce_sagaphase");
  if (phase != "do" && phase != "undo") return "ce_sagaphase is neither do nor undo";
  bool close = false;
  if (!ReadFlag(record.Header("ce_sagaclose"), close) ||
      !ReadFlag(record.Header("ce_sagalast"), m.undo_last) ||
      !ReadFlag(record.Header("ce_sagaretry"), m.retry)) {
    return "a flag is not 'true'";
  }
  m.phase = phase == "do" ? Phase::kDo : close ? Phase::kClose : Phase::kUndo;
  std::uint32_t attempt = 0;
  if (!ReadNumber(record.Header("ce_sagaattempt"), std::uint32_t{0xFFFF'FFFF}, attempt) ||
      attempt == 0) {
    return "ce_sagaattempt is no number from 1";
  }
  m.round = attempt - 1;
  if (const auto bit = record.Header("ce_sagabit");
      !bit.empty() && !ReadNumber(bit, static_cast<std::uint8_t>(kMaxMainSteps - 1), m.bit)) {
    return "ce_sagabit is no arrival of a join";
  }
  m.trace = record.Header("traceparent");
  return nullptr;
}

std::string WhyBroken(const RecordView& record, const Topics::Place& place, Message& m) {
  if (record.partition < 0 || static_cast<std::uint32_t>(record.partition) >= place.partitions)
    return "a partition that its topic does not have";
  if (const char* why = ReadHeaders(record, place, m); why != nullptr) return why;
  if (record.has_value) {
    auto payload = Payload::Parse(record.value);
    if (!payload) return "the value is no payload: " + payload.error().message;
    m.payload = std::move(*payload);
  } else if (m.phase == Phase::kDo) {
    return "a do without a value";
  }
  if (const char* why = ReadAdded(record.Header("ce_sagaadded"), m); why != nullptr) return why;
  return {};
}

}  // namespace

void AppendMessage(std::string& out, const Message& m, const Topics& topics) {
  const Topics::Place* place = topics.Of(m.lane);
  const std::string nowhere =
      place != nullptr ? "" : fmt::format("{}.{}.no-step-{}", topics.prefix(), m.pipeline, m.step);
  const std::string id = m.id.ToString(), source = Source(m), time = Rfc3339(m.at),
                    saga = m.saga.nil() ? "" : m.saga.ToString(),
                    attempt = std::to_string(std::uint64_t{m.round} + 1),
                    index = std::to_string(m.step), bit = std::to_string(m.bit),
                    added = m.added.empty() ? "" : NamesOf(m.added),
                    value =
                        m.phase == Phase::kDo || !m.payload.empty() ? m.payload.Serialize() : "";
  RecordView record;
  record.topic = place != nullptr ? std::string_view(place->topic) : nowhere;
  record.partition = static_cast<std::int32_t>(PartitionOf(m.lane));
  record.key = m.key;
  record.at = m.at;
  record.has_value = !value.empty();
  record.value = value;
  const auto put = [&](std::string_view name, std::string_view text) {
    if (!text.empty()) record.headers.emplace_back(name, text);
  };
  put("ce_specversion", "1.0");
  put("ce_id", id);
  put("ce_type", m.event.empty() ? kNoEvent : std::string_view(m.event));
  put("ce_source", source);
  put("ce_time", time);
  put("ce_subject", m.key);
  if (record.has_value) put("content-type", "application/json");
  put("traceparent", m.trace);
  put("ce_sagaid", saga);
  put("ce_sagastep", place != nullptr ? std::string_view(place->step) : std::string_view(index));
  put("ce_sagaphase", m.phase == Phase::kDo ? "do" : "undo");
  put("ce_sagaattempt", attempt);
  put("ce_sagaplan", m.plan);
  put("ce_sagaindex", index);
  if (m.bit != 0) put("ce_sagabit", bit);
  put("ce_sagaadded", added);
  if (m.undo_last) put("ce_sagalast", "true");
  if (m.phase == Phase::kClose) put("ce_sagaclose", "true");
  if (m.retry) put("ce_sagaretry", "true");
  AppendRecord(out, record);
}

void AppendForeign(std::string& out, const Transaction::Foreign& foreign) {
  RecordView record;
  record.foreign = true;
  record.topic = foreign.topic;
  record.key = foreign.key;
  record.at = foreign.at;
  record.has_value = foreign.has_value;
  record.value = foreign.bytes;
  for (const auto& [name, value] : foreign.headers) {
    if (record.headers.size() < kForeignHeadersMax) record.headers.emplace_back(name, value);
  }
  AppendRecord(out, record);
}

Message ReadMessage(const RecordView& record, const Topics::Place& place, std::int64_t offset) {
  Message m;
  m.pipeline = place.pipeline;
  m.key = record.key;
  m.lane = place.lane | record.partition;
  m.offset = offset;
  m.broken = WhyBroken(record, place, m);
  if (!m.broken.empty()) {
    m.raw = record.value;
    if (m.id.nil()) {
      m.id = Derived(Uuid{}, {"unreadable", place.topic, std::to_string(record.partition),
                              std::to_string(offset), record.value});
    }
  }
  return m;
}

Record Kept(const RecordView& view) {
  Record record;
  record.topic = view.topic;
  record.partition = view.partition;
  record.at = view.at;
  record.key = view.key;
  record.value = view.value;
  record.has_value = view.has_value;
  for (const auto& [name, value] : view.headers) record.headers.emplace_back(name, value);
  return record;
}

Message ForeignMessage(RecordRef record, LaneId lane) {
  Message m;
  m.id = Derived(Uuid{}, {"record", record->topic, std::to_string(record->partition),
                          std::to_string(record->offset), record->value});
  m.event = record->topic;
  m.key = record->key;
  m.at = record->at;
  m.lane = lane;
  m.offset = record->offset;
  m.record = std::move(record);
  return m;
}

Message Refused(const RecordView& record, const Topics& topics, const std::string& reason) {
  Message m;
  const Topics::Place* place = record.foreign ? nullptr : topics.Named(record.topic);
  if (place != nullptr) {
    m = ReadMessage(record, *place, -1);
  } else {
    m.id = Uuid::Parse(record.Header("ce_id"))
               .value_or(Derived(Uuid{}, {"refused", record.topic, record.key,
                                          std::to_string(ToMillis(record.at)), record.value}));
    m.saga = Uuid::Parse(record.Header("ce_sagaid")).value_or(Uuid{});
    m.event = record.topic;
    m.key = record.key;
    m.at = record.at;
  }
  m.raw = record.value;
  m.refused = true;
  m.broken = fmt::format("{}: {}", record.topic, reason);
  m.record = std::make_shared<const Record>(Kept(record));
  return m;
}

}  // namespace reprise::runtime::kafka
