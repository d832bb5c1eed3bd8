/// Record: one message of a Kafka topic as it came: of others, or of ours where it cannot be read.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace reprise::runtime {

/// Names and values as they are on the wire; a value is any bytes.
using Headers = std::vector<std::pair<std::string, std::string>>;

struct Record {
  std::string topic;
  std::int32_t partition = -1;  // -1: a line of a file, and `offset` says which of equal lines
  std::int64_t offset = -1;
  Time at{};  // as its producer or Kafka has set it
  std::string key, value;
  bool has_value = true;
  bool foreign = false;  // of a topic of others: an input
  Headers headers;

  /// The first header of this name, in any case of letters; null if there is none.
  const std::string* Header(std::string_view name) const;
};
using RecordRef = std::shared_ptr<const Record>;

/// What every CloudEvent in binary mode says.
Headers EventHeaders(std::string id, std::string type, std::string source, Time at);

/// All of it but key and value, as JSON text: what the journal keeps of a dead letter's origin.
/// A header that is not UTF-8 is {"base64": ".."}.  Decoding answers kInvalid for anything else.
std::string EncodeOrigin(const Record& record);
Result<Record> DecodeOrigin(std::string_view text);

/// The record of an origin, key and value; null if the text is none.
RecordRef RecordOf(std::string_view origin, std::string_view key, std::string_view value);

}  // namespace reprise::runtime
