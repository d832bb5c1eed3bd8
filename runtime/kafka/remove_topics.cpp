#include "kafka/remove_topics.h"

#include <vector>

#include <fmt/format.h>

#include "kafka/client.h"

namespace reprise::runtime::kafka {
namespace {

constexpr int kRemoveMs = 10'000;

Result<std::vector<Owned<rd_kafka_DeleteTopic_t>>> Ours(rd_kafka_t* client,
                                                        const std::string& prefix) {
  const struct rd_kafka_metadata* raw = nullptr;
  const auto error = rd_kafka_metadata(client, 1, nullptr, &raw, kRemoveMs);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
    return Error{Code::kUnavailable, fmt::format("kafka: cannot be reached: {}", Text(error))};
  const Owned<const struct rd_kafka_metadata> metadata(raw);
  std::vector<Owned<rd_kafka_DeleteTopic_t>> ours;
  for (int i = 0; i < metadata->topic_cnt; ++i) {
    const std::string name = metadata->topics[i].topic;
    if (name.starts_with(prefix + ".")) ours.emplace_back(rd_kafka_DeleteTopic_new(name.c_str()));
  }
  return ours;
}

}  // namespace

Status RemoveTopics(const KafkaOptions& options) {
  if (options.prefix.empty()) return Error{Code::kInvalid, "kafka: say which topics' prefix"};
  auto conf = Configure(options, ProducerSettings());
  if (!conf) return conf.error();
  const auto client = Create(RD_KAFKA_PRODUCER, std::move(*conf));
  if (!client) return client.error();
  const auto ours = Ours(client->get(), options.prefix);
  if (!ours) return ours.error();
  if (ours->empty()) return {};
  std::vector<rd_kafka_DeleteTopic_t*> raw;
  for (const auto& topic : *ours) raw.push_back(topic.get());
  const Owned<rd_kafka_queue_t> answers(rd_kafka_queue_new(client->get()));
  rd_kafka_DeleteTopics(client->get(), raw.data(), raw.size(), nullptr, answers.get());
  const Owned<rd_kafka_event_t> event(rd_kafka_queue_poll(answers.get(), kRemoveMs));
  if (event && rd_kafka_event_error(event.get()) == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  return Error{Code::kUnavailable,
               fmt::format("kafka: topics cannot be removed: {}",
                           event ? rd_kafka_event_error_string(event.get()) : "no answer")};
}

}  // namespace reprise::runtime::kafka
