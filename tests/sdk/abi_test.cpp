// The C tables that stand behind a plugin's classes.
#include <gtest/gtest.h>

#include <reprise/plugin.hpp>

namespace reprise {
namespace {

using detail::FromAbi;

const reprise_plugin& Table() {
  return *reprise_entry_v1.plugin;
}

const reprise_action& ActionNamed(std::string_view name) {
  for (std::size_t i = 0; const reprise_action* action = Table().action_at(i); ++i) {
    if (FromAbi(action->name) == name) return *action;
  }
  throw std::runtime_error("no such action");
}

/// "name type[?][!secret][=default][ min..max]"
std::string Shown(const reprise_field_spec* spec) {
  if (spec == nullptr) return "none";
  std::string text = std::string(FromAbi(spec->name)) + " " + std::to_string(spec->type);
  if (spec->optional != 0) text += "?";
  if (spec->secret != 0) text += "!";
  if (spec->default_text.data != nullptr) text += "=" + std::string(FromAbi(spec->default_text));
  if (spec->min_text.data != nullptr) text += " from " + std::string(FromAbi(spec->min_text));
  if (spec->max_text.data != nullptr) text += " to " + std::string(FromAbi(spec->max_text));
  return text;
}

TEST(Abi, NamesThePluginAndItsParts) {
  EXPECT_EQ(reprise_entry_v1.abi_major, 1U);
  EXPECT_EQ(FromAbi(Table().name), "sample");
  EXPECT_EQ(FromAbi(Table().version), "1.2.3");
  EXPECT_EQ(FromAbi(Table().action_at(0)->name), "put");
  EXPECT_EQ(FromAbi(Table().action_at(0)->summary), "Puts a row.");
  EXPECT_EQ(Table().action_at(100), nullptr);
  EXPECT_EQ(FromAbi(Table().question_at(0)->name), "find");
  EXPECT_EQ(Table().question_at(1), nullptr);
}

TEST(Abi, DescribesSettingsWithTheirDefaults) {
  EXPECT_EQ(Shown(Table().setting_at(0)), "most 1?=3 from 1 to 100");
  EXPECT_EQ(Shown(Table().setting_at(1)), "url 3?=http://127.0.0.1:1");
  EXPECT_EQ(Shown(Table().setting_at(2)), "token 3?!");
  EXPECT_EQ(Shown(Table().setting_at(3)), "none");
  EXPECT_EQ(Shown(ActionNamed("put").with(0)), "for 16?=300000 from 60000");
  EXPECT_EQ(Shown(ActionNamed("put").with(1)), "at 17?=at");
  EXPECT_EQ(Shown(ActionNamed("demanding").with(0)), "name 3");
}

TEST(Abi, DescribesPayloadsWithoutDefaults) {
  const reprise_fields_fn in = ActionNamed("measure").in;
  EXPECT_EQ(Shown(in(0)), "text 3");
  EXPECT_EQ(Shown(in(2)), "real 2 from 0.5");
  EXPECT_EQ(Shown(in(4)), "duration 16 to 3600000");
  EXPECT_EQ(Shown(in(5)), "object 18");
  EXPECT_EQ(Shown(in(6)), "array 19");
  EXPECT_EQ(Shown(in(7)), "maybe 3?");
}

TEST(Abi, DescribesEventsAndErrors) {
  const reprise_action& put = ActionNamed("put");
  EXPECT_EQ(FromAbi(put.event_at(0)->name), "put");
  EXPECT_EQ(Shown(put.event_at(0)->added(0)), "version 1");
  EXPECT_EQ(put.event_at(1)->timer, 0);
  EXPECT_EQ(put.event_at(2)->timer, 1);
  EXPECT_EQ(put.event_at(3), nullptr);
  EXPECT_EQ(FromAbi(put.error_at(0)->code), "taken");
  EXPECT_EQ(put.error_at(0)->http, 409);
  EXPECT_EQ(FromAbi(put.error_at(1)->code), "bad_payload");
}

TEST(Abi, OffersOnlyWhatIsOverridden) {
  EXPECT_NE(ActionNamed("put").run_do_all, nullptr);
  EXPECT_EQ(ActionNamed("speak").run_do_all, nullptr);
  EXPECT_EQ(ActionNamed("put").run_reconcile, nullptr);
  EXPECT_NE(ActionNamed("call").run_reconcile, nullptr);
  EXPECT_EQ(ActionNamed("put").external, 0);
  EXPECT_EQ(ActionNamed("call").external, 1);
  EXPECT_EQ(ActionNamed("call").idempotent, 1);
  EXPECT_EQ(ActionNamed("put").can_undo, 1);
  EXPECT_EQ(ActionNamed("measure").can_undo, 0);
}

TEST(Abi, ListsMigrationsWithTheirVariants) {
  EXPECT_EQ(Table().migration_at(0)->number, 1);
  EXPECT_TRUE(FromAbi(Table().migration_at(0)->postgres).ends_with("CHECK (n >= 0::bigint))"));
  EXPECT_EQ(Table().migration_at(1)->postgres.data, nullptr);
  EXPECT_EQ(Table().migration_at(2), nullptr);
}

TEST(Abi, SaysWhySettingsAreRefused) {
  std::string why;
  const auto take = [](void* user, reprise_str text) {
    *static_cast<std::string*>(user) = FromAbi(text);
  };
  const reprise_value none = detail::NullValue();
  EXPECT_EQ(ActionNamed("demanding").create(nullptr, &none, 1, take, &why), nullptr);
  EXPECT_EQ(why, "setting 'name' (text) is missing");
  const reprise_value wrong = detail::TextValue(REPRISE_TEXT, "x");
  EXPECT_EQ(Table().create(&wrong, 1, take, &why), nullptr);
  EXPECT_EQ(why, "setting 'most' must be integer, it is text");
}

}  // namespace
}  // namespace reprise
