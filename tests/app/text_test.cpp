// What people see, letter by letter, for fixed data.

#include <sstream>

#include <gtest/gtest.h>

#include "admin/letters.h"
#include "admin/sagas.h"
#include "admin/two_steps.h"
#include "app/dlq_text.h"
#include "app/doctor_text.h"
#include "app/line_file.h"
#include "app/saga_text.h"
#include "app/terminal.h"

namespace reprise::runtime {
namespace {

class TextTest : public ::testing::Test {
 protected:
  TextTest() { Fill(journal); }

  std::string Timeline(const std::string& id, Query query = {}) {
    return SagaTimeline(ShowSagaJson(journal, view, id, query).body, Look{});
  }

  FakeJournal journal;
  PluginCatalog catalog = ShopCatalog();
  View view = ViewOf(TwoSteps(), catalog);
};

TEST_F(TextTest, ListsSagas) {
  EXPECT_EQ(SagaTable(ListSagasJson(journal, view, {}).body, Look{}),
            R"(ID             PIPELINE  SUBJECT  STATE       STEP        TRY   NEXT  AGE  LAST ERROR
019b76da-a804  order     o-4      ‖ held      second      8/8   –     4m   declined
019b76da-a803  order     o-3      ✋ stuck    undo first  8/20  –     3m   locked: row is locked
019b76da-a802  order     o-2      ↻ retrying  second      4/8   6s    2m   retry: connection refused
019b76da-a801  order     o-1      ✓ done      –           –     –     1m   –
)");
}

TEST_F(TextTest, ShowsDoAndUndoAndWhoDidWhat) {
  EXPECT_EQ(Timeline("019b76da-a803"),
            R"(019b76da-a803-7000-8000-000000000003  order  o-3  ✋ stuck  3m  declined
  t+     STEP    DO       UNDO       DETAIL
  0.010  first   ✓ 4 ms   ✗ 8 tries  locked: row is locked
  0.020  second  ✗ 1 try  –          declined
  3.120  ✗ second failed  declined: no points
  9.000  kim@ops: retry first (stuck -> undoing)  "lock is gone"
  2m59s  ✋ stuck
)");
}

TEST_F(TextTest, ShowsWhatIsStillToCome) {
  journal.sagas[1].due.push_back({.saga = journal.sagas[1].saga.id,
                                  .step = 0,
                                  .kind = DueKind::kTimer,
                                  .event = "due",
                                  .due = kNow + Millis(272'000)});
  EXPECT_EQ(Timeline("019b76da-a802"),
            R"(019b76da-a802-7000-8000-000000000002  order  o-2  ↻ retrying  2m
  t+     STEP    DO                 UNDO  DETAIL
  0.010  first   ✓ 4 ms             –     ⏲ due in 4m
  0.020  second  ↻ 4/8, next in 6s  –     retry: connection refused
)");
}

TEST_F(TextTest, SaysWhatToDoNext) {
  const json::object stuck = ShowSagaJson(journal, view, "019b76da-a803", {}).body;
  EXPECT_EQ(NextForSaga(stuck, ""),
            "reprise saga retry 019b76da-a803-7000-8000-000000000003 first   ·   "
            "reprise saga resolve 019b76da-a803-7000-8000-000000000003 first");
  const json::object done = ShowSagaJson(journal, view, "019b76da-a801", {}).body;
  EXPECT_EQ(NextForSaga(done, " --server x"),
            "reprise saga undo 019b76da-a801-7000-8000-000000000001 --server x");
}

TEST_F(TextTest, LetsNoOneSteerTheTerminal) {
  journal.sagas[0].saga.subject = "o\x1b[2J\n1";
  EXPECT_EQ(SagaTable(ListSagasJson(journal, view, {}).body, Look{}).find('\x1b'),
            std::string::npos);
  EXPECT_EQ(Timeline("019b76da-a801").find('\x1b'), std::string::npos);
}

TEST_F(TextTest, GroupsDeadLetters) {
  for (int i = 1; i <= 2; ++i) {
    DeadLetter letter;
    letter.id = i;
    letter.pipeline = "order";
    letter.step = "note";
    letter.phase = "do";
    letter.event = "first.held";
    letter.code = "gave_up";
    letter.detail = "HTTP 429";
    letter.side = true;
    letter.attempts = 8;
    letter.payload = R"({"orderId":"o-1"})";
    letter.at = kNow + Millis(i * 1000);
    journal.letters.push_back(letter);
  }
  const std::string group = LetterGroup(journal.letters[0]);
  EXPECT_EQ(
      GroupTable(ListLettersJson(journal, view, {}).body, Look{}),
      "GROUP    COUNT  FIRST     LAST      PIPELINE  STEP  CLASS                      ERROR\n" +
          group +
          "  2      00:00:01  00:00:02  order     note  side step: safe to replay  gave_up: HTTP "
          "429\n");
  EXPECT_EQ(LetterText(ShowLetterJson(journal, view, "1").body, Look{}),
            "dead letter 1  order/note  do first.held  2026-01-01T00:00:01.000Z  new\n"
            "  saga – (none)   key    attempts 8   group " +
                group +
                "\n"
                "  gave_up: HTTP 429\n"
                "  {\"orderId\":\"o-1\"}\n");
}

TEST(Table, AlignsByWhatATerminalShows) {
  Table table({"A", "B"});
  table.Add({"✓", "x"});
  table.Add({"한국", "y"});
  EXPECT_EQ(table.Text(Look{}), "A     B\n✓     x\n한국  y\n");
}

TEST(Table, CutsLinesToTheTerminal) {
  Table table({"A", "B"});
  table.Add({"1", "a long error message"});
  EXPECT_EQ(table.Text(Look{.width = 10}), "A  B\n1  a long…\n");
}

TEST(Table, ColoursOnlyWhereAsked) {
  EXPECT_EQ(Tinted(Look{}, Tint::kBad, "x"), "x");
  EXPECT_EQ(Tinted(Look{.colour = true}, Tint::kBad, "x"), "\x1b[31mx\x1b[0m");
  EXPECT_EQ(Columns("\x1b[31mx\x1b[0m"), 1U);
}

TEST(Progress, DrawsABar) {
  EXPECT_EQ(Progress::Line("replay", 31, 41, "ok 31"), "replay  ███████████████░░░░░ 31/41  ok 31");
  EXPECT_EQ(Progress::Line("publish", 0, 0, ""), "publish  ░░░░░░░░░░░░░░░░░░░░ 0/0  ");
}

TEST(Numbers, AreForPeople) {
  EXPECT_EQ(Grouped(48112), "48,112");
  EXPECT_EQ(Grouped(-1000), "-1,000");
  EXPECT_EQ(Grouped(999), "999");
  EXPECT_EQ(Age(Millis(41'900)), "41s");
  EXPECT_EQ(Age(Millis(11'100'000)), "3h05m");
  EXPECT_EQ(Age(Millis(187'200'000)), "2d4h");
  EXPECT_EQ(Age(Millis(-5)), "0s");
  EXPECT_EQ(Took(Millis(3100)), "3.1 s");
  EXPECT_EQ(Took(Millis(252'000)), "4m12s");
}

TEST(LineFile, CountsWhatCameBeforeAndSkipsEmptyLines) {
  std::istringstream in("\xEF\xBB\xBF{\"a\":1}\r\n\n{\"b\":2}\n{\"a\":1}");
  LineFile file(in);
  const auto first = file.Next(2, 1000);
  ASSERT_EQ(first.size(), 2U);
  EXPECT_EQ(first[0].text, "{\"a\":1}");
  EXPECT_EQ(first[1].number, 3U);
  const auto second = file.Next(2, 1000);
  ASSERT_EQ(second.size(), 1U);
  EXPECT_EQ(second[0].nth, 1U);
  EXPECT_EQ(second[0].number, 4U);
  EXPECT_TRUE(file.Next(2, 1000).empty());
}

TEST(Doctor, ReadsTheChecksOfReadyz) {
  const auto findings = ReadReadyText(
      "[+]disk ok: 12 MiB free in /data\n[-]lanes failed: none: at all\nreadyz check failed\n");
  ASSERT_EQ(findings.size(), 2U);
  EXPECT_EQ(findings[0].words, "12 MiB free in /data");
  EXPECT_EQ(findings[1].what, "lanes");
  EXPECT_EQ(findings[1].words, "none: at all");
  EXPECT_TRUE(HasBad(findings));
}

}  // namespace
}  // namespace reprise::runtime
