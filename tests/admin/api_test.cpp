#include "admin/api.h"

#include <gtest/gtest.h>

#include "base/clock.h"
#include "two_steps.h"

namespace reprise::runtime {
namespace {

class ApiTest : public ::testing::Test {
 protected:
  ApiTest() { Fill(journal); }

  std::shared_ptr<KeptAnswer> Call(const std::string& method, std::vector<std::string> path,
                                   const std::string& body = "",
                                   std::vector<std::pair<std::string, std::string>> headers = {}) {
    HttpRequest request;
    request.method = method;
    request.segments = {"api", "v1"};
    request.segments.insert(request.segments.end(), path.begin(), path.end());
    for (const std::string& segment : request.segments) request.path += "/" + segment;
    request.body = body;
    request.headers = std::move(headers);
    request.remote = "127.0.0.1";
    auto answer = std::make_shared<KeptAnswer>();
    AdminApi({ingress, clock, ViewOf(TwoSteps(), catalog), token})
        .Handle(std::move(request), answer);
    return answer;
  }

  json::value Body(const std::shared_ptr<KeptAnswer>& answer) {
    return json::parse(answer->sent.value().body);
  }

  FakeJournal journal;
  FakeIngress ingress{journal};
  ManualClock clock{kNow};
  PluginCatalog catalog = ShopCatalog();
  std::string token;
};

TEST_F(ApiTest, ReadsSagasLettersPipelinesAndPlugins) {
  EXPECT_EQ(Body(Call("GET", {"sagas"})).at("sagas").as_array().size(), 4U);
  EXPECT_EQ(Body(Call("GET", {"sagas", "019b76da-a802"})).at("subject"), "o-2");
  EXPECT_EQ(Body(Call("GET", {"dlq"})).at("groups").as_array().size(), 0U);
  EXPECT_EQ(Body(Call("GET", {"pipelines"})).at("pipelines").at(0).at("sagas").at("running"), 2);
  EXPECT_EQ(Body(Call("GET", {"pipelines", "order"})).at("steps").at(1).at("after").at(0), "first");
  EXPECT_EQ(Body(Call("GET", {"plugins"})).at("plugins").at(0).at("version"), "1.2.0");
  EXPECT_EQ(Body(Call("GET", {"sagas"})).at("now"), json::value(Rfc3339(kNow)));
}

TEST_F(ApiTest, MasksSecretSettings) {
  const json::value settings = Body(Call("GET", {"plugins"})).at("plugins").at(0).at("settings");
  EXPECT_EQ(settings.at(0).at("set"), false);
  EXPECT_EQ(settings.at(1).at("value"), "***");
  EXPECT_EQ(Body(Call("GET", {"pipelines", "order"})).at("steps").at(0).at("with").at("secret_key"),
            "***");
}

TEST_F(ApiTest, RefusesUnknownPathsAndMethods) {
  EXPECT_EQ(Call("GET", {"saga"})->status(), 404);
  EXPECT_EQ(Call("GET", {})->status(), 404);
  EXPECT_EQ(Call("GET", {"pipelines", "oder"})->refused->detail,
            "no pipeline 'oder'; did you mean 'order'?");
  EXPECT_EQ(Call("DELETE", {"sagas"})->status(), 405);
  const auto get = Call("GET", {"sagas", "019b76da-a804", "retry"});
  EXPECT_EQ(get->status(), 405);
  EXPECT_EQ(get->refused->headers.at(0).second, "POST");
}

TEST_F(ApiTest, SubmitsAVerbWithWhoAndWhy) {
  ingress.reply.body = R"({"was":"held"})";
  const auto answer = Call("POST", {"sagas", "019b76da-a804", "retry"},
                           R"({"step":"second","why":"card fixed","who":"kim@ops","seen":"held"})");
  EXPECT_EQ(Body(answer).at("was"), "held");
  ASSERT_EQ(ingress.verbs.size(), 1U);
  const Verb& verb = ingress.verbs[0];
  EXPECT_EQ(verb.what, "retry");
  EXPECT_EQ(verb.saga, journal.sagas[3].saga.id);
  EXPECT_EQ(verb.step, "second");
  EXPECT_EQ(verb.who, "kim@ops");
  EXPECT_EQ(verb.why, "card fixed");
  EXPECT_EQ(verb.seen_state, "held");
}

TEST_F(ApiTest, TakesTheOnlyStepThatAVerbFits) {
  Call("POST", {"sagas", "019b76da-a803", "resolve"});
  ASSERT_EQ(ingress.verbs.size(), 1U);
  EXPECT_EQ(ingress.verbs[0].step, "first");
  EXPECT_EQ(ingress.verbs[0].who, "http@127.0.0.1");
  EXPECT_EQ(Call("POST", {"sagas", "019b76da-a801", "retry"})->code(), "nothing_to_retry");
  Call("POST", {"sagas", "019b76da-a803", "retry"});  // stuck: only its stuck step may be retried
  ASSERT_EQ(ingress.verbs.size(), 2U);
  EXPECT_EQ(ingress.verbs[1].step, "first");
}

TEST_F(ApiTest, KnowsTheEventsOfASkippedStep) {
  Call("POST", {"sagas", "019b76da-a804", "skip"}, R"({"event":"second.taken"})");
  Call("POST", {"sagas", "019b76da-a804", "skip"}, R"({"event":"taken"})");
  ASSERT_EQ(ingress.verbs.size(), 2U);
  EXPECT_EQ(ingress.verbs[0].event, "taken");
  EXPECT_EQ(ingress.verbs[1].event, "taken");
  const auto answer = Call("POST", {"sagas", "019b76da-a804", "skip"}, R"({"event":"token"})");
  EXPECT_EQ(answer->refused->detail, "step 'second' has no event 'token'; it has taken");
}

TEST_F(ApiTest, SendsSignalsWithTheirFields) {
  Call("POST", {"sagas", "019b76da-a802", "signal"},
       R"({"event":"approved","fields":{"by":"kim"}})");
  ASSERT_EQ(ingress.verbs.size(), 1U);
  EXPECT_EQ(ingress.verbs[0].event, "approved");
  EXPECT_EQ(ingress.verbs[0].fields.at("by"), "kim");
  EXPECT_EQ(Call("POST", {"sagas", "019b76da-a802", "signal"}, "{}")->status(), 400);
}

TEST_F(ApiTest, RefusesABadBodyOfAVerb) {
  for (const char* body : {"[]", "{", R"({"stap":"x"})", R"({"why":7})", R"({"fields":[]})"}) {
    EXPECT_EQ(Call("POST", {"sagas", "019b76da-a804", "retry"}, body)->status(), 400) << body;
  }
  EXPECT_EQ(Call("POST", {"sagas", "019b76da-a804", "retry"}, R"({"step":"secnd"})")->code(),
            "no_such_step");
  EXPECT_EQ(Call("POST", {"sagas", "ffff", "retry"})->code(), "not_found");
  EXPECT_EQ(Call("POST", {"sagas", "019b76da", "undo"})->code(), "ambiguous");
  EXPECT_TRUE(ingress.verbs.empty());
}

TEST_F(ApiTest, PassesOnWhatTheExecutorRefuses) {
  ingress.reply = Reply{.status = 409, .code = "changed", .detail = "the step is done now"};
  const auto answer = Call("POST", {"sagas", "019b76da-a804", "retry"});
  EXPECT_EQ(answer->status(), 409);
  EXPECT_EQ(answer->code(), "changed");
}

TEST_F(ApiTest, ReplaysAndDropsDeadLetters) {
  DeadLetter letter;
  letter.id = 7;
  letter.code = "gave_up";
  letter.saga = journal.sagas[0].saga.id;
  journal.letters = {letter};
  Call("POST", {"dlq", "7", "replay"});
  Call("POST", {"dlq", "7", "drop"}, R"({"why":"bad build"})");
  ASSERT_EQ(ingress.verbs.size(), 2U);
  EXPECT_EQ(ingress.verbs[0].what, "dlq-replay");
  EXPECT_EQ(ingress.verbs[0].letter, 7);
  EXPECT_EQ(ingress.verbs[1].what, "dlq-drop");
  EXPECT_EQ(Call("POST", {"dlq", "8", "drop"})->status(), 404);
  journal.letters[0].code = "second_event";
  EXPECT_EQ(Call("POST", {"dlq", "7", "replay"})->code(), "not_replayable");
  journal.letters[0].state = "dropped";
  EXPECT_EQ(Call("POST", {"dlq", "7", "drop"})->code(), "changed");
}

TEST_F(ApiTest, WantsTheAdministratorsTokenWhenOneIsSet) {
  token = "t0ps3cret";
  EXPECT_EQ(Call("POST", {"sagas", "019b76da-a804", "undo"})->status(), 401);
  EXPECT_EQ(
      Call("POST", {"sagas", "019b76da-a804", "undo"}, "", {{"authorization", "Bearer t0ps3cre"}})
          ->status(),
      401);
  EXPECT_EQ(Call("GET", {"sagas"})->status(), 200);
  EXPECT_TRUE(ingress.verbs.empty());
  EXPECT_EQ(
      Call("POST", {"sagas", "019b76da-a804", "undo"}, "", {{"authorization", "Bearer t0ps3cret"}})
          ->status(),
      200);
}

TEST_F(ApiTest, TakesNoChangeFromAPageOfAnotherOrigin) {
  const auto undo = [&](Headers headers) {
    return Call("POST", {"sagas", "019b76da-a804", "undo"}, "", headers)->status();
  };
  EXPECT_EQ(undo({{"host", "127.0.0.1:8080"}, {"origin", "https://evil.example"}}), 403);
  EXPECT_EQ(undo({{"host", "127.0.0.1:8080"}, {"origin", "null"}}), 403);
  EXPECT_EQ(undo({{"host", "127.0.0.1:8080"}, {"sec-fetch-site", "cross-site"}}), 403);
  EXPECT_EQ(undo({{"host", "evil.example:8080"}, {"origin", "http://evil.example:8080"}}),
            403);  // rebound name
  EXPECT_TRUE(ingress.verbs.empty());
  EXPECT_EQ(undo({{"host", "127.0.0.1:8080"}, {"origin", "http://127.0.0.1:8080"}}), 200);
  EXPECT_EQ(undo({{"host", "[::1]:8080"}, {"origin", "http://[::1]:8080"}}), 200);
  EXPECT_EQ(undo({{"host", "localhost:8080"}, {"origin", "http://localhost:8080"}}), 200);
}

TEST_F(ApiTest, PublishesLines) {
  const auto answer =
      Call("POST", {"publish", "order", "asked"}, "{\"orderId\":\"1\"}\n{\"orderId\":\"1\"}\n");
  EXPECT_EQ(Body(answer).at("new"), 2);  // the same line twice is two sagas
  EXPECT_EQ(
      Body(Call("POST", {"publish", "order", "asked"}, "{\"orderId\":\"1\"}\n")).at("existed"), 1);
  EXPECT_EQ(Call("POST", {"publish", "odor", "asked"}, "{}")->code(), "no_such_pipeline");
  EXPECT_EQ(Call("POST", {"publish", "order", "aksed"}, "{}")->refused->detail,
            "no saga of 'order' begins with 'aksed'; did you mean 'asked'?");
  EXPECT_EQ(Call("POST", {"publish", "order", "asked"}, "")->status(), 400);
  ingress.overloaded = {"overloaded", "too much is waiting"};
  EXPECT_EQ(Call("POST", {"publish", "order", "asked"}, "{}")->status(), 503);
}

TEST_F(ApiTest, BacksUpIntoAWholePath) {
  EXPECT_EQ(Body(Call("POST", {"backup"}, R"({"file":"/tmp/copy.db"})")).at("file"),
            "/tmp/copy.db");
  EXPECT_EQ(journal.backup_file, "/tmp/copy.db");
  EXPECT_EQ(Call("POST", {"backup"}, R"({"file":"copy.db"})")->status(), 400);
  EXPECT_EQ(Call("POST", {"backup"}, "")->status(), 400);
  journal.backup = Error{Code::kInvalid, "the file exists"};
  EXPECT_EQ(Call("POST", {"backup"}, R"({"file":"/tmp/copy.db"})")->refused->detail,
            "the file exists");
}

}  // namespace
}  // namespace reprise::runtime
