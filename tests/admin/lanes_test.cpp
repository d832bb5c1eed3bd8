#include "admin/lanes.h"

#include <gtest/gtest.h>

namespace reprise::runtime {
namespace {

/// Two topics; lanes go on when they are told to.
class FakeDesk : public LaneDesk {
 public:
  std::vector<Row> rows = {{"shop.give", 0, {}, 1, 9, ""},
                           {"shop.take", 0, {}, 2, 5, "the topic was made anew"},
                           {"shop.take", 1, {}, 1, -1, ""},
                           {"shop.take", 3, {}, 1, 7, "the topic was made anew"}};
  Status fails;

  Result<std::vector<Row>> List() override { return rows; }
  Result<std::int64_t> Resume(std::string_view topic, std::int64_t partition,
                              std::optional<std::int64_t> from) override {
    if (!fails) return fails.error();
    for (Row& row : rows) {
      if (row.topic == topic && row.partition == partition) row.why.clear();
    }
    return from.value_or(0);
  }
};

class LanesTest : public ::testing::Test {
 protected:
  LanesTest() { view.desk = &desk; }

  Answer Resume(const std::string& name, const std::string& body = "") {
    HttpRequest request;
    request.body = body;
    request.remote = "10.0.0.1";
    const auto order = ReadLaneOrder(request, name);
    return order ? ResumeLanes(view, *order) : Answer::Problem(400, "body", order.error().message);
  }

  FakeDesk desk;
  View view;
};

TEST_F(LanesTest, ListsEveryLaneAndWhyItStandsStill) {
  const json::value list = ListLanesJson(view).body;
  ASSERT_EQ(list.at("lanes").as_array().size(), 4U);
  EXPECT_EQ(json::serialize(list.at("lanes").at(1)),
            R"({"lane":"shop.take:0","topic":"shop.take","partition":0,"epoch":2,"next":5,)"
            R"("stopped":"the topic was made anew"})");
  EXPECT_FALSE(list.at("lanes").at(2).as_object().contains("next")) << "nothing was consumed";
}

TEST_F(LanesTest, LetsOneGoOnByEitherOfItsNames) {
  EXPECT_EQ(json::serialize(Resume("shop.take:3").body),
            R"({"resumed":[{"lane":"shop.take:3","from":0}]})");
  EXPECT_EQ(json::serialize(Resume("shop.take[0]", R"({"from":4,"why":"replayed"})").body),
            R"({"resumed":[{"lane":"shop.take:0","from":4}]})");
  EXPECT_EQ(Resume("shop.take[0]").code, "not_stopped");
}

TEST_F(LanesTest, LetsAllOfATopicGoOnThatStandStill) {
  EXPECT_EQ(Resume("shop.take", R"({"from":4})").code, "which_lane");
  EXPECT_EQ(Resume("shop.take").body.at("resumed").as_array().size(), 2U);
  EXPECT_EQ(Resume("shop.take").status, 409);
}

TEST_F(LanesTest, SaysWhichLaneItDoesNotKnow) {
  const Answer answer = Resume("shop.tale:0");
  EXPECT_EQ(answer.status, 404);
  EXPECT_EQ(answer.detail, "nobody ever worked on a lane shop.tale:0; did you mean 'shop.take'?");
  EXPECT_EQ(Resume("shop.take:2").code, "no_such_lane");
}

TEST_F(LanesTest, RefusesANameOrABodyThatItCannotRead) {
  for (const char* name : {"shop.take:", "shop.take:x", "shop.take[3", "shop.take:-1", "a:1:2"})
    EXPECT_EQ(Resume(name).status, 400) << name;
  for (const char* body :
       {"[]", R"({"form":1})", R"({"from":-1})", R"({"from":"1"})", R"({"why":7})"})
    EXPECT_EQ(Resume("shop.take", body).status, 400) << body;
  const std::string long_why = json::serialize(json::object{{"why", std::string(2001, 'x')}});
  EXPECT_EQ(Resume("shop.take", long_why).detail, "'why' is over 2000 bytes");
}

TEST_F(LanesTest, SaysWhichOneCouldNotBeLetGoOn) {
  desk.fails = Error{Code::kUnavailable, "kafka is away"};
  const Answer answer = Resume("shop.take");
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.detail, "shop.take:0: kafka is away");
}

TEST_F(LanesTest, AnEngineWithoutLanesSaysSo) {
  view.desk = nullptr;
  EXPECT_EQ(ListLanesJson(view).code, "no_lanes");
  EXPECT_EQ(Resume("shop.take").code, "no_lanes");
}

}  // namespace
}  // namespace reprise::runtime
