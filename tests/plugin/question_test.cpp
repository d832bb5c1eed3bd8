#include "shop.h"
#include "sqlite/engine.h"

namespace reprise::runtime {
namespace {

using testing::HasSubstr;

class QuestionTest : public PluginsTest {
 protected:
  Asked Ask(const std::string& plugin, const std::string& question, json::object fields) {
    payload_ = Payload(std::move(fields));
    Asked asked;
    asked.fields = &payload_;
    asked.sql = &sql_;
    asked.journal = journal_;
    asked.pipeline = "sales";
    asked.bearer = "the-bearer";
    Load().Ask({plugin, question}, asked);
    return asked;
  }
  void ExpectBroken(const std::string& how, const std::string& words) {
    const Asked asked = Ask("rogue", "ask", {{"how", how}});
    EXPECT_EQ(asked.kind, Asked::kNone) << how;
    EXPECT_EQ(asked.code, "internal") << how;
    EXPECT_THAT(asked.detail, HasSubstr(words)) << how;
    EXPECT_THAT(log_.Text(), HasSubstr(words)) << how;
  }

  Journal* journal_ = nullptr;
};

TEST_F(QuestionTest, AddsRepliesOrRefuses) {
  const Asked adds = Ask("shop", "price", {{"thing", "lamp"}});
  EXPECT_EQ(adds.kind, Asked::kAdd);
  EXPECT_EQ(adds.fields_out, (json::object{{"price", 500}}));
  const Asked fields = Ask("shop", "price", {{"thing", "one"}});
  EXPECT_EQ(fields.kind, Asked::kReply);
  EXPECT_EQ(fields.body, R"({"price":500})");
  const Asked body = Ask("shop", "price", {{"thing", "all"}});
  EXPECT_EQ(body.kind, Asked::kReply);
  EXPECT_EQ(body.body, R"([{"price":500}])");
  const Asked refuses = Ask("shop", "price", {});
  EXPECT_EQ(refuses.kind, Asked::kRefuse);
  EXPECT_EQ(refuses.status, 404);
  EXPECT_EQ(refuses.code, "no_such_thing");
}

TEST_F(QuestionTest, CountsAndSeesSagasOfItsOwnPipelineOnly) {
  auto engine = SqliteEngine::Open({.file = ":memory:"});
  ASSERT_TRUE(engine) << engine.error().message;
  journal_ = &(*engine)->journal();
  Saga mine, other;
  mine.id = *Uuid::Parse("019b76da-a800-7000-8000-000000000001");
  mine.pipeline = "sales";
  other.id = *Uuid::Parse("019b76da-a800-7000-8000-000000000002");
  other.pipeline = "returns";
  {
    auto transaction = journal_->Begin();
    ASSERT_TRUE(transaction);
    const std::vector<Saga> sagas{mine, other};
    ASSERT_TRUE((*transaction)->Create(sagas));
    ASSERT_TRUE((*transaction)->Commit({}));
  }
  const Asked first = Ask("shop", "turn", {{"saga", mine.id.ToString()}});
  EXPECT_EQ(first.fields_out,
            (json::object{{"turn", 1}, {"saga", "running"}, {"who", "the-bearer"}}));
  const Asked second = Ask("shop", "turn", {{"saga", other.id.ToString()}});
  EXPECT_EQ(second.fields_out.at("turn"), 2);
  EXPECT_EQ(second.fields_out.at("saga"), "none");
  EXPECT_EQ(Ask("shop", "turn", {{"saga", "not an id"}}).fields_out.at("saga"), "none");
  EXPECT_EQ(*journal_->Count("shop.turn", 0, 0), 3) << "the counter is the plugin's own";
}

TEST_F(QuestionTest, AnswersThatCannotBeAreThePluginsFault) {
  ExpectBroken("kind", "gave an answer of kind 9");
  ExpectBroken("refuse", "refused with undeclared code 'undeclared'");
  ExpectBroken("body", "reply: ");
  ExpectBroken("status", "replied with status 20");
  ExpectBroken("null", "gave a broken answer");
}

TEST_F(QuestionTest, TheFirstOfTwoAnswersStands) {
  EXPECT_EQ(Ask("rogue", "ask", {{"how", "twice"}}).kind, Asked::kAdd);
  EXPECT_THAT(log_.Text(), HasSubstr("called answer again"));
}

TEST_F(QuestionTest, CannotEmit) {
  Ask("rogue", "ask", {{"how", "emit"}});
  EXPECT_THAT(log_.Text(), HasSubstr("emit is not offered in a question"));
}

TEST_F(QuestionTest, NoAnswerAndExceptionsAreTheirOwnCodes) {
  EXPECT_EQ(Ask("rogue", "ask", {}).code, "no_answer");
  EXPECT_EQ(Ask("thrower", "ask", {}).code, "exception");
}

TEST_F(QuestionTest, SaysWhatIsNotThere) {
  EXPECT_EQ(Ask("shop", "prices", {}).detail, "plugin shop has no question 'prices'");
  EXPECT_THAT(Ask("shopp", "price", {}).detail, HasSubstr("did you mean 'shop'?"));
}

}  // namespace
}  // namespace reprise::runtime
