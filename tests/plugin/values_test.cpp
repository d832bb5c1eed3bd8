#include "plugin/values.h"

#include <gtest/gtest.h>

namespace reprise::runtime {
namespace {

FieldInfo Setting(FieldType type, std::optional<std::string> fallback = {}) {
  FieldInfo field;
  field.name = "f";
  field.type = type;
  field.fallback = std::move(fallback);
  return field;
}

TEST(Values, HandOutStringsWithoutCopying) {
  Arena arena;
  const json::value text = "lamp";
  EXPECT_EQ(ToAbi(text, arena).as.text.data, text.get_string().data());
}

TEST(Values, HandOutEveryKindOfJson) {
  Arena arena;
  EXPECT_EQ(ToAbi(nullptr, arena).type, REPRISE_NULL);
  EXPECT_EQ(ToAbi(true, arena).as.integer, 1);
  EXPECT_EQ(ToAbi(-7, arena).as.integer, -7);
  EXPECT_EQ(ToAbi(1.5, arena).as.real, 1.5);
  const reprise_value list = ToAbi(json::array{1, "a"}, arena);
  EXPECT_EQ(list.type, REPRISE_JSON);
  EXPECT_EQ(View(list.as.text), R"([1,"a"])");
  const reprise_value large = ToAbi(json::value(std::uint64_t{18'446'744'073'709'551'615U}), arena);
  EXPECT_EQ(View(large.as.text), "18446744073709551615") << "exact or not at all";
}

TEST(Values, KeepWhatWasHandedOutWhereItIs) {
  Arena arena;
  const std::string_view first = arena.Keep("first, long enough for the heap");
  for (int i = 0; i < 1000; ++i) arena.Keep("another text");
  EXPECT_EQ(first, "first, long enough for the heap");
}

TEST(Values, SettingsTakeTheirDeclaredTypeOrDefault) {
  Arena arena;
  EXPECT_EQ(SettingToAbi(Setting(FieldType::kInteger), nullptr, arena).type, REPRISE_NULL);
  EXPECT_EQ(SettingToAbi(Setting(FieldType::kInteger, "-5"), nullptr, arena).as.integer, -5);
  EXPECT_EQ(SettingToAbi(Setting(FieldType::kDuration, "90000"), nullptr, arena).as.integer,
            90'000);
  EXPECT_EQ(SettingToAbi(Setting(FieldType::kReal, "2.5"), nullptr, arena).as.real, 2.5);
  EXPECT_EQ(SettingToAbi(Setting(FieldType::kBoolean, "true"), nullptr, arena).type, REPRISE_BOOL);
  EXPECT_EQ(View(SettingToAbi(Setting(FieldType::kText, ""), nullptr, arena).as.text), "");
  const json::value two = 2;
  const reprise_value real = SettingToAbi(Setting(FieldType::kReal), &two, arena);
  EXPECT_EQ(real.type, REPRISE_REAL);
  EXPECT_EQ(real.as.real, 2.0);
}

TEST(Values, TakeFieldsAndLeaveOutNulls) {
  reprise_value number{REPRISE_INT, {0}}, json_text{REPRISE_JSON, {0}};
  number.as.integer = 7;
  json_text.as.text = Str(R"({"a":[1,2]})");
  const std::vector<reprise_field> fields{
      {Str("n"), number}, {Str("gone"), {REPRISE_NULL, {0}}}, {Str("j"), json_text}};
  const auto object = FromAbi(fields.data(), fields.size());
  ASSERT_TRUE(object);
  EXPECT_EQ(*object, (json::object{{"n", 7}, {"j", {{"a", json::array{1, 2}}}}}));
}

TEST(Values, RefuseFieldsTwiceWithoutANameOrWithBytes) {
  reprise_value number{REPRISE_INT, {0}}, blob{REPRISE_BLOB, {0}};
  const std::vector<reprise_field> twice{{Str("n"), number}, {Str("n"), number}},
      unnamed{{Str(""), number}}, bytes{{Str("b"), blob}};
  EXPECT_FALSE(FromAbi(twice.data(), twice.size()));
  EXPECT_FALSE(FromAbi(unnamed.data(), unnamed.size()));
  EXPECT_FALSE(FromAbi(bytes.data(), bytes.size()));
  EXPECT_FALSE(FromAbi(nullptr, 1));
}

TEST(Values, ParseOneJsonValueAndNotMore) {
  EXPECT_EQ(*ParseJson("[1]"), json::array{1});
  EXPECT_EQ(*ParseJson("\"a\""), json::value("a"));
  for (const char* text : {"", "1,\"w\":2", "1}", "{\"a\":1,\"a\":2}", "{", "nul"})
    EXPECT_FALSE(ParseJson(text)) << text;
}

TEST(Values, NeverUnderstateTheirText) {
  const json::object object{{"name", std::string(1000, 'x')},
                            {"list", json::array{1, "two", json::object{{"a", 3}}}}};
  EXPECT_GE(SizeOf(object), 1000U);
  EXPECT_LT(SizeOf(object), json::serialize(object).size() + 100);
}

}  // namespace
}  // namespace reprise::runtime
