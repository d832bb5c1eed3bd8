#include "cluster.h"

namespace reprise::runtime::kafka {

using namespace std::chrono_literals;

Result<std::vector<Lanes::Taken>> BookLanes::Take(std::span<const LaneId> lanes) {
  if (book_.down) return Error{Code::kUnavailable, "the journal is down"};
  if (fenced()) return Error{Code::kFenced, "refresh first"};
  std::vector<Taken> out;
  for (const LaneId id : lanes) {
    Book::Lane& lane = book_.lanes[id];
    if (!lane.worker.nil() && lane.worker != me_) book_.workers[lane.worker].fenced = true;
    if (lane.worker != me_) lane.why.clear();
    lane.worker = me_;
    out.push_back({id, lane.next, lane.last});
  }
  return out;
}

Status BookLanes::Begin(LaneId base, std::span<const std::int64_t> offsets) {
  const auto first = book_.lanes.lower_bound(base);
  if (first != book_.lanes.end() && BaseOf(first->first) == base) return {};
  for (std::size_t p = 0; p < offsets.size(); ++p)
    book_.lanes[base | static_cast<LaneId>(p)].next = offsets[p];
  return {};
}

Status BookLanes::Leave(std::span<const LaneId> lanes) {
  for (const LaneId id : lanes) {
    if (book_.lanes[id].worker == me_) book_.lanes[id].worker = {};
  }
  return {};
}

bool BookLanes::Holds(LaneId lane) const {
  const auto it = book_.lanes.find(lane);
  return it != book_.lanes.end() && it->second.worker == me_;
}

Status BookLanes::Refresh() {
  if (book_.down) return Error{Code::kUnavailable, "the journal is down"};
  book_.workers[me_].fenced = false;
  return {};
}

Result<std::vector<Lanes::Orphan>> BookLanes::Adopt() {
  std::vector<Orphan> out;
  for (auto& [id, worker] : book_.workers) {
    if (!worker.dead || (!worker.adopter.nil() && worker.adopter != me_)) continue;
    worker.adopter = me_;
    out.push_back({id, worker.sealed});
  }
  return out;
}

Status BookLanes::Bury(const Uuid& worker) {
  if (book_.down) return Error{Code::kUnavailable, "the journal is down"};
  book_.workers.erase(worker);
  book_.buried.push_back(worker);
  return {};
}

Status BookLanes::Stand(LaneId lane, std::string_view why) {
  if (book_.down) return Error{Code::kUnavailable, "the journal is down"};
  book_.lanes[lane].why = why;
  return {};
}

Result<std::vector<Lanes::Where>> BookLanes::Places() {
  std::vector<Where> out;
  for (const auto& [id, lane] : book_.lanes)
    out.push_back({id, lane.worker, 1, lane.next, lane.why});
  return out;
}

Status BookLanes::Resume(LaneId id, std::int64_t from) {
  Book::Lane& lane = book_.lanes[id];
  if (lane.why.empty()) return Error{Code::kNotFound, "it does not stand still"};
  book_.workers[lane.worker].fenced = true;
  lane = {lane.worker, from, {}, {}};
  return {};
}

std::vector<int> KafkaTest::Worker::Numbers() const {
  std::vector<int> out;
  for (const Message& m : got) out.push_back(std::stoi(m.payload.Text("n")));
  return out;
}

KafkaTest::KafkaTest(int brokers) {
  auto conf = Configure(KafkaOptions{}, {{"client.id", "home"}});
  home_ = std::move(*Create(RD_KAFKA_PRODUCER, std::move(*conf)));
  mock_ = rd_kafka_mock_cluster_new(home_.get(), brokers);
  brokers_ = rd_kafka_mock_cluster_bootstraps(mock_);
  const Topics topics = TopicsOf();
  for (const Topics::Place* place : topics.All())
    rd_kafka_mock_topic_create(mock_, place->topic.c_str(), kPartitions, brokers);
}

KafkaTest::~KafkaTest() {
  rd_kafka_mock_cluster_destroy(mock_);
}

KafkaOptions KafkaTest::OptionsOf() const {
  KafkaOptions options;
  options.brokers = brokers_;
  options.prefix = prefix_;
  options.partitions = kPartitions;
  options.options = {{"session.timeout.ms", "6000"}, {"heartbeat.interval.ms", "200"},
                     {"retry.backoff.ms", "20"},     {"topic.metadata.propagation.max.ms", "2000"},
                     {"reconnect.backoff.ms", "20"}, {"reconnect.backoff.max.ms", "100"}};
  options.adopt_every = 50ms;
  options.export_every = 50ms;
  options.retake_after = 100ms;
  options.close_within = 200ms;
  return options;
}

Topics KafkaTest::TopicsOf(bool mine) const {
  Topics topics(prefix_, kPartitions);
  for (const char* step : {"take", "charge"}) topics.Add("order", step, mine);
  for (const auto& [name, latest] : foreign_) EXPECT_TRUE(topics.AddForeign(name, latest, mine));
  return topics;
}

std::unique_ptr<KafkaTest::Worker> KafkaTest::Start(bool consumes) {
  auto worker = std::make_unique<Worker>();
  worker->id = Derived(Uuid{}, {"worker", std::to_string(++workers_)});
  worker->lanes = std::make_unique<BookLanes>(book_, worker->id);
  auto bus = KafkaBus::Open(OptionsOf(), TopicsOf(consumes), *worker->lanes, metrics_);
  EXPECT_TRUE(bus.ok()) << bus.error().message;
  worker->bus = std::move(*bus);
  worker->bus->OnArrival([this] {
    const std::lock_guard lock(mutex_);
    arrival_.notify_one();
  });
  return worker;
}

std::unique_ptr<KafkaTest::Worker> KafkaTest::StartWith(std::size_t lanes) {
  auto worker = Start();
  EXPECT_TRUE(Until([&] { return worker->bus->held().size() == lanes; }, {worker.get()}));
  return worker;
}

Message KafkaTest::MessageOf(int n, const std::string& step, const std::string& key) {
  Message m;
  m.id = Derived(Uuid{}, {"message", std::to_string(n), step});
  m.saga = Derived(Uuid{}, {"saga", std::to_string(n)});
  m.pipeline = "order";
  m.plan = "hash-of-order";
  m.step = step == "take" ? 0 : 1;
  m.event = "requested";
  m.key = key;
  m.payload = Payload(json::object{{"n", n}});
  m.at = FromMillis(1'767'225'600'000 + n);
  m.lane = Lane(step, key);
  return m;
}

void KafkaTest::Send(Worker& worker, const std::vector<Message>& outbox,
                     const std::vector<Transaction::Foreign>& records) {
  book_.workers[worker.id].sealed = worker.bus->Seal(outbox, records);
  ASSERT_TRUE(worker.bus->Publish(outbox));
}

bool KafkaTest::Consume(Worker& worker, const std::vector<Message>& messages) {
  if (book_.workers[worker.id].fenced) return false;
  for (const Message& m : messages) {
    if (m.offset < 0) continue;
    Book::Lane& lane = book_.lanes[m.lane];
    EXPECT_EQ(lane.worker, worker.id);
    if (m.record && m.record->foreign) {
      EXPECT_GE(m.offset, lane.next) << "nothing comes twice";
    } else {
      EXPECT_EQ(m.offset, std::max<std::int64_t>(0, lane.next)) << "offsets are contiguous";
    }
    lane.next = m.offset + 1;
    lane.last = m.id;
    lane.why.clear();
  }
  return true;
}

void KafkaTest::Turn(Worker& worker) {
  auto polled = worker.bus->Poll(100);
  ASSERT_TRUE(polled.ok());
  if (polled->empty()) return;
  const std::string sealed = worker.bus->Seal({}, {});
  if (!Consume(worker, *polled)) return worker.bus->Return(std::move(*polled));
  book_.workers[worker.id].sealed = sealed;
  for (Message& m : *polled) worker.got.push_back(std::move(m));
  ASSERT_TRUE(worker.bus->Publish({}));
}

testing::AssertionResult KafkaTest::Until(const std::function<bool()>& so,
                                          std::vector<Worker*> workers) {
  const auto deadline = std::chrono::steady_clock::now() + 30s;
  for (;;) {
    for (Worker* worker : workers) Turn(*worker);
    if (so()) return testing::AssertionSuccess();
    if (std::chrono::steady_clock::now() > deadline)
      return testing::AssertionFailure() << "not within half a minute";
    std::unique_lock lock(mutex_);
    arrival_.wait_for(lock, 10ms);
  }
}

std::size_t KafkaTest::CountRecords(const std::string& topic) {
  auto conf = Configure(OptionsOf(), ConsumerSettings("reader"));
  auto client = std::move(*Create(RD_KAFKA_CONSUMER, std::move(*conf)));
  std::size_t count = 0;
  for (int p = 0; p < static_cast<int>(kPartitions); ++p) {
    std::int64_t low = 0, high = 0;
    if (rd_kafka_query_watermark_offsets(client.get(), topic.c_str(), p, &low, &high, 5000) ==
        RD_KAFKA_RESP_ERR_NO_ERROR)
      count += static_cast<std::size_t>(high - low);
  }
  return count;
}

}  // namespace reprise::runtime::kafka
