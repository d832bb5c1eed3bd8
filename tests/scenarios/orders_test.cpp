// Orders that broke earlier rules of the rows, on the real plugins.  Each is named for the rule
// that it breaks when it is taken away.

#include "concert.h"

namespace reprise::runtime {
namespace {

class Orders : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    concert_ = std::make_unique<Concert>(GetParam());
    ASSERT_TRUE(concert_->ok());
    concert_->Join({"u1", "u2"});
  }

  std::string Hold(const std::string& user = "u1") {
    const std::string id = concert_->Reserve(user, "A-1");
    deadline_ = concert_->Now() + kHold;
    return id;
  }

  /// hold-seat fails for good, so the whole reservation is undone; the undo of its reserve is still
  /// on its way.
  std::string HoldThatIsBeingUndone() {
    concert_->Break("reservation/hold-seat.do");
    concert_->Delay("reservation/reserve.undo");
    return Hold();
  }

  std::unique_ptr<Concert> concert_;
  Time deadline_;
};

TEST_P(Orders, NoLapse_APaymentTakenBackAfterItsReservationsSagaEnded) {
  const std::string r = Hold();
  const std::string payment = concert_->Pay("u1", r);
  concert_->Advance(kHold + kMinute);
  concert_->Undo(payment);
  EXPECT_EQ(concert_->Status(r), "expired");
  EXPECT_EQ(concert_->Seat("A-1"), "FREE");
  concert_->End();
}

TEST_P(Orders, NoVersion_AHoldThatComesAfterItsSeatWasFreed) {
  concert_->Delay("reservation/hold-seat.do");
  const std::string r = Hold();
  concert_->Jump(deadline_);
  EXPECT_EQ(concert_->Status(r), "expired");
  concert_->Let("reservation/hold-seat.do");
  EXPECT_EQ(concert_->Seat("A-1"), "FREE");
  concert_->Quiet();
  concert_->End();
}

TEST_P(Orders, NoVersion_AnOldHoldThatComesAfterTheNextOnesSale) {
  concert_->Delay("reservation/hold-seat.do", "u1");
  concert_->Delay("reservation/free-seat.do", "u1");
  Hold();
  concert_->Jump(deadline_);
  concert_->Pay("u2", Hold("u2"));
  concert_->Let("reservation/hold-seat.do");
  concert_->Let("reservation/free-seat.do");
  EXPECT_EQ(concert_->Seat("A-1"), "SOLD");
  concert_->Quiet();
  concert_->End();
}

TEST_P(Orders, ClockUndo_TheDeadlineComesWhileAPaymentIsBeingTakenBack) {
  const std::string r = Hold();
  concert_->Advance(kHold - kMs);
  concert_->Delay("payment/claim.undo");
  concert_->Break("payment/confirm-seat.do");
  concert_->Pay("u1", r);
  EXPECT_EQ(concert_->Status(r), "paying");
  concert_->Jump(deadline_);
  EXPECT_EQ(concert_->Status(r), "paying");
  EXPECT_EQ(concert_->Request(concert_->AsksFor("u2", "A-1")).status, 409);
  concert_->Let("payment/claim.undo");
  EXPECT_EQ(concert_->Status(r), "expired");
  concert_->Quiet();
  concert_->Free("payment/confirm-seat.do");
  concert_->End();
}

TEST_P(Orders, NoLater_TheReservationIsUndoneWhilePaidAndThePaymentIsTakenBackEarly) {
  const std::string r = HoldThatIsBeingUndone();
  concert_->Delay("payment/confirm-reservation.undo");
  concert_->Break("payment/confirm-seat.do");
  concert_->Pay("u1", r);
  EXPECT_EQ(concert_->Status(r), "paid");
  concert_->Let("reservation/reserve.undo");
  EXPECT_EQ(concert_->Status(r), "paid");
  concert_->Let("payment/confirm-reservation.undo");
  EXPECT_EQ(concert_->Status(r), "held");
  EXPECT_EQ(concert_->LastTold("u1"), "payment.refunded");
  concert_->Jump(deadline_ - kMs);
  EXPECT_EQ(concert_->Status(r), "held");
  concert_->Jump(deadline_);
  EXPECT_EQ(concert_->Status(r), "expired");
  concert_->Quiet();
  concert_->Free("payment/confirm-seat.do");
  concert_->Free("reservation/hold-seat.do");
  concert_->End();
}

TEST_P(Orders, Lowers_ALateHoldAndAnUndoneOneOfTheNextReservation) {
  concert_->Delay("reservation/hold-seat.do", "u1");
  concert_->Delay("reservation/free-seat.do", "u1");
  const std::string first = Hold();
  concert_->Jump(deadline_);
  EXPECT_EQ(concert_->Status(first), "expired");
  concert_->Delay("reservation/deadline.do", "u2");
  concert_->Delay("reservation/reserve.undo", "u2");
  const std::string second = Hold("u2");
  EXPECT_EQ(concert_->Seat("A-1"), "HELD");
  concert_->Let("reservation/free-seat.do");
  EXPECT_EQ(concert_->Seat("A-1"), "HELD");
  concert_->Break("reservation/deadline.do", "u2");
  concert_->Advance(4 * kSecond);
  EXPECT_EQ(concert_->Seat("A-1"), "FREE");
  EXPECT_EQ(concert_->Status(second), "held");
  concert_->Let("reservation/hold-seat.do");
  EXPECT_EQ(concert_->Seat("A-1"), "FREE");
  concert_->Free("reservation/reserve.undo");
  concert_->Advance(kMinute);
  EXPECT_EQ(concert_->Status(second), "cancelled");
  EXPECT_EQ(concert_->Seat("A-1"), "FREE");
  concert_->Quiet();
  concert_->Free("reservation/deadline.do");
  concert_->End();
}

TEST_P(Orders, KeptNot_TheReservationIsUndoneAfterItWasPaid) {
  const std::string r = HoldThatIsBeingUndone();
  concert_->Pay("u1", r);
  EXPECT_EQ(concert_->Seat("A-1"), "SOLD");
  concert_->Let("reservation/reserve.undo");
  EXPECT_EQ(concert_->Status(r), "paid");
  EXPECT_EQ(concert_->LastTold("u1"), "payment.confirmed");
  EXPECT_EQ(concert_->Told("u1", "reservation.failed"), 0);
  concert_->Quiet();
  concert_->End();
  EXPECT_EQ(concert_->Status(r), "paid");
}

TEST_P(Orders, NoWave_AClaimIsGivenBackOnlyAfterItsConfirmation) {
  const std::string r = Hold();
  concert_->Advance(kHold - kMs);
  concert_->Delay("payment/confirm-seat.do");
  const std::string payment = concert_->Pay("u1", r);
  concert_->Delay("payment/confirm-reservation.undo");
  concert_->Break("payment/confirm-seat.do");
  concert_->Jump(deadline_ + kSecond);
  EXPECT_EQ(concert_->Status(r), "paid");
  EXPECT_EQ(concert_->Sql("SELECT status FROM payment_taken"), "CAPTURED");
  concert_->Let("payment/confirm-reservation.undo");
  EXPECT_EQ(concert_->Status(r), "expired");
  EXPECT_EQ(concert_->Sql("SELECT status FROM payment_taken"), "REFUNDED");
  concert_->Quiet();
  concert_->Free("payment/confirm-seat.do");
  concert_->End();
}

TEST_P(Orders, OneStatus_ASaleIsUndoneBeforeTheHoldThatCameBeforeIt) {
  concert_->Break("reservation/deadline.do");
  concert_->Delay("reservation/hold-seat.undo");
  const std::string r = Hold();
  EXPECT_EQ(concert_->Seat("A-1"), "HELD");
  concert_->Break("payment/confirm-reservation.do");
  concert_->Pay("u1", r);
  EXPECT_EQ(concert_->Status(r), "held");
  EXPECT_EQ(concert_->Seat("A-1"), "HELD");
  concert_->Let("reservation/hold-seat.undo");
  EXPECT_EQ(concert_->Status(r), "cancelled");
  EXPECT_EQ(concert_->Seat("A-1"), "FREE");
  concert_->Quiet();
  concert_->Free("reservation/deadline.do");
  concert_->Free("payment/confirm-reservation.do");
  concert_->End();
}

TEST_P(Orders, FreeUndo_APersonCancelsAtTheInstantOfTheDeadline) {
  const std::string r = Hold();
  concert_->Advance(kHold - kMs);
  concert_->Delay("reservation/hold-seat.undo");
  concert_->world().clock().Set(deadline_);
  concert_->Undo(r);
  concert_->Let("reservation/hold-seat.undo");
  const std::string status = concert_->Status(r);
  EXPECT_TRUE(status == "expired" || status == "cancelled") << status;
  EXPECT_EQ(concert_->Seat("A-1"), "FREE");
  const std::string last = status == "expired" ? "reservation.expired" : "reservation.failed";
  EXPECT_EQ(concert_->LastTold("u1"), last);
  concert_->Quiet();
  concert_->End();
}

TEST_P(Orders, FreeUndo_APersonCancelsWhileTheReleaseIsOnItsWay) {
  const std::string r = Hold();
  concert_->Delay("reservation/release.do");
  concert_->Jump(deadline_);
  EXPECT_EQ(concert_->Status(r), "held");
  concert_->Undo(r);
  concert_->Let("reservation/release.do");
  EXPECT_EQ(concert_->Status(r), "cancelled");
  EXPECT_EQ(concert_->LastTold("u1"), "reservation.failed");
  concert_->Quiet();
  concert_->End();
}

TEST_P(Orders, PushAny_NewsOfTheHoldComesAfterNewsOfItsEnd) {
  concert_->Delay("reservation/tell-held.do");
  const std::string r = Hold();
  concert_->Jump(deadline_);
  EXPECT_EQ(concert_->LastTold("u1"), "reservation.expired");
  concert_->Let("reservation/tell-held.do");
  EXPECT_EQ(concert_->LastTold("u1"), "reservation.expired");
  EXPECT_EQ(concert_->Told("u1", "reservation.held"), 0);
  concert_->Quiet();
  concert_->End();
}

TEST_P(Orders, ExpiredFailed_TheReservationIsUndoneAfterItExpired) {
  const std::string r = HoldThatIsBeingUndone();
  concert_->Delay("payment/confirm-reservation.do");
  concert_->Jump(deadline_ - kMs);
  concert_->Pay("u1", r);
  concert_->Break("payment/confirm-reservation.do");
  concert_->Jump(deadline_ + kSecond);
  EXPECT_EQ(concert_->Status(r), "expired");
  EXPECT_EQ(concert_->Seat("A-1"), "FREE");
  concert_->Let("reservation/reserve.undo");
  EXPECT_EQ(concert_->Status(r), "expired");
  EXPECT_EQ(concert_->LastTold("u1"), "reservation.expired");
  EXPECT_EQ(concert_->Told("u1", "reservation.failed"), 0);
  concert_->Quiet();
  concert_->Free("reservation/hold-seat.do");
  concert_->Free("payment/confirm-reservation.do");
  concert_->End();
}

TEST_P(Orders, FinalKept_AReleaseThatDidNothingIsNothingKept) {
  concert_->Delay("reservation/hold-seat.do");
  const std::string r = Hold();
  concert_->Jump(deadline_ - kMs);
  concert_->Delay("payment/confirm-seat.do");
  concert_->Pay("u1", r);
  EXPECT_EQ(concert_->Status(r), "paid");
  concert_->Delay("reservation/reserve.undo");
  concert_->Delay("lapse/release.do");
  concert_->Break("reservation/hold-seat.do");
  concert_->Break("payment/confirm-seat.do");
  concert_->Jump(deadline_ + kSecond);  // the retry of hold-seat fails in the turn of the timer
  EXPECT_EQ(concert_->Status(r), "held");
  EXPECT_EQ(concert_->LastTold("u1"), "payment.refunded");
  concert_->Let("reservation/reserve.undo");
  EXPECT_EQ(concert_->Status(r), "cancelled");
  EXPECT_EQ(concert_->LastTold("u1"), "reservation.failed");
  concert_->Let("lapse/release.do");
  EXPECT_EQ(concert_->Status(r), "cancelled");
  EXPECT_EQ(concert_->LastTold("u1"), "reservation.failed");
  concert_->Quiet();
  concert_->Free("reservation/hold-seat.do");
  concert_->Free("payment/confirm-seat.do");
  concert_->End();
}

INSTANTIATE_TEST_SUITE_P(All, Orders, testing::Bool(), [](const auto& hops) {
  return std::string(hops.param ? "InSmallCommits" : "InLargeCommits");
});

}  // namespace
}  // namespace reprise::runtime
