// What config shows: findings in every form, explanations, the schema, the deployment in effect.
#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "catalogs.h"
#include "config/codes.h"
#include "config/load.h"
#include "config/report.h"
#include "config/schema.h"
#include "folder.h"

namespace reprise::runtime::test {
namespace {

Finding Sample() {
  Finding finding;
  finding.file = "a,b.yaml";
  finding.line = 14;
  finding.col = 7;
  finding.end_col = 18;
  finding.code = "RPR010";
  finding.message = "unknown key 'max_atempts'; 100% wrong";
  finding.source_line = "      max_atempts: 3";
  return finding;
}

TEST(Report, ShowsTheLineAndACaret) {
  EXPECT_EQ(RenderText({Sample()}),
            "a,b.yaml:14:7: error[RPR010]: unknown key 'max_atempts'; 100% wrong\n"
            "   14 |       max_atempts: 3\n"
            "      |       ^^^^^^^^^^^\n");
}

TEST(Report, EscapesForGithub) {
  EXPECT_EQ(RenderGithub({Sample()}),
            "::error file=a%2Cb.yaml,line=14,col=7,endColumn=18,title=RPR010::unknown key "
            "'max_atempts'; 100%25 wrong\n");
}

TEST(Report, IsJsonAndSarif) {
  const json::value plain = json::parse(RenderJson({Sample()}));
  EXPECT_EQ(plain.at(0).at("line"), 14);
  const json::value sarif = json::parse(RenderSarif({Sample()}, "1.0.0"));
  EXPECT_EQ(sarif.at("version"), "2.1.0");
  const json::value& run = sarif.at("runs").at(0);
  EXPECT_EQ(run.at("tool").at("driver").at("rules").at(0).at("id"), "RPR010");
  EXPECT_EQ(run.at("results")
                .at(0)
                .at("locations")
                .at(0)
                .at("physicalLocation")
                .at("region")
                .at("startColumn"),
            7);
}

TEST(Report, Sums) {
  EXPECT_EQ(Summary({Sample()}, 5), "1 error in 1 of 5 files.");
  EXPECT_EQ(Summary({}, 5), "no mistakes in 5 files.");
}

TEST(Codes, AreExplained) {
  ASSERT_NE(FindCode("rpr022"), nullptr);
  EXPECT_EQ(FindCode("22"), FindCode("RPR022"));
  EXPECT_EQ(FindCode("RPR999"), nullptr);
  EXPECT_EQ(Explain(*FindCode("RPR022")),
            "RPR022: an unquoted interpolation inside { }\n\n"
            "There YAML takes the braces for its own.  Put it in quotes.\n\nFor example\n"
            "    postgres: { url: ${DATABASE_URL} }\n");
}

TEST(Codes, RiseAndAreUnique) {
  std::string last;
  for (const CodeInfo& info : AllCodes()) {
    EXPECT_LT(last, info.code);
    last = info.code;
  }
}

TEST(Schema, IsDraft7WithEveryPluginsSettings) {
  const json::value schema = json::parse(Schema(ConcertCatalog()));
  EXPECT_EQ(schema.at("$schema"), "http://json-schema.org/draft-07/schema#");
  const json::value& definitions = schema.at("definitions");
  const json::value& queue =
      definitions.at("runtime").at("properties").at("plugins").at("properties").at("queue");
  EXPECT_EQ(queue.at("properties").at("valid_for").at("default"), "10m");
  EXPECT_EQ(
      queue.at("properties").at("per_second").at("anyOf").at(0).at("minimum").to_number<int>(), 1);
  bool found = false;
  for (const json::value& one : definitions.at("step").at("allOf").as_array()) {
    if (one.at("if").at("properties").at("plugin").at("const") != "reservation.hold") continue;
    found = true;
    EXPECT_EQ(one.at("then").at("properties").at("with").at("properties").at("for").at("default"),
              "5m");
  }
  EXPECT_TRUE(found);
}

/// Every $ref has its definition.
void CheckRefs(const json::value& node, const json::object& definitions) {
  if (node.is_array()) {
    for (const json::value& item : node.get_array()) CheckRefs(item, definitions);
  } else if (node.is_object()) {
    for (const auto& [key, value] : node.get_object()) {
      if (key == "$ref") {
        const std::string name(value.as_string().subview(14));
        EXPECT_TRUE(definitions.contains(name)) << name;
      }
      CheckRefs(value, definitions);
    }
  }
}

TEST(Schema, HasEveryDefinitionItRefersTo) {
  for (const PluginCatalog& catalog : {PluginCatalog(), DemoCatalog(), ConcertCatalog()}) {
    const json::value schema = json::parse(Schema(catalog));
    CheckRefs(schema, schema.at("definitions").as_object());
  }
}

TEST(Print, MasksSecretsAndPasswords) {
  Folder folder;
  folder.Write("r.yaml", R"(runtime: shop
cluster:
  kafka: { brokers: "k:9092", options: { sasl.password: "${NONE:hidden1}", acks: all } }
  postgres: { url: "postgres://ann:${NONE:hidden2}@db/shop" }
  redis: { url: "redis://:${NONE:hidden3}@cache" }
plugins:
  demo: { url: "http://x:hidden4@y", key: hidden5 }
)");
  const Loaded loaded = Load({folder.Path()}, DemoCatalog(), Variables({}));
  ASSERT_EQ(RenderText(loaded.findings), "");
  const std::string text = Print(loaded.deployment, DemoCatalog());
  EXPECT_EQ(text.find("hidden"), std::string::npos) << text;
  EXPECT_NE(text.find("url: \"postgres://ann:***@db/shop\""), std::string::npos) << text;
  EXPECT_NE(text.find("    key: \"***\"\n"), std::string::npos) << text;
  EXPECT_NE(text.find("limits: { batch: 500, outbox: 64MiB, body: 1MiB }\n"), std::string::npos)
      << text;
}

TEST(Print, IsARuntimeFileAgain) {
  const Loaded loaded =
      Load({REPRISE_SOURCE_DIR "/pipelines/concert/runtime.yaml"}, ConcertCatalog(), Variables({}));
  const std::string text = Print(loaded.deployment, ConcertCatalog());
  Folder folder;
  folder.Write("r.yaml", text);
  const Loaded again = Load({folder.Path()}, ConcertCatalog(), Variables({}));
  EXPECT_EQ(RenderText(again.findings), "");
  EXPECT_EQ(Print(again.deployment, ConcertCatalog()), text);
}

TEST(Print, KeepsTextThatLooksLikeAVariable) {
  for (const std::string file : {"a${X}b${Y:z}}", "${{X}}", "${", "a${b${", "$", "{X}", "$${X}"}) {
    Deployment deployment;
    deployment.name = "shop";
    deployment.embedded.file = file;
    Folder folder;
    folder.Write("r.yaml", Print(deployment, {}));
    const Loaded again = Load({folder.Path()}, {}, Variables({}));
    EXPECT_EQ(RenderText(again.findings), "");
    EXPECT_EQ(again.deployment.embedded.file, file);
  }
}

}  // namespace
}  // namespace reprise::runtime::test
