// What the SDK makes of a plugin author's words: fields, verdicts, refusals, exceptions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <reprise/testkit.hpp>

#include "sample.h"

namespace reprise::sample {
namespace {

using testing::HasSubstr;

Ran Said(const std::string& what) {
  return Kit<Speak>().Do({.what = what});
}

TEST(Sdk, CarriesEveryVerdict) {
  EXPECT_EQ(Said("done").memo, "memo");
  const Ran retry = Said("retry");
  EXPECT_TRUE(retry.retry());
  EXPECT_EQ(retry.code, "busy");
  EXPECT_EQ(retry.after, 5s);
  EXPECT_EQ(Said("later").after, 1min);
  EXPECT_TRUE(Said("later").later());
  EXPECT_EQ(Said("declared").code, "declared");
  EXPECT_TRUE(Said("declared").failed());
  EXPECT_EQ(Said("anything").http, 201);
  EXPECT_EQ(Said("anything").response.Text("said"), "anything");
}

TEST(Sdk, TurnsErrorsIntoRetryOrFail) {
  EXPECT_TRUE(Said("transient").retry());
  EXPECT_EQ(Said("transient").code, "unavailable");
  EXPECT_TRUE(Said("final").failed());
  EXPECT_EQ(Said("final").code, "internal");
}

TEST(Sdk, StopsExceptionsAtTheEdge) {
  const Ran ran = Said("throw");
  EXPECT_TRUE(ran.retry());
  EXPECT_EQ(ran.code, "exception");
  EXPECT_EQ(ran.detail, "thrown");
}

TEST(Sdk, RetriesAnUndeclaredFailAndSaysWhoseFaultItWas) {
  const Ran ran = Said("undeclared");
  EXPECT_TRUE(ran.retry());
  EXPECT_EQ(ran.code, "internal");
  EXPECT_THAT(ran.detail, HasSubstr("sample.speak"));
  EXPECT_THAT(ran.detail, HasSubstr("'secret' (plugin's fault)"));
}

TEST(Sdk, RefusesKeptFromADo) {
  EXPECT_TRUE(Said("kept").retry());
  EXPECT_THAT(Said("kept").detail, HasSubstr("Kept"));
}

TEST(Sdk, HandsUndoWhatIsKnownOfDo) {
  Kit<Speak> kit;
  kit.Do({.what = "done"});
  EXPECT_TRUE(kit.Undo().done());
  EXPECT_EQ(kit.UndoUnknown().detail, "unknown");
  EXPECT_EQ(kit.UndoUnknown({.what = "x"}).detail, "unknown");
  EXPECT_EQ(kit.UndoNever({{"what", "x"}}).detail, "never x");
}

TEST(Sdk, GivesAnUndoThatNeverRanWhatTheRootHas) {
  EXPECT_EQ(Kit<Speak>().UndoNever({{"other", 1}}).detail, "never ");
}

TEST(Sdk, ReadsEveryTypeOfField) {
  const Every in{.text = "t",
                 .integer = 1,
                 .real = 2,
                 .boolean = true,
                 .duration = 5ms,
                 .object = {"{}"},
                 .array = {"[1]"}};
  EXPECT_EQ(Kit<Measure>().Do(in).memo, "{}[1]5-");
}

Ran Broken(const Field& field) {
  Kit<Measure> kit;
  const Every good{.text = "t", .real = 1, .object = {"{}"}, .array = {"[]"}};
  return kit.Do(good, {field});
}

TEST(Sdk, FailsABadPayloadBeforeDoRuns) {
  EXPECT_TRUE(Broken({"maybe", "x"}).done());
  const Ran ran = Broken({"integer", "1"});
  EXPECT_TRUE(ran.failed());
  EXPECT_EQ(ran.code, "bad_payload");
  EXPECT_EQ(ran.detail, "'integer' must be integer, it is text");
  EXPECT_EQ(Broken({"text", 1}).detail, "'text' must be text, it is integer");
  EXPECT_EQ(Broken({"text", nullptr}).detail, "'text' (text) is missing");
  EXPECT_EQ(Broken({"boolean", 1}).code, "bad_payload");
  EXPECT_EQ(Broken({"object", "{}"}).code, "bad_payload");
  EXPECT_EQ(Broken({"maybe", 1}).code, "bad_payload");
  EXPECT_EQ(Broken({"integer", 1.5}).code, "bad_payload");
  EXPECT_EQ(Broken({"real", 0.25}).detail, "'real' is 0.25, below 0.5");
  EXPECT_EQ(Broken({"duration", 3'600'001}).detail, "'duration' is 3600001, above 3600000");
}

TEST(Sdk, RefusesSettingsOutOfBoundsOrMissing) {
  EXPECT_THROW(Kit<Put>({}, Settings{.most = 0}), std::runtime_error);
  EXPECT_THROW(Kit<Put>(With{.for_ = 0min}), std::runtime_error);
  EXPECT_EQ(Kit<Demanding>({.name = "x"}).Do({}).memo, "x");
}

TEST(Sdk, ReadsAFieldThatASettingNames) {
  Kit<Speak> kit{{.at = {"expiresAt"}}};
  EXPECT_EQ(kit.Do({.what = "field"}, {{"expiresAt", "now"}}).memo, "now");
  EXPECT_TRUE(kit.Do({.what = "field"}).failed());
  EXPECT_TRUE(kit.Do({.what = "field"}, {{"expiresAt", 5}}).failed());
}

TEST(Sdk, LosesADoWhoseEventWasRefused) {
  EXPECT_EQ(Said("bad event").code, "internal");
  EXPECT_EQ(Said("lacking event").code, "internal");
  EXPECT_THAT(Said("swallowed event").detail, HasSubstr("'unheard' is not declared"));
  EXPECT_FALSE(Said("swallowed event").done());
  EXPECT_FALSE(Said("two events").done());
}

TEST(Sdk, SaysWhenAColumnHasAnotherType) {
  EXPECT_EQ(Said("type").detail, "column 0 is text, not an integer");
}

TEST(Sdk, LetsQuestionsAddReplyAndRefuse) {
  Kit<Put> kit;
  kit.Do({.id = "a", .n = 7});
  EXPECT_EQ(kit.Ask<Find>({.id = "a"}).fields.Int("n"), 7);
  EXPECT_TRUE(kit.Ask<Find>({.id = "a"}).added());
  EXPECT_EQ(kit.Ask<Find>({.id = "b"}).http, 404);
  EXPECT_EQ(kit.Ask<Find>({.id = "b"}).code, "no_such_row");
  EXPECT_EQ(kit.Ask<Find>({.id = "list"}).body, "[1,2]");
  EXPECT_EQ(kit.Ask<Find>({.id = "object"}).body, R"({"a":1,"b":"x"})");
  EXPECT_EQ(kit.Ask<Find>({.id = "object"}).http, 201);
  EXPECT_EQ(kit.Bearer("token").Ask<Find>({.id = "bearer"}).fields.Text("bearer"), "token");
}

TEST(Sdk, RefusesAsInternalWhatAQuestionDidNotDeclare) {
  Kit<Put> kit;
  EXPECT_EQ(kit.Ask<Find>({.id = "undeclared"}).code, "internal");
  EXPECT_THAT(kit.Ask<Find>({.id = "undeclared"}).detail, HasSubstr("'surprise' (plugin's fault)"));
  EXPECT_THAT(kit.Ask<Find>({.id = "extra"}).detail, HasSubstr("'m' (plugin's fault)"));
  EXPECT_THAT(kit.Ask<Find>({.id = "throw"}).detail, HasSubstr("threw: thrown"));
  EXPECT_EQ(kit.Ask<Find>({.id = "x", .n = -1}).code, "bad_payload");
  EXPECT_EQ(kit.Ask<Find>({.id = "write"}).code, "internal");
}

TEST(Sdk, CountsAtOnceWithAFloor) {
  Kit<Put> kit;
  EXPECT_EQ(kit.Ask<Find>({.id = "count", .n = 0}).fields.Int("count"), 1);
  EXPECT_EQ(kit.Ask<Find>({.id = "count", .n = 0}).fields.Int("count"), 2);
  EXPECT_EQ(kit.Ask<Find>({.id = "count", .n = 50}).fields.Int("count"), 50);
}

TEST(Sdk, ShowsQuestionsASaga) {
  Kit<Put> kit;
  EXPECT_EQ(kit.Ask<Find>({.id = "saga"}).code, "internal");
  kit.Saga("S1", "done", {{"a", 1}});
  EXPECT_EQ(kit.Ask<Find>({.id = "saga"}).body, R"({"state":"done","root":{"a":1}})");
}

TEST(Sdk, FormatsLogLines) {
  EXPECT_EQ(detail::Format("a {} b {}", 1, "x"), "a 1 b x");
  EXPECT_EQ(detail::Format("no {} {}", 1), "no 1 {}");
  EXPECT_EQ(detail::Format("more", 1), "more 1");
}

}  // namespace
}  // namespace reprise::sample
