/// Kafka for the floor: topics, a consumer that is told its partitions, and a producer that knows
/// of each batch how much is not acknowledged yet.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <librdkafka/rdkafka.h>

#include "floor_postgres.h"

namespace floor_of_cluster {

using Client = std::unique_ptr<rd_kafka_t, void (*)(rd_kafka_t*)>;
using Settings = std::vector<std::pair<const char*, std::string>>;

inline Client MakeClient(rd_kafka_type_t type, const Settings& settings,
                         void (*delivered)(rd_kafka_t*, const rd_kafka_message_t*, void*)) {
  char why[512];
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  for (const auto& [name, value] : settings) {
    if (rd_kafka_conf_set(conf, name, value.c_str(), why, sizeof why) != RD_KAFKA_CONF_OK) {
      Die(name, why);
    }
  }
  if (delivered != nullptr) rd_kafka_conf_set_dr_msg_cb(conf, delivered);
  rd_kafka_t* made = rd_kafka_new(type, conf, why, sizeof why);
  if (made == nullptr) Die("kafka", why);
  return {made, rd_kafka_destroy};
}

inline void CreateTopics(const std::string& brokers, const std::vector<std::string>& names,
                         int partitions) {
  const Client client = MakeClient(RD_KAFKA_PRODUCER, {{"bootstrap.servers", brokers}}, nullptr);
  std::vector<rd_kafka_NewTopic_t*> topics;
  char why[512];
  for (const auto& name : names) {
    topics.push_back(rd_kafka_NewTopic_new(name.c_str(), partitions, 1, why, sizeof why));
  }
  rd_kafka_queue_t* queue = rd_kafka_queue_new(client.get());
  rd_kafka_CreateTopics(client.get(), topics.data(), topics.size(), nullptr, queue);
  rd_kafka_event_t* event = rd_kafka_queue_poll(queue, 60'000);
  if (event == nullptr) Die("topics", "no answer");
  if (rd_kafka_event_error(event) != 0) Die("topics", rd_kafka_event_error_string(event));
  std::size_t count = 0;
  const auto** results =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
  for (std::size_t i = 0; i < count; ++i) {
    if (rd_kafka_topic_result_error(results[i]) != 0) {
      Die("topics", rd_kafka_topic_result_error_string(results[i]));
    }
  }
  rd_kafka_event_destroy(event);
  rd_kafka_queue_destroy(queue);
  rd_kafka_NewTopic_destroy_array(topics.data(), topics.size());
}

/// Publishes what is committed; Sealed() is what must be published again should this process die.
class Outbox {  // Threads: one.
 public:
  Outbox(const std::string& brokers, const std::vector<std::string>& topics)
      : client_(MakeClient(RD_KAFKA_PRODUCER,
                           {{"bootstrap.servers", brokers},
                            {"enable.idempotence", "true"},
                            {"acks", "all"},
                            {"message.timeout.ms", "0"},
                            {"linger.ms", "1"},
                            {"compression.type", "lz4"},
                            {"queue.buffering.max.messages", "1000000"},
                            {"batch.num.messages", "10000"},
                            {"socket.nagle.disable", "true"}},
                           Delivered)) {
    for (const auto& name : topics) {
      topics_.push_back(rd_kafka_topic_new(client_.get(), name.c_str(), nullptr));
    }
  }
  ~Outbox() {
    for (rd_kafka_topic_t* topic : topics_) rd_kafka_topic_destroy(topic);
  }
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  void Add(int topic, int partition, std::string_view key, std::string value) {
    next_.records.push_back({topic, partition, std::string(key), std::move(value)});
  }
  /// Everything on its way and not acknowledged, then what was added.
  std::string Sealed() {
    rd_kafka_poll(client_.get(), 0);
    while (!batches_.empty() && batches_.front()->left == 0) batches_.pop_front();
    next_.bytes.clear();
    for (const Record& r : next_.records) {
      Put32(next_.bytes, static_cast<std::uint32_t>(r.topic << 16 | r.partition));
      Put32(next_.bytes, static_cast<std::uint32_t>(r.key.size()));
      Put32(next_.bytes, static_cast<std::uint32_t>(r.value.size()));
      next_.bytes.append(r.key).append(r.value);
    }
    std::string all;
    for (const auto& batch : batches_) all += batch->bytes;
    return all + next_.bytes;
  }
  /// After the commit.
  void Publish() {
    if (next_.records.empty()) return;
    batches_.push_back(std::make_unique<Batch>(std::move(next_)));
    next_ = {};
    Batch& batch = *batches_.back();
    batch.left = batch.records.size();
    for (Record& r : batch.records) {
      if (rd_kafka_produce(topics_[static_cast<std::size_t>(r.topic)], r.partition, 0,
                           r.value.data(), r.value.size(), r.key.data(), r.key.size(),
                           &batch) != 0) {
        Die("produce", rd_kafka_err2str(rd_kafka_last_error()));
      }
    }
  }
  /// Waits until it has published once: the broker has given the producer its id by then.
  void WarmUp(int topic) {
    Add(topic, 0, "", "");
    Publish();
    Drain();
  }
  void Drain() {
    while (!batches_.empty()) {
      rd_kafka_poll(client_.get(), 10);
      while (!batches_.empty() && batches_.front()->left == 0) batches_.pop_front();
    }
  }

 private:
  struct Record {
    int topic, partition;
    std::string key, value;
  };
  struct Batch {
    std::vector<Record> records;  // their memory is lent to the client until each is acknowledged
    std::string bytes;
    std::size_t left = 0;
  };
  static void Delivered(rd_kafka_t*, const rd_kafka_message_t* message, void*) {
    if (message->err != 0) Die("delivery", rd_kafka_err2str(message->err));
    --static_cast<Batch*>(message->_private)->left;
  }

  Client client_;
  std::vector<rd_kafka_topic_t*> topics_;
  std::deque<std::unique_ptr<Batch>> batches_;
  Batch next_;
};

class Inbox {  // Threads: one.
 public:
  Inbox(const std::string& brokers, const std::vector<std::string>& topics,
        const std::vector<int>& partitions)
      : client_(MakeClient(RD_KAFKA_CONSUMER,
                           {{"bootstrap.servers", brokers},
                            {"group.id", "floor"},
                            {"enable.auto.commit", "false"},
                            {"enable.auto.offset.store", "false"},
                            {"auto.offset.reset", "error"},
                            {"fetch.wait.max.ms", "5"},
                            {"queued.min.messages", "100000"},
                            {"socket.nagle.disable", "true"}},
                           nullptr)),
        queue_(rd_kafka_queue_get_consumer(client_.get()), rd_kafka_queue_destroy) {
    rd_kafka_topic_partition_list_t* mine = rd_kafka_topic_partition_list_new(16);
    for (const auto& topic : topics) {
      for (const int partition : partitions) {
        rd_kafka_topic_partition_list_add(mine, topic.c_str(), partition)->offset = 0;
      }
    }
    rd_kafka_assign(client_.get(), mine);
    rd_kafka_topic_partition_list_destroy(mine);
  }
  ~Inbox() {
    Release();
    queue_.reset();
    rd_kafka_consumer_close(client_.get());
  }
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;

  /// What is there, at most `most`; waits if there is nothing.  Valid until the next call.
  const std::vector<rd_kafka_message_t*>& Poll(std::size_t most, int wait_ms) {
    Release();
    messages_.resize(most);
    const auto count =
        rd_kafka_consume_batch_queue(queue_.get(), wait_ms, messages_.data(), messages_.size());
    messages_.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
    for (const rd_kafka_message_t* message : messages_) {
      if (message->err != 0) Die("consume", rd_kafka_message_errstr(message));
    }
    return messages_;
  }

 private:
  void Release() {
    for (rd_kafka_message_t* message : messages_) rd_kafka_message_destroy(message);
    messages_.clear();
  }

  Client client_;
  std::unique_ptr<rd_kafka_queue_t, void (*)(rd_kafka_queue_t*)> queue_;
  std::vector<rd_kafka_message_t*> messages_;
};

}  // namespace floor_of_cluster
