#include "admin/publish.h"

#include <gtest/gtest.h>

#include "two_steps.h"

namespace reprise::runtime {
namespace {

Payload Json(const char* text) {
  return *Payload::Parse(text);
}

TEST(PublishId, ComesFromTheIdFieldWhateverElseTheLineSays) {
  const PublishLine a{R"({"id":"x","n":1})", 0}, b{R"({"n":2,"id":"x"})", 3};
  EXPECT_EQ(PublishId("p", "e", Json(a.text.c_str()), a),
            PublishId("p", "e", Json(b.text.c_str()), b));
  EXPECT_NE(PublishId("p", "e", Json(a.text.c_str()), a),
            PublishId("p", "f", Json(a.text.c_str()), a));
  EXPECT_NE(PublishId("p", "e", Json(a.text.c_str()), a),
            PublishId("q", "e", Json(a.text.c_str()), a));
}

TEST(PublishId, ElseFromTheLineAndHowOftenItOccurredBefore) {
  const PublishLine first{R"({"n":1})", 0}, second{R"({"n":1})", 1};
  const Payload root = Json(R"({"n":1})");
  EXPECT_NE(PublishId("p", "e", root, first), PublishId("p", "e", root, second));
  EXPECT_EQ(PublishId("p", "e", root, first), PublishId("p", "e", root, first));
}

TEST(PublishId, IsTheSameInEveryRelease) {  // files that were published before must stay published
  EXPECT_EQ(PublishId("order", "asked", Json(R"({"id":"x"})"), {"", 0}).ToString(),
            "e8d52cb4-4da6-5a1e-bbf1-6ea08f4924b1");
  EXPECT_EQ(PublishId("order", "asked", Json(R"({"n":1})"), {R"({"n":1})", 0}).ToString(),
            "3bf82866-0342-593b-92a3-716d53b33489");
}

TEST(ReadLines, CountsEqualLinesOfPlainText) {
  const auto lines = ReadLines("application/x-ndjson", "{\"a\":1}\n\n{\"b\":2}\r\n{\"a\":1}");
  ASSERT_TRUE(lines.ok());
  ASSERT_EQ(lines->size(), 3U);
  EXPECT_EQ((*lines)[0].nth, 0U);
  EXPECT_EQ((*lines)[1].text, "{\"b\":2}");
  EXPECT_EQ((*lines)[2].nth, 1U);
}

TEST(ReadLines, TakesTheSendersCountFromJson) {
  const auto lines = ReadLines("application/json", R"({"lines":[{"text":"{}","nth":7}]})");
  ASSERT_TRUE(lines.ok());
  EXPECT_EQ((*lines)[0].nth, 7U);
}

TEST(ReadLines, RefusesWhatIsNoChunk) {
  for (const char* body : {"", "{}", R"({"lines":[]})", R"({"lines":["x"]})",
                           R"({"lines":[{"text":1}]})", R"({"lines":[{"text":"{}","nth":-1}]})"}) {
    EXPECT_FALSE(ReadLines("application/json", body).ok()) << body;
  }
  EXPECT_FALSE(ReadLines("", "").ok());
  std::string many;
  for (int i = 0; i < 1001; ++i) many += "{}\n";
  EXPECT_FALSE(ReadLines("", many).ok());
}

class PublishTest : public ::testing::Test {
 protected:
  Answer Send(const std::vector<std::string>& texts) {
    std::vector<PublishLine> lines;
    for (const std::string& text : texts) lines.push_back({text, 0});
    Answer got;
    Publish(ingress, TwoSteps(), "asked", lines, [&](const Answer& answer) { got = answer; });
    return got;
  }

  FakeJournal journal;
  FakeIngress ingress{journal};
};

TEST_F(PublishTest, AnswersEachLineInOrder) {
  const Answer answer =
      Send({R"({"id":"a","orderId":"1"})", "{broken", R"({"id":"a","orderId":"1"})"});
  EXPECT_EQ(answer.body.at("lines").at(0).at("result"), "new");
  EXPECT_EQ(answer.body.at("lines").at(1).at("result"), "refused");
  EXPECT_EQ(answer.body.at("lines").at(2).at("result"), "existed");
  EXPECT_EQ(answer.body.at("new"), 1);
  ASSERT_EQ(ingress.starts.size(), 2U);
  EXPECT_EQ(ingress.starts[0].event, "asked");
  EXPECT_EQ(ingress.starts[0].root.Text("orderId"), "1");
}

TEST_F(PublishTest, ChangesNothingTheSecondTime) {
  Send({R"({"orderId":"1"})", R"({"orderId":"2"})"});
  const Answer again = Send({R"({"orderId":"1"})", R"({"orderId":"2"})"});
  EXPECT_EQ(again.body.at("new"), 0);
  EXPECT_EQ(again.body.at("existed"), 2);
}

TEST_F(PublishTest, RefusesALineWithoutTheKeyOfAStep) {
  const Answer answer = Send({R"({"id":"a"})"});
  EXPECT_EQ(answer.body.at("refused"), 1);
  EXPECT_EQ(answer.body.at("lines").at(0).at("detail"),
            "field 'orderId' is missing: it is the key of step 'first'");
}

TEST_F(PublishTest, CallsALineBusyThatMaySucceedLater) {
  ingress.start_fails = Error{Code::kUnavailable, "the journal is down"};
  EXPECT_EQ(Send({R"({"orderId":"1"})"}).body.at("busy"), 1);
  ingress.start_fails = Error{Code::kInvalid, "no"};
  EXPECT_EQ(Send({R"({"orderId":"1"})"}).body.at("refused"), 1);
}

TEST(Starts, KnowsWhichEventsBeginASaga) {
  EXPECT_TRUE(Starts(*TwoSteps(), "asked"));
  EXPECT_FALSE(Starts(*TwoSteps(), "first.held"));
  EXPECT_FALSE(Starts(*TwoSteps(), "nothing"));
}

}  // namespace
}  // namespace reprise::runtime
