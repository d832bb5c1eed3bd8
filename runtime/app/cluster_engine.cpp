/// The cluster engine: PostgreSQL is the journal, Kafka the wire, Redis makes some things cheaper.
#include <algorithm>
#include <filesystem>

#include <fmt/format.h>
#include <unistd.h>

#include "app/world_engine.h"
#include "base/log.h"
#include "kafka/bus.h"
#include "postgres/engine.h"
#include "redis/connection.h"
#include "redis/counters.h"
#include "redis/hints.h"

namespace reprise::runtime {
namespace {

/// Without Redis counters are the journal's, and streams look for news by themselves.
class Redis {  // Threads: the executor's.
 public:
  static Result<std::unique_ptr<Redis>> Open(const Deployment::Cluster& cluster,
                                             const std::string& world) {
    redis::Options options;
    options.url = cluster.redis_url;
    options.prefix = cluster.prefix + world;
    auto connection = redis::Connection::To(options);
    if (!connection) return connection.error();
    return std::unique_ptr<Redis>(new Redis(std::move(options), std::move(*connection)));
  }

  void CountWith(redis::Reserve reserve) { counters_.emplace(connection_, std::move(reserve)); }
  Result<std::int64_t> Count(std::string_view counter, std::int64_t delta, std::int64_t floor) {
    return counters_->Count(counter, delta, floor);
  }
  void Publish(const std::string& channel) { publisher_.Publish(std::span(&channel, 1)); }
  void Listen(std::function<void(const std::string&)> listener) {
    subscriber_.reset();  // waits for a call that it is in
    if (!listener) return;
    subscriber_ = std::make_unique<redis::HintSubscriber>(options_, sender_, std::move(listener));
  }
  Result<std::string> Ready() const {
    if (subscriber_ == nullptr || subscriber_->listening()) return std::string();
    return std::string("away; counters and news come from the journal");
  }

 private:
  Redis(redis::Options options, redis::Connection connection)
      : options_(std::move(options)),
        connection_(std::move(connection)),
        sender_(UuidV7(0).Next(SystemClock().Now()).ToString()),
        publisher_(connection_, sender_) {}

  const redis::Options options_;
  redis::Connection connection_;
  const std::string sender_;
  redis::HintPublisher publisher_;
  std::optional<redis::Counters> counters_;
  std::unique_ptr<redis::HintSubscriber> subscriber_;
};

class ClusterEngine : public WorldEngine {
 public:
  /// `world` without a name: none.
  static Result<std::unique_ptr<WorldEngine>> Open(const Deployment& deployment,
                                                   WorldEngineOptions world) {
    const Deployment::Cluster& cluster = deployment.cluster;
    if (cluster.postgres_url.empty()) {
      return Error{Code::kInvalid,
                   "the cluster engine needs a PostgreSQL: set cluster.postgres.url or "
                   "REPRISE_POSTGRES"};
    }
    std::unique_ptr<ClusterEngine> engine(new ClusterEngine(deployment, std::move(world)));
    if (!cluster.redis_url.empty()) {
      auto redis = Redis::Open(cluster, engine->world_.world);
      if (!redis) return redis.error();
      engine->redis_ = std::move(*redis);
    }
    if (Status opened = engine->OpenJournal(); !opened) return opened.error();
    return std::unique_ptr<WorldEngine>(std::move(engine));
  }

  Journal& journal() override { return postgres_->journal(); }
  Bus& bus() override { return *bus_; }
  bool postgres() const override { return true; }
  std::uint32_t partitions() const override {
    return world_.world.empty() ? static_cast<std::uint32_t>(cluster_.partitions) : 1;
  }
  bool Quiet() override { return bus_ && bus_->Quiet(); }
  void Abandon() override {
    if (bus_) bus_->Abandon();
    postgres_->Abandon();
  }
  std::string dead_topic() const override { return cluster_.prefix + ".dead"; }
  std::int64_t commits() const override { return postgres_->stats().commits; }

  Status Join(const Plans& plans) override {
    kafka::Topics topics(cluster_.prefix, partitions());
    for (const Plan* plan : plans.All()) {
      topics.Add(*plan->pipeline, [&](const Step& step) {
        return !options_.mine || options_.mine(*plan->pipeline, step);
      });
    }
    for (const Plan* plan : plans.current()) {
      if (Status added = AddTopics(*plan->pipeline, topics); !added) return added;
    }
    KafkaOptions kafka;
    kafka.brokers = cluster_.kafka_brokers;
    kafka.prefix = cluster_.prefix;
    kafka.partitions = partitions();
    kafka.options = cluster_.kafka_options;
    kafka.unacknowledged_bytes_max = static_cast<std::size_t>(outbox_bytes_);
    if (world_.ends) kafka.close_within = Millis(0);  // it ends quietly, or is abandoned
    if (Status made = kafka::EnsureTopic(kafka, dead_topic()); !made) {
      Log(LogLevel::kWarn, "the topic of dead letters cannot be made",
          {{"topic", dead_topic()}, {"error", made.error().message}});
    }
    auto bus = KafkaBus::Open(std::move(kafka), std::move(topics), postgres_->lanes(),
                              *options_.metrics, world_.ends);
    if (!bus) return bus.error();
    bus_ = std::move(*bus);
    return {};
  }

  LaneDesk* desk() override { return &bus_->desk(); }
  void Learnt(const Pipeline& pipeline) override { bus_->Learnt(pipeline); }

  /// On this machine's disk: it is about this process.  Processes that share the folder each take a
  /// file of their own.
  std::string flight_file() const override {
    for (const char* name : {"REPRISE_STATE", "STATE_DIRECTORY", "XDG_RUNTIME_DIR"}) {
      const auto folder = SystemEnvironment()(name);
      if (folder && !folder->empty()) return *folder + "/" + cluster_.prefix + ".flight";
    }
    return fmt::format("{}/reprise-{}-{}.flight", std::filesystem::temp_directory_path().string(),
                       getuid(), cluster_.prefix);
  }

  std::vector<Part> parts() override {
    std::vector<Part> parts;
    parts.push_back({"postgres", [this]() -> Result<std::string> {
                       if (auto why = postgres_->Trouble()) return Error{Code::kUnavailable, *why};
                       return std::string();
                     }});
    parts.push_back({"kafka", [this]() -> Result<std::string> {
                       if (bus_->away())
                         return Error{Code::kUnavailable, "no broker can be reached"};
                       if (auto why = bus_->Overloaded()) return Error{Code::kUnavailable, *why};
                       std::string stopped;
                       for (const std::string& lane : bus_->Stopped()) stopped += lane + "; ";
                       if (!stopped.empty()) return Error{Code::kUnavailable, stopped};
                       return std::string();
                     }});
    parts.push_back({"steps", [this]() -> Result<std::string> {
                       const auto unowned = bus_->Unowned();
                       if (!unowned) return Error{Code::kUnavailable, "not looked at yet"};
                       if (unowned->empty()) return std::string();
                       std::string names;
                       for (const std::string& step : *unowned)
                         names += (names.empty() ? "" : ", ") + step;
                       return Error{Code::kUnavailable, "no process works on " + names};
                     }});
    if (redis_) parts.push_back({"redis", [this] { return redis_->Ready(); }});
    return parts;
  }

  void Hint(const std::string& channel) override {
    if (redis_) redis_->Publish(channel);
  }
  void OnHint(std::function<void(const std::string&)> listener) override {
    if (redis_) redis_->Listen(std::move(listener));
  }

 private:
  ClusterEngine(const Deployment& deployment, WorldEngineOptions world)
      : cluster_(deployment.cluster),
        outbox_bytes_(deployment.limits.outbox_bytes),
        options_(world.engine),
        world_(std::move(world)) {}

  /// Who works on a step that a topic's event reaches reads the topic.
  Status AddTopics(const Pipeline& pipeline, kafka::Topics& topics) const {
    for (const Topic& topic : pipeline.topics) {
      bool mine = !options_.mine;
      const auto look = [&](StepIndex i) {
        mine = mine || options_.mine(pipeline, pipeline.step(i));
      };
      for (const Target& target : pipeline.TargetsOf(topic.start)) look(target.step);
      if (const auto it = pipeline.listeners.find(topic.start); it != pipeline.listeners.end())
        std::for_each(it->second.begin(), it->second.end(), look);
      std::for_each(pipeline.listen_to_all.begin(), pipeline.listen_to_all.end(), look);
      if (Status added = topics.AddForeign(topic.name, topic.from == "latest", mine); !added)
        return added;
    }
    return {};
  }

  Status OpenJournal() {
    PostgresEngine::Options options;
    options.url = cluster_.postgres_url;
    options.clock = options_.clock;
    options.waiting = options_.waiting;
    if (options_.hop_commits) options.rounds = 0;
    if (!world_.world.empty()) options.lease = Millis(0);  // who comes next finds it gone
    if (options_.follows)
      options.on_time = [clock = options_.follows](Time now) { clock->Follow(now); };
    if (redis_) {
      options.count = [this](std::string_view counter, std::int64_t delta, std::int64_t floor) {
        return redis_->Count(counter, delta, floor);
      };
    }
    auto opened = PostgresEngine::Open(std::move(options));
    if (!opened) return opened.error();
    postgres_ = std::move(*opened);
    if (redis_) {
      redis_->CountWith(
          [this](std::string_view counter, std::int64_t at_least, std::int64_t block) {
            auto first = postgres_->Reserve(counter, at_least, block);
            return first ? Result<std::int64_t>(*first + block - 1) : first;
          });
    }
    return {};
  }

  const Deployment::Cluster cluster_;
  const std::int64_t outbox_bytes_;
  const EngineOptions options_;
  const WorldEngineOptions world_;
  std::unique_ptr<Redis> redis_;
  std::unique_ptr<PostgresEngine> postgres_;
  std::unique_ptr<KafkaBus> bus_;
};

}  // namespace

Result<std::unique_ptr<Engine>> OpenCluster(const Deployment& deployment,
                                            const EngineOptions& options) {
  auto opened = ClusterEngine::Open(deployment, {options, {}, nullptr});
  if (!opened) return opened.error();
  return std::unique_ptr<Engine>(std::move(*opened));
}

Result<std::unique_ptr<WorldEngine>> OpenClusterWorld(const Deployment& deployment,
                                                      WorldEngineOptions options) {
  return ClusterEngine::Open(deployment, std::move(options));
}

}  // namespace reprise::runtime
