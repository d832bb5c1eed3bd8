/// Sealed: records as bytes, as the journal keeps them until Kafka has acknowledged them.
///
///   version byte | record ...
///   record: flags | topic | partition | key | at | header count | (name | value) ... | value
///
/// `flags` bit 0: for a topic of others; bit 1: there is a value.  Text is its length as LEB128,
/// then the bytes; integers are LEB128, `partition` and `at` zigzag.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace reprise::runtime::kafka {

/// One record of a topic.  Views: they live as long as what they were read from.
struct RecordView {
  bool foreign = false;
  std::string_view topic;
  std::int32_t partition = -1;  // -1: Kafka's clients choose, by the key
  std::string_view key;
  Time at{};
  std::vector<std::pair<std::string_view, std::string_view>> headers;
  bool has_value = false;
  std::string_view value;

  std::string_view Header(std::string_view name) const {
    for (const auto& [n, v] : headers) {
      if (n == name) return v;
    }
    return {};
  }
};

/// An outbox with nothing in it; every sealed outbox begins with it.
inline constexpr std::string_view kSealedVersion("\x01", 1);

void AppendRecord(std::string& out, const RecordView& record);

/// Reads the record at `at` of bytes without their version, and moves `at` behind it.  kInvalid:
/// no such record.
Result<RecordView> ReadRecord(std::string_view records, std::size_t& at);

/// The records of a sealed outbox, less its version, and where each begins.  kInvalid: these bytes
/// were not made by AppendRecord, or by a later version.
struct Unsealed {
  std::string_view records;
  std::vector<std::uint32_t> starts;
};
Result<Unsealed> Unseal(std::string_view sealed);

}  // namespace reprise::runtime::kafka
