// Topics: made at start-up if they are missing, refused if they are others; removed if they were a
// test's.
#include <chrono>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/log.h"
#include "kafka/client.h"
#include "kafka/topics.h"

namespace reprise::runtime::kafka {
namespace {

using Steady = std::chrono::steady_clock;
constexpr int kAskMs = 10'000;
constexpr int kAskSoonMs = 1'000;  // while a worker waits
constexpr int kAskAgainMs = 20;
constexpr std::chrono::seconds kAppearWithin{30};

/// What Kafka has: partitions by topic, and its brokers.
struct Present {
  std::map<std::string, int> partitions;
  int brokers = 0;
};

Result<Present> Look(rd_kafka_t* client) {
  const struct rd_kafka_metadata* raw = nullptr;
  const auto error = rd_kafka_metadata(client, 1, nullptr, &raw, kAskMs);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return Error{Code::kUnavailable, fmt::format("kafka: cannot be reached: {}", Text(error))};
  }
  const Owned<const struct rd_kafka_metadata> metadata(raw);
  Present present;
  present.brokers = metadata->broker_cnt;
  for (int i = 0; i < metadata->topic_cnt; ++i) {
    const auto& topic = metadata->topics[i];
    if (topic.err == RD_KAFKA_RESP_ERR_NO_ERROR)
      present.partitions[topic.topic] = topic.partition_cnt;
  }
  return present;
}

/// The topics that are not there yet.
Result<std::vector<std::string>> Missing(const Present& present, const Topics& topics) {
  std::vector<std::string> missing, others;
  for (const Topics::Place* place : topics.All()) {
    const auto it = present.partitions.find(place->topic);
    if (it == present.partitions.end()) {
      missing.push_back(place->topic);
    } else if (!place->foreign && it->second != static_cast<int>(topics.partitions())) {
      others.push_back(fmt::format("{} has {}", place->topic, it->second));
    }
  }
  if (others.empty()) return missing;
  return Error{Code::kInvalid,
               fmt::format("kafka: 'partitions' is {}, but {}; the number of a topic's partitions "
                           "never changes: set it back, or take another 'prefix'",
                           topics.partitions(), fmt::join(others, ", "))};
}

void Count(const Present& present, Topics& topics) {
  for (const Topics::Place* place : topics.All()) {
    if (place->foreign)
      topics.SetPartitions(place->lane,
                           static_cast<std::uint32_t>(present.partitions.at(place->topic)));
  }
}

Result<Owned<rd_kafka_NewTopic_t>> NewTopic(const std::string& name, std::uint32_t partitions,
                                            int replication) {
  char why[512];
  Owned<rd_kafka_NewTopic_t> topic(rd_kafka_NewTopic_new(name.c_str(), static_cast<int>(partitions),
                                                         replication, why, sizeof why));
  if (!topic) return Error{Code::kInvalid, fmt::format("kafka: topic {}: {}", name, why)};
  const auto set = [&](const char* key, const char* value) {
    (void)rd_kafka_NewTopic_set_config(topic.get(), key, value);
  };
  set("cleanup.policy", "delete");
  set("retention.ms", "604800000");  // 7 days
  set("unclean.leader.election.enable", "false");
  if (replication >= 3) set("min.insync.replicas", "2");
  return topic;
}

Status Make(rd_kafka_t* client, const std::vector<std::string>& names, std::uint32_t partitions,
            int replication, int ask_ms = kAskMs) {
  std::vector<Owned<rd_kafka_NewTopic_t>> made;
  std::vector<rd_kafka_NewTopic_t*> raw;
  for (const std::string& name : names) {
    auto topic = NewTopic(name, partitions, replication);
    if (!topic) return topic.error();
    raw.push_back(topic->get());
    made.push_back(std::move(*topic));
  }
  const Owned<rd_kafka_AdminOptions_t> how(
      rd_kafka_AdminOptions_new(client, RD_KAFKA_ADMIN_OP_CREATETOPICS));
  char why[512];
  (void)rd_kafka_AdminOptions_set_operation_timeout(how.get(), ask_ms, why, sizeof why);
  const Owned<rd_kafka_queue_t> answers(rd_kafka_queue_new(client));
  rd_kafka_CreateTopics(client, raw.data(), raw.size(), how.get(), answers.get());
  const Owned<rd_kafka_event_t> event(rd_kafka_queue_poll(answers.get(), 2 * ask_ms));
  if (!event || rd_kafka_event_error(event.get()) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return Error{Code::kUnavailable,
                 fmt::format("kafka: topics cannot be made: {}",
                             event ? rd_kafka_event_error_string(event.get()) : "no answer")};
  }
  std::size_t count = 0;
  const auto* results =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event.get()), &count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto error = rd_kafka_topic_result_error(results[i]);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR || error == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
      continue;  // another process may have been faster
    const char* said = rd_kafka_topic_result_error_string(results[i]);
    return Error{Code::kUnavailable, fmt::format("kafka: topic {} cannot be made: {}",
                                                 rd_kafka_topic_result_name(results[i]),
                                                 said != nullptr ? said : Text(error))};
  }
  return {};
}

}  // namespace

Result<Topics> EnsureTopics(const KafkaOptions& options, Topics topics) {
  if (topics.All().empty()) return topics;
  auto conf = Configure(options, ProducerSettings());
  if (!conf) return conf.error();
  auto client = Create(RD_KAFKA_PRODUCER, std::move(*conf));
  if (!client) return client.error();
  const auto until = Steady::now() + kAppearWithin;
  for (bool asked = false;; asked = true) {
    const auto present = Look(client->get());
    if (!present) return present.error();
    const auto missing = Missing(*present, topics);
    if (!missing) return missing.error();
    if (missing->empty()) {
      Count(*present, topics);
      return topics;
    }
    if (asked && Steady::now() > until) {
      return Error{Code::kUnavailable,
                   fmt::format("kafka: topic {} was made and does not appear", missing->front())};
    }
    if (asked) {
      rd_kafka_poll(client->get(), 100);  // waits
      continue;
    }
    const int replication =
        options.replication > 0 ? options.replication : std::min(3, present->brokers);
    if (replication < 3) {
      Log(LogLevel::kWarn, "topics are made with fewer than three copies",
          {{"copies", replication}, {"topics", missing->size()}});
    }
    if (auto done = Make(client->get(), *missing, topics.partitions(), replication); !done)
      return done.error();
  }
}

namespace {

/// A topic that was made a moment ago may still be without a leader.
bool SoonThere(rd_kafka_resp_err_t error) {
  return error == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION ||
         error == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE ||
         error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
}

}  // namespace

Result<Edges> EdgesOf(rd_kafka_t* client, const Topics::Place& place, std::int32_t partition) {
  const auto until = Steady::now() + kAppearWithin;
  Edges edges;
  for (;;) {
    const auto error = rd_kafka_query_watermark_offsets(client, place.topic.c_str(), partition,
                                                        &edges.first, &edges.end, kAskMs);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return edges;
    if (!SoonThere(error) || Steady::now() > until) {
      return Error{Code::kUnavailable,
                   fmt::format("kafka: does not say where {}[{}] begins and ends: {}", place.topic,
                               partition, Text(error))};
    }
    rd_kafka_poll(client, kAskAgainMs);  // waits
  }
}

Result<std::vector<std::int64_t>> EndsOf(rd_kafka_t* client, const Topics::Place& place) {
  std::vector<std::int64_t> out;
  for (std::uint32_t p = 0; p < place.partitions; ++p) {
    const auto edges = EdgesOf(client, place, static_cast<std::int32_t>(p));
    if (!edges) return edges.error();
    out.push_back(edges->end);
  }
  return out;
}

Status EnsureTopic(const KafkaOptions& options, const std::string& name) {
  auto conf = Configure(options, ProducerSettings());
  if (!conf) return conf.error();
  auto client = Create(RD_KAFKA_PRODUCER, std::move(*conf));
  if (!client) return client.error();
  const int replication = options.replication > 0 ? options.replication : -1;  // the broker's own
  return Make(client->get(), {name}, options.partitions, replication, kAskSoonMs);
}

Status RemoveTopics(const KafkaOptions& options) {
  if (options.prefix.empty()) return Error{Code::kInvalid, "kafka: say which topics' prefix"};
  auto conf = Configure(options, ProducerSettings());
  if (!conf) return conf.error();
  const auto client = Create(RD_KAFKA_PRODUCER, std::move(*conf));
  if (!client) return client.error();
  const auto present = Look(client->get());
  if (!present) return present.error();
  std::vector<Owned<rd_kafka_DeleteTopic_t>> ours;
  std::vector<rd_kafka_DeleteTopic_t*> raw;
  for (const auto& [name, partitions] : present->partitions) {
    if (!name.starts_with(options.prefix + ".")) continue;
    ours.emplace_back(rd_kafka_DeleteTopic_new(name.c_str()));
    raw.push_back(ours.back().get());
  }
  if (raw.empty()) return {};
  const Owned<rd_kafka_queue_t> answers(rd_kafka_queue_new(client->get()));
  rd_kafka_DeleteTopics(client->get(), raw.data(), raw.size(), nullptr, answers.get());
  const Owned<rd_kafka_event_t> event(rd_kafka_queue_poll(answers.get(), kAskMs));
  if (event && rd_kafka_event_error(event.get()) == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  return Error{Code::kUnavailable,
               fmt::format("kafka: topics cannot be removed: {}",
                           event ? rd_kafka_event_error_string(event.get()) : "no answer")};
}

}  // namespace reprise::runtime::kafka
