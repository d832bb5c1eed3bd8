#include "app/scaffold.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "app/ctest_report.h"
#include "app/temporary_folder.h"
#include "console.h"

namespace reprise::runtime {
namespace {

TEST(Scaffold, TakesNamesThatFilesYamlSqlAndCppCanCarry) {
  for (const char* name : {"loyalty", "reward-points", "a", "b2b", "class", "time", "metrics"})
    EXPECT_TRUE(CheckNewPluginName(name)) << name;
  for (const char* name : {"", "Loyalty", "2b", "-a", "a-", "a_b", "a b", "a/b", "..", "é", "a.b"})
    EXPECT_FALSE(CheckNewPluginName(name)) << name;
  EXPECT_FALSE(CheckNewPluginName(std::string(49, 'a')));
}

TEST(Scaffold, LeavesNoMarkUnfilled) {
  for (const auto& [path, text] : Scaffold("reward-points")) {
    EXPECT_EQ(text.find("@"), std::string::npos) << path << ":\n" << text;
    EXPECT_EQ(text.back(), '\n') << path;
  }
}

TEST(Scaffold, WritesNothingOverAndNothingBesideWhatIsThere) {
  auto folder = TemporaryFolder::Make("scaffold");
  ASSERT_TRUE(folder);
  const std::filesystem::path mine = folder->path() / "mine";
  std::filesystem::create_directory(mine);
  std::ofstream(mine / "notes.txt") << "mine\n";
  const Said refused = Say({"plugin", "new", "loyalty", "--dir", mine.string()});
  EXPECT_EQ(refused.exit, 1);
  EXPECT_NE(refused.err.find("is not empty"), std::string::npos) << refused.err;
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(mine), {}), 1);
  const std::string file = (mine / "notes.txt").string();
  EXPECT_EQ(Say({"plugin", "new", "loyalty", "--dir", file}).exit, 1);
  EXPECT_EQ(Say({"plugin", "new", "Loyalty", "--dir", (folder->path() / "x").string()}).exit, 2);
  EXPECT_FALSE(std::filesystem::exists(folder->path() / "x"));
}

TEST(Scaffold, NamesTheFilesItWrote) {
  auto folder = TemporaryFolder::Make("scaffold");
  ASSERT_TRUE(folder);
  const std::string to = (folder->path() / "deep" / "loyalty").string();
  const Said made = Say({"plugin", "new", "loyalty", "--dir", to});
  EXPECT_EQ(made.exit, 0) << made.err;
  EXPECT_NE(made.out.find(to + "/loyalty.cpp\n"), std::string::npos) << made.out;
  for (const auto& [path, text] : Scaffold("loyalty"))
    EXPECT_TRUE(std::filesystem::exists(std::filesystem::path(to) / path)) << path;
}

TEST(PluginTest, WantsTheFolderOfAPlugin) {
  const Said said = Say({"plugin", "test", "/nowhere"});
  EXPECT_EQ(said.exit, 2);
  EXPECT_NE(said.err.find("CMakeLists.txt"), std::string::npos) << said.err;
}

TEST(CtestReport, ReadsNamesAndVerdicts) {
  const auto cases = ReadCtestReport(
      "<?xml version=\"1.0\"?>\n<testsuite name=\"x\" tests=\"3\">\n"
      "<testcase name=\"plugins.A.&lt;b&gt;\" classname=\"a\" time=\"0.1\" status=\"run\">\n"
      "<system-out>status=\"fail\"</system-out></testcase>\n"
      "<testcase name=\"B\" classname=\"B\" time=\"0.1\" status=\"fail\"><failure/></testcase>\n"
      "<testcase name=\"C\" classname=\"C\" time=\"0\" status=\"disabled\"/>\n</testsuite>\n");
  ASSERT_EQ(cases.size(), 3U);
  EXPECT_EQ(cases[0].name, "plugins.A.<b>");
  EXPECT_TRUE(cases[0].passed);
  EXPECT_FALSE(cases[1].passed);
  EXPECT_FALSE(cases[2].passed);
  EXPECT_TRUE(ReadCtestReport("").empty());
}

}  // namespace
}  // namespace reprise::runtime
