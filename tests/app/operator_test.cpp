// The operators' commands against a runtime's API over HTTP, with a journal in memory behind it.

#include <cstdlib>
#include <fstream>
#include <regex>

#include <gtest/gtest.h>
#include <unistd.h>

#include "admin/api.h"
#include "admin/health.h"
#include "admin/letters.h"
#include "admin/two_steps.h"
#include "app/version.h"
#include "base/clock.h"
#include "console.h"
#include "http/server.h"

namespace reprise::runtime {
namespace {

class OperatorTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Fill(journal);
    unsetenv("REPRISE_ADMIN_TOKEN");
    unsetenv("REPRISE_SERVER");
    Restart();
  }

  // With the token as it is now.
  void Restart() {
    server.reset();
    api = std::make_unique<AdminApi>(
        AdminApi::Wiring{ingress, clock, ViewOf(TwoSteps(), catalog), token});
    HttpOptions options;
    options.port = 0;
    server = std::make_unique<HttpServer>(options);
    ASSERT_TRUE(server->Listen().ok());
    const Status started =
        server->Start([this](HttpRequest request, std::shared_ptr<Responder> to) {
          if (request.path == "/livez") return health.Livez(std::move(request), std::move(to));
          if (request.path == "/readyz") return health.Readyz(std::move(request), std::move(to));
          if (request.path == "/metrics")
            return health.MetricsText(std::move(request), std::move(to));
          api->Handle(std::move(request), std::move(to));
        });
    ASSERT_TRUE(started.ok());
  }

  Said Ask(std::vector<std::string> words) {
    words.insert(words.end(), {"--server", "http://127.0.0.1:" + std::to_string(server->port())});
    return Say(words);
  }

  std::string Write(const std::string& text) {
    const std::string path = testing::TempDir() + "/lines-" + std::to_string(getpid()) + ".jsonl";
    std::ofstream(path) << text;
    return path;
  }

  FakeJournal journal;
  FakeIngress ingress{journal};
  Metrics metrics;
  ManualClock clock{kNow};
  PluginCatalog catalog = ShopCatalog();
  std::string token;
  Health health{{.ingress = ingress,
                 .metrics = metrics,
                 .clock = clock,
                 .catalog = &catalog,
                 .version = std::string(kVersion)}};
  std::unique_ptr<AdminApi> api;
  std::unique_ptr<HttpServer> server;
};

bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_F(OperatorTest, ListsWithDataOnStdoutAndWordsOnStderr) {
  const Said said = Ask({"saga", "list", "--state", "stuck,held"});
  EXPECT_EQ(said.exit, 0);
  EXPECT_TRUE(Has(said.out, "o-3")) << said.out;
  EXPECT_FALSE(Has(said.out, "o-1"));
  EXPECT_TRUE(Has(said.err, "2 shown of 4 sagas (2 running, 1 stuck, 1 done).")) << said.err;
  EXPECT_TRUE(Has(said.err, "reprise saga show 019b76da-a804 --server http://127.0.0.1:"))
      << said.err;
}

TEST_F(OperatorTest, ListsAsJson) {
  const Said said = Ask({"saga", "list", "-o", "json", "--limit", "1"});
  EXPECT_EQ(json::parse(said.out).at("sagas").at(0).at("subject"), "o-4");
  EXPECT_EQ(said.err, "");
}

TEST_F(OperatorTest, ShowsASagaByAPrefix) {
  const Said said = Ask({"saga", "show", "019b76da-a803"});
  EXPECT_EQ(said.exit, 0);
  EXPECT_TRUE(Has(said.out, "kim@ops: retry first")) << said.out;
  EXPECT_TRUE(Has(said.err, "next: reprise saga retry 019b76da-a803-7000-8000-000000000003 first"))
      << said.err;
}

TEST_F(OperatorTest, TellsApartWhatIsNotFoundAndWhatIsAmbiguous) {
  EXPECT_EQ(Ask({"saga", "show", "ffff"}).exit, 4);
  EXPECT_EQ(Ask({"dlq", "show", "9"}).exit, 4);
  EXPECT_EQ(Ask({"dlq", "show", "g123456"}).exit, 4);
  const Said several = Ask({"saga", "show", "019b76da"});
  EXPECT_EQ(several.exit, 1);
  EXPECT_TRUE(Has(several.err, "give more of the id"));
}

TEST_F(OperatorTest, CallsAWrongQueryAUsageError) {
  EXPECT_EQ(Ask({"saga", "list", "--state", "asleep"}).exit, 2);
}

TEST_F(OperatorTest, SaysWhatToDoWhenNoRuntimeIsThere) {
  const Said said = Say({"saga", "list", "--server", "http://127.0.0.1:1"});
  EXPECT_EQ(said.exit, 3);
  EXPECT_TRUE(Has(said.err, "cannot reach a runtime at http://127.0.0.1:1")) << said.err;
  EXPECT_TRUE(Has(said.err, "reprise run"));
  EXPECT_EQ(Say({"doctor", "--server", "http://127.0.0.1:1"}).exit, 3);
  EXPECT_EQ(Say({"saga", "list", "--server", "ftp://127.0.0.1"}).exit, 2);
}

TEST_F(OperatorTest, SendsWhatTheOperatorSaw) {
  const Said said =
      Ask({"saga", "retry", "019b76da-a804", "--yes", "--who", "kim@ops", "--why", "card fixed"});
  EXPECT_EQ(said.exit, 0) << said.err;
  ASSERT_EQ(ingress.verbs.size(), 1U);
  EXPECT_EQ(ingress.verbs[0].step, "second");
  EXPECT_EQ(ingress.verbs[0].seen_state, "held");
  EXPECT_EQ(ingress.verbs[0].who, "kim@ops");
  EXPECT_EQ(ingress.verbs[0].why, "card fixed");
  EXPECT_TRUE(Has(said.err, "recorded as kim@ops"));
}

TEST_F(OperatorTest, SaysWhyAVerbWasRefused) {
  const Said nothing = Ask({"saga", "retry", "019b76da-a801", "--yes"});
  EXPECT_EQ(nothing.exit, 1);
  EXPECT_TRUE(Has(nothing.err, "it is done")) << nothing.err;
  ingress.reply = Reply{.status = 409, .code = "changed", .detail = "the step is done now"};
  const Said changed = Ask({"saga", "retry", "019b76da-a804", "--yes"});
  EXPECT_EQ(changed.exit, 1);
  EXPECT_TRUE(Has(changed.err, "look again with 'show'"));
}

TEST_F(OperatorTest, SendsASignalWithFields) {
  EXPECT_EQ(Ask({"saga", "signal", "019b76da-a802", "approved", "--field", "by=kim", "--field",
                 "level=3"})
                .exit,
            0);
  ASSERT_EQ(ingress.verbs.size(), 1U);
  EXPECT_EQ(ingress.verbs[0].fields.at("by"), "kim");
  EXPECT_EQ(ingress.verbs[0].fields.at("level"), 3);
  EXPECT_EQ(Ask({"saga", "signal", "019b76da-a802", "approved", "--field", "=x"}).exit, 2);
}

TEST_F(OperatorTest, SendsTheTokenOfTheEnvironment) {
  token = "t0p";
  Restart();
  const Said refused = Ask({"saga", "undo", "019b76da-a804", "--yes"});
  EXPECT_EQ(refused.exit, 1);
  EXPECT_TRUE(Has(refused.err, "set REPRISE_ADMIN_TOKEN")) << refused.err;
  setenv("REPRISE_ADMIN_TOKEN", "t0p", 1);
  EXPECT_EQ(Ask({"saga", "undo", "019b76da-a804", "--yes"}).exit, 0);
  unsetenv("REPRISE_ADMIN_TOKEN");
}

TEST_F(OperatorTest, ReplaysAGroupOfDeadLetters) {
  for (int i = 1; i <= 3; ++i) {
    DeadLetter letter;
    letter.id = i;
    letter.step = i == 2 ? "second" : "note";
    letter.code = "gave_up";
    journal.letters.push_back(letter);
  }
  const Said list = Ask({"dlq", "list"});
  EXPECT_EQ(list.exit, 0);
  EXPECT_TRUE(Has(list.out, "gave_up"));
  const Said said = Ask({"dlq", "replay", LetterGroup(journal.letters[0]), "--yes"});
  EXPECT_EQ(said.exit, 0) << said.err;
  ASSERT_EQ(ingress.verbs.size(), 2U);
  EXPECT_EQ(ingress.verbs[0].letter, 1);
  EXPECT_EQ(ingress.verbs[1].letter, 3);
  EXPECT_TRUE(Has(said.err, "replay: 2 ok, 0 refused"));
  EXPECT_EQ(Ask({"dlq", "drop", "2", "9", "--yes"}).exit, 1);
  EXPECT_EQ(Ask({"dlq", "drop", "9", "--yes"}).exit, 4);
}

TEST_F(OperatorTest, SuggestsNothingForALetterThatWasDealtWith) {
  DeadLetter letter;
  letter.id = 1;
  letter.step = "note";
  letter.code = "gave_up";
  journal.letters = {letter};
  EXPECT_TRUE(Has(Ask({"dlq", "show", "1"}).err, "next: reprise dlq replay 1"));
  journal.letters[0].state = "dropped";
  EXPECT_TRUE(Has(Ask({"dlq", "show", "1"}).err, "next: reprise dlq list"));
}

TEST_F(OperatorTest, PublishesAFileOnceHoweverOftenItRuns) {
  const std::string file =
      Write("{\"orderId\":\"1\"}\n{\"orderId\":\"2\"}\n\n{\"orderId\":\"1\"}\n");
  const Said first = Ask({"publish", "order", "asked", file});
  EXPECT_EQ(first.exit, 0) << first.err;
  EXPECT_TRUE(Has(first.err, "3 new, 0 already there, 0 refused")) << first.err;
  EXPECT_TRUE(
      Has(Ask({"publish", "order", "asked", file}).err, "0 new, 3 already there, 0 refused"));
}

TEST_F(OperatorTest, CountsEqualLinesAcrossChunks) {
  std::string text;
  for (int i = 0; i < 1200; ++i) text += "{\"orderId\":\"same\"}\n";
  const std::string file = Write(text);
  EXPECT_TRUE(Has(Ask({"publish", "order", "asked", file}).err, "1,200 new, 0 already there"));
  EXPECT_TRUE(Has(Ask({"publish", "order", "asked", file}).err, "0 new, 1,200 already there"));
}

TEST_F(OperatorTest, NamesTheLinesItCouldNotPublish) {
  const std::string file = Write("{\"orderId\":\"1\"}\n{broken\n{}\n");
  const Said said = Ask({"publish", "order", "asked", file});
  EXPECT_EQ(said.exit, 1);
  EXPECT_TRUE(Has(said.err, ".jsonl:2: ")) << said.err;
  EXPECT_TRUE(Has(said.err, ".jsonl:3: field 'orderId' is missing")) << said.err;
  EXPECT_TRUE(Has(said.err, "1 new, 0 already there, 2 refused"));
  EXPECT_EQ(Ask({"publish", "odor", "asked", file}).exit, 4);
  EXPECT_EQ(Ask({"publish", "order", "asked", "/no/such/file"}).exit, 2);
}

TEST_F(OperatorTest, PublishesWhatIsAroundALineThatIsNoText) {
  const std::string file =
      Write(std::string("{\"orderId\":\"1\"}\n{\"orderId\":\"\xFF\"}\n"
                        "{\"orderId\":\"\0\"}\n{\"orderId\":\"2\"}\n",
                        64));
  const Said said = Ask({"publish", "order", "asked", file});
  EXPECT_EQ(said.exit, 1);
  EXPECT_TRUE(Has(said.err, ".jsonl:2: the line is not UTF-8")) << said.err;
  EXPECT_TRUE(Has(said.err, ".jsonl:3: the line holds a NUL")) << said.err;
  EXPECT_TRUE(Has(said.err, "2 new, 0 already there, 2 refused")) << said.err;
}

TEST_F(OperatorTest, RefusesALineThatFitsNoRequest) {
  const std::string file =
      Write("{\"orderId\":\"" + std::string(1'200'000, 'x') + "\"}\n{\"orderId\":\"2\"}\n");
  const Said said = Ask({"publish", "order", "asked", file});
  EXPECT_EQ(said.exit, 1);
  EXPECT_TRUE(Has(said.err, "1 new, 0 already there, 1 refused")) << said.err;
}

TEST_F(OperatorTest, BacksUpIntoAWholePath) {
  EXPECT_EQ(Ask({"backup", "copy.db"}).exit, 0);
  EXPECT_EQ(journal.backup_file.front(), '/');
  EXPECT_TRUE(journal.backup_file.ends_with("/copy.db"));
  journal.backup = Error{Code::kInvalid, "copy.db exists already"};
  const Said said = Ask({"backup", "copy.db"});
  EXPECT_NE(said.exit, 0);
  EXPECT_TRUE(Has(said.err, "copy.db exists already"));
}

TEST_F(OperatorTest, DoctorSaysWhatIsNotSetAndWhatWaits) {
  const Said said = Ask({"doctor"});
  EXPECT_EQ(said.exit, 0) << said.out;
  EXPECT_TRUE(Has(said.out, "! shop  url is not set: where alerts go")) << said.out;
  EXPECT_TRUE(Has(said.out, "! clock  the runtime's time is 2026-01-01T00:00:00.000Z")) << said.out;
  EXPECT_TRUE(Has(said.out, "✓ executor")) << said.out;
  EXPECT_TRUE(Has(said.out, "! sagas  2 wait for a person")) << said.out;
  journal.ping = Error{Code::kUnavailable, "disk I/O error"};
  const Said ill = Ask({"doctor"});
  EXPECT_EQ(ill.exit, 1);
  EXPECT_TRUE(Has(ill.out, "✗ executor  disk I/O error")) << ill.out;
}

TEST(Version, IsTheProjects) {
  std::ifstream file(std::string(REPRISE_SOURCE_DIR) + "/CMakeLists.txt");
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  EXPECT_TRUE(Has(text, "project(reprise VERSION " + std::string(kVersion) + " "));
  const Said said = Say({"version", "-o", "json"});
  EXPECT_EQ(json::parse(said.out).at("version"), json::value(kVersion));
  const std::string commit(json::parse(said.out).at("commit").as_string());
  EXPECT_TRUE(std::regex_match(commit, std::regex("[0-9a-f]{12}|unknown"))) << commit;
  EXPECT_TRUE(Has(Say({"version"}).out, "(" + commit + ")"));
  EXPECT_EQ(Say({"--version"}).exit, 0);
}

TEST(Explain, KnowsTheCodesOfLint) {
  EXPECT_EQ(Say({"explain", "RPR001"}).exit, 0);
  EXPECT_EQ(Say({"explain", "RPR999"}).exit, 4);
}

}  // namespace
}  // namespace reprise::runtime
