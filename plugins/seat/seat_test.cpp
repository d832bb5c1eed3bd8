#include "seat.cpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <reprise/testkit.hpp>

namespace reprise::seat {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

Change Of(const std::string& reservation, std::int64_t version, const std::string& seat = "A-1") {
  return {.seatId = seat, .reservationId = reservation, .version = version};
}

class SeatTest : public testing::Test {
 protected:
  std::string Row() {
    return hold_.Sql(
        "SELECT version, reservation, held, sold, status FROM seat_row WHERE seat = 'A-1'");
  }

  Kit<Hold> hold_;
  Kit<Sell> sell_{hold_};
  Kit<Free> free_{hold_};
};

TEST_F(SeatTest, MakesFiftySeatsByDefault) {
  EXPECT_EQ(hold_.Sql("SELECT count(*), min(price), max(price) FROM seat_row"), "50|50000|50000");
  EXPECT_EQ(hold_.Sql("SELECT seat FROM seat_row WHERE place = 10 ORDER BY line"),
            "A-10\nB-10\nC-10\nD-10\nE-10");
}

TEST(SeatStart, NamesRowsBeyondZ) {
  Kit<Hold> kit{{}, {.rows = 28, .per_row = 1, .price = 0}};
  EXPECT_EQ(kit.Sql("SELECT seat FROM seat_row WHERE line IN (25, 26, 27) ORDER BY line"),
            "Z-1\nAA-1\nAB-1");
}

TEST_F(SeatTest, HoldsAndSells) {
  EXPECT_EQ(hold_.Do(Of("R1", 1)).event, "held");
  EXPECT_EQ(Row(), "1|R1|1|0|HELD");
  EXPECT_EQ(sell_.Do(Of("R1", 2)).event, "sold");
  EXPECT_EQ(Row(), "2|R1|1|1|SOLD");
}

TEST_F(SeatTest, AppliesOnlyWhatIsNewer) {
  free_.Do(Of("R1", 5));
  EXPECT_EQ(hold_.Do(Of("R1", 1)).event, "skipped");
  EXPECT_EQ(hold_.Do(Of("R2", 5)).event, "skipped");
  EXPECT_EQ(sell_.Do(Of("R1", 4)).event, "sold");
  EXPECT_EQ(free_.Do(Of("R1", 5)).event, "skipped");
  EXPECT_EQ(Row(), "5|R1|0|0|FREE");
}

TEST_F(SeatTest, BeginsAnotherReservationFromNeitherMark) {
  sell_.Do(Of("R1", 1));
  hold_.Do(Of("R2", 2));
  EXPECT_EQ(Row(), "2|R2|1|0|HELD");
  sell_.Do(Of("R3", 3));
  EXPECT_EQ(Row(), "3|R3|0|1|SOLD");
}

TEST_F(SeatTest, UndoesItsOwnMarkAndNeverLowersTheVersion) {
  hold_.Do(Of("R1", 1));
  sell_.Do(Of("R1", 2));
  EXPECT_TRUE(sell_.Undo().done());
  EXPECT_EQ(Row(), "2|R1|1|0|HELD");
  EXPECT_TRUE(hold_.Undo().done());
  EXPECT_EQ(Row(), "2|R1|0|0|FREE");
}

TEST_F(SeatTest, UndoesAHoldThatIsSoldMeanwhile) {
  hold_.Do(Of("R1", 1));
  sell_.Do(Of("R1", 2));
  hold_.Undo();
  EXPECT_EQ(Row(), "2|R1|0|1|SOLD");
}

TEST_F(SeatTest, LeavesTheMarkOfALaterSaleAloneWhenAnEarlierOneIsTakenBackLate) {
  hold_.Do(Of("R1", 1));
  sell_.Do(Of("R1", 2));  // its undo is stuck; the points are given back, and it is paid for again
  Kit<Sell> again{hold_};
  again.Do(Of("R1", 4));
  EXPECT_TRUE(sell_.Undo().done());
  EXPECT_EQ(Row(), "4|R1|1|1|SOLD");
  EXPECT_TRUE(again.Undo().done());
  EXPECT_EQ(Row(), "4|R1|1|0|HELD");
}

TEST_F(SeatTest, LeavesAnotherReservationsMarksAlone) {
  hold_.Do(Of("R1", 1));
  Kit<Hold> other{sell_};
  other.Do(Of("R2", 4));
  hold_.Undo();
  sell_.UndoNever(Of("R1", 2));
  EXPECT_EQ(Row(), "4|R2|1|0|HELD");
}

TEST_F(SeatTest, KeepsWhatItFreed) {
  hold_.Do(Of("R1", 1));
  EXPECT_EQ(free_.Do(Of("R1", 2)).event, "freed");
  EXPECT_TRUE(free_.Undo().kept());
  EXPECT_EQ(Row(), "2|R1|0|0|FREE");
}

TEST_F(SeatTest, FailsForSeatsThatAreNone) {
  EXPECT_EQ(hold_.Do(Of("R1", 1, "Z-99")).code, "no_such_seat");
  EXPECT_EQ(sell_.Do(Of("R1", 1, "Z-99")).code, "no_such_seat");
  EXPECT_EQ(free_.Do(Of("R1", 1, "Z-99")).code, "no_such_seat");
}

TEST_F(SeatTest, HoldsAWholeBatchAtOnce) {
  hold_.DoAll({Of("R1", 1, "A-1"), Of("R2", 1, "A-2")});
  EXPECT_TRUE(hold_.batched());
  EXPECT_EQ(
      hold_.Sql("SELECT seat, reservation, status FROM seat_row WHERE held = 1 ORDER BY seat"),
      "A-1|R1|HELD\nA-2|R2|HELD");
  const auto ran = hold_.DoAll({Of("R3", 1, "A-1"), Of("R4", 1, "A-3")});
  EXPECT_FALSE(hold_.batched());
  EXPECT_EQ(ran[0].event, "skipped");
  EXPECT_EQ(ran[1].event, "held");
}

TEST_F(SeatTest, KeepsTheLaws) {
  EXPECT_EQ(hold_.Laws(std::vector{Of("R1", 1, "A-1"), Of("R2", 1, "A-2")}), kLawful);
  hold_.Do(Of("R1", 1));
  EXPECT_EQ(sell_.Laws(Of("R1", 2)), kLawful);
  EXPECT_EQ(free_.Laws(Of("R1", 2)), kLawful);
}

TEST_F(SeatTest, ListsSeatsInTheirOrder) {
  hold_.Do(Of("R1", 1));
  sell_.Do(Of("R2", 1, "A-2"));
  const std::string body = hold_.Ask<List>().body;
  EXPECT_THAT(
      body,
      StartsWith(
          R"([{"seatId":"A-1","price":50000,"status":"HELD"},{"seatId":"A-2","price":50000,"status":"SOLD"},)"));
  EXPECT_THAT(body, HasSubstr(R"("A-9","price":50000,"status":"FREE"},{"seatId":"A-10")"));
}

TEST_F(SeatTest, KnowsWhatIsASeatAndItsPrice) {
  EXPECT_EQ(hold_.Ask<Exists>({.seatId = "E-10"}).fields.Int("price"), 50'000);
  EXPECT_EQ(hold_.Ask<Exists>({.seatId = "F-1"}).http, 404);
  EXPECT_EQ(hold_.Ask<Exists>({.seatId = "F-1"}).code, "no_such_seat");
}

}  // namespace
}  // namespace reprise::seat
