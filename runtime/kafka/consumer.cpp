// Lanes: how they come, go, and are watched.  Their records: consumer_records.cpp.
#include "kafka/consumer.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/log.h"

namespace reprise::runtime::kafka {
namespace {

constexpr Millis kTakeAgain{200};
constexpr Millis kWatchEvery{1'000};

using Partitions = Owned<rd_kafka_topic_partition_list_t>;

}  // namespace

Consumer::~Consumer() {
  Close();
}

Status Consumer::Open(std::function<void()> wake, bool alone) {
  wake_ = std::move(wake);
  alone_ = alone;
  return Make();
}

Status Consumer::Make() {
  auto conf = Configure(options_, ConsumerSettings(options_.prefix));
  if (!conf) return conf.error();
  rd_kafka_conf_set_opaque(conf->get(), this);
  rd_kafka_conf_set_rebalance_cb(conf->get(), &OnRebalance);
  assign_ = false;
  rd_kafka_conf_set_error_cb(conf->get(), [](rd_kafka_t*, int, const char* reason, void*) {
    Log(LogLevel::kDebug, "kafka consumer", {{"error", reason}});
  });
  auto client = Create(RD_KAFKA_CONSUMER, std::move(*conf));
  if (!client) return client.error();
  client_ = std::move(*client);
  rd_kafka_poll_set_consumer(client_.get());
  arrivals_.reset(rd_kafka_queue_get_consumer(client_.get()));
  rd_kafka_queue_cb_event_enable(
      arrivals_.get(),
      [](rd_kafka_t*, void* self) {
        if (const auto& wake = static_cast<Consumer*>(self)->wake_) wake();
      },
      this);
  if (alone_) {
    const std::vector<LaneId> all = topics_.MyLanes();
    wanted_.insert(all.begin(), all.end());  // Tend takes them
    return {};
  }
  const std::vector<std::string> names = topics_.Mine();
  const Partitions topics(rd_kafka_topic_partition_list_new(static_cast<int>(names.size())));
  for (const std::string& name : names)
    rd_kafka_topic_partition_list_add(topics.get(), name.c_str(), RD_KAFKA_PARTITION_UA);
  if (const auto error = rd_kafka_subscribe(client_.get(), topics.get());
      error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return Error{Code::kUnavailable, fmt::format("kafka: cannot subscribe: {}", Text(error))};
  }
  return {};
}

void Consumer::Close() {
  if (!client_) return;
  rd_kafka_queue_cb_event_enable(arrivals_.get(), nullptr, nullptr);
  arrivals_.reset();
  rd_kafka_consumer_close(client_.get());  // gives the lanes back, through OnRebalance
  client_.reset();
}

// ---------------------------------------------------------------- lanes come and go

LaneId Consumer::LaneOf(const char* topic, std::int32_t partition) const {
  const Topics::Place* place = topics_.Named(topic);
  return place == nullptr || partition < 0 ? 0 : place->lane | partition;
}

void Consumer::OnRebalance(rd_kafka_t* client, rd_kafka_resp_err_t what,
                           rd_kafka_topic_partition_list_t* partitions, void* opaque) {
  Consumer& self = *static_cast<Consumer*>(opaque);
  if (what == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
    self.Assigned(*partitions);
    self.Assign();
    return;
  }
  self.Revoked(*partitions);
  rd_kafka_assign(client, nullptr);
  if (what != RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS)
    Log(LogLevel::kWarn, "kafka could not assign lanes", {{"error", Text(what)}});
}

void Consumer::Assigned(const rd_kafka_topic_partition_list_t& partitions) {
  for (int i = 0; i < partitions.cnt; ++i) {
    if (const LaneId lane = LaneOf(partitions.elems[i].topic, partitions.elems[i].partition))
      wanted_.insert(lane);
  }
  Log(LogLevel::kInfo, "kafka assigns lanes", {{"lanes", wanted_.size()}});
  take_at_ = {};
  TakeMissing();
}

/// Also when they were lost without a word: then the journal may already have given them away, and
/// leaving is nothing.
void Consumer::Revoked(const rd_kafka_topic_partition_list_t& partitions) {
  std::vector<LaneId> left;
  for (int i = 0; i < partitions.cnt; ++i) {
    const LaneId lane = LaneOf(partitions.elems[i].topic, partitions.elems[i].partition);
    wanted_.erase(lane);
    if (held_.contains(lane)) left.push_back(lane);
    Drop(lane);
  }
  Log(LogLevel::kInfo, "kafka takes lanes back", {{"lanes", left.size()}});
  if (left.empty()) return;
  if (const Status done = lanes_.Leave(left); !done) {
    Log(LogLevel::kWarn, "lanes could not be left; whoever takes them waits a little",
        {{"error", done.error().message}});
  }
}

void Consumer::Drop(LaneId lane) {
  if (held_.erase(lane) == 0) return;
  std::erase_if(waiting_, [&](const Message& m) { return m.lane == lane; });
  if (const Topics::Place* place = topics_.Of(lane)) {
    metrics_.Set("reprise_consumer_lag_messages",
                 {{"topic", place->topic},
                  {"group", options_.prefix},
                  {"partition", std::to_string(PartitionOf(lane))}},
                 0);
  }
  untold_.erase(lane);
  const std::lock_guard lock(mutex_);
  stopped_.erase(lane);
}

void Consumer::TakeMissing() {
  std::vector<LaneId> missing;
  for (const LaneId lane : wanted_) {
    if (!held_.contains(lane)) missing.push_back(lane);
  }
  if (!missing.empty() && Steady::now() >= take_at_) Take(missing);
}

/// The journal's word for these lanes.  Not taken: they are asked for again in a moment.
bool Consumer::Take(const std::vector<LaneId>& lanes) {
  if (lanes.empty()) return true;
  auto taken = lanes_.Take(lanes);
  take_at_ = Steady::now() + kTakeAgain;
  if (!taken) {
    if (!std::exchange(take_failed_, true)) {
      Log(LogLevel::kWarn, "lanes could not be taken; asked for again until they can",
          {{"lanes", lanes.size()}, {"error", taken.error().message}});
    }
    return false;
  }
  take_failed_ = false;
  for (const Lanes::Taken& lane : *taken) {
    Held held;
    held.give = held.expect = std::max<std::int64_t>(0, lane.next_offset);
    if (lane.next_offset > 0) held.check = lane.last_message;
    held.fresh = lane.next_offset < 0;
    held.told = held.give;
    held_[lane.lane] = held;
  }
  assign_ = true;
  return true;
}

/// Tells librdkafka what to read and from where.  Whatever it had fetched is dropped there, and
/// fetched again.
void Consumer::Assign() {
  assign_ = false;
  const Partitions list(rd_kafka_topic_partition_list_new(static_cast<int>(held_.size())));
  for (auto& [lane, held] : held_) {
    const Topics::Place* place = topics_.Of(lane);
    if (held.stopped || place == nullptr) continue;
    held.behind = {};
    rd_kafka_topic_partition_list_add(list.get(), place->topic.c_str(),
                                      static_cast<std::int32_t>(PartitionOf(lane)))
        ->offset = held.expect - (held.check.nil() ? 0 : 1);
  }
  if (const auto error = rd_kafka_assign(client_.get(), list.get());
      error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    Log(LogLevel::kError, "librdkafka refuses an assignment", {{"error", Text(error)}});
    assign_ = true;
  }
}

void Consumer::Fenced() {
  std::vector<LaneId> ours;
  for (const LaneId lane : wanted_) {
    if (lanes_.Holds(lane)) ours.push_back(lane);
  }
  Log(LogLevel::kWarn, "another worker has lanes that this one thought its own",
      {{"lanes", wanted_.size()}, {"left", ours.size()}});
  while (!held_.empty()) Drop(held_.begin()->first);
  waiting_.clear();
  Take(ours);
  if (ours.size() < wanted_.size()) take_at_ = Steady::now() + options_.retake_after;
  assign_ = true;
}

bool Consumer::ReadUpTo(const LaneEnds& ends) const {
  for (const LaneId lane : topics_.MyLanes()) {
    const auto held = held_.find(lane);
    if (held == held_.end()) return false;
    const auto end = ends.find(lane);
    if (end != ends.end() && held->second.give < end->second) return false;
  }
  return waiting_.empty();
}

void Consumer::Abandon() {
  held_.clear();
  waiting_.clear();
}

// ---------------------------------------------------------------- now and then

void Consumer::Tend() {
  if (!client_) {
    if (const Status made = Make(); !made)
      Log(LogLevel::kError, "no kafka consumer", {{"error", made.error().message}});
    return;
  }
  TakeMissing();
  if (assign_) Assign();
  TellOfStopped();
  Watch();
}

/// Until the journal has it: it may be away.
void Consumer::TellOfStopped() {
  while (!untold_.empty() && lanes_.Stand(untold_.begin()->first, untold_.begin()->second))
    untold_.erase(untold_.begin());
}

std::int64_t Consumer::Known(LaneId lane) const {
  const Topics::Place* place = topics_.Of(lane);
  std::int64_t low = -1, high = -1;
  if (!client_ || place == nullptr ||
      rd_kafka_get_watermark_offsets(client_.get(), place->topic.c_str(),
                                     static_cast<std::int32_t>(PartitionOf(lane)), &low,
                                     &high) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return -1;
  }
  return high;
}

/// Kafka knows of more in a lane, librdkafka's queue was empty, and nothing came for long: its
/// fetcher is stuck (librdkafka issue 5153), and only a new consumer helps.  A topic of others may
/// end in a transaction's mark, which nobody ever gets: that is tried once.
void Consumer::Watch() {
  const auto now = Steady::now();
  if (now - watched_ < kWatchEvery) return;
  watched_ = now;
  for (auto& [lane, held] : held_) {
    const auto nothing = no_more_.find(lane);
    if (held.stopped || Known(lane) <= held.expect ||
        (nothing != no_more_.end() && nothing->second == held.expect)) {
      held.behind = {};
    } else if (held.behind == Steady::time_point{}) {
      held.behind = now;
    } else if (drained_ - held.behind > options_.consumer_stalled) {
      metrics_.Count("reprise_kafka_consumer_rebuilt_total");
      Log(LogLevel::kWarn, "the kafka consumer is made anew: a lane has more and nothing comes",
          {{"lane", topics_.Name(lane)}});
      if (topics_.Of(lane)->foreign) no_more_[lane] = held.expect;
      Close();
      return;  // the next Tend makes it
    }
  }
}

void Consumer::Export() {
  if (!client_) return;
  const Partitions list(rd_kafka_topic_partition_list_new(static_cast<int>(held_.size())));
  for (auto& [lane, held] : held_) {
    const Topics::Place* place = topics_.Of(lane);
    const std::int64_t known = Known(lane);
    if (known >= 0) {
      metrics_.Set("reprise_consumer_lag_messages",
                   {{"topic", place->topic},
                    {"group", options_.prefix},
                    {"partition", std::to_string(PartitionOf(lane))}},
                   static_cast<double>(std::max<std::int64_t>(0, known - held.give)));
    }
    if (held.told == held.give) continue;
    held.told = held.give;
    rd_kafka_topic_partition_list_add(list.get(), place->topic.c_str(),
                                      static_cast<std::int32_t>(PartitionOf(lane)))
        ->offset = held.give;
  }
  if (list->cnt > 0) (void)rd_kafka_commit(client_.get(), list.get(), 1);
}

std::int64_t Consumer::Lag() const {
  std::int64_t lag = 0;
  for (const auto& [lane, held] : held_) {
    const std::int64_t end = std::max(Known(lane), held.expect);
    lag += end - held.give;
  }
  return lag;
}

std::vector<std::string> Consumer::Stopped() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> out;
  for (const auto& [lane, why] : stopped_) out.push_back(why);
  return out;
}

std::vector<LaneId> Consumer::held() const {
  std::vector<LaneId> out;
  for (const auto& [lane, held] : held_) out.push_back(lane);
  return out;
}

}  // namespace reprise::runtime::kafka
