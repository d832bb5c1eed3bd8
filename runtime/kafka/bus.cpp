#include "kafka/bus.h"

#include <algorithm>
#include <iterator>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/mutant.h"
#include "kafka/sealed.h"
#include "kafka/wire.h"

namespace reprise::runtime {
namespace {

constexpr std::chrono::seconds kEnsureAgain{10};
constexpr int kScramWorks = 0x020601ff;  // librdkafka 2.6.1

/// An older librdkafka does not send the whole nonce (its issue 4895), and Kafka has looked at it
/// since 3.7.2.
void WarnOfScram(const KafkaOptions& options) {
  for (const char* name : {"sasl.mechanism", "sasl.mechanisms"}) {
    const auto mechanism = options.options.find(name);
    if (mechanism == options.options.end() || !mechanism->second.starts_with("SCRAM-") ||
        rd_kafka_version() >= kScramWorks) {
      continue;
    }
    Log(LogLevel::kWarn,
        "Kafka 3.7.2 and later refuse SCRAM of a librdkafka before 2.6.1; use PLAIN over TLS, "
        "or certificates",
        {{"librdkafka", rd_kafka_version_str()}});
  }
}

}  // namespace

KafkaBus::KafkaBus(KafkaOptions options, kafka::Topics topics, Lanes& lanes, Metrics& metrics,
                   std::shared_ptr<LaneEnds> ends)
    : options_(std::move(options)),
      topics_(std::move(topics)),
      ends_(std::move(ends)),
      lanes_(lanes),
      producer_(options_, metrics),
      consumer_(topics_.Mine().empty()
                    ? nullptr
                    : std::make_unique<kafka::Consumer>(options_, topics_, lanes, metrics)),
      desk_(topics_, lanes, producer_) {}

Result<std::unique_ptr<KafkaBus>> KafkaBus::Open(KafkaOptions options, kafka::Topics topics,
                                                 Lanes& lanes, Metrics& metrics,
                                                 std::shared_ptr<LaneEnds> ends) {
  WarnOfScram(options);
  auto there = kafka::EnsureTopics(options, std::move(topics));
  if (!there) return there.error();
  std::unique_ptr<KafkaBus> bus(
      new KafkaBus(std::move(options), std::move(*there), lanes, metrics, std::move(ends)));
  if (auto started = bus->Start(); !started) return started.error();
  return bus;
}

KafkaBus::~KafkaBus() {
  // What was sealed and not published may have been committed.
  if (sealed_.empty() && producer_.Finish()) lanes_.Published();
}

Status KafkaBus::Start() {
  if (auto opened = producer_.Open([this] { Wake(); }); !opened) return opened;
  if (ends_) {
    producer_.OnLanded([this](const char* topic, std::int32_t partition, std::int64_t offset) {
      const kafka::Topics::Place* place = topics_.Named(topic);
      if (place == nullptr) return;
      std::int64_t& end = (*ends_)[place->lane | partition];
      end = std::max(end, offset + 1);
    });
  }
  if (!consumer_) return {};
  if (auto begun = BeginLanes(); !begun) return begun;
  return consumer_->Open([this] { Wake(); }, ends_ != nullptr);
}

/// Lanes of topics that are read from their ends.
Status KafkaBus::BeginLanes() {
  for (const kafka::Topics::Place* place : topics_.All()) {
    if (!place->mine || (!place->latest && !ends_)) continue;
    std::vector<std::int64_t> ends;
    for (std::uint32_t p = 0; ends_ && p < place->partitions; ++p) {
      const auto known = ends_->find(place->lane | p);
      if (known != ends_->end()) ends.push_back(known->second);
    }
    if (ends.size() < place->partitions) {
      auto asked = kafka::EndsOf(producer_.handle(), *place);
      if (!asked) return asked.error();
      ends = std::move(*asked);
    }
    for (std::uint32_t p = 0; ends_ && p < place->partitions; ++p)
      (*ends_)[place->lane | p] = ends[p];
    if (auto begun = lanes_.Begin(place->lane, ends); !begun) return begun;
  }
  return {};
}

bool KafkaBus::Quiet() {
  producer_.Serve();
  return producer_.unacknowledged() == 0 && refusals_.empty() && adopted_.empty() &&
         (!consumer_ || consumer_->ReadUpTo(*ends_));
}

void KafkaBus::Learnt(const Pipeline& pipeline) {
  topics_.Add(pipeline, [](const Step&) { return false; });
}

void KafkaBus::Abandon() {
  if (consumer_) consumer_->Abandon();
}

void KafkaBus::OnArrival(std::function<void()> wake) {
  const std::lock_guard lock(mutex_);
  wake_ = std::move(wake);
}

void KafkaBus::Wake() {
  const std::lock_guard lock(mutex_);
  if (wake_) wake_();
}

// ---------------------------------------------------------------- in

Result<std::vector<Message>> KafkaBus::Poll(std::size_t most) {
  producer_.Serve();
  if (!Tend()) return std::vector<Message>();
  for (auto& refusal : producer_.TakeRefusals()) refusals_.push_back(std::move(refusal));
  std::vector<Message> out;
  const std::size_t told = std::min(most, refusals_.size());
  for (std::size_t i = 0; i < told; ++i) {
    out.push_back(kafka::Refused(refusals_[i].record, topics_, refusals_[i].reason));
    told_.push_back(std::move(refusals_[i]));
  }
  refusals_.erase(refusals_.begin(), refusals_.begin() + static_cast<std::ptrdiff_t>(told));
  if (!consumer_) return out;
  auto messages = consumer_->Poll(most - out.size());
  if (out.empty()) return messages;
  std::move(messages.begin(), messages.end(), std::back_inserter(out));
  return out;
}

void KafkaBus::Return(std::vector<Message> messages) {
  std::move(told_.begin(), told_.end(), std::back_inserter(refusals_));
  told_.clear();
  std::erase_if(messages, [](const Message& m) { return m.refused; });
  if (consumer_) consumer_->Return(std::move(messages));
}

// ---------------------------------------------------------------- out

std::string KafkaBus::Seal(std::span<const Message> outbox,
                           std::span<const Transaction::Foreign> records) {
  sealed_.clear();
  sealed_starts_.clear();
  for (const Message& message : outbox) {
    sealed_starts_.push_back(static_cast<std::uint32_t>(sealed_.size()));
    kafka::AppendMessage(sealed_, message, topics_);
  }
  for (const Transaction::Foreign& record : records) {
    Ensure(record.topic);
    sealed_starts_.push_back(static_cast<std::uint32_t>(sealed_.size()));
    kafka::AppendForeign(sealed_, record);
  }
  producer_.Count();  // what is acknowledged by now need not be kept
  std::string out(kafka::kSealedVersion);
  producer_.AppendOutstanding(out);
  out += sealed_;
  return out;
}

/// A record for a topic that is not there would hold up all that follows until Kafka refuses it.
void KafkaBus::Ensure(const std::string& topic) {
  const auto [it, fresh] = ensured_.try_emplace(topic, Steady::time_point::max());
  if (!fresh && Steady::now() < it->second) return;
  if (const Status made = kafka::EnsureTopic(options_, topic); made) {
    it->second = Steady::time_point::max();
  } else {
    it->second = Steady::now() + kEnsureAgain;
    Log(LogLevel::kWarn, "a topic that a step sends to can be neither found nor made",
        {{"topic", topic}, {"error", made.error().message}});
  }
}

Status KafkaBus::Publish(std::span<const Message> outbox) {
  if (sealed_starts_.empty() && !outbox.empty()) (void)Seal(outbox, {});
  producer_.Put(std::exchange(sealed_, {}), std::exchange(sealed_starts_, {}));
  for (const auto& refusal : told_) producer_.Settle(refusal.where);
  told_.clear();
  return {};
}

std::optional<std::string> KafkaBus::Overloaded() const {
  return producer_.Overloaded();
}

Result<std::int64_t> KafkaBus::Lag() {
  return consumer_ ? consumer_->Lag() : 0;
}

std::optional<Time> KafkaBus::Oldest() {
  return consumer_ ? consumer_->Oldest() : std::nullopt;
}

std::vector<std::string> KafkaBus::Stopped() const {
  return consumer_ ? consumer_->Stopped() : std::vector<std::string>();
}

std::vector<LaneId> KafkaBus::held() const {
  return consumer_ ? consumer_->held() : std::vector<LaneId>();
}

// ---------------------------------------------------------------- now and then

bool KafkaBus::Due(Steady::time_point& last, Millis every) {
  const auto now = Steady::now();
  if (now - last < every) return false;
  last = now;
  return true;
}

/// False: the journal does not say what this worker has, so nothing is handed out.
bool KafkaBus::Tend() {
  if (lanes_.fenced()) {
    if (const Status known = lanes_.Refresh(); !known) {
      Log(LogLevel::kDebug, "lanes cannot be read", {{"error", known.error().message}});
      return false;
    }
    if (consumer_) consumer_->Fenced();
  }
  // Fenced: the next Poll sees it.  Row 7: a worker without traffic never asks and never learns.
  if (!MUTANT(7) && Due(renewed_, options_.renew_every)) (void)lanes_.Renew();
  LookForOwners();
  const bool adopt = Due(adopted_at_, options_.adopt_every);
  if (adopt) Adopt();
  Bury(adopt);
  if (!consumer_) return true;
  consumer_->Tend();
  if (Due(exported_, options_.export_every)) consumer_->Export();
  return !lanes_.fenced();
}

/// Ten times as often while a step has no owner: someone waits for this process to be ready.
void KafkaBus::LookForOwners() {
  const auto known = Unowned();
  const bool all = known && known->empty();
  if (!Due(owners_, all ? options_.adopt_every : options_.adopt_every / 10)) return;
  std::vector<LaneId> lanes;
  for (const kafka::Topics::Place* place : topics_.All()) {
    for (std::uint32_t p = 0; p < place->partitions; ++p) lanes.push_back(place->lane | p);
  }
  auto unowned = lanes_.Unowned(lanes);
  if (!unowned) return;
  std::set<std::string> steps;
  for (const LaneId lane : *unowned) {
    steps.insert(topics_.Of(lane)->About());
  }
  const std::lock_guard lock(mutex_);
  unowned_.emplace(steps.begin(), steps.end());
}

std::optional<std::vector<std::string>> KafkaBus::Unowned() const {
  const std::lock_guard lock(mutex_);
  return unowned_;
}

/// Outboxes of workers that are no more go on their way; they are buried once Kafka has all of it.
void KafkaBus::Adopt() {
  if (MUTANT(6)) return;  // row 6: what a dead worker had not published waits for the worker
  auto orphans = lanes_.Adopt();
  if (!orphans) {
    Log(LogLevel::kDebug, "orphans cannot be read", {{"error", orphans.error().message}});
    return;
  }
  for (const Lanes::Orphan& orphan : *orphans) {
    FAILPOINT("adopt.before");
    if (adopted_.insert(orphan.worker).second) Unseal(orphan);
    FAILPOINT("adopt.after");
  }
}

void KafkaBus::Unseal(const Lanes::Orphan& orphan) {
  if (orphan.sealed.empty()) return producer_.Put({}, {}, orphan.worker);
  auto unsealed = kafka::Unseal(orphan.sealed);
  if (!unsealed) {  // it stays where it is, for a person or a newer version
    Log(LogLevel::kError, "what a worker left cannot be read, and stays in the journal",
        {{"worker", orphan.worker.ToString()}, {"error", unsealed.error().message}});
    return;
  }
  Log(LogLevel::kInfo, "a worker is gone; what it had not published goes on its way",
      {{"worker", orphan.worker.ToString()}, {"records", unsealed->starts.size()}});
  producer_.Put(std::string(unsealed->records), std::move(unsealed->starts), orphan.worker);
}

/// `again`: also those that the journal would not bury before.
void KafkaBus::Bury(bool again) {
  const std::vector<Uuid> now = producer_.TakePublished();
  published_.insert(published_.end(), now.begin(), now.end());
  if (now.empty() && !again) return;
  std::erase_if(published_, [&](const Uuid& worker) {
    FAILPOINT("forget.before");
    if (!lanes_.Bury(worker)) return false;
    FAILPOINT("forget.after");
    adopted_.erase(worker);
    return true;
  });
}

}  // namespace reprise::runtime
