/// What a test or a measurement made in Kafka is removed at its end.
#pragma once

#include "base/result.h"
#include "kafka/options.h"

namespace reprise::runtime::kafka {

/// Removes every topic that is named "<prefix>.*".  An empty prefix: kInvalid.  Blocks for some
/// seconds at most.  kUnavailable: Kafka cannot be reached, or does not let us.
Status RemoveTopics(const KafkaOptions& options);

}  // namespace reprise::runtime::kafka
