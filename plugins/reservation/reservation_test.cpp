#include "reservation.cpp"

#include <gtest/gtest.h>

#include <reprise/testkit.hpp>

namespace reprise::reservation {
namespace {

constexpr const char* kRow = "SELECT status FROM reservation_row WHERE id = 'R1'";
constexpr const char* kVersion = "SELECT version FROM reservation_seat WHERE seat = 'A-1'";

HoldIn Wanted(const std::string& id = "R1", const std::string& seat = "A-1",
              const std::string& user = "u1") {
  return {.reservationId = id, .seatId = seat, .userId = user, .price = 50'000};
}
const PayIn kPay{.reservationId = "R1"};
const OfSeat kSeat{.reservationId = "R1", .seatId = "A-1"};

// ---------------------------------------------------------------- hold

TEST(Hold, GivesAFreeSeatUntilItsTimeIsOver) {
  Kit<Hold> kit{{.for_ = 5min}};
  const Ran ran = kit.Do(Wanted());
  EXPECT_EQ(ran.event, "held") << ran;
  EXPECT_EQ(ran.added.Int("version"), 1);
  EXPECT_EQ(ran.added.Text("expiresAt"), Rfc3339(kit.Now() + 5min));
  EXPECT_EQ(kit.Sql("SELECT id, seat, customer, price, status FROM reservation_row"),
            "R1|A-1|u1|50000|held");
}

TEST(Hold, RejectsASeatThatSomebodyHas) {
  Kit<Hold> kit;
  kit.Do(Wanted());
  const Ran ran = kit.Do(Wanted("R2", "A-1", "u2"));
  EXPECT_TRUE(ran.done());
  EXPECT_EQ(ran.event, "rejected");
  EXPECT_EQ(ran.added.Text("reason"), "seat_taken");
  EXPECT_EQ(kit.Sql("SELECT id, status FROM reservation_row ORDER BY id"), "R1|held\nR2|rejected");
  EXPECT_EQ(kit.Sql(kVersion), "1");
}

TEST(Hold, GivesASeatAgainWithAHigherVersion) {
  Kit<Hold> kit;
  kit.Do(Wanted());
  EXPECT_TRUE(kit.Undo().done());
  EXPECT_EQ(kit.Sql(kRow), "cancelled");
  EXPECT_EQ(kit.Do(Wanted("R2")).added.Int("version"), 3);
}

TEST(Hold, WaitsWithItsUndoWhileItIsBeingPaidFor) {
  Kit<Hold> kit;
  Kit<Claim> claim{kit};
  kit.Do(Wanted());
  claim.Do(kPay);
  EXPECT_TRUE(kit.Undo().later());
  EXPECT_EQ(kit.Sql(kRow), "paying");
}

TEST(Hold, KeepsWhatIsPaidOrExpired) {
  Kit<Hold> kit;
  kit.Do(Wanted());
  for (const std::string status : {"paid", "expired"}) {
    kit.Sql("UPDATE reservation_row SET status = $1", status);
    EXPECT_TRUE(kit.Undo().kept());
    EXPECT_EQ(kit.Sql(kRow), status);
  }
}

TEST(Hold, HasNothingToUndoWhenItWasRejected) {
  Kit<Hold> kit;
  kit.Do(Wanted());
  kit.Do(Wanted("R2"));
  EXPECT_TRUE(kit.Undo().done());
  EXPECT_EQ(kit.Sql("SELECT id, status FROM reservation_row ORDER BY id"), "R1|held\nR2|rejected");
}

TEST(Hold, DecidesAWholeBatchAtOnce) {
  Kit<Hold> kit;
  kit.Do(Wanted("R0", "A-2"));
  const auto ran = kit.DoAll({Wanted("R1", "A-1"), Wanted("R2", "A-2"), Wanted("R3", "A-3")});
  EXPECT_TRUE(kit.batched());
  EXPECT_EQ(ran[0].event, "held");
  EXPECT_EQ(ran[1].event, "rejected");
  EXPECT_EQ(ran[2].added.Int("version"), 1);
  EXPECT_EQ(kit.Sql("SELECT id, status FROM reservation_row ORDER BY id"),
            "R0|held\nR1|held\nR2|rejected\nR3|held");
}

TEST(Hold, GivesASeatThatABatchNamesTwiceToOne) {
  Kit<Hold> kit;
  const auto ran = kit.DoAll({Wanted("R1"), Wanted("R2")});
  EXPECT_FALSE(kit.batched());
  EXPECT_EQ(ran[0].event, "held");
  EXPECT_EQ(ran[1].event, "rejected");
}

TEST(Hold, KeepsTheLaws) {
  Kit<Hold> kit;
  EXPECT_EQ(kit.Laws(std::vector{Wanted("R1", "A-1"), Wanted("R2", "A-2")}), kLawful);
  kit.Do(Wanted("R0"));
  EXPECT_EQ(kit.Laws(std::vector{Wanted("R1", "A-1"), Wanted("R2", "A-2")}), kLawful);
}

// ---------------------------------------------------------------- claim and confirm

class PayingTest : public testing::Test {
 protected:
  PayingTest() { hold_.Do(Wanted()); }

  /// What follows is of this payment's saga.
  void Payment(const std::string& saga) {
    claim_.InSaga(saga);  // the kits share their host
  }

  Kit<Hold> hold_{{.for_ = 5min}};
  Kit<Claim> claim_{hold_};
  Kit<Confirm> confirm_{hold_};
  Kit<Expire> expire_{hold_};
};

TEST_F(PayingTest, ClaimsWhatIsHeld) {
  const Ran ran = claim_.Do(kPay);
  EXPECT_EQ(ran.event, "claimed");
  EXPECT_EQ(ran.added.Int("version"), 2);
  EXPECT_EQ(hold_.Sql(kRow), "paying");
}

TEST_F(PayingTest, ClaimsNothingTwiceNorLate) {
  claim_.Do(kPay);
  EXPECT_EQ(claim_.Do(kPay).code, "not_payable");
  claim_.UndoUnknown({.reservationId = "R1"});  // of another saga: not its claim
  EXPECT_EQ(hold_.Sql(kRow), "paying");
}

TEST_F(PayingTest, RefusesAClaimFromTheDeadlineOn) {
  claim_.Advance(5min);
  EXPECT_EQ(claim_.Do(kPay).code, "not_payable");
  EXPECT_EQ(claim_.Do({.reservationId = "unknown"}).code, "not_payable");
}

TEST_F(PayingTest, GivesAClaimBack) {
  claim_.Do(kPay);
  EXPECT_TRUE(claim_.Undo().done());
  EXPECT_EQ(hold_.Sql(kRow), "held");
  EXPECT_EQ(hold_.Sql(kVersion), "3");
}

TEST_F(PayingTest, ConfirmsItsOwnClaimOnly) {
  Payment("P1");
  claim_.Do(kPay);
  Payment("P2");
  EXPECT_EQ(confirm_.Do(kPay).code, "not_paying");
  Payment("P1");
  const Ran ran = confirm_.Do(kPay);
  EXPECT_EQ(ran.event, "confirmed");
  EXPECT_EQ(ran.added.Int("version"), 3);
  EXPECT_EQ(hold_.Sql(kRow), "paid");
}

TEST_F(PayingTest, TakesAPaymentBackStepByStep) {
  Payment("P1");
  claim_.Do(kPay);
  confirm_.Do(kPay);
  EXPECT_TRUE(confirm_.Undo().done());
  EXPECT_EQ(hold_.Sql(kRow), "paying");
  EXPECT_TRUE(claim_.Undo().done());
  EXPECT_EQ(hold_.Sql(kRow), "held");
  Payment("P2");
  EXPECT_TRUE(claim_.Do(kPay).done());
}

TEST_F(PayingTest, GivesAClaimBackAlthoughTheUndoOfItsConfirmationIsStuck) {
  claim_.Do(kPay);
  confirm_.Do(kPay);
  EXPECT_TRUE(claim_.Undo().done());
  EXPECT_EQ(hold_.Sql(kRow), "held");
  EXPECT_TRUE(confirm_.Undo().done());  // a person retries it: it is too late to matter
  EXPECT_EQ(hold_.Sql(kRow), "held");
}

TEST_F(PayingTest, ClaimKeepsTheLaws) {
  EXPECT_EQ(claim_.Laws(kPay), kLawful);
}

TEST_F(PayingTest, ConfirmKeepsTheLaws) {
  Payment("P1");
  claim_.Do(kPay);
  EXPECT_EQ(confirm_.Laws(kPay), kLawful);
}

// ---------------------------------------------------------------- expire

TEST_F(PayingTest, ExpiresWhatIsHeldAndDueNotBefore) {
  expire_.Advance(5min - 1ms);
  const Ran early = expire_.Do(kSeat);
  EXPECT_TRUE(early.later());
  EXPECT_EQ(early.after, 1ms);
  expire_.Advance(1ms);
  const Ran ran = expire_.Do(kSeat);
  EXPECT_EQ(ran.event, "expired");
  EXPECT_EQ(ran.added.Int("version"), 2);
  EXPECT_EQ(hold_.Sql(kRow), "expired");
  EXPECT_TRUE(expire_.Undo().kept());
}

TEST_F(PayingTest, LeavesAloneWhatIsBeingPaidFor) {
  claim_.Do(kPay);
  expire_.Advance(10min);
  const Ran ran = expire_.Do(kSeat);
  EXPECT_TRUE(ran.done());
  EXPECT_EQ(ran.event, "");
  EXPECT_TRUE(expire_.Undo().done());
  EXPECT_EQ(hold_.Sql(kRow), "paying");
}

TEST_F(PayingTest, ExpiresAfterAPaymentWasTakenBack) {
  claim_.Do(kPay);
  expire_.Advance(10min);
  expire_.Do(kSeat);
  claim_.Undo();
  EXPECT_EQ(expire_.Do(kSeat).event, "expired");
  EXPECT_EQ(expire_.Do(kSeat).event, "");
}

TEST_F(PayingTest, ExpiresAWholeBatchAtOnce) {
  hold_.Do(Wanted("R2", "A-2"));
  claim_.Do({.reservationId = "R2"});
  hold_.Do(Wanted("R3", "A-3"));
  expire_.Advance(5min);
  const auto ran = expire_.DoAll({kSeat, {"R2", "A-2"}, {"R3", "A-3"}, {"R4", "A-4"}});
  EXPECT_TRUE(expire_.batched());
  EXPECT_EQ(ran[0].event, "expired");
  EXPECT_EQ(ran[1].event, "");
  EXPECT_EQ(ran[2].added.Int("version"), 2);
  EXPECT_EQ(ran[3].event, "");
  EXPECT_EQ(hold_.Sql("SELECT status FROM reservation_row ORDER BY id"),
            "expired\npaying\nexpired");
}

TEST_F(PayingTest, ExpireKeepsTheLaws) {
  hold_.Do(Wanted("R2", "A-2"));
  expire_.Advance(5min);
  EXPECT_EQ(expire_.Laws(std::vector<OfSeat>{kSeat, {"R2", "A-2"}}), kLawful);
  claim_.Do(kPay);
  EXPECT_EQ(expire_.Laws({.reservationId = "none", .seatId = "A-1"}), kLawful);
}

// ---------------------------------------------------------------- questions

TEST_F(PayingTest, SaysWhichSeatsAreTaken) {
  EXPECT_EQ(hold_.Ask<Available>({.seatId = "A-1"}).http, 409);
  EXPECT_EQ(hold_.Ask<Available>({.seatId = "A-1"}).code, "seat_taken");
  EXPECT_TRUE(hold_.Ask<Available>({.seatId = "A-2"}).added());
  hold_.Undo();
  EXPECT_TRUE(hold_.Ask<Available>({.seatId = "A-1"}).added());
}

TEST_F(PayingTest, SaysWhatCanBePaidForAndWhatItCosts) {
  const PayableIn mine{.reservationId = "R1", .userId = "u1"};
  EXPECT_EQ(hold_.Ask<Payable>(mine).fields.Text("seatId"), "A-1");
  EXPECT_EQ(hold_.Ask<Payable>(mine).fields.Int("amount"), 50'000);
  EXPECT_EQ(hold_.Ask<Payable>({.reservationId = "R1", .userId = "u2"}).http, 404);
  EXPECT_EQ(hold_.Ask<Payable>({.reservationId = "R2", .userId = "u1"}).code,
            "no_such_reservation");
  claim_.Do(kPay);
  EXPECT_EQ(hold_.Ask<Payable>(mine).http, 409);
  claim_.Undo();
  hold_.Advance(5min);
  EXPECT_EQ(hold_.Ask<Payable>(mine).code, "not_payable");
}

std::string StatusOf(Kit<Hold>& kit, const std::string& id = "R1") {
  const Asked asked = kit.Ask<ShowStatus>({.id = id, .userId = "u1"});
  return asked.refused() ? asked.code : asked.fields.Text("status");
}

TEST_F(PayingTest, ShowsEveryStateOfARow) {
  EXPECT_EQ(hold_.Ask<ShowStatus>({.id = "R1", .userId = "u1"}).body,
            R"({"reservationId":"R1","seatId":"A-1","userId":"u1","status":"HELD","expiresAt":")" +
                Rfc3339(hold_.Now() + 5min) + "\"}");
  Payment("P1");
  claim_.Do(kPay);
  EXPECT_EQ(StatusOf(hold_), "PAYING");
  confirm_.Do(kPay);
  EXPECT_EQ(StatusOf(hold_), "CONFIRMED");
  hold_.Sql("UPDATE reservation_row SET status = 'expired'");
  EXPECT_EQ(StatusOf(hold_), "EXPIRED");
  hold_.Sql("UPDATE reservation_row SET status = 'cancelled'");
  EXPECT_EQ(StatusOf(hold_), "CANCELLED");
}

TEST_F(PayingTest, ShowsARejectedOneWithoutATime) {
  hold_.Do(Wanted("R2"));
  EXPECT_EQ(
      hold_.Ask<ShowStatus>({.id = "R2", .userId = "u1"}).body,
      R"({"reservationId":"R2","seatId":"A-1","userId":"u1","status":"REJECTED","expiresAt":null})");
}

TEST_F(PayingTest, ShowsASagaThatHasNoRowYet) {
  for (const auto& [state, status] : std::map<std::string, std::string>{{"running", "PENDING"},
                                                                        {"undoing", "PENDING"},
                                                                        {"done", "CANCELLED"},
                                                                        {"undone", "CANCELLED"}}) {
    hold_.Saga("R9", state, {{"seatId", "A-9"}, {"userId", "u1"}});
    EXPECT_EQ(StatusOf(hold_, "R9"), status);
  }
}

TEST_F(PayingTest, ShowsNobodyAnothersReservation) {
  hold_.Saga("R9", "running", {{"seatId", "A-9"}, {"userId", "u2"}});
  EXPECT_EQ(StatusOf(hold_, "R9"), "no_such_reservation");
  EXPECT_EQ(StatusOf(hold_, "R8"), "no_such_reservation");
  EXPECT_EQ(hold_.Ask<ShowStatus>({.id = "R1", .userId = "u2"}).http, 404);
}

}  // namespace
}  // namespace reprise::reservation
