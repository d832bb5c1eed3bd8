#include "model/payload.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace reprise::runtime {
namespace {

std::string Refusal(std::string_view text) {
  const auto parsed = Payload::Parse(text);
  return parsed ? "accepted" : parsed.error().message;
}

Payload P(std::string_view text) {
  return *Payload::Parse(text);
}

std::string Nested(int depth) {
  std::string text;
  for (int i = 1; i < depth; ++i) text += "{\"a\":";
  text += "{}";
  for (int i = 1; i < depth; ++i) text += "}";
  return text;
}

TEST(Payload, ParsesOneObject) {
  const Payload p = P(
      R"( {"s": "x", "i": -3, "u": 18446744073709551615, "d": 1.5, "b": true, "n": null, "a": [1, {"k": 2}]} )");
  EXPECT_EQ(p.object().size(), 7U);
  EXPECT_EQ(p.Find("i")->as_int64(), -3);
  EXPECT_EQ(p.Find("u")->as_uint64(), 18446744073709551615U);
  EXPECT_EQ(p.Find("d")->as_double(), 1.5);
  EXPECT_EQ(p.Find("none"), nullptr);
}

TEST(Payload, RefusesWhatIsNotAnObject) {
  for (const char* text : {"", "[]", "1", "null", "\"x\"", "{", "{}{}", "{} x", "{\"a\":}", "{a:1}",
                           "{\"a\":1,}", "// {}\n{}"}) {
    EXPECT_EQ(Refusal(text).substr(0, 3), "not") << text;
  }
}

TEST(Payload, RefusesIntegersPast64Bits) {
  EXPECT_EQ(Refusal(R"({"a":18446744073709551616})"), "an integer needs more than 64 bits");
  EXPECT_EQ(Refusal(R"({"a":-9223372036854775809})"), "an integer needs more than 64 bits");
  EXPECT_EQ(Refusal(R"({"a":12345678901234567890123})"), "an integer needs more than 64 bits");
  EXPECT_EQ(P(R"({"a":-9223372036854775808})").Text("a"), "-9223372036854775808");
}

TEST(Payload, RefusesNumbersThatAreNotFinite) {
  EXPECT_EQ(Refusal(R"({"a":1e400})"), "a number is out of range");
  EXPECT_EQ(Refusal(R"({"a":-1.0e400})"), "a number is out of range");
  EXPECT_NE(Refusal(R"({"a":NaN})"), "accepted");
  EXPECT_EQ(P(R"({"a":1e-400})").Find("a")->as_double(), 0.0);
}

TEST(Payload, RefusesANulInStringsAndKeys) {
  EXPECT_EQ(Refusal(R"({"a":"x\u0000y"})"), "a string holds a NUL character");
  EXPECT_EQ(Refusal(R"({"a\u0000":1})"), "a string holds a NUL character");
  EXPECT_EQ(Refusal(R"({"a":["\u0000"]})"), "a string holds a NUL character");
}

TEST(Payload, RefusesAKeyThatOccursTwice) {
  EXPECT_EQ(Refusal(R"({"a":1,"a":1})"), "a key occurs twice in one object");
  EXPECT_EQ(Refusal(R"({"x":[{"a":1,"\u0061":{}}]})"), "a key occurs twice in one object");
  EXPECT_EQ(Refusal(R"({"a":{"a":{"a":1}}})"), "accepted");
  std::string many = "{";
  for (int i = 0; i < 100; ++i) many += "\"k" + std::to_string(i) + "\":{\"k\":1},";
  EXPECT_EQ(Refusal(many + "\"z\":1}"), "accepted");
  EXPECT_EQ(Refusal(many + "\"k7\":1}"), "a key occurs twice in one object");
}

TEST(Payload, RefusesWhatIsNestedDeeperThan32) {
  EXPECT_EQ(Refusal(Nested(32)), "accepted");
  EXPECT_EQ(Refusal(Nested(33)), "JSON is nested deeper than 32");
  EXPECT_EQ(Refusal(std::string(100'000, '{')).substr(0, 3), "not");
  EXPECT_EQ(Refusal("{\"a\":" + std::string(100'000, '[')), "JSON is nested deeper than 32");
}

TEST(Payload, RefusesBadUtf8) {
  EXPECT_NE(Refusal("{\"a\":\"\xFF\"}"), "accepted");
  EXPECT_NE(Refusal("{\"a\":\"\xC0\xAF\"}"), "accepted");
  EXPECT_NE(Refusal("{\"\xED\xA0\x80\":1}"), "accepted");
  EXPECT_NE(Refusal(R"({"a":"\ud800"})"), "accepted");
  EXPECT_EQ(Refusal("{\"a\":\"\xE2\x82\xAC\"}"), "accepted");
}

TEST(Payload, GivesFieldsAsTextForKeys) {
  const Payload p =
      P(R"({"s":"A-1","i":-7,"u":18446744073709551615,"d":1.5,"b":true,"n":null,"o":{}})");
  EXPECT_EQ(p.Text("s"), "A-1");
  EXPECT_EQ(p.Text("i"), "-7");
  EXPECT_EQ(p.Text("u"), "18446744073709551615");
  for (const char* field : {"d", "b", "n", "o", "missing"}) EXPECT_EQ(p.Text(field), "") << field;
}

TEST(Payload, SetsTheFieldsOfAnother) {
  const Payload base = P(R"({"a":1,"b":2})");
  EXPECT_EQ(base.With(P(R"({"b":3,"c":4})")).Serialize(), R"({"a":1,"b":3,"c":4})");
  EXPECT_EQ(base.With(json::object()).Serialize(), base.Serialize());
  EXPECT_EQ(base.Serialize(), R"({"a":1,"b":2})");
}

TEST(Payload, TellsWhatIsNewSinceItsBase) {
  const Payload base = P(R"({"a":1,"b":2})");
  EXPECT_EQ(json::serialize(P(R"({"a":1,"b":3,"c":4})").Since(base)), R"({"b":3,"c":4})");
  EXPECT_TRUE(base.Since(base).empty());
  EXPECT_TRUE(P(R"({"b":2,"a":1})").Since(base).empty());
}

TEST(Payload, EmptyOnesAreEqualAndEmpty) {
  EXPECT_TRUE(Payload().empty());
  EXPECT_EQ(Payload().Serialize(), "{}");
  EXPECT_EQ(P("{}").Serialize(), "{}");
}

TEST(Payload, WritesDoublesThatComeBackAsTheSameNumber) {
  rc::check([](double d) {
    RC_PRE(std::isfinite(d));
    const Payload p(json::object{{"d", d}});
    RC_ASSERT(Payload::Parse(p.Serialize())->Find("d")->as_double() == d);
  });
  // The ends of the range, and fractions that no double is exactly.
  for (const double d :
       {1.7976931348623157e308, 5e-324, 2.2250738585072014e-308, 0.1, 123456.789e-5}) {
    const Payload p(json::object{{"d", d}});
    EXPECT_EQ(Payload::Parse(p.Serialize())->Find("d")->as_double(), d);
  }
}

TEST(Payload, NeverCrashesOnGarbage) {
  rc::check([](const std::string& text) {
    const auto parsed = Payload::Parse("{\"a\":" + text + "}");
    if (parsed) RC_ASSERT(Payload::Parse(parsed->Serialize()).ok());
  });
}

}  // namespace
}  // namespace reprise::runtime
