/// A folder of its own for one test, and engines in it.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include <gtest/gtest.h>
#include <stdlib.h>

#include "sqlite/engine.h"

namespace reprise::runtime {

class Scratch : public testing::Test {
 protected:
  Scratch() {
    std::string name = (std::filesystem::temp_directory_path() / "sqlite-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~Scratch() override {
    engine_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  std::string File(const std::string& name = "journal.db") const {
    return (folder_ / name).string();
  }

  void Open(SqliteEngine::Options options = {}) {
    engine_.reset();
    if (options.file.empty()) options.file = File();
    auto opened = SqliteEngine::Open(std::move(options));
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    engine_ = std::move(*opened);
  }
  /// The message of an Open that must fail.
  static std::string Refusal(SqliteEngine::Options options) {
    const auto opened = SqliteEngine::Open(std::move(options));
    EXPECT_FALSE(opened.ok());
    return opened.ok() ? "" : opened.error().message;
  }
  void Write(const std::string& name, const std::string& bytes) const {
    std::ofstream(File(name), std::ios::binary) << bytes;
  }
  std::string Bytes(const std::string& name) const {
    std::ifstream in(File(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  bool Exists(const std::string& name) const { return std::filesystem::exists(File(name)); }

  Journal& journal() { return engine_->journal(); }
  std::unique_ptr<Transaction> Begin() {
    auto tx = journal().Begin();
    EXPECT_TRUE(tx.ok()) << tx.error().message;
    return tx.ok() ? std::move(*tx) : nullptr;
  }
  std::int64_t Number(const std::string& sql) {
    std::int64_t out = -1;
    const auto ran = journal().reads().Run(
        sql, {}, [&](std::span<const SqlValue> row) { out = row[0].integer; });
    EXPECT_TRUE(ran.ok()) << ran.error().message;
    return out;
  }
  void MakeShop() {
    const Status done = journal().Migrate(std::vector<Journal::PluginMigration>{
        {"shop", 1, "CREATE TABLE shop(id INTEGER PRIMARY KEY, name TEXT)"}});
    ASSERT_TRUE(done.ok()) << done.error().message;
  }
  static Saga SagaOf(std::uint32_t n) {
    Saga saga;
    saga.id = DerivedAt(FromMillis(1'767'225'600'000 + n), {"sqlite", std::to_string(n)});
    saga.pipeline = "order";
    saga.plan = "hash";
    saga.root = Payload(json::object{{"n", n}});
    saga.created = saga.changed = FromMillis(1'767'225'600'000 + n);
    return saga;
  }

  std::filesystem::path folder_;
  std::unique_ptr<SqliteEngine> engine_;
};

}  // namespace reprise::runtime
