/// What the cluster's wire is told: where Kafka is, what is named how, and when it gives up
/// waiting.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/time.h"

namespace reprise::runtime {

struct KafkaOptions {
  std::string brokers;  // "host:9092,host:9092"
  std::string prefix;   // topics are <prefix>.<pipeline>.<step>; also the consumer group's name
  std::uint32_t partitions = 24;  // of every topic; never changed once a topic exists
  /// Copies of each topic made here; 0: three, or as many as there are brokers.
  int replication = 0;
  /// librdkafka's own settings, over those of client.cpp: `security.protocol`, `sasl.*`, `ssl.*`.
  /// Their values are never printed.
  std::map<std::string, std::string> options;

  std::size_t unacknowledged_bytes_max = 64U << 20;  // over it, nothing more is accepted
  Millis unacknowledged_max{10'000};                 // nor when Kafka was silent for this long
  Millis producer_stalled{120'000};                  // then the producer is made anew
  Millis consumer_stalled{30'000};  // messages are known of and none came: the consumer is, too
  Millis renew_every{1000}, adopt_every{2000}, export_every{5000};
  /// After lanes were lost to another worker without Kafka having said so: time for it to say so.
  Millis retake_after{3000};
  Millis close_within{5000};  // at the end, for what is not acknowledged yet
};

}  // namespace reprise::runtime
