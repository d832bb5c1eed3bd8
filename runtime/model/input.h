/// Input: what a record of a topic of others means to a pipeline that listens to it.
///
/// Pure.  A duplicate, as the topic's `dedupe` says, is an input with the same saga id.
#pragma once

#include "base/ids.h"
#include "base/result.h"
#include "model/payload.h"
#include "model/pipeline.h"
#include "model/record.h"

namespace reprise::runtime {

inline constexpr std::size_t kRootBytesMax = 512 * 1024;

struct Input {
  Payload root;  // without what checks add
  Uuid saga;
};

/// Reads a CloudEvent (1.0, binary or structured), plain JSON or bytes, as `topic.format` says:
///   cloudevents  its data is the payload
///   json         the value is the payload
///   raw          {value, encoding, key}: the value as text (`utf8`), or `base64` where it is none
///   auto         a CloudEvent if it looks like one, else JSON
/// Fields that `topic.body` does not name are left out; without a body all are taken.
/// kInvalid: why it cannot be read, for a person.
Result<Input> ReadInput(const Pipeline& pipeline, const Topic& topic, const Record& record);

}  // namespace reprise::runtime
