#include "app/engine.h"

#include <filesystem>

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
  std::int64_t commits() const override { return sqlite_->stats().commits; }
  std::string data_folder() const override {
    return std::filesystem::absolute(file_).parent_path().string();
  }

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
