/// The stages of a bench, each in a process of its own with a journal of its own.
#pragma once

#include <cstdio>
#include <filesystem>
#include <string>

#include "app/bench_plan.h"
#include "app/cli.h"
#include "base/result.h"

namespace reprise::runtime {

/// A program that prints one JSON object.
class Answering {  // Threads: one.
 public:
  explicit Answering(std::string command);
  ~Answering();
  Answering(Answering&& other) noexcept;
  Answering(const Answering&) = delete;
  Answering& operator=(const Answering&) = delete;

  /// Waits for its end.
  Result<json::object> Answer();

 private:
  std::string command_;
  FILE* pipe_;
};

class Bench {  // Threads: one.
 public:
  Bench(const Options& options, BenchPlan plan);
  virtual ~Bench() = default;

  /// A stage of RunBenchStage.
  virtual Result<json::object> Stage(const std::string& stage, std::int64_t sagas);
  /// On a file that the runtime made, so that tables and indexes are the same.
  Result<json::object> Floor(std::int64_t sagas);
  Result<json::object> Ready();

 protected:
  /// `more`: of the environment, "NAME=VALUE ...".
  Answering Run(const std::string& stage, std::int64_t sagas, const std::string& folder,
                const std::string& more = {}) const;

  const Options& options_;
  const BenchPlan plan_;
  std::filesystem::path where_;  // empty: the system's temporary folder
};

/// On servers that run already: each stage has a database and topics of its own.
class ClusterBench : public Bench {  // Threads: one.
 public:
  ClusterBench(const Options& options, BenchPlan plan, std::string postgres);
  ~ClusterBench() override;

  Result<json::object> Stage(const std::string& stage, std::int64_t sagas) override;
  /// By two processes: the sagas of both, from the first's start to the last's end.
  Result<json::object> Two(std::int64_t sagas);
  /// With so many workers; the floor makes and drops its own tables.
  Result<json::object> FloorOf(std::int64_t sagas, int workers);

 private:
  const std::string postgres_;
};

}  // namespace reprise::runtime
