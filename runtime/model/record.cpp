#include "model/record.h"

#include <algorithm>
#include <cctype>

#include "base/base64.h"
#include "base/utf8.h"
#include "model/payload.h"

namespace reprise::runtime {
namespace {

bool Same(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

json::value Text(const std::string& bytes) {
  if (IsUtf8(bytes)) return json::value(bytes);
  return json::object{{"base64", EncodeBase64(bytes)}};
}

std::string BytesOf(const json::value& text) {
  if (text.is_string()) return std::string(text.get_string());
  return DecodeBase64(std::string_view(text.at("base64").as_string())).value_or("");
}

Record Decode(const json::object& object) {
  Record record;
  record.topic = std::string(object.at("topic").as_string());
  record.partition = json::value_to<std::int32_t>(object.at("partition"));
  record.offset = json::value_to<std::int64_t>(object.at("offset"));
  record.at = FromMillis(json::value_to<std::int64_t>(object.at("at")));
  record.has_value = !object.contains("empty");
  record.foreign = object.contains("foreign");
  for (const json::value& header : object.at("headers").as_array())
    record.headers.emplace_back(BytesOf(header.at(0)), BytesOf(header.at(1)));
  return record;
}

}  // namespace

const std::string* Record::Header(std::string_view name) const {
  for (const auto& [known, text] : headers) {
    if (Same(known, name)) return &text;
  }
  return nullptr;
}

Headers EventHeaders(std::string id, std::string type, std::string source, Time at) {
  return {{"ce_specversion", "1.0"},
          {"ce_id", std::move(id)},
          {"ce_type", std::move(type)},
          {"ce_source", std::move(source)},
          {"ce_time", Rfc3339(at)}};
}

std::string EncodeOrigin(const Record& record) {
  json::object out{{"topic", record.topic},
                   {"partition", record.partition},
                   {"offset", record.offset},
                   {"at", ToMillis(record.at)}};
  if (!record.has_value) out["empty"] = true;
  if (record.foreign) out["foreign"] = true;
  json::array headers;
  for (const auto& [name, value] : record.headers)
    headers.push_back(json::array{Text(name), Text(value)});
  out["headers"] = std::move(headers);
  return json::serialize(out);
}

Result<Record> DecodeOrigin(std::string_view text) {
  json::error_code bad;
  const json::value value = json::parse(json::string_view(text.data(), text.size()), bad);
  if (!bad && value.is_object()) {
    try {
      return Decode(value.get_object());
    } catch (const std::exception&) {  // of Boost.JSON: a member is missing or of another kind
    }
  }
  return Error{Code::kInvalid, "no origin of a record"};
}

RecordRef RecordOf(std::string_view origin, std::string_view key, std::string_view value) {
  auto record = DecodeOrigin(origin);
  if (!record) return nullptr;
  record->key = key;
  record->value = value;
  return std::make_shared<const Record>(std::move(*record));
}

}  // namespace reprise::runtime
