#include "base/log.h"

#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace reprise::runtime {
namespace {

using testing::HasSubstr;
using testing::Not;

const Time kAt = FromMillis(1'767'225'600'031);

std::string Text(std::string_view text, LogFields fields = {}) {
  return LogLine(LogFormat::kText, LogLevel::kInfo, kAt, text, fields);
}
std::string Json(std::string_view text, LogFields fields = {}) {
  return LogLine(LogFormat::kJson, LogLevel::kWarn, kAt, text, fields);
}

TEST(Log, WritesALineForPeople) {
  EXPECT_EQ(Text("step failed", {{"saga", "7f3a"}, {"attempt", 2}, {"why", "no such seat"}}),
            "2026-01-01T00:00:00.031Z info  step failed saga=7f3a attempt=2 why=\"no such seat\"");
}

TEST(Log, WritesALineForMachines) {
  EXPECT_EQ(
      Json("step failed", {{"saga", "7f3a"}, {"attempt", 2}, {"ok", false}, {"rate", 0.5}}),
      R"({"ts":"2026-01-01T00:00:00.031Z","level":"warn","msg":"step failed","saga":"7f3a","attempt":2,)"
      R"("ok":false,"rate":0.5})");
}

TEST(Log, KeepsForgedLinesOnTheirOwnLine) {
  const std::string forged = "x\n2026-01-01 error everything is lost\r\x1b[2J";
  for (const std::string& line :
       {Text(forged), Text("m", {{"k", forged}}), Json(forged), Json("m", {{"k", forged}})}) {
    EXPECT_THAT(line, Not(HasSubstr("\n")));
    EXPECT_THAT(line, Not(HasSubstr("\r")));
    EXPECT_THAT(line, Not(HasSubstr("\x1b")));
    EXPECT_THAT(line, HasSubstr("\\n"));
    EXPECT_THAT(line, HasSubstr("\\u001b"));
  }
}

TEST(Log, CannotBeToldAFieldThatIsNone) {
  EXPECT_THAT(Text("m", {{"user", "u1 admin=true"}}), HasSubstr("user=\"u1 admin=true\""));
  EXPECT_THAT(Text("m", {{"user", "u1\" admin=\"true"}}), HasSubstr(R"(user="u1\" admin=\"true")"));
}

TEST(Log, EscapesNulDeleteLineSeparatorsAndTextDirection) {
  const std::string nasty("a\0b\x7F\xC2\x85\xE2\x80\xA8\xE2\x80\xAE", 12);
  EXPECT_THAT(Json(nasty), HasSubstr(R"("a\u0000b\u007f\u0085\u2028\u202e")"));
}

TEST(Log, KeepsUtf8AndReplacesWhatIsNot) {
  EXPECT_THAT(Json("예약 \xF0\x9F\x8E\xAB"), HasSubstr("예약 \xF0\x9F\x8E\xAB"));
  EXPECT_THAT(Json("a\xFF\xC0\xAF\xED\xA0\x80z"), HasSubstr("\"a\xEF\xBF\xBD"));
  EXPECT_THAT(Json("a\xFFz"), HasSubstr("\"a\xEF\xBF\xBDz\""));
  EXPECT_THAT(Json("cut \xE2\x82"), HasSubstr("cut \xEF\xBF\xBD"));
}

TEST(Log, LeavesOutWhatIsBelowItsLevel) {
  const LogCapture capture;
  SetLogLevel(LogLevel::kWarn);
  Log(LogLevel::kInfo, "quiet");
  Log(LogLevel::kError, "loud");
  SetLogLevel(LogLevel::kInfo);
  EXPECT_THAT(capture.Text(), Not(HasSubstr("quiet")));
  EXPECT_THAT(capture.Text(), HasSubstr("loud\n"));
}

TEST(Log, WritesWholeLinesFromManyThreads) {
  const LogCapture capture;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([] {
      for (int i = 0; i < 200; ++i) Log(LogLevel::kInfo, "line", {{"end", "here"}});
    });
  }
  for (std::thread& thread : threads) thread.join();
  const std::string text = capture.Text();
  std::size_t lines = 0;
  for (std::size_t at = 0; (at = text.find("line end=here\n", at)) != std::string::npos; ++at)
    ++lines;
  EXPECT_EQ(lines, 800U);
}

TEST(Log, KnowsItsLevelsByName) {
  EXPECT_EQ(ParseLogLevel("warn"), LogLevel::kWarn);
  EXPECT_EQ(ParseLogLevel("WARN"), std::nullopt);
  EXPECT_EQ(Name(LogLevel::kDebug), "debug");
}

}  // namespace
}  // namespace reprise::runtime
