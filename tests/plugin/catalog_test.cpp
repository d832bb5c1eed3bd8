#include "plugin/catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugin/describe.h"
#include "plugin/names.h"

namespace reprise::runtime {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const std::string kFolder = std::string(REPRISE_BINARY_DIR) + "/tests/plugins/";

FoundPlugins In(const std::vector<std::string>& folders) {
  return FindPlugins(folders);
}

TEST(Catalog, ReadsWhatAPluginSaysOfItself) {
  const PluginInfo shop = In({kFolder + "good"}).plugins.at("shop").info;
  EXPECT_EQ(shop.version, "1.2.0");
  ASSERT_EQ(shop.settings.size(), 3U);
  EXPECT_EQ(shop.settings[1].type, FieldType::kDuration);
  EXPECT_EQ(shop.settings[1].fallback, "90000");
  EXPECT_EQ(shop.settings[2].fallback, std::nullopt);
  EXPECT_TRUE(shop.settings[2].secret);
  const ActionInfo* const order = shop.FindAction("order");
  ASSERT_NE(order, nullptr);
  EXPECT_TRUE(order->takes_all);
  EXPECT_FALSE(order->reconciles);
  ASSERT_EQ(order->events.size(), 2U);
  EXPECT_EQ(order->events[0].added.at(0).name, "number");
  EXPECT_TRUE(order->events[1].timer);
  EXPECT_EQ(order->errors.at(0).http, 409);
  const ActionInfo* const call = shop.FindAction("call");
  ASSERT_NE(call, nullptr);
  EXPECT_TRUE(call->external && call->idempotent && call->reconciles);
  EXPECT_EQ(shop.FindQuestion("price")->out.at(0).name, "price");
  ASSERT_EQ(shop.migrations.size(), 2U);
  EXPECT_EQ(shop.migrations[1].postgres, "CREATE TABLE shop_start (at BIGINT)");
}

TEST(Catalog, OneBadFileStopsNoOther) {
  const FoundPlugins found = In({kFolder + "broken", kFolder + "good"});
  EXPECT_EQ(found.refused.size(), 15U);
  EXPECT_EQ(found.plugins.size(), 3U);
}

TEST(Catalog, RefusesNamesTypesAndOrdersThatCannotBe) {
  const FoundPlugins found = In({kFolder + "broken"});
  EXPECT_THAT(found.WhyNot("bad_name"), HasSubstr("a plugin may not be named '../e'"));
  EXPECT_THAT(found.WhyNot("action_twice"), HasSubstr("an action 'act' comes twice"));
  EXPECT_THAT(found.WhyNot("event_name"),
              HasSubstr("an event of action 'act' may not be named 'Not A Name'"));
  EXPECT_THAT(found.WhyNot("field_type"), HasSubstr("field 'x' has an unknown type, 12"));
  EXPECT_THAT(found.WhyNot("migration_order"), HasSubstr("migration 3 does not follow 3"));
  EXPECT_THAT(found.WhyNot("bad_status"),
              HasSubstr("error 'no' of action 'act' has HTTP status 200"));
  EXPECT_THAT(found.WhyNot("bad_status"), HasSubstr("(the plugin's fault)"));
}

TEST(Catalog, TheFirstFolderWinsAndTheShadowedIsNamed) {
  const FoundPlugins found = In({kFolder + "second", kFolder + "good", kFolder + "second"});
  EXPECT_THAT(found.plugins.at("shop").info.path, HasSubstr("/second/shop_again.so"));
  ASSERT_EQ(found.shadowed.size(), 1U);
  EXPECT_THAT(found.shadowed[0], HasSubstr("/good/shop.so: plugin 'shop' is taken from "));
}

TEST(Catalog, NamesFoldersThatAreNotThere) {
  const FoundPlugins found = In({"/no/such/folder"});
  EXPECT_THAT(found.missing_folders, ElementsAre("/no/such/folder"));
  EXPECT_THAT(found.plugins, IsEmpty());
}

TEST(Catalog, SuggestsTheNearestPlugin) {
  EXPECT_EQ(In({kFolder + "good"}).WhyNot("shpo"),
            "there is no plugin 'shpo'; did you mean 'shop'?");
}

TEST(Names, TakeWhatTheirPlaceCanCarry) {
  EXPECT_TRUE(IsPluginName("data-platform"));
  EXPECT_FALSE(IsPluginName("Data"));
  EXPECT_FALSE(IsPluginName("a_b"));
  EXPECT_FALSE(IsPluginName(""));
  EXPECT_FALSE(IsPluginName(std::string(65, 'a')));
  EXPECT_TRUE(IsWord("hold_for-me2"));
  EXPECT_FALSE(IsWord("$failed"));
  EXPECT_FALSE(IsWord("a.b"));
  EXPECT_TRUE(IsCode("body.unknown_field"));
  EXPECT_TRUE(IsFieldName("expiresAt"));
  EXPECT_FALSE(IsFieldName("a-b"));
  EXPECT_TRUE(IsTopicName("concert.orders_1-x"));
  EXPECT_FALSE(IsTopicName(".."));
  EXPECT_FALSE(IsTopicName("a/b"));
}

TEST(Describe, WritesAPageForPeople) {
  const std::string page = MarkdownOf(In({kFolder + "good"}).plugins.at("shop").info);
  EXPECT_THAT(page, HasSubstr("# shop\nSells things.\n\nVersion 1.2.0.\n"));
  EXPECT_THAT(page,
              HasSubstr("| `limit` | integer | `3` | orders a customer may have. 1 to 100. |\n"));
  EXPECT_THAT(page, HasSubstr("| `opens_in` | duration | `1m30s` | when the shop opens. |\n"));
  EXPECT_THAT(page, HasSubstr("| `secret` | text | none | signs receipts \\| bills. Secret. |\n"));
  EXPECT_THAT(page, HasSubstr("## Action `shop.order`\nPlaces an order.\n\nTransactional; takes "
                              "many at once; can undo.\n"));
  EXPECT_THAT(page, HasSubstr("| `greeting` | text | **required** | first words. |\n"));
  EXPECT_THAT(page, HasSubstr("| `late` | nothing | Of a timer. nobody came for it. |\n"));
  EXPECT_THAT(page, HasSubstr("| `sold_out` | 409 | nothing is left. |\n"));
  EXPECT_THAT(page, HasSubstr("## Question `shop.price`\n"));
}

TEST(Describe, WritesJsonForMachines) {
  const boost::json::object page = JsonOf(In({kFolder + "good"}).plugins.at("shop").info);
  EXPECT_EQ(page.at("name"), "shop");
  EXPECT_EQ(page.at("settings").at(1).at("default"), "1m30s");
  EXPECT_EQ(page.at("actions").at(1).at("effects"), "external");
  EXPECT_EQ(page.at("actions").at(0).at("events").at(0).at("added").at(0).at("name"), "number");
  EXPECT_EQ(page.at("questions").at(0).at("errors").at(0).at("http"), 404);
}

}  // namespace
}  // namespace reprise::runtime
