// Every engine that must pass the suites.
#include <filesystem>

#include <stdlib.h>

#include "engine_under_test.h"
#include "kafka/bus.h"
#include "postgres/engine.h"
#include "servers.h"
#include "sqlite/engine.h"

namespace reprise::runtime {
namespace {

namespace fs = std::filesystem;

/// The embedded engine in a folder of its own.  A crash is what kill -9 leaves: the files as they
/// are.
class SqliteUnderTest : public EngineUnderTest {
 public:
  SqliteUnderTest() {
    std::string name = (fs::temp_directory_path() / "conformance-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    Open();
  }
  ~SqliteUnderTest() override {
    engine_.reset();
    fs::remove_all(folder_);
  }

  Journal& journal() override { return engine_->journal(); }
  Bus* bus() override { return &engine_->bus(); }

  void Restart() override {
    engine_.reset();
    Open();
  }

  void Crash() override {
    const fs::path next = folder_ / std::to_string(++life_);
    fs::create_directory(next);
    for (const char* end : {"", "-wal"}) {
      const fs::path from = File().string() + end;
      if (fs::exists(from)) fs::copy_file(from, (next / "journal.db").string() + end);
    }
    engine_.reset();
    home_ = next;
    Open();
  }

 private:
  fs::path File() const { return (home_.empty() ? folder_ : home_) / "journal.db"; }

  void Open() {
    auto opened = SqliteEngine::Open({.file = File().string()});
    ASSERT_GOOD(opened);
    engine_ = std::move(*opened);
  }

  fs::path folder_, home_;
  int life_ = 0;
  std::unique_ptr<SqliteEngine> engine_;
};

/// The engine of simulations: the same without a file.  A crash leaves what was committed, and an
/// engine in the next life begins with it.
class MemoryUnderTest : public EngineUnderTest {
 public:
  MemoryUnderTest() { Open({}); }

  Journal& journal() override { return engine_->journal(); }
  Bus* bus() override { return &engine_->bus(); }

  void Restart() override { Crash(); }
  bool stops_cleanly() const override { return false; }  // memory does not outlive it

  void Crash() override {
    const auto image = engine_->Image();
    ASSERT_GOOD(image);
    engine_->Abandon();
    engine_.reset();
    Open(*image);
  }

 private:
  void Open(const std::string& image) {
    auto opened = SqliteEngine::Open({.file = ":memory:"}, image);
    ASSERT_GOOD(opened);
    engine_ = std::move(*opened);
  }

  std::unique_ptr<SqliteEngine> engine_;
};

/// A worker of the cluster engine in a database of its own.  A crash cuts the connection; another
/// worker goes on.
class PostgresUnderTest : public EngineUnderTest {
 public:
  PostgresUnderTest() { Open(); }

  Journal& journal() override { return engine_->journal(); }
  Bus* bus() override { return nullptr; }

  void Restart() override {
    engine_.reset();
    Open();
  }

  void Crash() override {
    engine_->Abandon();
    engine_.reset();
    Open();
  }

 private:
  void Open() {
    auto opened = PostgresEngine::Open({.url = database_.url()});
    ASSERT_GOOD(opened);
    engine_ = std::move(*opened);
  }

  FreshDatabase database_;
  std::unique_ptr<PostgresEngine> engine_;
};

/// The cluster engine: that journal, and Kafka for a wire, with topics of its own, of one partition
/// each.  After a crash its lease has ended, and so has its membership of the group, which Kafka
/// would believe in for six more seconds.
class KafkaUnderTest : public EngineUnderTest {
 public:
  KafkaUnderTest() { Open(); }

  Journal& journal() override { return postgres_->journal(); }
  Bus* bus() override { return bus_.get(); }
  bool sent() override { return bus_->unacknowledged() == 0; }
  bool journal_has_messages() const override { return false; }

  void Restart() override {
    bus_.reset();
    postgres_.reset();
    Open();
  }

  void Crash() override {
    bus_->Abandon();
    postgres_->Abandon();
    Restart();
  }

 private:
  void Open() {
    auto opened = PostgresEngine::Open({.url = database_.url(), .lease = Millis(0)});
    ASSERT_GOOD(opened);
    postgres_ = std::move(*opened);
    KafkaOptions options;
    options.brokers = Servers::Get().kafka;
    options.prefix = prefix_;
    options.partitions = 1;
    options.adopt_every = Millis(20);
    options.close_within = Millis(0);  // what is not acknowledged is the next one's to publish
    kafka::Topics topics(prefix_, 1);
    for (StepIndex step = 0; step < kSteps; ++step)
      topics.Add("order", "step-" + std::to_string(step), true);
    auto bus = KafkaBus::Open(std::move(options), std::move(topics), postgres_->lanes(), metrics_);
    ASSERT_GOOD(bus);
    bus_ = std::move(*bus);
  }

  static constexpr StepIndex kSteps = 4;
  const std::string prefix_ = FreshName("contract");
  FreshDatabase database_;
  Metrics metrics_;
  std::unique_ptr<PostgresEngine> postgres_;
  std::unique_ptr<KafkaBus> bus_;
};

}  // namespace

std::vector<EngineFactory> Engines() {
  return {{"Sqlite", [] { return std::make_unique<SqliteUnderTest>(); }},
          {"Memory", [] { return std::make_unique<MemoryUnderTest>(); }},
          {"Postgres", [] { return std::make_unique<PostgresUnderTest>(); }, false}};
}

/// Kafka's journal is that of Postgres, which need not pass its suites twice.
std::vector<EngineFactory> EnginesWithBus() {
  std::vector<EngineFactory> out = Engines();
  std::erase_if(out, [](const EngineFactory& engine) { return !engine.has_bus; });
  out.push_back({"Kafka", [] { return std::make_unique<KafkaUnderTest>(); }});
  return out;
}

}  // namespace reprise::runtime
