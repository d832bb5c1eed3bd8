#include "http/body.h"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace reprise::runtime {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

BodyType Of(BodyType::Kind kind, std::optional<std::int64_t> min = {},
            std::optional<std::int64_t> max = {}) {
  BodyType type;
  type.kind = kind;
  type.min = min;
  type.max = max;
  return type;
}

BodyType Optional(BodyType type) {
  type.optional = true;
  return type;
}

BodyType ListOf(BodyType element) {
  BodyType type = Of(BodyType::kArray);
  type.element.push_back(std::move(element));
  return type;
}

BodyType Struct(std::vector<BodyField> fields) {
  BodyType type = Of(BodyType::kStruct);
  type.fields = std::move(fields);
  return type;
}

Decoded Decode(const std::string& body, const BodyType& type,
               const std::string& content_type = "") {
  HttpRequest request;
  request.method = "POST";
  request.body = body;
  if (!content_type.empty()) request.headers.emplace_back("content-type", content_type);
  return DecodeBody(request, type);
}

/// "field code" of every error; the problem's own code if it has none; nothing if all is well.
std::vector<std::string> Errors(const Decoded& decoded) {
  if (!decoded.problem) return {};
  if (decoded.problem->errors.empty()) return {decoded.problem->code};
  std::vector<std::string> errors;
  for (const FieldProblem& error : decoded.problem->errors)
    errors.push_back(error.field + " " + error.code);
  return errors;
}

const BodyType kName = Struct({{"name", Of(BodyType::kString, 1, 4)}});

std::vector<std::string> InInteger(const std::string& value, std::optional<std::int64_t> min = {},
                                   std::optional<std::int64_t> max = {}) {
  return Errors(Decode("{\"n\":" + value + "}", Struct({{"n", Of(BodyType::kInteger, min, max)}})));
}

TEST(Body, IsTakenAsDeclared) {
  const Decoded decoded = Decode(
      "{\"name\":\"abc\",\"n\":7,\"on\":true,\"tags\":[\"a\"],\"at\":{\"x\":1.5},\"any\":{\"y\":[]}"
      "}",
      Struct({{"name", Of(BodyType::kString)},
              {"n", Of(BodyType::kInteger)},
              {"on", Of(BodyType::kBoolean)},
              {"tags", ListOf(Of(BodyType::kString))},
              {"at", Struct({{"x", Of(BodyType::kNumber)}})},
              {"any", Of(BodyType::kObject)},
              {"more", Optional(Of(BodyType::kString))}}));
  EXPECT_THAT(Errors(decoded), ElementsAre());
  EXPECT_EQ(decoded.fields.at("n"), 7);
  EXPECT_EQ(decoded.fields.size(), 6U);
}

TEST(Body, MayBeEmptyIfNothingIsRequired) {
  EXPECT_THAT(Errors(Decode("", Struct({{"a", Optional(Of(BodyType::kString))}}))), ElementsAre());
  EXPECT_THAT(Errors(Decode("", Struct({}))), ElementsAre());
  EXPECT_THAT(Errors(Decode("", kName)), ElementsAre("name body.missing_field"));
}

TEST(Body, TellsEverythingThatIsWrongAtOnce) {
  const Decoded decoded = Decode("{\"nmae\":\"x\",\"n\":\"seven\",\"list\":[1,\"a\",2.5]}",
                                 Struct({{"name", Of(BodyType::kString)},
                                         {"n", Of(BodyType::kInteger)},
                                         {"list", ListOf(Of(BodyType::kInteger))}}));
  EXPECT_THAT(Errors(decoded),
              ElementsAre("name body.missing_field", "n body.wrong_type", "list[1] body.wrong_type",
                          "list[2] body.wrong_type", "nmae body.unknown_field"));
  EXPECT_EQ(decoded.problem->status, 400);
  EXPECT_EQ(decoded.problem->code, "body.missing_field");
  EXPECT_THAT(decoded.problem->detail, HasSubstr("'name' is missing"));
  EXPECT_THAT(decoded.problem->detail, HasSubstr("and 4 more"));
  EXPECT_THAT(decoded.problem->errors[4].detail, HasSubstr("did you mean 'name'?"));
}

TEST(Body, NamesFieldsInsideOthers) {
  const BodyType type = Struct({{"to", Struct({{"street", Of(BodyType::kString)}})}});
  EXPECT_THAT(Errors(Decode("{\"to\":{\"town\":1}}", type)),
              ElementsAre("to.street body.missing_field", "to.town body.unknown_field"));
}

TEST(Body, CountsTheLengthOfStringsInCodePoints) {
  EXPECT_THAT(
      Errors(Decode("{\"name\":\"\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\"}", kName)),
      ElementsAre());
  EXPECT_THAT(Errors(Decode("{\"name\":\"\"}", kName)), ElementsAre("name body.out_of_range"));
  EXPECT_THAT(Errors(Decode("{\"name\":\"abcde\"}", kName)), ElementsAre("name body.out_of_range"));
}

TEST(Body, TakesOnlyExactIntegers) {
  EXPECT_THAT(InInteger("9223372036854775807"), ElementsAre());
  EXPECT_THAT(InInteger("-9223372036854775808"), ElementsAre());
  EXPECT_THAT(InInteger("9223372036854775808"), ElementsAre("n body.out_of_range"));
  for (const char* other : {"1.5", "1.0", "1e3", "\"1\"", "true", "null", "[1]", "{}"}) {
    EXPECT_THAT(InInteger(other), ElementsAre("n body.wrong_type")) << other;
  }
  for (const char* bad : {"12345678901234567890123", "1e400", "NaN", "01", "+1", "0x1"}) {
    EXPECT_THAT(InInteger(bad), ElementsAre("body.invalid_json")) << bad;
  }
  EXPECT_THAT(InInteger("1", 1, 9), ElementsAre());
  EXPECT_THAT(InInteger("0", 1, 9), ElementsAre("n body.out_of_range"));
  EXPECT_THAT(InInteger("10", 1, 9), ElementsAre("n body.out_of_range"));
}

TEST(Body, RefusesWhatIsNotOneJsonObject) {
  for (const char* bad :
       {"{", "[]", "\"a\"", "{} {}", "{\"name\":\"a\",}", "{'name':'a'}", "{\"name\":\"\\ud800\"}",
        "{\"name\":\"\xff\"}", "{\"name\":\"a\\u0000b\"}", "{\"name\":\"a\",\"name\":\"b\"}"}) {
    const Decoded decoded = Decode(bad, kName);
    EXPECT_THAT(Errors(decoded), ElementsAre("body.invalid_json")) << bad;
    EXPECT_EQ(decoded.problem->status, 400);
  }
  EXPECT_THAT(Decode("{\"name\" 1}", kName).problem->detail, HasSubstr("at byte 8"));
}

TEST(Body, RefusesDeepJson) {
  const BodyType any = Struct({{"a", Of(BodyType::kObject)}});
  std::string deep = "{\"a\":";
  for (int i = 0; i < 10'000; ++i) deep += "{\"a\":";
  EXPECT_THAT(Errors(Decode(deep, any)), ElementsAre("body.too_deep"));
}

TEST(Body, RefusesOtherContentTypes) {
  for (const char* json :
       {"application/json", "Application/JSON; charset=UTF-8", "application/json;charset=\"utf-8\"",
        "application/merge-patch+json", ""}) {
    EXPECT_THAT(Errors(Decode("{\"name\":\"a\"}", kName, json)), ElementsAre()) << json;
  }
  for (const char* other :
       {"text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16",
        "application/jsonp", "text/json+json"}) {
    const Decoded decoded = Decode("{\"name\":\"a\"}", kName, other);
    EXPECT_THAT(Errors(decoded), ElementsAre("body.media_type")) << other;
    EXPECT_EQ(decoded.problem->status, 415);
  }
}

TEST(Body, RefusesWhatIsEncodedInAWayItDoesNotRead) {
  for (const auto& [coding, errors] : std::map<std::string, std::string>{
           {"gzip", "body.media_type"}, {"Identity", ""}, {"gzip, identity", "body.media_type"}}) {
    HttpRequest request;
    request.body = "{\"name\":\"a\"}";
    request.headers = {{"content-type", "application/json"}, {"content-encoding", coding}};
    const std::vector<std::string> found = Errors(DecodeBody(request, kName));
    EXPECT_EQ(found, errors.empty() ? std::vector<std::string>() : std::vector{errors}) << coding;
  }
}

TEST(Query, ReadsTextAsItsType) {
  const BodyType type = Struct({{"s", Of(BodyType::kString)},
                                {"n", Of(BodyType::kInteger, 1, 9)},
                                {"x", Of(BodyType::kNumber)},
                                {"on", Of(BodyType::kBoolean)},
                                {"tag", Optional(ListOf(Of(BodyType::kInteger)))}});
  const Decoded decoded = DecodeQuery(
      {{"s", "1"}, {"n", "7"}, {"x", "1e3"}, {"on", "true"}, {"tag", "1"}, {"tag", "2"}}, type);
  EXPECT_THAT(Errors(decoded), ElementsAre());
  EXPECT_EQ(json::serialize(decoded.fields),
            "{\"s\":\"1\",\"n\":7,\"x\":1E3,\"on\":true,\"tag\":[1,2]}");
}

TEST(Query, RefusesWhatIsNotDeclared) {
  const BodyType type =
      Struct({{"n", Of(BodyType::kInteger, 1, 9)}, {"on", Optional(Of(BodyType::kBoolean))}});
  EXPECT_THAT(Errors(DecodeQuery({{"n", "1"}, {"m", "1"}}, type)),
              ElementsAre("m query.unknown_field"));
  EXPECT_THAT(Errors(DecodeQuery({}, type)), ElementsAre("n query.missing_field"));
  EXPECT_THAT(Errors(DecodeQuery({{"n", "1"}, {"n", "1"}}, type)),
              ElementsAre("n query.repeated_field"));
  EXPECT_THAT(Errors(DecodeQuery({{"n", "10"}}, type)), ElementsAre("n query.out_of_range"));
  EXPECT_THAT(Errors(DecodeQuery({{"n", "1"}, {"on", "yes"}}, type)),
              ElementsAre("on query.wrong_type"));
  for (const char* bad : {"", "1.5", "1e3", " 1", "+1", "99999999999999999999"}) {
    EXPECT_THAT(Errors(DecodeQuery({{"n", bad}}, type)), ElementsAre("n query.wrong_type")) << bad;
  }
  EXPECT_THAT(Errors(DecodeQuery({{"x", "inf"}}, Struct({{"x", Of(BodyType::kNumber)}}))),
              ElementsAre("x query.wrong_type"));
}

TEST(CanonicalJson, IsEqualForEqualValues) {
  EXPECT_EQ(CanonicalJson(json::parse("{\"b\":[1,{\"d\":1,\"c\":\"\\u0041\"}], \"a\":null}")),
            "{\"a\":null,\"b\":[1,{\"c\":\"A\",\"d\":1}]}");
}

}  // namespace
}  // namespace reprise::runtime
