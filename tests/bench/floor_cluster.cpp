/// The floor of the cluster engine: what a careful engineer would write by hand for this one saga
/// on Kafka and PostgreSQL, and nothing else.
///
///   REPRISE_KAFKA=.. REPRISE_POSTGRES=.. floor_cluster SAGAS [WORKERS] [PARTITIONS] [BATCH]
///
/// A worker is a thread with a connection, a consumer and a producer.  A batch is one transaction:
/// fence, offsets, then set-based statements in two round trips, the outbox as one blob, commit;
/// then it is published.  A topic per step, the seat is the key.  Per saga it writes the rows that
/// the runtime writes (see floor_sqlite.cpp); every hundredth is undone through the same topics.
/// It has no plugins, no pipeline language, no retries, no recovery and no operators.
#include <atomic>
#include <chrono>
#include <map>
#include <set>
#include <thread>
#include <unordered_map>

#include <unistd.h>

#include "floor_kafka.h"
#include "floor_schema.h"

namespace floor_of_cluster {
namespace {

enum Kind : char { kReserve, kHold, kDeadline, kTell, kUndoHold, kUndoReserve, kUndoTell };
constexpr int kTopicOf[] = {0, 1, 2, 3, 1, 0, 3};

std::string NextId(std::int64_t now) {  // rises with time, as a UUIDv7 does
  static std::atomic<std::uint64_t> counter{0};
  const std::uint64_t wire = htobe64(++counter);
  std::string id(16, '\0');
  for (std::size_t i = 0; i < 6; ++i) id[i] = static_cast<char>(now >> (40 - 8 * i));
  std::memcpy(id.data() + 8, &wire, 8);
  id[6] = 0x70;
  return id;
}

std::string Text(std::string_view id) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
    out += kHex[static_cast<unsigned char>(id[i]) >> 4];
    out += kHex[static_cast<unsigned char>(id[i]) & 15];
  }
  return out;
}

/// kind | saga | message | version | expires | undone | seat NUL | user.  Views of the wire.
struct Hop {
  Kind kind{};
  std::string_view saga, message, seat, user;
  std::int64_t version = 0, expires = 0;
  bool undone = false;

  std::string Bytes(const std::string& id) const {
    std::string out(1, kind);
    out.append(saga).append(id);
    Put64(out, version);
    Put64(out, expires);
    out += undone ? '\1' : '\0';
    return out.append(seat).append(1, '\0').append(user);
  }
  static Hop Read(std::string_view wire) {
    const auto number = [&](std::size_t at) {
      std::uint64_t n = 0;
      std::memcpy(&n, wire.data() + at, 8);
      return static_cast<std::int64_t>(be64toh(n));
    };
    const auto end = wire.find('\0', 50);
    return {static_cast<Kind>(wire[0]),
            wire.substr(1, 16),
            wire.substr(17, 16),
            wire.substr(50, end - 50),
            wire.substr(end + 1),
            number(33),
            number(41),
            wire[49] != '\0'};
  }
};

struct Run {
  std::string kafka, postgres, schema;
  std::vector<std::string> topics;
  std::int64_t sagas = 0;
  int workers = 1, partitions = 1;
  std::int64_t batch = 500;
  std::atomic<std::int64_t> told{0}, undone{0};
  std::int64_t to_undo() const { return sagas / 100; }
};

/// A worker's partitions are those with its number; it begins the sagas of their seats.
class Worker {  // Threads: its own.
 public:
  Worker(Run& run, int number)
      : run_(run), number_(number), session_(run.postgres), outbox_(run.kafka, run.topics) {
    session_.Run("SET search_path = " + run.schema);
    session_.Run(kSession);
    PrepareAll(session_);
    std::vector<int> mine;
    for (int p = number; p < run.partitions; p += run.workers) mine.push_back(p);
    inbox_ = std::make_unique<Inbox>(run.kafka,
                                     std::vector(run.topics.begin(), run.topics.end() - 1), mine);
    session_.Pipeline();
    outbox_.WarmUp(static_cast<int>(run.topics.size()) - 1);
  }

  void Work() {
    while (run_.told < run_.sagas || run_.undone < run_.to_undo()) Batch();
    outbox_.Drain();
  }

 private:
  struct Begun {
    std::string id, seat, user;
    std::int64_t n = 0;
  };

  int PartitionOf(std::int64_t n) const { return static_cast<int>(n % run_.partitions); }
  int PartitionOf(std::string_view seat) const { return PartitionOf(std::atoll(seat.data() + 2)); }

  /// Sagas of its seats, while few enough are on their way.
  std::vector<Begun> Accept(std::int64_t now) {
    std::vector<Begun> begun;
    if (open_ > 3 * run_.batch) return begun;
    for (; next_ < run_.sagas && static_cast<std::int64_t>(begun.size()) < run_.batch; ++next_) {
      if (PartitionOf(next_) % run_.workers != number_) continue;
      begun.push_back(
          {NextId(now), "S-" + std::to_string(next_), "u" + std::to_string(next_), next_});
    }
    return begun;
  }

  void Batch() {
    const auto wall = std::chrono::system_clock::now().time_since_epoch();
    const auto begun = Accept(wall / std::chrono::milliseconds(1));
    const int wait_ms = begun.empty() ? 2 : 0;
    const auto& polled = inbox_->Poll(static_cast<std::size_t>(4 * run_.batch), wait_ms);
    if (polled.empty() && begun.empty()) return;
    hops_.clear();
    for (const rd_kafka_message_t* m : polled) {
      hops_.push_back(Hop::Read({static_cast<const char*>(m->payload), m->len}));
    }
    Claim(polled);
    Effects(begun);
  }

  /// The first round trip: fence, offsets, what is known already, and what the rest depends on.
  void Claim(const std::vector<rd_kafka_message_t*>& polled);
  /// The second: everything else, the outbox as the last write, and the commit.
  void Effects(const std::vector<Begun>& begun);

  void Hand(Kind kind, const Hop& from, std::int64_t version) {
    Hop to = from;
    to.kind = kind;
    to.version = version;
    outbox_.Add(kTopicOf[kind], PartitionOf(from.seat), from.seat, to.Bytes(NextId(now_)));
  }
  std::int64_t Lane(int topic, int partition) const { return topic * 0x10000 + partition; }
  bool New(const Hop& hop) const {
    return known_.empty() || !known_.contains(std::string(hop.saga) + char(kTopicOf[hop.kind]));
  }

  Run& run_;
  const int number_;
  Session session_;
  Outbox outbox_;
  std::unique_ptr<Inbox> inbox_;
  std::int64_t next_ = 0, open_ = 0, seq_ = 0, now_ = 0;
  std::vector<Hop> hops_;        // of this batch; views of what was polled
  std::set<std::string> known_;  // saga and step that were done before
  std::unordered_map<std::string, std::int64_t>
      versions_;  // of the seats that were reserved just now
};

void Worker::Claim(const std::vector<rd_kafka_message_t*>& polled) {
  struct Span {
    std::int64_t first, upto;
    std::string_view last;
  };
  std::map<std::int64_t, Span> spans;
  auto sagas = Column::Uuids(), steps = Column::Numbers();
  auto ids = Column::Uuids(), seats = Column::Texts(), users = Column::Texts(),
       expires = Column::Numbers();
  for (std::size_t i = 0; i < hops_.size(); ++i) {
    const Hop& hop = hops_[i];
    const std::int64_t offset = polled[i]->offset;
    const auto [it, added] =
        spans.try_emplace(Lane(kTopicOf[hop.kind], polled[i]->partition), Span{offset, offset, {}});
    if (it->second.upto != offset) Die("consume", "an offset was left out");
    it->second = {it->second.first, offset + 1, hop.message};
    if (hop.kind > kTell) continue;
    sagas.Add(hop.saga);
    steps.Add(std::int64_t{kTopicOf[hop.kind]});
    if (hop.kind != kReserve) continue;
    ids.Add(hop.saga);
    seats.Add(hop.seat);
    users.Add(hop.user);
    expires.Add(hop.expires);
  }
  auto lanes = Column::Numbers(), first = Column::Numbers(), upto = Column::Numbers(),
       last = Column::Uuids();
  for (const auto& [lane, span] : spans) {
    lanes.Add(lane);
    first.Add(span.first);
    upto.Add(span.upto);
    last.Add(span.last);
  }
  session_.Send("begin");
  session_.Send("fence", {Binary(number_), Binary(seq_++)});
  if (!hops_.empty()) {
    session_.Send("offsets",
                  {lanes.Bytes(), first.Bytes(), upto.Bytes(), last.Bytes(), Binary(number_)});
    session_.Send("known", {sagas.Bytes(), steps.Bytes()});
  }
  if (ids.rows() > 0) {
    session_.Send("reserve", {ids.Bytes(), seats.Bytes(), users.Bytes(), expires.Bytes()});
  }
  const auto answers = session_.Receive();
  if (answers[1].rows() != 1) Die("fence", "this worker was replaced");
  now_ = answers[1].Number(0, 0);
  known_.clear();
  versions_.clear();
  if (hops_.empty()) return;
  if (answers[2].changed() != static_cast<std::int64_t>(spans.size())) {
    Die("offsets", "a lane is not this worker's, or not where it was");
  }
  for (int row = 0; row < answers[3].rows(); ++row) {
    known_.insert(std::string(answers[3].Bytes(row, 0)) + char(answers[3].Number(row, 1)));
  }
  for (int row = 0; ids.rows() > 0 && row < answers[4].rows(); ++row) {
    versions_.emplace(answers[4].Bytes(row, 0), answers[4].Number(row, 1));
  }
}

/// The columns that a batch fills, row by row.
struct Rows {
  Column step[7] = {Column::Uuids(),   Column::Numbers(), Column::Numbers(), Column::Numbers(),
                    Column::Numbers(), Column::Uuids(),   Column::Texts()};
  Column hold[3] = {Column::Uuids(), Column::Texts(), Column::Numbers()};
  Column due[4] = {Column::Uuids(), Column::Numbers(), Column::Numbers(), Column::Blobs()};
  Column told[4] = {Column::Texts(), Column::Texts(), Column::Numbers(), Column::Numbers()};
  Column push[4] = {Column::Texts(), Column::Numbers(), Column::Texts(), Column::Numbers()};
  Column undo[3][3] = {{Column::Uuids(), Column::Texts(), Column::Texts()},
                       {Column::Uuids(), Column::Texts(), Column::Texts()},
                       {Column::Uuids(), Column::Texts(), Column::Texts()}};
  struct Change {
    std::int64_t more = 0, state = 0;
  };
  std::unordered_map<std::string, Change> sagas;
  std::unordered_map<std::string, std::int64_t> pushes;  // per user

  void Step(const Hop& hop, std::int64_t state, std::int64_t now, const std::string& added) {
    step[0].Add(hop.saga);
    step[1].Add(std::int64_t{kTopicOf[hop.kind]});
    step[2].Add(state);
    step[3].Add(std::int64_t{hop.kind == kDeadline ? 1 : 0});
    step[4].Add(now);
    step[5].Add(hop.message);
    step[6].Add(added);
  }
  void Undo(const Hop& hop, std::int64_t now) {
    auto& to = undo[hop.kind - kUndoHold];
    to[0].Add(hop.saga);
    to[1].Add(hop.kind == kUndoTell ? hop.user : hop.seat);
    to[2].Add(R"({"undone":)" + std::to_string(now) + R"(,"undo":")" + Text(hop.message) + R"("})");
  }
};

template <std::size_t kSize>
std::vector<std::string> Args(const Column (&columns)[kSize]) {
  std::vector<std::string> args;
  for (const Column& column : columns) args.push_back(column.Bytes());
  return args;
}

void Worker::Effects(const std::vector<Begun>& begun) {
  Rows rows;
  std::int64_t told = 0, undone = 0;
  for (const Hop& hop : hops_) {
    if (hop.kind <= kTell && !New(hop)) continue;
    auto& saga = rows.sagas[std::string(hop.saga)];
    const std::string added = R"({"version":)" + std::to_string(hop.version) +
                              R"(,"expiresAt":"2026-11-22T05:02:11.031Z"})";
    switch (hop.kind) {
      case kReserve: {
        const auto held = versions_.extract(std::string(hop.seat));  // the first of a batch has it
        if (held.empty()) Die("reserve", "rejected, which the bench never is");
        rows.Step(hop, 4, now_, "");
        saga.more += 2;  // one step is through, three begin
        for (const Kind next : {kHold, kDeadline, kTell}) Hand(next, hop, held.mapped());
        break;
      }
      case kHold:
        rows.hold[0].Add(hop.saga);
        rows.hold[1].Add(hop.seat);
        rows.hold[2].Add(hop.version);
        rows.Step(hop, 4, now_, added);
        saga.more -= 1;
        break;
      case kDeadline:
        rows.Step(hop, hop.undone ? 5 : 4, now_, added);
        if (hop.undone) {
          saga.state = 1;
          Hand(kUndoHold, hop, hop.version);
          break;
        }
        rows.due[0].Add(hop.saga);
        rows.due[1].Add(hop.expires);
        rows.due[2].Add(Lane(2, PartitionOf(hop.seat)));
        rows.due[3].Add(hop.seat);
        break;
      case kTell: {
        const std::string id = Text(hop.saga);
        rows.told[0].Add(hop.user);
        rows.told[1].Add(id);
        rows.told[2].Add(hop.version);
        rows.told[3].Add(now_);
        rows.push[0].Add(hop.user);
        rows.push[1].Add(++rows.pushes[std::string(hop.user)]);
        rows.push[2].Add(R"({"reservationId":")" + id + R"(","seatId":")" + std::string(hop.seat) +
                         R"(","version":)" + std::to_string(hop.version) +
                         R"(,"price":50000,"expiresAt":"2026-11-22T05:02:11.031Z"})");
        rows.push[3].Add(now_);
        rows.Step(hop, 4, now_, added);
        saga.more -= 1;
        ++told;
        break;
      }
      case kUndoHold:
        rows.Undo(hop, now_);
        saga.state = 1;
        Hand(kUndoReserve, hop, hop.version);
        break;
      case kUndoReserve:
        rows.Undo(hop, now_);
        saga.state = 1;
        Hand(kUndoTell, hop, hop.version);
        break;
      case kUndoTell:
        rows.Undo(hop, now_);
        saga.state = 3;
        saga.more -= 1;
        ++undone;
        break;
    }
  }
  if (!begun.empty()) {
    auto ids = Column::Uuids(), subjects = Column::Texts(), roots = Column::Texts();
    for (const Begun& b : begun) {
      const std::string id = Text(b.id);
      ids.Add(b.id);
      subjects.Add(id);
      roots.Add(R"({"reservationId":")" + id + R"(","seatId":")" + b.seat + R"(","userId":")" +
                b.user + R"(","price":50000})");
      const Hop hop{kReserve, b.id, {}, b.seat, b.user, 0, now_ + 300'000, b.n % 100 == 99};
      Hand(kReserve, hop, 0);
    }
    session_.Send("sagas", {ids.Bytes(), subjects.Bytes(), roots.Bytes(), Binary(now_)});
  }
  if (rows.hold[0].rows() > 0) session_.Send("hold", Args(rows.hold));
  if (rows.due[0].rows() > 0) session_.Send("arm", Args(rows.due));
  if (rows.told[0].rows() > 0) {
    session_.Send("told", Args(rows.told));
    session_.Send("push", Args(rows.push));
  }
  if (rows.step[0].rows() > 0) session_.Send("steps", Args(rows.step));
  if (rows.undo[0][0].rows() > 0) session_.Send("undo-hold", Args(rows.undo[0]));
  if (rows.undo[1][0].rows() > 0) session_.Send("undo-reserve", Args(rows.undo[1]));
  if (rows.undo[2][0].rows() > 0) {
    auto args = Args(rows.undo[2]);
    args.push_back(Binary(now_));
    session_.Send("undo-tell", args);
  }
  if (!rows.sagas.empty()) {
    auto ids = Column::Uuids(), more = Column::Numbers(), states = Column::Numbers();
    for (const auto& [id, change] : rows.sagas) {
      ids.Add(id);
      more.Add(change.more);
      states.Add(change.state);
    }
    session_.Send("open", {ids.Bytes(), more.Bytes(), states.Bytes(), Binary(now_)});
  }
  session_.Send("seal", {Binary(number_), outbox_.Sealed()});
  session_.Send("commit");
  session_.Receive();
  outbox_.Publish();
  open_ += static_cast<std::int64_t>(begun.size()) - told;
  run_.told += told;
  run_.undone += undone;
}

/// Whether every saga left exactly its rows.
void Check(Session& session, std::int64_t sagas, std::int64_t undone) {
  const auto expect = [&](const char* what, const std::string& sql, std::int64_t wanted) {
    const std::string found = session.Run(sql);
    if (found != std::to_string(wanted)) {
      Die(what, (found + " where there should be " + std::to_string(wanted)).c_str());
    }
  };
  expect("open sagas", "SELECT count(*) FROM rp_saga WHERE state = 0 AND open = 1", sagas - undone);
  expect("undone", "SELECT count(*) FROM rp_saga WHERE state = 3 AND open = 0", undone);
  expect("steps", "SELECT count(*) FROM rp_step WHERE state = 4", (sagas - undone) * 4);
  expect("undone steps", "SELECT count(*) FROM rp_step WHERE state IN (5, 8, 9)", undone * 6);
  expect("timers", "SELECT count(*) FROM rp_due", sagas - undone);
  expect("holds", "SELECT count(*) FROM seat_row WHERE status = 'HELD'", sagas - undone);
  expect("reservations", "SELECT count(*) FROM reservation_row WHERE status = 'held'",
         sagas - undone);
  expect("versions", "SELECT sum(version) FROM reservation_seat", sagas + undone);
  expect("pushes", "SELECT count(*) FROM push_user", sagas + undone);
  expect("told", "SELECT count(*) FROM push_told", sagas);
}

int Main(int argc, char** argv) {
  const char *kafka = std::getenv("REPRISE_KAFKA"), *postgres = std::getenv("REPRISE_POSTGRES");
  const auto number = [&](int i, std::int64_t otherwise) {
    return argc > i ? std::atoll(argv[i]) : otherwise;
  };
  Run run;
  run.sagas = number(1, 0);
  run.workers = static_cast<int>(number(2, 2));
  run.partitions = static_cast<int>(number(3, run.workers));
  run.batch = number(4, 500);
  if (kafka == nullptr || postgres == nullptr || run.sagas < 1 || run.workers < 1 ||
      run.partitions < run.workers || run.batch < 1) {
    std::fprintf(stderr,
                 "usage: REPRISE_KAFKA=.. REPRISE_POSTGRES=.. floor_cluster SAGAS "
                 "[WORKERS] [PARTITIONS] [BATCH]\n");
    return 2;
  }
  run.kafka = kafka;
  run.postgres = postgres;
  run.schema = "floor_" + std::to_string(::getpid());
  for (const char* step : {"reserve", "hold-seat", "deadline", "tell-held", "warm-up"}) {
    run.topics.push_back(run.schema + "." + step);
  }
  CreateTopics(run.kafka, run.topics, run.partitions);
  Session session(run.postgres);
  MakeTables(session, run.schema, run.sagas);
  for (int w = 0; w < run.workers; ++w) {
    const std::string me = std::to_string(w);
    session.Run("INSERT INTO rp_worker VALUES(" + me + ", 1, 0, now())");
    for (int lane = 0; lane < 4 * run.partitions; ++lane) {
      if (lane % run.partitions % run.workers != w) continue;
      const int id = lane / run.partitions * 0x10000 + lane % run.partitions;
      session.Run("INSERT INTO rp_lane VALUES(" + std::to_string(id) + ", " + me + ")");
    }
  }
  std::vector<std::unique_ptr<Worker>> workers;
  for (int w = 0; w < run.workers; ++w) workers.push_back(std::make_unique<Worker>(run, w));
  const auto began = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  for (auto& worker : workers) threads.emplace_back([&] { worker->Work(); });
  for (auto& thread : threads) thread.join();
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  workers.clear();
  Check(session, run.sagas, run.to_undo());
  session.Run("SET client_min_messages = error; DROP SCHEMA " + run.schema + " CASCADE");
  std::printf(
      "{\"sagas\": %lld, \"seconds\": %.3f, \"sagas_per_s\": %.1f, \"undone\": %lld, "
      "\"workers\": %d, \"partitions\": %d, \"batch\": %lld}\n",
      static_cast<long long>(run.sagas), seconds, static_cast<double>(run.sagas) / seconds,
      static_cast<long long>(run.to_undo()), run.workers, run.partitions,
      static_cast<long long>(run.batch));
  return 0;
}

}  // namespace
}  // namespace floor_of_cluster

int main(int argc, char** argv) {
  return floor_of_cluster::Main(argc, argv);
}
