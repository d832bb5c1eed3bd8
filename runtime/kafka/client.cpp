#include "kafka/client.h"

#include <algorithm>
#include <array>
#include <map>

#include <fmt/format.h>

#include "base/log.h"

namespace reprise::runtime::kafka {
namespace {

/// librdkafka's words are ours one level lower: what it calls an error it mostly cures itself.
/// CONFWARN is that a producer was given a consumer's setting, which the deployment cannot part.
void OnLog(const rd_kafka_t*, int level, const char* facility, const char* text) {
  const LogLevel ours = level <= 2                                               ? LogLevel::kError
                        : level <= 4 && std::string_view(facility) != "CONFWARN" ? LogLevel::kWarn
                                                                                 : LogLevel::kDebug;
  if (LogEnabled(ours)) Log(ours, "kafka client", {{"what", facility}, {"text", text}});
}

/// What the guarantees stand on: acknowledged by all, read from where the journal says.
constexpr std::array kOurs{"acks",
                           "request.required.acks",
                           "auto.commit.enable",
                           "auto.offset.reset",
                           "enable.auto.commit",
                           "enable.auto.offset.store",
                           "enable.idempotence",
                           "partition.assignment.strategy"};

Settings Common() {
  return {{"client.id", "reprise"},
          {"socket.keepalive.enable", "true"},
          {"socket.nagle.disable", "true"},
          {"allow.auto.create.topics", "false"},
          {"topic.metadata.refresh.interval.ms", "30000"},
          {"reconnect.backoff.max.ms", "1000"}};
}

}  // namespace

Settings ProducerSettings() {
  Settings out = Common();
  out.insert(out.end(),
             {{"enable.idempotence", "true"},
              {"acks", "all"},
              {"max.in.flight.requests.per.connection", "5"},
              {"message.timeout.ms", "0"},  // a timeout would leave a gap in the sequence
              {"linger.ms", "0"},           // an outbox already is a batch
              {"compression.type", "lz4"},
              {"message.max.bytes", "1048576"},
              {"queue.buffering.max.kbytes", "65536"},
              {"partitioner", "murmur2_random"}});  // for topics of others
  return out;
}

Settings ConsumerSettings(const std::string& group) {
  Settings out = Common();
  out.insert(
      out.end(),
      {{"group.id", group},
       {"enable.auto.commit", "false"},
       {"enable.auto.offset.store", "false"},
       {"auto.offset.reset", "error"},  // never a silent skip
       {"isolation.level", "read_committed"},
       {"check.crcs", "true"},
       {"queued.min.messages", "1000"},
       {"queued.max.messages.kbytes", "16384"},
       {"fetch.message.max.bytes", "1048576"},
       // A message ends the wait.  5 ms cost the broker four times the CPU and gained nothing.
       {"fetch.wait.max.ms", "100"},
       {"session.timeout.ms", "6000"},
       {"heartbeat.interval.ms", "1500"},
       // Eager, and equal partition numbers of all topics meet in one worker.
       {"partition.assignment.strategy", "range"}});
  return out;
}

Result<Owned<rd_kafka_conf_t>> Configure(const KafkaOptions& options, const Settings& settings) {
  Owned<rd_kafka_conf_t> conf(rd_kafka_conf_new());
  rd_kafka_conf_set_log_cb(conf.get(), &OnLog);
  std::map<std::string, std::string> all(settings.begin(), settings.end());
  for (const auto& [name, value] : options.options) {
    if (std::ranges::find(kOurs, name) != kOurs.end())
      return Error{Code::kInvalid, fmt::format("kafka: option '{}' is not to be changed", name)};
    all[name] = value;
  }
  if (!options.brokers.empty()) all["bootstrap.servers"] = options.brokers;
  for (const auto& [name, value] : all) {
    char why[512];
    const auto set = rd_kafka_conf_set(conf.get(), name.c_str(), value.c_str(), why, sizeof why);
    if (set == RD_KAFKA_CONF_OK) continue;
    // `why` may quote the value, which may be a secret.
    return Error{Code::kInvalid, fmt::format("kafka: {} '{}'",
                                             set == RD_KAFKA_CONF_UNKNOWN
                                                 ? "librdkafka knows no option"
                                                 : "librdkafka refuses the value of option",
                                             name)};
  }
  return conf;
}

Result<Owned<rd_kafka_t>> Create(rd_kafka_type_t type, Owned<rd_kafka_conf_t> conf) {
  char why[512];
  rd_kafka_t* client = rd_kafka_new(type, conf.get(), why, sizeof why);
  if (client == nullptr) return Error{Code::kInvalid, fmt::format("kafka: {}", why)};
  (void)conf.release();
  return Owned<rd_kafka_t>(client);
}

bool Permanent(rd_kafka_resp_err_t error) {
  switch (error) {
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
    case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR__INVALID_ARG:
      return true;
    default:
      return false;
  }
}

}  // namespace reprise::runtime::kafka
