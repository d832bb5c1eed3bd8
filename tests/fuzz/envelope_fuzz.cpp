// What comes from the wire: sealed outboxes and the messages in them, inputs from topics of others,
// and the origins of dead letters.
#include "fuzz/fuzz.h"
#include "kafka/wire.h"
#include "model/input.h"

namespace {
using namespace reprise::runtime;
using reprise::fuzz::Must;

const kafka::Topics& Known() {
  static const kafka::Topics topics = [] {
    kafka::Topics made("shop", 24);
    made.Add("order", "charge", true);
    return made;
  }();
  return topics;
}

void AMessage(const kafka::RecordView& record) {
  const auto& place = *Known().Of(LaneBase("order", "charge"));
  const Message read = kafka::ReadMessage(record, place, 17);
  kafka::Refused(record, Known(), "too large");
  if (!read.broken.empty()) return;
  std::string bytes;
  kafka::AppendMessage(bytes, read, Known());
  std::size_t at = 0;
  const auto written = kafka::ReadRecord(bytes, at);
  Must(written.ok() && at == bytes.size(), "what was written is one record");
  const Message again = kafka::ReadMessage(*written, place, 17);
  Must(again.broken.empty(), "what was read can be written and read again");
  Must(again.id == read.id && again.saga == read.saga && again.event == read.event &&
           again.key == read.key && again.step == read.step && again.round == read.round,
       "a message comes back as it was");
  Must(again.payload.object() == read.payload.object(), "a payload comes back as it was");
}

void Outbox(std::string_view sealed) {
  const auto outbox = kafka::Unseal(sealed);
  if (!outbox) return;
  for (std::size_t at : outbox->starts) {
    const auto record = kafka::ReadRecord(outbox->records, at);
    Must(record.ok(), "what Unseal counted can be read");
    AMessage(*record);
    kafka::Kept(*record);
  }
}

void AnInput(std::string_view value) {
  Pipeline pipeline;
  pipeline.name = "order";
  Topic topic;
  topic.name = "orders";
  topic.body.kind = BodyType::kObject;
  Record record;
  record.topic = "orders";
  record.partition = record.offset = 3;
  record.foreign = true;
  record.value = value;
  for (const char* format : {"auto", "cloudevents", "json", "raw"}) {
    topic.format = format;
    const auto input = ReadInput(pipeline, topic, record);
    Must(input.ok() || !input.error().message.empty(), "a refusal says why");
    if (input) Must(Payload::Parse(input->root.Serialize()).ok(), "a payload is JSON");
  }
}

void AnOrigin(std::string_view text) {
  const auto read = DecodeOrigin(text);
  if (!read) return;
  const auto again = DecodeOrigin(EncodeOrigin(*read));
  Must(again.ok() && again->headers == read->headers && again->topic == read->topic &&
           again->offset == read->offset,
       "an origin comes back as it was");
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto [which, rest] = reprise::fuzz::Choose(data, size, 3);
  (which == 0 ? Outbox : which == 1 ? AnInput : AnOrigin)(rest);
  return 0;
}
