#include "app/engine.h"

#include <filesystem>

#include "base/log.h"
#include "sqlite/engine.h"

namespace reprise::runtime {
namespace {

class EmbeddedEngine : public Engine {
 public:
  EmbeddedEngine(std::unique_ptr<SqliteEngine> sqlite, std::string file)
      : sqlite_(std::move(sqlite)), file_(std::move(file)) {}

  Journal& journal() override { return sqlite_->journal(); }
  Bus& bus() override { return sqlite_->bus(); }
  Status DurableAtEnd(const std::function<Status()>& work) override {
    return sqlite_->DurableAtEnd(work);
  }
  /// Nobody sends records here: a person has to.
  Status Join(const Plans& plans) override {
    for (const Plan* plan : plans.current()) {
      for (const Topic& topic : plan->pipeline->topics) {
        Log(LogLevel::kInfo, "this engine has no topics of others; a file may take its place",
            {{"pipeline", plan->pipeline->name},
             {"command", "reprise publish topic:" + topic.name + " FILE"}});
      }
    }
    return {};
  }
  std::int64_t commits() const override { return sqlite_->stats().commits; }
  std::string data_folder() const override {
    return std::filesystem::absolute(file_).parent_path().string();
  }

  std::string flight_file() const override { return file_ + ".flight"; }

 private:
  const std::unique_ptr<SqliteEngine> sqlite_;
  const std::string file_;
};

}  // namespace

Result<std::unique_ptr<Engine>> OpenEmbedded(const Deployment& deployment,
                                             const EngineOptions& options) {
  SqliteEngine::Options file;
  file.file = deployment.embedded.file;
  file.hop_commits = options.hop_commits;
  file.clock = options.clock;
  auto opened = SqliteEngine::Open(std::move(file));
  if (!opened) return opened.error();
  return std::unique_ptr<Engine>(
      std::make_unique<EmbeddedEngine>(std::move(*opened), deployment.embedded.file));
}

Result<std::unique_ptr<Engine>> OpenEngine(const Deployment& deployment,
                                           const EngineOptions& options) {
  return deployment.engine == "cluster" ? OpenCluster(deployment, options)
                                        : OpenEmbedded(deployment, options);
}

}  // namespace reprise::runtime
