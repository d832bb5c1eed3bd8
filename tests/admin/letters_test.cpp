#include "admin/letters.h"

#include <gtest/gtest.h>

#include "two_steps.h"

namespace reprise::runtime {
namespace {

class LettersTest : public ::testing::Test {
 protected:
  LettersTest() {
    Put(1, "note", "gave_up", 1000);
    Put(2, "second", "declined", 2000);
    Put(3, "note", "gave_up", 3000);
  }

  void Put(std::int64_t id, const std::string& step, const std::string& code, int at) {
    DeadLetter letter;
    letter.id = id;
    letter.pipeline = "order";
    letter.step = step;
    letter.code = code;
    letter.phase = "do";
    letter.payload = R"({"card":"4000","orderId":"o-1"})";
    letter.at = kNow + Millis(at);
    journal.letters.push_back(letter);
  }

  Answer List(Query query) { return ListLettersJson(journal, view, query); }

  FakeJournal journal;
  PluginCatalog catalog = ShopCatalog();
  View view = ViewOf(TwoSteps(), catalog);
};

TEST_F(LettersTest, GroupsByStepAndCodeNewestFirst) {
  const Answer answer = List({});
  const json::array& groups = answer.body.at("groups").as_array();
  ASSERT_EQ(groups.size(), 2U);
  EXPECT_EQ(groups[0].at("step"), "note");
  EXPECT_EQ(groups[0].at("count"), 2);
  EXPECT_EQ(groups[0].at("first"), json::value(Rfc3339(kNow + Millis(1000))));
  EXPECT_EQ(groups[0].at("last"), json::value(Rfc3339(kNow + Millis(3000))));
}

TEST_F(LettersTest, KeepsAGroupsNameWhenMoreArrive) {
  const std::string name(List({}).body.at("groups").at(1).at("group").as_string());
  Put(4, "second", "declined", 9000);
  EXPECT_EQ(List({}).body.at("groups").at(0).at("group"), json::value(name));
  const Answer group = List({{"group", name}});
  EXPECT_EQ(group.body.at("letters").as_array().size(), 2U);
  EXPECT_EQ(List({{"group", "g000000"}}).status, 404);
}

TEST_F(LettersTest, ShowsTheRecordThatItWas) {
  Record record;
  record.topic = "orders";
  record.partition = 3;
  record.offset = 17;
  record.headers = {{"colour", "red"}};
  Put(4, "topic orders", "unreadable", 4000);
  journal.letters.back().record = std::make_shared<const Record>(record);
  journal.letters.back().payload = "\xFF";
  const Answer answer = ShowLetterJson(journal, view, "4");
  EXPECT_EQ(json::serialize(answer.body.at("record")),
            R"({"topic":"orders","headers":[["colour","red"]],"partition":3,"offset":17})");
  EXPECT_EQ(answer.body.at("payload"), "\xEF\xBF\xBD");
  EXPECT_EQ(answer.body.at("payloadBase64"), "/w==");
}

TEST_F(LettersTest, PagesByNumber) {
  const Answer first = List({{"limit", "2"}});
  EXPECT_EQ(first.body.at("next"), 2);
  const Answer second = List({{"limit", "2"}, {"after", "2"}});
  EXPECT_EQ(second.body.at("letters").as_array().size(), 1U);
  EXPECT_FALSE(second.body.contains("next"));
}

TEST_F(LettersTest, GroupsMoreThanAPageOfTheJournal) {
  for (int i = 4; i <= 1203; ++i) Put(i, "note", "gave_up", i);
  EXPECT_EQ(List({}).body.at("groups").at(0).at("count"), 1202);
}

TEST_F(LettersTest, ShowsOneWithItsPayloadMasked) {
  const Answer answer = ShowLetterJson(journal, view, "2");
  EXPECT_EQ(answer.body.at("payload").at("card"), "***");
  EXPECT_EQ(answer.body.at("payload").at("orderId"), "o-1");
  journal.letters[1].payload = "{broken";
  EXPECT_EQ(ShowLetterJson(journal, view, "2").body.at("payload"), "{broken");
}

TEST_F(LettersTest, DoesNotFindWhatIsNoNumber) {
  for (const char* id : {"9", "0", "-1", "two", "2x", "99999999999999999999"}) {
    EXPECT_EQ(ShowLetterJson(journal, view, id).status, 404) << id;
  }
}

TEST_F(LettersTest, SaysWhatCannotBeReplayed) {
  EXPECT_TRUE(Replayable(journal.letters[0]));
  for (const char* code : {"second_event", "expired"}) {
    journal.letters[0].code = code;
    EXPECT_FALSE(Replayable(journal.letters[0])) << code;
  }
  journal.letters[1].state = "dropped";
  EXPECT_FALSE(Replayable(journal.letters[1]));
}

}  // namespace
}  // namespace reprise::runtime
