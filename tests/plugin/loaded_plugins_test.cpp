#include "plugin/loaded_plugins.h"

#include "shop.h"
#include "sqlite/engine.h"

namespace reprise::runtime {
namespace {

using testing::HasSubstr;

class LoadedPluginsTest : public testing::Test {
 protected:
  Result<std::unique_ptr<LoadedPlugins>> Create(json::object shop,
                                                const std::set<std::string>& needed = {"shop"}) {
    return LoadedPlugins::Create(GoodPlugins(), {{"shop", std::move(shop)}}, needed, metrics_);
  }
  Journal& journal() { return (*engine_)->journal(); }
  std::int64_t Number(std::string_view sql) {
    std::int64_t number = -1;
    const auto read = journal().reads().Run(
        sql, {}, [&](std::span<const SqlValue> row) { number = row[0].integer; });
    EXPECT_TRUE(read) << read.error().message;
    return number;
  }

  LogCapture log_;
  Metrics metrics_;
  Result<std::unique_ptr<SqliteEngine>> engine_ = SqliteEngine::Open({.file = ":memory:"});
};

TEST_F(LoadedPluginsTest, CreatesOnlyWhatIsNeededAndKnowsTheRest) {
  const auto plugins = Create({});
  ASSERT_TRUE(plugins);
  EXPECT_EQ((*plugins)->catalog().size(), 3U);
  EXPECT_THAT(metrics_.Text(),
              HasSubstr("reprise_plugin_info{abi=\"1.0\",plugin=\"shop\",version=\"1.2.0\"} 1"));
  Step step;
  step.plugin = "rogue";
  EXPECT_THAT((*plugins)->Bind(step).error().message, HasSubstr("installed, but no pipeline"));
}

TEST_F(LoadedPluginsTest, RefusesInThePluginsWords) {
  EXPECT_EQ(Create({{"limit", 13}}).error().message,
            "plugin shop: settings: 'limit' may not be 13");
}

TEST_F(LoadedPluginsTest, NamesTheFileOfANeededPluginThatDidNotLoad) {
  const std::vector<std::string> folders{kPluginFolder + "broken"};
  const auto plugins = LoadedPlugins::Create(FindPlugins(folders), {}, {"next_major"}, metrics_);
  ASSERT_FALSE(plugins);
  EXPECT_THAT(plugins.error().message, HasSubstr("next_major.so: built for plugin ABI 2"));
}

TEST_F(LoadedPluginsTest, MigratesThenStartsInATransaction) {
  ASSERT_TRUE(engine_) << engine_.error().message;
  const auto plugins = Create({});
  ASSERT_TRUE(plugins);
  const auto migrations = (*plugins)->Migrations();
  ASSERT_EQ(migrations.size(), 2U);
  EXPECT_EQ((*plugins)->Migrations(true)[1].sql, "CREATE TABLE shop_start (at BIGINT)");
  const Status migrated = journal().Migrate(migrations);
  ASSERT_TRUE(migrated) << migrated.error().message;
  const Status started = (*plugins)->Start(journal(), FromMillis(42));
  ASSERT_TRUE(started) << started.error().message;
  EXPECT_EQ(Number("SELECT at FROM shop_start"), 42);
}

TEST_F(LoadedPluginsTest, AStartThatFailsLeavesNothing) {
  const auto plugins = Create({{"limit", 66}});
  ASSERT_TRUE(plugins);
  ASSERT_TRUE(journal().Migrate((*plugins)->Migrations()));
  const Status started = (*plugins)->Start(journal(), FromMillis(42));
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, Code::kInvalid);
  EXPECT_THAT(started.error().message, HasSubstr("plugin shop does not start: internal"));
  EXPECT_EQ(Number("SELECT count(*) FROM shop_start"), 0);
}

TEST_F(LoadedPluginsTest, AStartThatThrowsIsNamed) {
  const auto plugins = Create({}, {"thrower"});
  ASSERT_TRUE(plugins);
  const Status started = (*plugins)->Start(journal(), FromMillis(42));
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().message,
            "plugin thrower does not start: exception plugin thrower.start threw: not today "
            "(plugin's fault)");
}

TEST_F(LoadedPluginsTest, ActionsRunOnTheRealJournalAndCannotEndItsTransaction) {
  const auto plugins = LoadedPlugins::Create(GoodPlugins(), {}, {"shop", "rogue"}, metrics_);
  ASSERT_TRUE(plugins);
  ASSERT_TRUE(journal().Migrate((*plugins)->Migrations()));
  Step step;
  step.plugin = "shop";
  step.action = "order";
  step.with = {{"greeting", "hello"}};
  const auto order = (*plugins)->Bind(step);
  ASSERT_TRUE(order);
  step.plugin = "rogue";
  step.action = "act";
  step.with = {{"how", "commit"}};
  const auto rogue = (*plugins)->Bind(step);
  ASSERT_TRUE(rogue);

  const Payload payload(json::object{{"thing", "lamp"}, {"n", 2}});
  auto transaction = journal().Begin();
  ASSERT_TRUE(transaction);
  Call call;
  call.step = &step;
  call.payload = call.root = &payload;
  call.sql = &(*transaction)->sql();
  (*order)->Run(call);
  EXPECT_EQ(call.outcome.verdict, Verdict::kDone) << call.outcome.detail;
  (*rogue)->Run(call);
  EXPECT_EQ(call.outcome.code, "refused_call");
  ASSERT_TRUE((*transaction)->Commit({}));
  EXPECT_EQ(Number("SELECT n FROM shop_order WHERE thing = 'lamp'"), 2);
}

TEST_F(LoadedPluginsTest, AnActionOutlivesThePluginsItCameFrom) {
  auto plugins = Create({});
  ASSERT_TRUE(plugins);
  Step step;
  step.plugin = "shop";
  step.action = "call";
  auto action = (*plugins)->Bind(step);
  ASSERT_TRUE(action);
  *plugins = nullptr;
  Call call;
  call.step = &step;
  (*action)->Run(call);
  EXPECT_EQ(call.outcome.verdict, Verdict::kDone);
}

}  // namespace
}  // namespace reprise::runtime
