#include <gtest/gtest.h>

#include "app/cli.h"
#include "console.h"

namespace reprise::runtime {
namespace {

Options Read(std::vector<std::string> words) {
  std::vector<const char*> argv = {"reprise"};
  for (const std::string& word : words) argv.push_back(word.c_str());
  const Parsed parsed = ParseCommandLine(static_cast<int>(argv.size()), argv.data());
  EXPECT_FALSE(parsed.exit) << words.front();
  return parsed.options;
}

TEST(CommandLine, ReadsEveryVerb) {
  const std::vector<std::vector<std::string>> lines = {
      {"run", "p"},
      {"demo"},
      {"demo", "p", "--once"},
      {"lint", "p"},
      {"graph", "p"},
      {"test", "p"},
      {"simulate", "p", "--runs", "10", "--seed", "3"},
      {"publish", "p", "e", "f"},
      {"publish", "p", "e", "-"},
      {"saga", "list"},
      {"saga", "show", "0199"},
      {"saga", "retry", "0199"},
      {"saga", "undo", "0199"},
      {"saga", "skip", "0199", "step", "--event", "e"},
      {"saga", "resolve", "0199"},
      {"saga", "signal", "0199", "ok"},
      {"dlq", "list"},
      {"dlq", "show", "1"},
      {"dlq", "replay", "1", "2"},
      {"dlq", "drop", "gabc"},
      {"lane", "list", "--all"},
      {"lane", "resume", "shop.order.take:3", "--from", "7"},
      {"plugin", "new", "n"},
      {"plugin", "list"},
      {"plugin", "describe", "n"},
      {"plugin", "test"},
      {"plugin", "test", "folder"},
      {"schema"},
      {"config", "print"},
      {"bench"},
      {"backup", "f"},
      {"doctor"},
      {"explain", "RPR001"},
      {"version"}};
  for (const auto& words : lines) {
    const Options options = Read(words);
    EXPECT_EQ(options.verb, words[0]);
    const bool has_actions =
        std::set<std::string>{"saga", "dlq", "lane", "plugin", "config"}.contains(words[0]);
    EXPECT_EQ(options.action, has_actions ? words[1] : "");
  }
}

TEST(CommandLine, ReadsTheFlagsOfRun) {
  const Options o = Read({"run",
                          "a",
                          "b",
                          "--config",
                          "c.yaml",
                          "--engine",
                          "embedded",
                          "--file",
                          "x.db",
                          "--listen",
                          ":0",
                          "--steps",
                          "reserve,http",
                          "--check",
                          "--supervise",
                          "--fault",
                          "s.do=fail",
                          "--fault",
                          "p/t.do=retry:3",
                          "--clock-speed",
                          "10",
                          "--plugins",
                          "/tmp"});
  EXPECT_EQ(o.paths, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(o.engine, "embedded");
  EXPECT_EQ(o.file, "x.db");
  EXPECT_EQ(o.listen, ":0");
  EXPECT_EQ(o.steps, (std::vector<std::string>{"reserve", "http"}));
  EXPECT_EQ(o.faults, (std::vector<std::string>{"s.do=fail", "p/t.do=retry:3"}));
  EXPECT_EQ(o.clock_speed, 10);
  EXPECT_TRUE(o.check && o.supervise);
}

TEST(CommandLine, KnowsWhoActsAndWhere) {
  const Options o = Read(
      {"saga", "undo", "0199", "--reason", "customer called", "--server", "http://other:1", "-y"});
  EXPECT_EQ(o.why, "customer called");
  EXPECT_EQ(o.server, "http://other:1");
  EXPECT_TRUE(o.yes);
  EXPECT_NE(o.who.find('@'), std::string::npos);
  EXPECT_EQ(Read({"saga", "list"}).server, "http://127.0.0.1:8080");
}

TEST(CommandLine, NamesTheNearestVerb) {
  const Said verb = Say({"sage", "list"});
  EXPECT_EQ(verb.exit, 2);
  EXPECT_EQ(verb.out, "");
  EXPECT_NE(verb.err.find("unknown verb 'sage'; did you mean 'saga'?"), std::string::npos)
      << verb.err;
  const Said action = Say({"saga", "rety", "0199"});
  EXPECT_EQ(action.exit, 2);
  EXPECT_NE(action.err.find("unknown action 'rety'; did you mean 'retry'?"), std::string::npos)
      << action.err;
}

TEST(CommandLine, NamesTheNearestFlag) {
  const Said said = Say({"saga", "list", "--stat", "done"});
  EXPECT_EQ(said.exit, 2);
  EXPECT_NE(said.err.find("unexpected '--stat'; did you mean '--state'?"), std::string::npos)
      << said.err;
}

TEST(CommandLine, RefusesWhatDoesNotFit) {
  const std::vector<std::vector<std::string>> lines = {
      {},
      {"saga"},
      {"saga", "show"},
      {"publish", "p"},
      {"saga", "list", "-o", "xml"},
      {"saga", "list", "--limit", "0"},
      {"run"},
      {"run", "p", "--clock-speed", "-1"},
      {"run", "p", "--clock-speed", "x"},
      {"run", "p", "--listen", "nonsense"},
      {"run", "p", "--listen", "127.0.0.1:99999"},
      {"demo", "--listen", "nonsense"},
      {"run", "p", "--fault", "nonsense"},
      {"run", "p", "--fault", "step.do=explode"},
      {"run", "p", "--fault", "step.do=retry:0"},
      {"run", "p", "--engine", "cloud"},
      {"version", "extra"},
      {"saga", "list", "--server", "http://a", "--file", "x"},
      {"saga", "undo", "0199", "--file", "x"}};
  for (const auto& words : lines) {
    const Said said = Say(words);
    EXPECT_EQ(said.exit, 2) << (words.empty() ? "nothing" : words.back());
    EXPECT_EQ(said.out, "");
    EXPECT_NE(said.err, "");
  }
}

TEST(CommandLine, HelpsOnStdout) {
  const Said all = Say({"--help"});
  EXPECT_EQ(all.exit, 0);
  EXPECT_NE(all.out.find("saga"), std::string::npos);
  const Said one = Say({"saga", "list", "--help"});
  EXPECT_EQ(one.exit, 0);
  EXPECT_NE(one.out.find("--older"), std::string::npos);
}

}  // namespace
}  // namespace reprise::runtime
