// The reading commands on the file of a stopped runtime.

#include <filesystem>

#include <gtest/gtest.h>
#include <unistd.h>

#include "admin/two_steps.h"
#include "console.h"
#include "sqlite/engine.h"

namespace reprise::runtime {
namespace {

class StoppedFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder = std::filesystem::path(testing::TempDir()) / ("stopped-" + std::to_string(getpid()));
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
    file = (folder / "shop.db").string();
    auto engine = SqliteEngine::Open({.file = file});
    ASSERT_TRUE(engine.ok()) << engine.error().message;
    Journal& journal = (*engine)->journal();
    const std::string plan =
        "pipeline: order\nsteps:\n  first: { plugin: shop.hold }\n  second: { plugin: shop.take "
        "}\n";
    ASSERT_TRUE(journal.PutPlan("plan-1", "order", plan).ok());
    FakeJournal fake;
    Fill(fake);
    auto tx = journal.Begin();
    ASSERT_TRUE(tx.ok());
    for (const SagaDetail& detail : fake.sagas) {
      ASSERT_TRUE((*tx)->Create(std::span(&detail.saga, 1)).ok());
      ASSERT_TRUE((*tx)->Store(std::span(&detail.saga, 1)).ok());
      ASSERT_TRUE((*tx)->Record(detail.steps).ok());
      ASSERT_TRUE((*tx)->AddHistory(detail.history).ok());
    }
    ASSERT_TRUE((*tx)->Commit({}).ok());
  }

  void TearDown() override { std::filesystem::remove_all(folder); }

  std::filesystem::path folder;
  std::string file;
};

bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_F(StoppedFileTest, ListsAndShowsSagas) {
  const Said list = Say({"saga", "list", "--state", "stuck", "--file", file});
  EXPECT_EQ(list.exit, 0) << list.err;
  EXPECT_TRUE(Has(list.out, "o-3")) << list.out;
  EXPECT_FALSE(Has(list.out, "o-2")) << list.out;
  EXPECT_TRUE(Has(list.err, "--file " + file)) << list.err;
  const Said show = Say({"saga", "show", "019b76da-a803", "--file", file});
  EXPECT_EQ(show.exit, 0) << show.err;
  EXPECT_TRUE(Has(show.out, "second")) << show.out;  // named although its plugin is not installed
  EXPECT_TRUE(Has(show.out, "kim@ops")) << show.out;
  EXPECT_EQ(Say({"dlq", "list", "--file", file}).exit, 0);
}

TEST_F(StoppedFileTest, LeavesPayloadsOutWhenNoOneKnowsWhatIsSecret) {
  const Said show = Say({"saga", "show", "019b76da-a803", "--payloads", "--file", file});
  EXPECT_FALSE(Has(show.out, "4000-1234")) << show.out;
}

TEST_F(StoppedFileTest, BacksUp) {
  const std::string copy = (folder / "copy.db").string();
  EXPECT_EQ(Say({"backup", copy, "--file", file}).exit, 0);
  EXPECT_TRUE(Has(Say({"saga", "list", "--file", copy}).out, "o-3"));
  EXPECT_NE(Say({"backup", copy, "--file", file}).exit, 0);
}

TEST_F(StoppedFileTest, ExplainsAFileThatCannotBeRead) {
  EXPECT_EQ(Say({"saga", "list", "--file", (folder / "none.db").string()}).exit, 4);
  EXPECT_FALSE(std::filesystem::exists(folder / "none.db"));
  auto running = SqliteEngine::Open({.file = file});
  ASSERT_TRUE(running.ok());
  const Said held = Say({"saga", "list", "--file", file});
  EXPECT_EQ(held.exit, 3);
  EXPECT_TRUE(Has(held.err, "--server")) << held.err;
}

}  // namespace
}  // namespace reprise::runtime
