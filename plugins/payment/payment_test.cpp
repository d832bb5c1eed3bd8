#include "payment.cpp"

#include <limits>

#include <gtest/gtest.h>

#include <reprise/testkit.hpp>

namespace payment {
namespace {

const TakeIn kTake{"P1", "R1", "u1", 30};

void Points(auto& kit, std::string_view user, std::int64_t points) {
  kit.Sql("INSERT INTO payment_points (user_id, points) VALUES ($1, $2)", user, points);
}

std::string PointsOf(auto& kit, std::string_view user) {
  return kit.Sql("SELECT points FROM payment_points WHERE user_id = $1", user);
}

/// Nothing is lost and nothing made: what users have, and what is taken and not given back.
std::string Total(auto& kit) {
  return kit.Sql(
      "SELECT (SELECT coalesce(sum(points), 0) FROM payment_points) +"
      " (SELECT coalesce(sum(amount), 0) FROM payment_taken WHERE status = 'CAPTURED')");
}

TEST(Take, TakesThePointsAndAnswersThePayment) {
  Kit<Take> kit;
  Points(kit, "u1", 100);
  const Ran ran = kit.Do(kTake);
  ASSERT_TRUE(ran.done()) << ran;
  EXPECT_EQ(ran.event, "captured");
  EXPECT_EQ(ran.http, 200);
  EXPECT_EQ(ran.response.Text("paymentId"), "P1");
  EXPECT_EQ(ran.response.Text("reservationId"), "R1");
  EXPECT_EQ(ran.response.Int("amount"), 30);
  EXPECT_EQ(ran.response.Text("status"), "CAPTURED");
  EXPECT_EQ(PointsOf(kit, "u1"), "70");
}

TEST(Take, TakesTheLastPoint) {
  Kit<Take> kit;
  Points(kit, "u1", 30);
  EXPECT_TRUE(kit.Do(kTake).done());
  EXPECT_EQ(PointsOf(kit, "u1"), "0");
}

TEST(Take, FailsWithTooFewPointsAndChangesNothing) {
  Kit<Take> kit;
  Points(kit, "u1", 29);
  const Ran ran = kit.Do(kTake);
  EXPECT_TRUE(ran.failed()) << ran;
  EXPECT_EQ(ran.code, "insufficient_points");
  EXPECT_EQ(PointsOf(kit, "u1"), "29");
  EXPECT_EQ(kit.Sql("SELECT count(*) FROM payment_taken"), "0");
}

TEST(Take, AUserNeverSeenHasTheStartPoints) {
  Kit<Take> kit({}, {.start_points = 50});
  ASSERT_TRUE(kit.Do(kTake).done());
  EXPECT_EQ(PointsOf(kit, "u1"), "20");
  kit.Undo();
  EXPECT_EQ(PointsOf(kit, "u1"), "50");
}

TEST(Take, AUserNeverSeenWithTooFewStartPointsLeavesNoRow) {
  Kit<Take> kit({}, {.start_points = 29});
  EXPECT_EQ(kit.Do(kTake).code, "insufficient_points");
  EXPECT_EQ(kit.Sql("SELECT count(*) FROM payment_points"), "0");
}

TEST(Take, StartPointsAreNotGivenTwice) {
  Kit<Take> kit({}, {.start_points = 50});
  ASSERT_TRUE(kit.Do(kTake).done());
  EXPECT_EQ(kit.Do({"P2", "R2", "u1", 30}).code, "insufficient_points");
}

TEST(Take, TheSamePaymentTakesOnce) {
  Kit<Take> kit;
  Points(kit, "u1", 100);
  ASSERT_TRUE(kit.Do(kTake).done());
  const Ran again = kit.Redo();
  EXPECT_TRUE(again.done());
  EXPECT_EQ(again.http, 200);
  EXPECT_EQ(again.event, "captured");
  EXPECT_EQ(PointsOf(kit, "u1"), "70");
}

TEST(Take, APaymentGivenBackIsNotTakenAgain) {
  Kit<Take> kit;
  Points(kit, "u1", 100);
  ASSERT_TRUE(kit.Do(kTake).done());
  ASSERT_TRUE(kit.Undo().done());
  EXPECT_EQ(kit.Redo().code, "already_refunded");
  EXPECT_EQ(PointsOf(kit, "u1"), "100");
}

TEST(Take, UndoGivesThePointsBackOnceAndMarksThePayment) {
  Kit<Take> kit;
  Points(kit, "u1", 100);
  ASSERT_TRUE(kit.Do(kTake).done());
  ASSERT_TRUE(kit.Undo().done());
  ASSERT_TRUE(kit.Undo().done());
  EXPECT_EQ(PointsOf(kit, "u1"), "100");
  EXPECT_EQ(kit.Sql("SELECT status FROM payment_taken"), "REFUNDED");
}

TEST(Take, UndoOfWhatNeverRanGivesNothing) {
  Kit<Take> kit;
  Points(kit, "u1", 100);
  EXPECT_TRUE(kit.UndoNever({{"paymentId", "P1"}, {"userId", "u1"}, {"amount", 30}}).done());
  EXPECT_EQ(PointsOf(kit, "u1"), "100");
  EXPECT_EQ(kit.Sql("SELECT count(*) FROM payment_taken"), "0");
}

TEST(Take, RefusesANegativeAmount) {
  Kit<Take> kit;
  Points(kit, "u1", 100);
  EXPECT_EQ(kit.Do({"P1", "R1", "u1", -1}).code, "bad_payload");
  EXPECT_EQ(PointsOf(kit, "u1"), "100");
}

TEST(Take, ConservesPointsWhateverFails) {
  for (int call = 1; call <= 8; ++call) {
    Kit<Take> kit;
    Points(kit, "u1", 100);
    Points(kit, "u2", 5);
    kit.FailCall(call).Do(kTake);
    EXPECT_EQ(Total(kit), "105") << "fault at " << call;
    kit.Do({"P2", "R2", "u2", 6});
    EXPECT_EQ(Total(kit), "105");
    const Ran did = kit.CrashAfter(call).Do({"P3", "R3", "u1", 100});
    EXPECT_EQ(Total(kit), "105") << "crash after " << call;
    kit.FailCall(call).Undo(did);
    EXPECT_EQ(Total(kit), "105");
    kit.Undo(did);
    EXPECT_EQ(Total(kit), "105");
  }
}

TEST(Take, KeepsTheLaws) {
  Kit<Take> kit;
  Points(kit, "u1", 100);
  EXPECT_EQ(kit.Laws(kTake), kLawful);
}

TEST(Take, KeepsTheLawsForAUserNeverSeen) {
  Kit<Take> kit({}, {.start_points = 50});
  EXPECT_EQ(kit.Laws(kTake, {"payment_points where points = 50"}), kLawful);
}

TEST(Add, AddsAndAnswersThePoints) {
  Kit<AddPoints> kit;
  const Ran first = kit.Do({"u1", 30});
  ASSERT_TRUE(first.done()) << first;
  EXPECT_EQ(first.http, 200);
  EXPECT_EQ(first.response.Text("userId"), "u1");
  EXPECT_EQ(first.response.Int("points"), 30);
  EXPECT_EQ(kit.Do({"u1", 12}).response.Int("points"), 42);
}

TEST(Add, AddsToTheStartPointsOfAUserNeverSeen) {
  Kit<AddPoints> kit({}, {.start_points = 50});
  EXPECT_EQ(kit.Do({"u1", 1}).response.Int("points"), 51);
  EXPECT_EQ(kit.Do({"u1", 1}).response.Int("points"), 52);
}

TEST(Add, RefusesWhatIsNotPositive) {
  Kit<AddPoints> kit;
  EXPECT_EQ(kit.Do({"u1", 0}).code, "bad_payload");
  EXPECT_EQ(kit.Do({"u1", -5}).code, "bad_payload");
  EXPECT_EQ(kit.Do({"u1", std::numeric_limits<std::int64_t>::min()}).code, "bad_payload");
}

TEST(Add, NeverOverflows) {
  Kit<AddPoints> kit;
  EXPECT_EQ(kit.Do({"u1", std::numeric_limits<std::int64_t>::max()}).code, "bad_payload");
  EXPECT_EQ(kit.Do({"u1", kPointsMax}).response.Int("points"), kPointsMax);
  EXPECT_EQ(kit.Do({"u1", 1}).code, "too_many_points");
  EXPECT_EQ(PointsOf(kit, "u1"), std::to_string(kPointsMax));
  Kit<AddPoints> rich({}, {.start_points = kPointsMax});
  EXPECT_EQ(rich.Do({"u2", 1}).code, "too_many_points");
}

TEST(Add, TheSameAdditionCountsOnce) {
  Kit<AddPoints> kit;
  kit.Do({"u1", 30});
  EXPECT_EQ(kit.Redo().response.Int("points"), 30);
}

TEST(Add, UndoTakesBackOnce) {
  Kit<AddPoints> kit;
  Points(kit, "u1", 5);
  kit.Do({"u1", 30});
  EXPECT_TRUE(kit.Undo().done());
  EXPECT_TRUE(kit.Undo().done());
  EXPECT_EQ(PointsOf(kit, "u1"), "5");
}

TEST(Add, UndoIsKeptWhenThePointsAreSpent) {
  Kit<AddPoints> kit;
  const Ran added = kit.Do({"u1", 30});
  Kit<Take> take(kit);
  take.Do({"P1", "R1", "u1", 20});
  EXPECT_TRUE(kit.Undo(added).kept());
  EXPECT_EQ(PointsOf(kit, "u1"), "10");
}

TEST(Add, KeepsTheLaws) {
  EXPECT_EQ(Kit<AddPoints>().Laws({"u1", 30}), kLawful);
  Kit<AddPoints> kit;
  Points(kit, "u1", 5);
  EXPECT_EQ(kit.Laws({"u1", 30}), kLawful);
}

TEST(Balance, SaysWhatAUserHas) {
  Kit<Take> kit({}, {.start_points = 7});
  Points(kit, "u1", 100);
  const Asked known = kit.Ask<Balance>({"u1"});
  EXPECT_EQ(known.http, 200);
  EXPECT_EQ(known.fields.Text("userId"), "u1");
  EXPECT_EQ(known.fields.Int("points"), 100);
  EXPECT_EQ(kit.Ask<Balance>({"stranger"}).fields.Int("points"), 7);
}

TEST(StatusOf, TellsThePayerAndNobodyElse) {
  Kit<Take> kit;
  Points(kit, "u1", 100);
  kit.Do(kTake);
  const Asked mine = kit.Ask<StatusOf>({"P1", "u1"});
  EXPECT_EQ(mine.http, 200);
  EXPECT_EQ(mine.fields.Text("paymentId"), "P1");
  EXPECT_EQ(mine.fields.Text("reservationId"), "R1");
  EXPECT_EQ(mine.fields.Int("amount"), 30);
  EXPECT_EQ(mine.fields.Text("status"), "CAPTURED");
  const Asked others = kit.Ask<StatusOf>({"P1", "u2"}), unknown = kit.Ask<StatusOf>({"P9", "u1"});
  EXPECT_EQ(others.http, 404);
  EXPECT_EQ(others.code, unknown.code);
  EXPECT_EQ(unknown.http, 404);
  kit.Undo();
  EXPECT_EQ(kit.Ask<StatusOf>({"P1", "u1"}).fields.Text("status"), "REFUNDED");
}

TEST(StatusOf, TakesEveryTextAsAValue) {
  Kit<Take> kit;
  Points(kit, "u1", 100);
  kit.Do({"P'1; DROP TABLE payment_taken", "R\\1", "u1", 1});
  EXPECT_EQ(kit.Ask<StatusOf>({"P'1; DROP TABLE payment_taken", "u1"}).fields.Text("reservationId"),
            "R\\1");
}

}  // namespace
}  // namespace payment
