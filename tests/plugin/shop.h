/// What the tests of plugins share: the test plugins loaded, a database that remembers, a call to
/// fill in.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/log.h"
#include "plugin/loaded_plugins.h"

namespace reprise::runtime {

inline const std::string kPluginFolder = std::string(REPRISE_BINARY_DIR) + "/tests/plugins/";

inline FoundPlugins GoodPlugins() {
  const std::vector<std::string> folders{kPluginFolder + "good"};
  return FindPlugins(folders);
}

/// Answers every statement with one row [1, "one", 1.5, null]; refuses COMMIT as a journal does.
class FakeSql : public Sql {
 public:
  Result<std::int64_t> Run(std::string_view sql, std::span<const SqlValue> args,
                           const SqlRow& on_row) override {
    statements.emplace_back(sql);
    for (const SqlValue& arg : args)
      cells += arg.type == SqlValue::kText ? std::string(arg.text) + ";"
                                           : std::to_string(arg.integer) + ";";
    if (sql == "COMMIT") return Error{Code::kInvalid, "COMMIT is the runtime's"};
    if (fails) return *fails;
    const std::vector<SqlValue> row{{SqlValue::kInteger, 1, 0, {}},
                                    {SqlValue::kText, 0, 0, "one"},
                                    {SqlValue::kReal, 0, 1.5, {}},
                                    {}};
    if (on_row) on_row(row);
    return 1;
  }
  Result<std::int64_t> RunRows(std::string_view sql, std::span<const std::string_view>,
                               std::span<const SqlValue> args, const SqlRow& on_row) override {
    return Run(sql, args, on_row);
  }

  std::vector<std::string> statements;
  std::string cells;
  std::optional<Error> fails;
};

class PluginsTest : public testing::Test {
 protected:
  LoadedPlugins& Load() {
    Result<std::unique_ptr<LoadedPlugins>> plugins =
        LoadedPlugins::Create(GoodPlugins(), {}, {"shop", "rogue", "thrower"}, TheMetrics());
    EXPECT_TRUE(plugins) << (plugins ? "" : plugins.error().message);
    return *loaded_.emplace_back(*std::move(plugins));
  }

  /// An action with its settings, and the step it belongs to.
  std::unique_ptr<Action> Bind(const std::string& plugin, const std::string& name,
                               json::object with = {}) {
    step_.name = "step-1";
    step_.plugin = plugin;
    step_.action = name;
    step_.with = std::move(with);
    Result<std::unique_ptr<Action>> action = Load().Bind(step_);
    EXPECT_TRUE(action) << (action ? "" : action.error().message);
    return action ? *std::move(action) : nullptr;
  }
  std::unique_ptr<Action> Rogue(const std::string& how) {
    return Bind("rogue", "act", {{"how", how}});
  }

  /// A Do over `payload_`, in a transaction.
  Call NewCall() {
    Call call;
    call.step = &step_;
    call.saga_id = "0199f3c2-7a31-7c44-9b0e-2f6a1d8e4c10";
    call.payload = &payload_;
    call.root = &payload_;
    call.now = FromMillis(1'000'000);
    call.deadline = FromMillis(1'030'000);
    call.sql = &sql_;
    return call;
  }

  static Metrics& TheMetrics() {
    static Metrics metrics;
    return metrics;
  }

  LogCapture log_;
  FakeSql sql_;
  Step step_;
  Payload payload_{json::object{{"thing", "lamp"}, {"n", 2}}};

 private:
  std::vector<std::unique_ptr<LoadedPlugins>> loaded_;
};

}  // namespace reprise::runtime
