#include "model/input.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/base64.h"
#include "base/utf8.h"
#include "model/field_check.h"

namespace reprise::runtime {
namespace {

/// What a format finds in a record.
struct Content {
  json::object fields;
  std::string ce_id, ce_source;  // of a CloudEvent
};

Error Unreadable(std::string why) {
  return Error{Code::kInvalid, std::move(why)};
}

/// "application/json" of "Application/JSON; charset=utf-8".
std::string MediaType(std::string_view text) {
  std::string out(text.substr(0, text.find(';')));
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  out.erase(out.find_last_not_of(" \t") + 1);
  out.erase(0, out.find_first_not_of(" \t"));
  return out;
}

bool IsJson(const std::string& type) {
  return type.empty() || type == "application/json" || type == "text/json" ||
         type.ends_with("+json");
}

std::string TextOf(const Record& record, std::string_view header) {
  const std::string* value = record.Header(header);
  return value == nullptr ? std::string() : *value;
}

Result<json::object> ParseObject(std::string_view text, std::string_view what) {
  auto parsed = Payload::Parse(text);
  if (!parsed)
    return Unreadable(fmt::format("{} is no JSON object: {}", what, parsed.error().message));
  return parsed->object();
}

Result<json::object> ParseValue(const Record& record, std::string_view what) {
  if (!record.has_value) return Unreadable(fmt::format("{} is missing: a tombstone", what));
  return ParseObject(record.value, what);
}

/// Why these are no attributes of a CloudEvent, or nothing.
std::string WhyNoEvent(std::string_view version, std::string_view id, std::string_view source,
                       std::string_view type) {
  if (!version.starts_with("1."))
    return fmt::format("a CloudEvent of version '{}', not 1.0", CleanUtf8(version, 20));
  for (const auto& [name, value] :
       {std::pair("id", id), std::pair("source", source), std::pair("type", type)}) {
    if (value.empty()) return fmt::format("a CloudEvent without '{}'", name);
    if (!IsUtf8(value)) return fmt::format("a CloudEvent whose '{}' is not UTF-8", name);
  }
  return {};
}

Result<Content> ReadBinary(const Record& record) {
  Content content{{}, TextOf(record, "ce_id"), TextOf(record, "ce_source")};
  if (const std::string why = WhyNoEvent(TextOf(record, "ce_specversion"), content.ce_id,
                                         content.ce_source, TextOf(record, "ce_type"));
      !why.empty()) {
    return Unreadable(why);
  }
  const std::string type = MediaType(TextOf(record, "content-type"));
  if (!IsJson(type))
    return Unreadable(fmt::format("a CloudEvent's data is '{}', not JSON", CleanUtf8(type, 100)));
  auto fields = ParseValue(record, "the CloudEvent's data");
  if (!fields) return fields.error();
  content.fields = std::move(*fields);
  return content;
}

std::string_view Attribute(const json::object& event, std::string_view name) {
  const json::value* value = event.if_contains(name);
  return value != nullptr && value->is_string() ? std::string_view(value->get_string())
                                                : std::string_view();
}

Result<json::object> DataOf(const json::object& event) {
  if (const std::string type = MediaType(Attribute(event, "datacontenttype")); !IsJson(type))
    return Unreadable(fmt::format("a CloudEvent's data is '{}', not JSON", type));
  if (event.contains("data_base64")) {
    const auto bytes = DecodeBase64(Attribute(event, "data_base64"));
    if (!bytes) return Unreadable("the CloudEvent's data_base64 is no base64");
    return ParseObject(*bytes, "the CloudEvent's data");
  }
  const json::value* data = event.if_contains("data");
  if (data == nullptr || !data->is_object())
    return Unreadable("the CloudEvent's data is no JSON object");
  return data->get_object();
}

Result<Content> ReadStructured(const json::object& event) {
  Content content{{}, std::string(Attribute(event, "id")), std::string(Attribute(event, "source"))};
  if (const std::string why = WhyNoEvent(Attribute(event, "specversion"), content.ce_id,
                                         content.ce_source, Attribute(event, "type"));
      !why.empty()) {
    return Unreadable(why);
  }
  auto data = DataOf(event);
  if (!data) return data.error();
  content.fields = std::move(*data);
  return content;
}

/// Also of a record without headers, as a file's line is, whose value says what it is.
Result<Content> ReadEvent(const Record& record) {
  const std::string type = MediaType(TextOf(record, "content-type"));
  const bool structured = type.starts_with("application/cloudevents");
  if (!structured && record.Header("ce_specversion") != nullptr) return ReadBinary(record);
  if (structured && type != "application/cloudevents+json" && type != "application/cloudevents")
    return Unreadable(fmt::format("'{}' is not understood: only single events as JSON are", type));
  auto event = ParseValue(record, "the CloudEvent");
  if (!event) return event.error();
  if (!structured && !event->contains("specversion")) {
    return Unreadable(
        "no CloudEvent: neither a header ce_specversion nor the content-type "
        "application/cloudevents+json");
  }
  return ReadStructured(*event);
}

Result<Content> ReadJson(const Record& record) {
  auto fields = ParseValue(record, "the value");
  if (!fields) return fields.error();
  return Content{std::move(*fields), {}, {}};
}

Result<Content> ReadAuto(const Record& record) {
  if (record.Header("ce_specversion") != nullptr ||
      MediaType(TextOf(record, "content-type")).starts_with("application/cloudevents")) {
    return ReadEvent(record);
  }
  auto content = ReadJson(record);
  if (!content || Attribute(content->fields, "specversion").empty() ||
      Attribute(content->fields, "source").empty()) {
    return content;
  }
  return ReadStructured(json::object(content->fields));
}

bool IsText(const std::string& bytes) {
  return IsUtf8(bytes) && bytes.find('\0') == std::string::npos;
}

Result<Content> ReadRaw(const Record& record) {
  if (!IsText(record.key)) return Unreadable("the key is no text in UTF-8");
  const bool text = IsText(record.value);
  return Content{{{"value", text ? record.value : EncodeBase64(record.value)},
                  {"encoding", text ? "utf8" : "base64"},
                  {"key", record.key}},
                 {},
                 {}};
}

Result<Content> Read(const Topic& topic, const Record& record) {
  if (topic.format == "cloudevents") return ReadEvent(record);
  if (topic.format == "json") return ReadJson(record);
  if (topic.format == "raw") return ReadRaw(record);
  return ReadAuto(record);
}

/// `key: F`: the record's key is field F, where the value does not say it itself.
Status AddKey(const Topic& topic, const Record& record, json::object& fields) {
  if (topic.key.empty() || fields.contains(topic.key)) return {};
  if (record.key.empty()) {
    return Unreadable(
        fmt::format("'{}' is missing: neither the value nor the record's key says it", topic.key));
  }
  if (!IsText(record.key)) return Unreadable("the key is no text in UTF-8");
  fields[topic.key] = record.key;
  return {};
}

Status CheckBody(const BodyType& body, json::object& fields) {
  if (body.kind != BodyType::kStruct) return {};
  json::object named;
  for (const BodyField& field : body.fields) {
    if (auto* value = fields.if_contains(field.name)) named[field.name] = std::move(*value);
  }
  fields = std::move(named);
  FieldCheck check("record");
  check.Object(fields, body, "");
  const auto errors = check.TakeErrors();
  if (errors.empty()) return {};
  std::string why = fmt::format("'{}' {}", errors.front().field, errors.front().detail);
  if (errors.size() > 1) why += fmt::format(" (and {} more)", errors.size() - 1);
  return Unreadable(why);
}

/// The id of the saga that this record begins, once.
Result<Uuid> SagaOf(const Pipeline& pipeline, const Topic& topic, const Record& record,
                    const Content& content, const Payload& root) {
  if (topic.dedupe == "ce_id") {
    if (content.ce_id.empty()) return Unreadable("dedupe: ce_id, and the record is no CloudEvent");
    return Derived(Uuid{},
                   {"input", pipeline.name, topic.name, "ce_id", content.ce_source, content.ce_id});
  }
  if (topic.dedupe != "offset") {
    const std::string value = root.Text(topic.dedupe);
    if (value.empty())
      return Unreadable(fmt::format("'{}' is missing, and tells duplicates", topic.dedupe));
    return Derived(Uuid{}, {"input", pipeline.name, topic.name, topic.dedupe, value});
  }
  const std::string offset = std::to_string(record.offset);
  if (record.partition < 0)
    return Derived(Uuid{}, {"input", pipeline.name, topic.name, Sha256(record.value), offset});
  return DerivedAt(record.at,
                   {"input", pipeline.name, topic.name, std::to_string(record.partition), offset});
}

}  // namespace

Result<Input> ReadInput(const Pipeline& pipeline, const Topic& topic, const Record& record) {
  auto content = Read(topic, record);
  if (!content) return content.error();
  json::object& fields = content->fields;
  if (auto added = AddKey(topic, record, fields); !added) return added.error();
  if (auto fine = CheckBody(topic.body, fields); !fine) return fine.error();
  Input input;
  input.root = Payload(std::move(fields));
  if (input.root.Serialize().size() > kRootBytesMax)
    return Unreadable("the payload would pass 512 KiB");
  auto saga = SagaOf(pipeline, topic, record, *content, input.root);
  if (!saga) return saga.error();
  input.saga = *saga;
  return input;
}

}  // namespace reprise::runtime
