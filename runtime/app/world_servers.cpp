#include "app/world_servers.h"

#include <random>

#include "base/clock.h"
#include "base/ids.h"
#include "base/log.h"
#include "kafka/topics.h"

namespace reprise::runtime {

Result<std::shared_ptr<WorldServers>> WorldServers::Open(const Deployment& deployment) {
  if (deployment.cluster.postgres_url.empty()) {
    return Error{Code::kInvalid,
                 "the cluster engine needs servers: set REPRISE_KAFKA, REPRISE_POSTGRES and, if "
                 "there is one, REPRISE_REDIS"};
  }
  std::random_device device;
  const std::string name = "reprise-test-" + UuidV7(device()).Next(SystemClock().Now()).ToString();
  auto database = postgres::OwnDatabase::Make(deployment.cluster.postgres_url, name);
  if (!database) return database.error();
  Deployment own = deployment;
  own.cluster.postgres_url = database->url();
  own.cluster.prefix = name;
  return std::shared_ptr<WorldServers>(new WorldServers(std::move(own), std::move(*database)));
}

WorldServers::~WorldServers() {
  KafkaOptions kafka;
  kafka.brokers = deployment_.cluster.kafka_brokers;
  kafka.prefix = deployment_.cluster.prefix;
  kafka.options = deployment_.cluster.kafka_options;
  if (const Status removed = kafka::RemoveTopics(kafka); !removed) {
    Log(LogLevel::kWarn, "this run's topics stay in Kafka",
        {{"prefix", kafka.prefix}, {"error", removed.error().message}});
  }
}

Result<std::unique_ptr<WorldEngine>> WorldServers::Engine(const EngineOptions& options) const {
  return OpenClusterWorld(deployment_, {options, "." + std::to_string(worlds_), ends_});
}

Status WorldServers::Clear() {
  return ++worlds_ == 1 ? Status() : database_.Clear();
}

}  // namespace reprise::runtime
