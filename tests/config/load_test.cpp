// Folders and files, interpolation, and what comes before what.
#include "config/load.h"

#include <gtest/gtest.h>

#include "catalogs.h"
#include "config/report.h"
#include "folder.h"

namespace reprise::runtime::test {
namespace {

const std::string kPipeline =
    "pipeline: it\nroutes:\n  POST /it: { body: { id: string }, start: begun }\n"
    "steps:\n  work: { plugin: demo.work, on: begun, on_failure: { undo: all }";

TEST(Load, TakesOnlyItsOwnFilesOfAFolder) {
  Folder folder;
  folder.Write("a.yaml", "pipeline: a\n")
      .Write("b.yml", "pipeline: b\n")
      .Write("compose.yaml", "services: {}\n");
  folder.Write("demo.yaml", "demo: [1, 2\n")
      .Write("notes.txt", "pipeline: c\n")
      .Write("t.yaml", "test: a\ncases: []\n");
  const Loaded loaded = Load({folder.Path()}, {}, Variables({}));
  EXPECT_EQ(RenderText(loaded.findings), "");
  ASSERT_EQ(loaded.pipelines.size(), 2u);
  EXPECT_EQ(loaded.tests.size(), 1u);
  EXPECT_EQ(loaded.files.size(), 3u);
}

TEST(Load, ReportsAMissingFileAndABrokenOneBesideTheGood) {
  Folder folder;
  folder.Write("good.yaml", "pipeline: good\n").Write("bad.yaml", "pipeline: [\n");
  const Loaded loaded = Load({folder.Path("none.yaml"), folder.Path()}, {}, Variables({}));
  ASSERT_EQ(loaded.findings.size(), 2u) << RenderText(loaded.findings);
  EXPECT_EQ(loaded.findings[0].code, "RPR002");
  EXPECT_EQ(loaded.findings[1].code, "RPR001");
  EXPECT_EQ(loaded.findings[1].message, "No such file or directory");
  ASSERT_EQ(loaded.pipelines.size(), 1u);
  EXPECT_EQ(loaded.pipelines[0]->name, "good");
}

TEST(Load, RefusesTwoPipelinesOfOneNameAndTwoRuntimes) {
  Folder folder;
  folder.Write("a.yaml", "pipeline: same\n").Write("b.yaml", "pipeline: same\n");
  folder.Write("r1.yaml", "runtime: one\n").Write("r2.yaml", "runtime: two\n");
  const Loaded loaded = Load({folder.Path()}, {}, Variables({}));
  EXPECT_EQ(Places(loaded.findings), "1:11 RPR016\n1:1 RPR016\n");
  LoadOptions options;
  options.config = folder.Path("r2.yaml");
  const Loaded chosen = Load({folder.Path()}, {}, Variables({}), options);
  EXPECT_EQ(Places(chosen.findings), "1:11 RPR016\n");
  EXPECT_EQ(chosen.deployment.name, "two");
}

TEST(Load, RefusesAConfigThatIsNoDeploymentFile) {
  Folder folder;
  folder.Write("a.yaml", "pipeline: a\n").Write("r.yaml", "runtime: one\n");
  LoadOptions options;
  options.config = folder.Path("a.yaml");
  const Loaded loaded = Load({folder.Path()}, {}, Variables({}), options);
  ASSERT_EQ(loaded.findings.size(), 1u) << RenderText(loaded.findings);
  EXPECT_EQ(loaded.findings[0].code, "RPR015");
  EXPECT_EQ(loaded.findings[0].file, options.config);
}

TEST(Load, ReadsAFileOnceThoughNamedTwice) {
  Folder folder;
  folder.Write("a.yaml", "pipeline: a\n");
  EXPECT_EQ(RenderText(Load({folder.Path("a.yaml"), folder.Path()}, {}, Variables({})).findings),
            "");
}

TEST(Interpolation, ReplacesInParsedScalarsOnly) {
  Folder folder;
  folder.Write("secret", "from a file\n");
  const std::string text =
      kPipeline + " }\nabout: \"${A} ${B:b} [${C:}] ${{D}} ${file:" + folder.Path("secret") +
      "}\"\n";
  folder.Write("it.yaml", text);
  const Loaded loaded =
      Load({folder.Path("it.yaml")}, DemoCatalog(), Variables({{"A", "x: [1, \"2"}, {"B", ""}}));
  EXPECT_EQ(RenderText(loaded.findings), "");
  ASSERT_EQ(loaded.pipelines.size(), 1u);
  EXPECT_EQ(loaded.pipelines[0]->about, "x: [1, \"2 b [] ${D} from a file");
  EXPECT_EQ(loaded.pipelines[0]->text, text);
}

TEST(Interpolation, KeepsThePlansHashWhateverTheEnvironment) {
  Folder folder;
  folder.Write("it.yaml", kPipeline + ", timeout: \"${T:5s}\" }\n");
  const Loaded a = Load({folder.Path()}, DemoCatalog(), Variables({}));
  const Loaded b = Load({folder.Path()}, DemoCatalog(), Variables({{"T", "9s"}}));
  ASSERT_EQ(a.pipelines.size(), 1u) << RenderText(a.findings);
  ASSERT_EQ(b.pipelines.size(), 1u);
  EXPECT_EQ(a.pipelines[0]->hash, b.pipelines[0]->hash);
  EXPECT_EQ(a.pipelines[0]->steps[0].timeout, Millis(5000));
  EXPECT_EQ(b.pipelines[0]->steps[0].timeout, Millis(9000));
}

TEST(Interpolation, SaysToQuoteInsideBracesAndGoesOn) {
  Folder folder;
  folder.Write(
      "r.yaml",
      "runtime: r\ncluster: { postgres: { url: ${URL:} }, prefix: ${P:a} }\nlisten: here\n");
  const Loaded loaded = Load({folder.Path()}, {}, Variables({}));
  EXPECT_EQ(Places(loaded.findings), "2:29 RPR022\n2:48 RPR022\n3:9 RPR013\n")
      << RenderText(loaded.findings);
  EXPECT_EQ(loaded.findings[0].message,
            "inside { } and [ ] an interpolation must be quoted: \"${URL:}\"");
}

TEST(Interpolation, IsTheOnlyWayForASecretAndShowsNoneThatStandsInTheFile) {
  Folder folder;
  folder.Write("r.yaml",
               "runtime: r\ncluster:\n"
               "  kafka: { options: { sasl.username: ann, sasl.password: hidden1 } }\n"
               "  postgres: { url: \"postgresql://ann:hidden2@db/shop\" }\n"
               "  redis: { url: \"redis://:${PASSWORD:hidden3}@cache\" }\n");
  const Loaded loaded = Load({folder.Path()}, {}, Variables({}));
  EXPECT_EQ(Places(loaded.findings), "3:58 RPR024\n4:20 RPR024\n");
  EXPECT_EQ(RenderText(loaded.findings).find("hidden"), std::string::npos)
      << RenderText(loaded.findings);
  EXPECT_EQ(loaded.deployment.cluster.redis_url, "redis://:hidden3@cache");
}

TEST(Interpolation, NamesTheVariableThatIsUnset) {
  Folder folder;
  folder.Write("r.yaml", "runtime: r\nlisten: \"${HOST:here}:${PORT}\"\n");
  const Loaded loaded = Load({folder.Path()}, {}, Variables({}));
  ASSERT_EQ(loaded.findings.size(), 1u);
  EXPECT_EQ(RenderText(loaded.findings), folder.Path("r.yaml") +
                                             ":2:23: error[RPR020]: ${PORT} is unset and has no "
                                             "default (write ${PORT:} to allow empty)\n"
                                             "    2 | listen: \"${HOST:here}:${PORT}\"\n"
                                             "      |                       ^^^^^^^\n");
}

TEST(Deployment, HasDefaultsWithoutAFile) {
  const Loaded loaded = Load({}, DemoCatalog(), Variables({}));
  EXPECT_EQ(RenderText(loaded.findings), "");
  EXPECT_EQ(loaded.deployment.engine, "embedded");
  EXPECT_EQ(loaded.deployment.listen, "127.0.0.1:8080");
  EXPECT_EQ(loaded.deployment.limits.batch, 500);
  EXPECT_EQ(loaded.deployment.keep_done, Millis(7LL * 86'400'000));
  EXPECT_EQ(json::serialize(loaded.deployment.plugins.at("demo")),
            R"({"url":"http://localhost","key":""})");
}

TEST(Deployment, TakesFlagBeforeEnvironmentBeforeFileBeforeDefault) {
  Folder folder;
  folder.Write("r.yaml", "runtime: r\nlisten: file:1\nembedded: { file: file.db }\n");
  const Environment environment =
      Variables({{"REPRISE_LISTEN", "env:2"}, {"REPRISE_FILE", "env.db"}});
  LoadOptions options;
  options.overrides.listen = "flag:3";
  const Loaded loaded = Load({folder.Path()}, {}, environment, options);
  EXPECT_EQ(loaded.deployment.listen, "flag:3");
  EXPECT_EQ(loaded.deployment.embedded.file, "env.db");
  EXPECT_EQ(loaded.deployment.engine, "embedded");
  EXPECT_EQ(PeekDeployment({folder.Path()}, environment, options).listen, "flag:3");
  EXPECT_EQ(Load({folder.Path()}, {}, Variables({})).deployment.listen, "file:1");
}

TEST(Deployment, RefusesAWrongFlag) {
  LoadOptions options;
  options.overrides.engine = "clusterr";
  const Loaded loaded = Load({}, {}, Variables({}), options);
  ASSERT_EQ(loaded.findings.size(), 1u);
  EXPECT_EQ(loaded.findings[0].message,
            "engine must be 'embedded' or 'cluster', not 'clusterr'; did you mean 'cluster'?");
}

TEST(Deployment, ReportsItsMistakes) {
  Folder folder;
  folder.Write("r.yaml", R"(runtime: r
engine: embeded
listn: a:1
limits: { batch: 0, outbox: 64MB }
plugins:
  demo: { ulr: x }
  dmeo: {}
keep: { done: 7 }
)");
  const Loaded loaded = Load({folder.Path()}, DemoCatalog(), Variables({}));
  EXPECT_EQ(
      Places(loaded.findings),
      "2:9 RPR013\n3:1 RPR010\n4:18 RPR013\n4:29 RPR013\n6:11 RPR031\n7:3 RPR040\n8:15 RPR013\n")
      << RenderText(loaded.findings);
}

TEST(Deployment, AsksForSettingsOfUsedPluginsOnly) {
  PluginCatalog catalog = DemoCatalog();
  catalog["demo"].settings.push_back(Need("account"));
  EXPECT_EQ(RenderText(Load({}, catalog, Variables({})).findings), "");
  Folder folder;
  folder.Write("it.yaml", kPipeline + " }\n");
  const Loaded loaded = Load({folder.Path()}, catalog, Variables({}));
  ASSERT_EQ(loaded.findings.size(), 1u);
  EXPECT_EQ(loaded.findings[0].code, "RPR032");
  EXPECT_EQ(loaded.findings[0].message, "plugin 'demo': setting 'account' is missing (text)");
}

TEST(Steps, TakeDefaultsAndTheirOwn) {
  Folder folder;
  folder.Write("it.yaml", kPipeline +
                              ", retry: { attempts: 3 } }\n"
                              "  more: { plugin: demo.plain, on: work.worked, on_failure: { hold: "
                              "10m }, ordering: strict }\n"
                              "defaults: { retry: { attempts: 9, max: 1m }, timeout: 7s, "
                              "concurrency: 4, on_failure: { undo: none } }\n");
  const Loaded loaded = Load({folder.Path()}, DemoCatalog(), Variables({}));
  ASSERT_EQ(loaded.pipelines.size(), 1u) << RenderText(loaded.findings);
  const Step& work = loaded.pipelines[0]->steps[0];
  const Step& more = loaded.pipelines[0]->steps[1];
  EXPECT_EQ(work.retry.attempts, 3u);
  EXPECT_EQ(work.retry.max, Millis(60'000));
  EXPECT_EQ(work.undo_retry.attempts, 20u);
  EXPECT_FALSE(work.on_failure.none);
  EXPECT_EQ(more.retry.attempts, 9u);
  EXPECT_EQ(more.timeout, Millis(7000));
  EXPECT_EQ(more.concurrency, 4u);
  EXPECT_TRUE(more.strict);
  EXPECT_TRUE(more.on_failure.none);
  EXPECT_EQ(more.on_failure.hold, Millis(600'000));
}

}  // namespace
}  // namespace reprise::runtime::test
