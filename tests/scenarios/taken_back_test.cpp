// A payment taken back, in three ways and at four times.

#include "concert.h"

namespace reprise::runtime {
namespace {

enum class How { kSeatFails, kReservationFails, kPerson };
enum class When { kBefore, kAtDeadline, kAfter, kLongAfter };

const char* StepOf(How how) {
  return how == How::kSeatFails ? "payment/confirm-seat.do" : "payment/confirm-reservation.do";
}

class TakenBack : public testing::TestWithParam<std::tuple<How, When, bool>> {
 protected:
  void SetUp() override {
    concert_ = std::make_unique<Concert>(std::get<bool>(GetParam()));
    ASSERT_TRUE(concert_->ok());
    concert_->Join({"u1", "u2"});
    reservation_ = concert_->Reserve("u1", "A-1");
    deadline_ = concert_->Now() + kHold;
  }

  /// The payment is captured, and goes no further before the failure that is to come.
  void PayAndStopThere() {
    if (how() != How::kPerson) concert_->Delay(StepOf(how()));
    payment_ = concert_->Pay("u1", reservation_);
    EXPECT_EQ(concert_->Status(reservation_), how() == How::kReservationFails ? "paying" : "paid");
  }

  void TakeBack() {
    if (how() == How::kPerson) {
      concert_->PostUndo(payment_);
    } else {
      concert_->Break(StepOf(how()));
    }
  }

  How how() const { return std::get<How>(GetParam()); }
  When when() const { return std::get<When>(GetParam()); }

  std::unique_ptr<Concert> concert_;
  std::string reservation_, payment_;
  Time deadline_;
};

TEST_P(TakenBack, LosesNoPointsAndFreesTheSeatWhenItsTimeIsOver) {
  concert_->Advance(when() == When::kBefore ? kMinute : kHold - 100 * kMs);
  PayAndStopThere();
  if (when() == When::kBefore) {
    TakeBack();
    concert_->Advance(kSecond);
    EXPECT_EQ(concert_->Status(reservation_), "held");
    EXPECT_EQ(concert_->Request(concert_->AsksFor("u2", "A-1")).status, 409);
    concert_->Quiet();
    concert_->Advance(deadline_ - kMs - concert_->Now());
    EXPECT_EQ(concert_->Status(reservation_), "held");
    concert_->Jump(deadline_);
  } else if (when() == When::kAtDeadline) {
    TakeBack();
    concert_->Jump(deadline_);  // with what fell due
    concert_->Advance(kSecond);
  } else {
    // When the payment is done, its reservation's saga ends at the deadline.
    concert_->Jump(deadline_);
    EXPECT_EQ(concert_->Status(reservation_), how() == How::kReservationFails ? "paying" : "paid");
    concert_->Advance(when() == When::kAfter  ? 5 * kMs
                      : how() == How::kPerson ? 3'600 * kSecond
                                              : 2 * kSecond);
    TakeBack();
    concert_->Advance(30 * kSecond);
  }
  EXPECT_EQ(concert_->Status(reservation_), "expired");
  EXPECT_EQ(concert_->Seat("A-1"), "FREE");
  EXPECT_EQ(concert_->Sql("SELECT points FROM payment_points WHERE user_id = 'u1'"),
            std::to_string(kStartPoints));
  EXPECT_EQ(concert_->Sql("SELECT status FROM payment_taken"), "REFUNDED");
  EXPECT_EQ(concert_->Told("u1", "payment.refunded"), 1);
  EXPECT_EQ(concert_->Told("u1", "reservation.expired"), 1);
  concert_->Quiet();
  concert_->Free(StepOf(how()));
  concert_->End();
}

std::string NameOf(const testing::TestParamInfo<TakenBack::ParamType>& info) {
  static constexpr const char* kHow[] = {"ByTheSeat", "ByTheReservation", "ByAPerson"};
  static constexpr const char* kWhen[] = {"Before", "At", "After", "LongAfter"};
  const auto& [how, when, hops] = info.param;
  return std::string(kHow[static_cast<int>(how)]) + kWhen[static_cast<int>(when)] +
         (hops ? "InSmallCommits" : "");
}

INSTANTIATE_TEST_SUITE_P(All, TakenBack,
                         testing::Combine(testing::Values(How::kSeatFails, How::kReservationFails,
                                                          How::kPerson),
                                          testing::Values(When::kBefore, When::kAtDeadline,
                                                          When::kAfter, When::kLongAfter),
                                          testing::Bool()),
                         NameOf);

}  // namespace
}  // namespace reprise::runtime
