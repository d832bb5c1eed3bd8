/// librdkafka 2.0.2 in small: owned handles, settings, and errors as values.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <librdkafka/rdkafka.h>

#include "base/result.h"
#include "kafka/options.h"

namespace reprise::runtime::kafka {

struct Free {
  void operator()(rd_kafka_t* p) const { rd_kafka_destroy(p); }
  void operator()(rd_kafka_conf_t* p) const { rd_kafka_conf_destroy(p); }
  void operator()(rd_kafka_topic_t* p) const { rd_kafka_topic_destroy(p); }
  void operator()(rd_kafka_queue_t* p) const { rd_kafka_queue_destroy(p); }
  void operator()(rd_kafka_headers_t* p) const { rd_kafka_headers_destroy(p); }
  void operator()(rd_kafka_message_t* p) const { rd_kafka_message_destroy(p); }
  void operator()(rd_kafka_topic_partition_list_t* p) const {
    rd_kafka_topic_partition_list_destroy(p);
  }
  void operator()(rd_kafka_error_t* p) const { rd_kafka_error_destroy(p); }
  void operator()(rd_kafka_event_t* p) const { rd_kafka_event_destroy(p); }
  void operator()(rd_kafka_NewTopic_t* p) const { rd_kafka_NewTopic_destroy(p); }
  void operator()(rd_kafka_DeleteTopic_t* p) const { rd_kafka_DeleteTopic_destroy(p); }
  void operator()(rd_kafka_AdminOptions_t* p) const { rd_kafka_AdminOptions_destroy(p); }
  void operator()(const struct rd_kafka_metadata* p) const { rd_kafka_metadata_destroy(p); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

using Settings = std::vector<std::pair<std::string, std::string>>;

/// What producers, or consumers, of this runtime are set to.  See FACTS in the comments of
/// client.cpp.
Settings ProducerSettings();
Settings ConsumerSettings(const std::string& group);

/// A configuration of these settings with the deployment's `options` over them; log lines go to
/// Log. kInvalid names the setting that librdkafka refuses, never its value.
Result<Owned<rd_kafka_conf_t>> Configure(const KafkaOptions& options, const Settings& settings);

/// Takes the configuration.  kInvalid: settings that do not go together.
Result<Owned<rd_kafka_t>> Create(rd_kafka_type_t type, Owned<rd_kafka_conf_t> conf);

/// Whether Kafka will never take a record that it refused with this: its size, its topic, its
/// rights.
bool Permanent(rd_kafka_resp_err_t error);

inline std::string Text(rd_kafka_resp_err_t error) {
  return std::string(rd_kafka_err2name(error)) + ": " + rd_kafka_err2str(error);
}

}  // namespace reprise::runtime::kafka
