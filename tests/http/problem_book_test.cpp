#include "http/problem_book.h"

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace reprise::runtime {
namespace {

std::string TextOf(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

/// Every problem that the sources make, as "404 saga.unknown".
std::set<std::string> Made() {
  static const std::regex kMade(
      R"rx((?:MakeProblem|Refused|Problem|HeadFault)[({]\s*(\d{3}),\s*"([a-z_.]+)")rx");
  static const std::regex kFilled(R"rx(\.status = (\d{3}),\s*\.code = "([a-z_.]+)")rx");
  std::set<std::string> made;
  for (const char* folder : {"http", "executor", "admin"}) {
    for (const auto& file : std::filesystem::directory_iterator(REPRISE_SOURCE_DIR "/runtime/" +
                                                                std::string(folder))) {
      if (file.path().extension() != ".cpp" && file.path().extension() != ".h") continue;
      const std::string text = TextOf(file.path());
      for (const std::regex* wanted : {&kMade, &kFilled}) {
        for (std::sregex_iterator it(text.begin(), text.end(), *wanted), end; it != end; ++it)
          made.insert((*it)[1].str() + " " + (*it)[2].str());
      }
    }
  }
  return made;
}

TEST(ProblemBook, KnowsEveryProblemThatTheRuntimeMakes) {
  const ProblemBook book = MakeProblemBook({});
  const std::set<std::string> made = Made();
  ASSERT_GT(made.size(), 30U) << "the sources are not read";
  for (const std::string& one : made) {
    const std::string code = one.substr(4);
    const auto it = book.lower_bound(code);
    // One that ends with _ is completed when it is made: "nothing_to_" with a verb.
    const bool known =
        it != book.end() && (code.ends_with('_') ? it->first.starts_with(code) : it->first == code);
    ASSERT_TRUE(known) << one << ": add it to problem_book.cpp";
    EXPECT_EQ(it->second.front().status / 100, std::stoi(one) / 100) << one;
  }
}

TEST(ProblemBook, EveryPageSaysWhatHappenedAndWhatToDo) {
  for (const auto& [code, meanings] : MakeProblemBook({})) {
    ASSERT_EQ(meanings.size(), 1U) << code << " is there twice";
    EXPECT_THAT(meanings[0].about, ::testing::EndsWith(".")) << code;
    EXPECT_THAT(meanings[0].remedy, ::testing::EndsWith(".")) << code;
    EXPECT_GE(meanings[0].status, 400) << code;
  }
}

TEST(ProblemBook, HasWhatPluginsDeclare) {
  PluginCatalog catalog;
  catalog["parcel"].actions = {{.name = "send", .errors = {{"parcel.lost", "It is lost.", 410}}},
                               {.name = "find", .errors = {{"parcel.lost", "It is lost.", 410}}}};
  catalog["post"].questions = {{.name = "open", .errors = {{"parcel.lost", "Closed.", 503}}}};
  const ProblemBook book = MakeProblemBook(catalog);
  const auto& lost = book.at("parcel.lost");
  ASSERT_EQ(lost.size(), 2U);
  EXPECT_EQ(lost[0].by, "parcel.send, parcel.find");
  EXPECT_EQ(lost[1].status, 503);
  const HttpResponse page = RenderMeaning("parcel.lost", lost);
  EXPECT_EQ(page.status, 200);
  EXPECT_THAT(page.body, ::testing::HasSubstr(R"("about":"It is lost.")"));
  EXPECT_THAT(page.body, ::testing::HasSubstr(R"("also":[{"title":"Service Unavailable")"));
}

}  // namespace
}  // namespace reprise::runtime
