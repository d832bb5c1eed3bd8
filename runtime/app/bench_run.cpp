#include "app/bench_run.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "app/bench_ready.h"
#include "app/shell.h"
#include "app/temporary_folder.h"
#include "kafka/topics.h"
#include "postgres/own_database.h"

namespace reprise::runtime {
namespace {

constexpr int kPartitions = 12;

std::string Self() {
  return std::filesystem::read_symlink("/proc/self/exe").string();
}

std::string Beside(const std::string& program) {
  return Quoted((std::filesystem::path(Self()).parent_path() / program).string());
}

std::string NameOfPlaces() {
  return fmt::format("reprise-bench-{}", getpid());
}

struct OwnPlace {
  TemporaryFolder folder;
  postgres::OwnDatabase database;
  std::string name;

  static Result<OwnPlace> Make(const std::string& server) {
    auto folder = TemporaryFolder::Make("bench");
    if (!folder) return folder.error();
    static int made = 0;
    const std::string name = fmt::format("{}.{}", NameOfPlaces(), ++made);
    auto database = postgres::OwnDatabase::Make(server, name);
    if (!database) return database.error();
    return OwnPlace{std::move(*folder), std::move(*database), name};
  }
  std::string Environment() const {
    return fmt::format("REPRISE_POSTGRES={} REPRISE_BENCH_PREFIX={}", Quoted(database.url()), name);
  }
};

}  // namespace

Answering::Answering(std::string command)
    : command_(std::move(command)), pipe_(popen(command_.c_str(), "r")) {}

Answering::~Answering() {
  if (pipe_) pclose(pipe_);
}

Answering::Answering(Answering&& other) noexcept
    : command_(std::move(other.command_)), pipe_(std::exchange(other.pipe_, nullptr)) {}

Result<json::object> Answering::Answer() {
  if (!pipe_) return Error{Code::kInternal, "cannot run " + command_};
  std::string out;
  std::array<char, 4096> piece{};
  while (const std::size_t n = fread(piece.data(), 1, piece.size(), pipe_))
    out.append(piece.data(), n);
  const int status = pclose(std::exchange(pipe_, nullptr));
  json::error_code error;
  const json::value parsed = json::parse(out, error);
  if (status != 0 || error || !parsed.is_object())
    return Error{Code::kInternal, command_ + " failed: " + out};
  return parsed.get_object();
}

Bench::Bench(const Options& options, BenchPlan plan) : options_(options), plan_(std::move(plan)) {
  if (options.file) where_ = std::filesystem::absolute(*options.file).parent_path();
}

Answering Bench::Run(const std::string& stage, std::int64_t sagas, const std::string& folder,
                     const std::string& more) const {
  std::string command =
      fmt::format("REPRISE_BENCH_STAGE={} REPRISE_BENCH_FOLDER={} {} {} bench --sagas {}", stage,
                  Quoted(folder), more, Quoted(Self()), sagas);
  if (options_.rate > 0) command += fmt::format(" --rate {}", options_.rate);
  if (options_.engine) command += " --engine " + Quoted(*options_.engine);
  if (!options_.config.empty()) command += " --config " + Quoted(options_.config);
  for (const std::string& plugins : options_.plugins) command += " --plugins " + Quoted(plugins);
  for (const std::string& path : options_.paths) command += " " + Quoted(path);
  return Answering(std::move(command));
}

Result<json::object> Bench::Stage(const std::string& stage, std::int64_t sagas) {
  auto folder = TemporaryFolder::Make("bench", where_);
  return folder ? Run(stage, sagas, folder->path().string()).Answer() : folder.error();
}

Result<json::object> Bench::Floor(std::int64_t sagas) {
  auto folder = TemporaryFolder::Make("bench", where_);
  if (!folder) return folder.error();
  auto prepared = Run("prepare", sagas, folder->path().string()).Answer();
  if (!prepared) return prepared;
  const std::string file = (folder->path() / "bench.db").string();
  return Answering(fmt::format("{} {} {}", Beside(plan_.floor), sagas, Quoted(file))).Answer();
}

Result<json::object> Bench::Ready() {
  return MeasureReady(options_, where_, 9);
}

ClusterBench::ClusterBench(const Options& options, BenchPlan plan, std::string postgres)
    : Bench(options, std::move(plan)), postgres_(std::move(postgres)) {}

/// What the stages made in Kafka is of no use to anybody.
ClusterBench::~ClusterBench() {
  KafkaOptions kafka;
  if (const char* brokers = std::getenv("REPRISE_KAFKA")) kafka.brokers = brokers;
  kafka.prefix = NameOfPlaces();
  if (const Status removed = kafka::RemoveTopics(kafka); !removed)
    fmt::print(stderr, "topics {}.* stay: {}\n", kafka.prefix, removed.error().message);
}

Result<json::object> ClusterBench::Stage(const std::string& stage, std::int64_t sagas) {
  auto place = OwnPlace::Make(postgres_);
  if (!place) return place.error();
  return Run(stage, sagas, place->folder.path().string(), place->Environment()).Answer();
}

Result<json::object> ClusterBench::Two(std::int64_t sagas) {
  auto place = OwnPlace::Make(postgres_);
  if (!place) return place.error();
  const std::string folder = place->folder.path().string(), where = place->Environment();
  if (auto prepared = Run("prepare", sagas, folder, where).Answer(); !prepared) return prepared;
  std::vector<Answering> both;
  for (const char* share : {"0/2", "1/2"})
    both.push_back(Run("throughput", sagas, folder, where + " REPRISE_BENCH_SHARE=" + share));
  std::int64_t told = 0;
  double began = 1e18, ended = 0;
  for (Answering& one : both) {
    auto answer = one.Answer();
    if (!answer) return answer;
    told += answer->at("told").to_number<std::int64_t>();
    began = std::min(began, answer->at("began_s").to_number<double>());
    ended = std::max(ended, answer->at("ended_s").to_number<double>());
  }
  if (told != sagas)
    return Error{Code::kInternal, fmt::format("{} of {} sagas were told", told, sagas)};
  return json::object{{"sagas", sagas},
                      {"sagas_per_s", static_cast<double>(sagas) / (ended - began)}};
}

Result<json::object> ClusterBench::FloorOf(std::int64_t sagas, int workers) {
  return Answering(fmt::format("REPRISE_POSTGRES={} {} {} {} {}", Quoted(postgres_),
                               Beside(plan_.cluster_floor), sagas, workers, kPartitions))
      .Answer();
}

}  // namespace reprise::runtime
