// Opens with the plugin itself; notion_test.cpp looks at the other half of it.
#include "push.cpp"

#include <set>

#include <gtest/gtest.h>

#include <reprise/testkit.hpp>

namespace push {
namespace {

using namespace std::chrono_literals;

const UserWith kHeld{"reservation.held", "reservation.failed",
                     Json{R"({"of":"reservationId","by":"version"})"}};
const UserWith kPlain{"reservation.rejected", {}, {}};

UserIn About(std::string_view reservation, std::int64_t version, std::string_view user = "u1") {
  UserIn in;
  in.userId = user;
  in.reservationId = reservation;
  in.version = version;
  return in;
}

std::string Told(auto& kit, std::string_view user = "u1") {
  return kit.Sql("SELECT seq, event FROM push_user WHERE user_id = $1 ORDER BY seq", user);
}

boost::json::object Stream(auto& kit, std::string_view user,
                           std::optional<std::string> after = {}) {
  const Asked asked = kit.template Ask<Mine>({std::string(user), std::move(after)});
  EXPECT_EQ(asked.http, 200) << asked;
  auto body = ParseJsonObject(asked.body);
  EXPECT_TRUE(body) << asked.body;
  return body ? *body : boost::json::object{};
}

/// "41 42 43", and "reset " before it.
std::string Ids(const boost::json::object& stream) {
  std::string ids = stream.at("reset").as_bool() ? "reset" : "";
  for (const auto& event : stream.at("events").as_array()) {
    ids += (ids.empty() ? "" : " ") + TextIn(event.as_object(), "id");
  }
  return ids;
}

TEST(User, NumbersWhatAUserIsToldAndHintsAtTheChannel) {
  Kit<User> kit(kPlain);
  const Ran ran = kit.Do(About("R1", 1));
  ASSERT_TRUE(ran.done()) << ran;
  EXPECT_EQ(ran.hints, std::vector<std::string>{"push/u1"});
  kit.Do(About("R2", 1));
  kit.Do(About("R3", 1, "u2"));
  EXPECT_EQ(Told(kit), "1|reservation.rejected\n2|reservation.rejected");
  EXPECT_EQ(Told(kit, "u2"), "1|reservation.rejected");
}

TEST(User, TellsWhatConcernsTheUserAndNothingElse) {
  Kit<User> kit({"payment.confirmed", {}, {}});
  UserIn in;
  in.userId = "u1";
  in.reservationId = "R1";
  in.paymentId = "P\"1";
  in.seatId = "A-1";
  in.amount = 50000;
  kit.Do(in, {{"token", "secret"}, {"price", 50000}, {"internal", "x"}});
  EXPECT_EQ(
      kit.Sql("SELECT data FROM push_user"),
      R"({"reservationId":"R1","paymentId":"P\"1","seatId":"A-1","amount":50000,"price":50000})");
}

TEST(User, OfOneSubjectOnlyTellsWhatIsNotOlder) {
  Kit<User> held(kHeld);
  Kit<User> expired({"reservation.expired", {}, kHeld.newer});
  EXPECT_EQ(held.Do(About("R1", 5)).hints.size(), 1U);
  const Ran older = held.Do(About("R1", 4));
  EXPECT_TRUE(older.done());
  EXPECT_TRUE(older.hints.empty());
  held.Do(About("R1", 5));
  held.Do(About("R1", 6));
  held.Do(About("R2", 1));
  held.Do(About("R1", 1, "u2"));
  EXPECT_EQ(held.Sql("SELECT user_id, count(*) FROM push_user GROUP BY user_id"), "u1|4\nu2|1");
}

TEST(User, UndoSpeaksWhateverWasToldAndChangesNoVersion) {
  Kit<User> kit(kHeld);
  kit.Do(About("R1", 5));
  const Ran held = kit.Do(About("R1", 4));  // silent
  const Ran undone = kit.Undo(held);
  EXPECT_TRUE(undone.done()) << undone;
  EXPECT_EQ(undone.hints, std::vector<std::string>{"push/u1"});
  EXPECT_EQ(Told(kit), "1|reservation.held\n2|reservation.failed");
  EXPECT_TRUE(kit.Do(About("R1", 4)).hints.empty());
  EXPECT_EQ(kit.Do(About("R1", 5)).hints.size(), 1U);
}

TEST(User, UndoSpeaksAlsoWhenDoNeverRan) {
  Kit<User> kit(kHeld);
  const Ran undone = kit.UndoNever({{"userId", "u1"}, {"reservationId", "R1"}, {"seatId", "A-1"}});
  EXPECT_TRUE(undone.done()) << undone;
  EXPECT_EQ(Told(kit), "1|reservation.failed");
  EXPECT_EQ(kit.Sql("SELECT data FROM push_user"), R"({"reservationId":"R1","seatId":"A-1"})");
}

TEST(User, UndoIsSilentWhereEffectsStand) {
  Kit<User> kit(kHeld);
  const Ran did = kit.Do(About("R1", 5));
  kit.Others(R"({"undone":["a"],"kept":["reserve"],"stuck":[]})");
  EXPECT_TRUE(kit.Undo(did).done());
  kit.Others(R"({"undone":["a"],"kept":[],"stuck":["hold-seat"]})");
  EXPECT_TRUE(kit.Undo(did).done());
  EXPECT_EQ(Told(kit), "1|reservation.held");
  kit.Others(R"({"undone":["reserve","hold-seat"],"kept":[],"stuck":[]})");
  EXPECT_TRUE(kit.Undo(did).done());
  EXPECT_EQ(Told(kit), "1|reservation.held\n2|reservation.failed");
}

TEST(User, UndoWithoutAnEventOfItsOwnSaysNothing) {
  Kit<User> kit(kPlain);
  kit.Do(About("R1", 1));
  EXPECT_TRUE(kit.Undo().done());
  EXPECT_EQ(Told(kit), "1|reservation.rejected");
}

TEST(User, FailsWhenTheVersionIsMissingOrNoNumber) {
  Kit<User> kit(kHeld);
  UserIn in = About("R1", 1);
  in.version.reset();
  EXPECT_EQ(kit.Do(in).code, "bad_payload");
  EXPECT_EQ(kit.Do(in, {{"version", "1"}}).code, "bad_payload");
  EXPECT_EQ(Told(kit), "");
}

TEST(User, RefusesANewerOfAnotherShape) {
  for (const char* bad : {"[]", R"({"of":"reservationId"})", R"({"of":"a","by":"b","more":1})",
                          R"({"of":1,"by":"version"})"}) {
    std::string why;
    try {
      const Ran ran = Kit<User>({"e", {}, Json{bad}}).Do(About("R1", 1));
      why = ran.code;
    } catch (const std::exception& refused) {
      why = refused.what();
    }
    EXPECT_NE(why.find("bad_settings"), std::string::npos) << bad << ": " << why;
  }
}

TEST(User, KeepsAThousandPushesOfAUserAndForgetsWhatWasToldBefore) {
  Kit<User> kit(kHeld);
  for (std::int64_t n = 1; n <= 1280; ++n) {
    if (n % 64 == 0) kit.Advance(1ms);
    ASSERT_TRUE(kit.Do(About("R" + std::to_string(n), 1)).done());
  }
  EXPECT_EQ(kit.Sql("SELECT min(seq), max(seq), count(*) FROM push_user"), "281|1280|1000");
  const std::string told = kit.Sql("SELECT count(*) FROM push_told");
  EXPECT_GE(std::stoi(told), 1000);
  EXPECT_LE(std::stoi(told), 1064);
}

TEST(User, ABatchNumbersItsPushesPerUser) {
  Kit<User> kit(kHeld);
  kit.Do(About("R0", 9));
  const auto ran =
      kit.DoAll({About("R1", 1), About("R2", 1, "u2"), About("R0", 8), About("R3", 1)});
  EXPECT_TRUE(kit.batched());
  EXPECT_EQ(Told(kit), "1|reservation.held\n2|reservation.held\n3|reservation.held");
  EXPECT_EQ(Told(kit, "u2"), "1|reservation.held");
  EXPECT_EQ(
      kit.Sql("SELECT seq, data FROM push_user WHERE user_id = 'u1' AND seq > 1"),
      "2|{\"reservationId\":\"R1\",\"version\":1}\n3|{\"reservationId\":\"R3\",\"version\":1}");
  EXPECT_TRUE(ran[2].hints.empty());  // older: silent
  EXPECT_EQ(ran[3].hints.size(), 1U);
}

TEST(User, ABatchThatTellsOfOneSubjectTwiceRunsOneByOne) {
  Kit<User> kit(kHeld);
  const auto ran = kit.DoAll({About("R1", 2), About("R1", 1), About("R1", 3)});
  EXPECT_FALSE(kit.batched());
  EXPECT_TRUE(ran[1].hints.empty());
  EXPECT_EQ(Told(kit), "1|reservation.held\n2|reservation.held");
}

TEST(User, TakesEveryTextAsAValue) {
  Kit<User> kit(kHeld);
  UserIn in = About("R'1; DROP TABLE push_user", 1, "u\"1\\");
  in.reason = "line\nbreak \x01";
  ASSERT_TRUE(kit.Do(in).done());
  const auto stream = Stream(kit, "u\"1\\");
  EXPECT_EQ(TextIn(stream, "channel"), "push/u\"1\\");
  const auto& data = stream.at("events").as_array().at(0).at("data").as_object();
  EXPECT_EQ(TextIn(data, "reservationId"), "R'1; DROP TABLE push_user");
  EXPECT_EQ(TextIn(data, "reason"), "line\nbreak \x01");
}

TEST(User, KeepsTheLaws) {
  const std::vector<UserIn> ins{About("R1", 2), About("R2", 1, "u2"), About("R3", 7)};
  EXPECT_EQ(Kit<User>(kHeld).Laws(ins), kLawful);
  EXPECT_EQ(Kit<User>(kPlain).Laws(ins), kLawful);
}

TEST(Mine, RepliesWhatAUserWasToldOldestFirst) {
  Kit<User> kit(kPlain);
  kit.Do(About("R1", 1));
  kit.Do(About("R2", 1));
  kit.Do(About("R3", 1, "u2"));
  const auto stream = Stream(kit, "u1");
  EXPECT_EQ(TextIn(stream, "channel"), "push/u1");
  EXPECT_EQ(Ids(stream), "1 2");
  const auto& event = stream.at("events").as_array().at(1).as_object();
  EXPECT_EQ(TextIn(event, "event"), "reservation.rejected");
  EXPECT_EQ(TextIn(event.at("data").as_object(), "reservationId"), "R2");
}

TEST(Mine, ResumesAfterTheLastOneSeen) {
  Kit<User> kit(kPlain);
  for (int n = 0; n < 3; ++n) kit.Do(About("R1", 1));
  EXPECT_EQ(Ids(Stream(kit, "u1", "1")), "2 3");
  EXPECT_EQ(Ids(Stream(kit, "u1", "3")), "");
  EXPECT_EQ(Ids(Stream(kit, "u1", "0")), "1 2 3");
}

TEST(Mine, ReplaysTheNewestHundredToANewStream) {
  Kit<User> kit(kPlain);
  for (int n = 0; n < 130; ++n) kit.Do(About("R1", 1));
  const auto events = Stream(kit, "u1", "").at("events").as_array();
  ASSERT_EQ(events.size(), 100U);
  EXPECT_EQ(TextIn(events[0].as_object(), "id"), "31");
}

TEST(Mine, SaysResetWhenWhatWasSeenIsNoLongerKeptOrNeverWas) {
  Kit<User> kit(kPlain);
  for (int n = 0; n < 1280; ++n) kit.Do(About("R1", 1));  // keeps 281 to 1280
  EXPECT_EQ(Ids(Stream(kit, "u1", "1279")), "1280");
  EXPECT_FALSE(Stream(kit, "u1", "280").at("reset").as_bool());
  for (const char* gone : {"279", "1", "1281", "-1", "x", "12x", "99999999999999999999"}) {
    const auto stream = Stream(kit, "u1", gone);
    EXPECT_TRUE(stream.at("reset").as_bool()) << gone;
    EXPECT_EQ(stream.at("events").as_array().size(), 100U) << gone;
  }
}

TEST(Mine, IsEmptyForAUserWhoWasToldNothing) {
  Kit<User> kit(kPlain);
  EXPECT_EQ(Ids(Stream(kit, "u1")), "");
  EXPECT_EQ(Ids(Stream(kit, "u1", "0")), "");
}

}  // namespace
}  // namespace push
