// Hostile and treacherous YAML (FAULTS row 28): refused with a place, quickly, without a crash.
#include "config/yaml.h"

#include <chrono>

#include <gtest/gtest.h>

#include "catalogs.h"
#include "config/report.h"
#include "folder.h"

namespace reprise::runtime::test {
namespace {

std::vector<Finding> Parse(const std::string& text) {
  std::vector<Finding> findings;
  const Source source("it.yaml", text);
  Sink sink(source, findings);
  ParseYaml(sink);
  return findings;
}

std::string Repeat(const std::string& text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

TEST(Yaml, RefusesDepthOver64) {
  EXPECT_EQ(Places(Parse(Repeat("[", 65) + Repeat("]", 65))), "1:65 RPR005\n");
  EXPECT_EQ(Places(Parse(Repeat("[", 64) + Repeat("]", 64))), "");
  EXPECT_EQ(Places(Parse("a: " + Repeat("{a: ", 100'000))), "1:256 RPR005\n");
  EXPECT_EQ(Places(Parse(Repeat("- ", 200'000))), "1:129 RPR005\n");
}

TEST(Yaml, RefusesDepthThatAliasesHide) {
  std::string text = "a0: &a0 [x]\n";
  for (int i = 1; i < 70; ++i) {
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [*a" + std::to_string(i - 1) +
            "]\n";
  }
  const std::vector<Finding> findings = Parse(text);
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].code, "RPR005");
}

TEST(Yaml, RefusesABombOfAliases) {
  std::string text = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last +
            Repeat("," + last, 9) + "]\n";
  }
  const auto began = std::chrono::steady_clock::now();
  const std::vector<Finding> findings = Parse(text);
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(5));
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].code, "RPR006");
  EXPECT_EQ(findings[0].line, 5);
}

TEST(Yaml, RefusesMoreThan100000Values) {
  EXPECT_EQ(Places(Parse("[" + Repeat("1,", 99'998) + "1]")), "");
  const std::vector<Finding> findings = Parse("[" + Repeat("1,", 100'001) + "1]");
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].code, "RPR006");
}

TEST(Yaml, RefusesBytesThatAreNoUtf8) {
  EXPECT_EQ(Places(Parse("a: b\nc: \xFF\n")), "2:4 RPR001\n");
  EXPECT_EQ(Places(Parse(std::string("a: b\0c", 6))), "1:5 RPR001\n");
  EXPECT_EQ(Places(Parse("a: \xC0\xAF\n")), "1:4 RPR001\n");
}

TEST(Yaml, RefusesAFileOverOneMebibyte) {
  Folder folder;
  folder.Write("big.yaml", "pipeline: big\nabout: " + std::string(1 << 20, 'x'));
  const Loaded loaded = Load({folder.Path()}, {}, Variables({}));
  ASSERT_EQ(loaded.findings.size(), 1u);
  EXPECT_EQ(loaded.findings[0].code, "RPR001");
  EXPECT_EQ(loaded.findings[0].message, "larger than 1048576 bytes");
}

TEST(Yaml, KeepsNoMoreMemoryThanAFileHasBytes) {
  const Result<std::string> text = ReadText(REPRISE_SOURCE_DIR "/pipelines/concert/lapse.yaml");
  ASSERT_TRUE(text);
  EXPECT_LT(text->capacity(), text->size() + 64);
}

TEST(Yaml, ReadsAFileThatIsLargerThanOnePiece) {
  Folder folder;
  std::string long_text = "about: ";
  while (long_text.size() < 100'000) long_text += std::to_string(long_text.size()) + " ";
  folder.Write("it.yaml", long_text);
  const Result<std::string> text = ReadText(folder.Path("it.yaml"));
  ASSERT_TRUE(text);
  EXPECT_EQ(*text, long_text);
}

TEST(Yaml, SurvivesEveryPrefixAndEveryBrokenByteOfAGoodFile) {
  const Result<std::string> text = ReadText(REPRISE_SOURCE_DIR "/pipelines/concert/lapse.yaml");
  ASSERT_TRUE(text);
  for (size_t i = 0; i < text->size(); i += 3) {
    Parse(text->substr(0, i));
    for (const char c : {'{', ']', '&', '\t', '\xE2', '"'}) {
      std::string broken = *text;
      broken[i] = c;
      Parse(broken);
    }
  }
}

TEST(Yaml, TellsPlacesInLettersNotBytes) {
  const std::vector<Finding> findings = Parse("{ 예약: 1, 예약: 2 }\n");
  EXPECT_EQ(Places(findings), "1:10 RPR009\n");
  EXPECT_EQ(RenderText(findings),
            "it.yaml:1:10: error[RPR009]: duplicate key '예약' (first at 1:3); YAML would silently "
            "keep the first\n"
            "    1 | { 예약: 1, 예약: 2 }\n"
            "      |            ^^^^\n");
}

TEST(Yaml, TakesWindowsLinesAndAByteOrderMark) {
  Folder folder;
  folder.Write("it.yaml", "\xEF\xBB\xBFpipeline: it\r\nabout: fine\r\nabuot: x\r\n");
  const Loaded loaded = Load({folder.Path()}, {}, Variables({}));
  EXPECT_EQ(Places(loaded.findings), "3:1 RPR010\n");
  EXPECT_EQ(loaded.findings[0].source_line, "abuot: x");
}

TEST(Yaml, KeepsOnAndYesAsWords) {
  std::vector<Finding> findings;
  const Source source("it.yaml", "on: yes\nno: 0123\n");
  Sink sink(source, findings);
  const auto root = ParseYaml(sink);
  ASSERT_TRUE(root);
  EXPECT_EQ(root->Find("on")->text, "yes");
  EXPECT_EQ(root->Find("no")->text, "0123");
}

TEST(Yaml, KnowsWhatAFileIsWithoutParsingIt) {
  EXPECT_EQ(FirstKey("# a comment\n\n---\npipeline: x\n"), "pipeline");
  EXPECT_EQ(FirstKey("{ \"runtime\": x"), "runtime");
  EXPECT_EQ(FirstKey("- a\n- b\n"), "");
  EXPECT_EQ(FirstKey("test : [ broken"), "test");
}

}  // namespace
}  // namespace reprise::runtime::test
