#include "queue.cpp"

#include <memory>
#include <vector>

#include <gtest/gtest.h>
#include <jwt.h>

#include <reprise/testkit.hpp>

namespace queue {
namespace {

using namespace std::chrono_literals;

const std::string kSecret = "0123456789abcdef0123456789abcdef";

/// A queue with its clock and counters.
class Line {
 public:
  explicit Line(const Settings& settings = {.secret = kSecret})
      : host_(*reprise_entry_v1.plugin, reprise::detail::ValuesOf(settings)) {}

  Asked Enter(std::string_view user = "u1") { return host_.Ask("enter", {{"userId", user}}); }
  std::string Token(std::string_view user = "u1") { return Enter(user).fields.Text("token"); }
  Asked Status(std::string_view token) { return host_.Ask("status", {{"token", token}}); }
  Asked Admit(std::string_view bearer) { return With(bearer, "admit"); }
  Asked Who(std::string_view bearer) { return With(bearer, "who"); }
  Asked WhoByTicket(std::string_view ticket) { return host_.Ask("who", {{"ticket", ticket}}); }
  Asked Ticket(std::string_view user = "u1") { return host_.Ask("ticket", {{"userId", user}}); }
  Asked With(std::string_view bearer, std::string_view question) {
    host_.bearer = bearer;
    Asked asked = host_.Ask(question, {});
    host_.bearer.clear();
    return asked;
  }
  std::string Sql(std::string_view sql) { return host_.Sql(sql, {}); }
  Line& Advance(Millis by) { return host_.Advance(by), *this; }
  Time Now() const { return host_.now; }

 private:
  testkit::Host host_;
};

/// A token of any form, signed as asked.
std::string Forge(jwt_alg_t algorithm, const std::string& key, const char* header = nullptr) {
  jwt_t* raw = nullptr;
  jwt_new(&raw);
  if (header != nullptr) jwt_add_header(raw, header, "x");
  jwt_add_grants_json(raw,
                      R"({"typ":"queue+jwt","sub":"u1","jti":"1","position":1,"iatMs":0,"nbfMs":0,)"
                      R"("expMs":9000000000000})");
  const auto* bytes = reinterpret_cast<const unsigned char*>(key.data());
  const bool none = algorithm == JWT_ALG_NONE;
  jwt_set_alg(raw, algorithm, none ? nullptr : bytes, none ? 0 : static_cast<int>(key.size()));
  char* text = jwt_encode_str(raw);
  std::string token = text == nullptr ? "" : text;
  std::free(text);
  jwt_free(raw);
  return token;
}

TEST(Enter, GivesEachCustomerThePlaceAfterTheLast) {
  Line line;
  const Asked first = line.Enter("u1"), second = line.Enter("u2");
  ASSERT_EQ(first.http, 200) << first;
  EXPECT_EQ(first.fields.Int("position"), 1);
  EXPECT_EQ(second.fields.Int("position"), 2);
  EXPECT_EQ(first.fields.Text("activeAt"), Rfc3339(line.Now()));
  EXPECT_EQ(second.fields.Text("activeAt"), Rfc3339(line.Now() + 10ms));  // 100 a second
  EXPECT_EQ(second.fields.Text("expireAt"), Rfc3339(line.Now() + 10ms + 10min));
}

TEST(Enter, AdmitsAtTheRateOfItsSettingAndNeverEarly) {
  Line line({.secret = kSecret, .per_second = 3});
  line.Enter();
  EXPECT_EQ(line.Enter().fields.Text("activeAt"), Rfc3339(line.Now() + 334ms));  // 333.333
  EXPECT_EQ(line.Enter().fields.Text("activeAt"), Rfc3339(line.Now() + 667ms));  // 666.666
}

TEST(Enter, AnIdleHourIsNotSavedUp) {
  Line line;
  line.Enter();
  line.Advance(1h);
  EXPECT_EQ(line.Enter().fields.Text("activeAt"), Rfc3339(line.Now()));
  EXPECT_EQ(line.Enter().fields.Text("activeAt"), Rfc3339(line.Now() + 10ms));
}

TEST(Enter, TheTokenIsAJwtWithSecondsAndMilliseconds) {
  Line line;
  line.Advance(123ms);
  const std::string token = line.Token("u1");
  jwt_t* raw = nullptr;
  ASSERT_EQ(jwt_decode(&raw, token.c_str(), reinterpret_cast<const unsigned char*>(kSecret.data()),
                       static_cast<int>(kSecret.size())),
            0);
  const std::int64_t now = ToMillis(line.Now());
  EXPECT_EQ(jwt_get_alg(raw), JWT_ALG_HS256);
  EXPECT_STREQ(jwt_get_grant(raw, "sub"), "u1");
  EXPECT_EQ(std::string(jwt_get_grant(raw, "jti")).size(), 32U);
  EXPECT_EQ(jwt_get_grant_int(raw, "iat"), now / 1000);
  EXPECT_EQ(jwt_get_grant_int(raw, "nbf"), now / 1000);
  EXPECT_EQ(jwt_get_grant_int(raw, "exp"), (now + 600'000) / 1000);
  EXPECT_EQ(jwt_get_grant_int(raw, "nbfMs"), now);
  EXPECT_EQ(jwt_get_grant_int(raw, "expMs"), now + 600'000);
  jwt_free(raw);
}

TEST(Enter, KeepsEveryNameThatIsText) {
  Line line;
  for (const std::string name : {"김", "a\"b\\c", "'; DROP TABLE queue_secret", "\n", "{}"}) {
    EXPECT_EQ(line.Who(line.Token(name)).fields.Text("userId"), name);
  }
}

TEST(Enter, RefusesANameThatIsNone) {
  Line line;
  EXPECT_EQ(line.Enter("").http, 400);
  EXPECT_EQ(line.Enter(std::string_view("u\0x", 3)).http, 400);
  EXPECT_EQ(line.Enter("\xff").http, 400);
}

TEST(Start, RefusesASecretThatIsTooShort) {
  EXPECT_THROW(Line({.secret = "short"}), std::runtime_error);
}

TEST(Start, MakesASecretOfItsOwnWhenNoneIsSet) {
  Line one(Settings{}), other(Settings{});
  EXPECT_EQ(one.Sql("SELECT length(secret) FROM queue_secret"), "64");
  EXPECT_NE(one.Sql("SELECT secret FROM queue_secret"),
            other.Sql("SELECT secret FROM queue_secret"));
  const std::string token = one.Token();
  EXPECT_TRUE(one.Admit(token).added());
  EXPECT_EQ(other.Admit(token).http, 401);
}

TEST(StatusOf, SaysWhetherItIsTheTokensTurn) {
  Line line({.secret = kSecret, .per_second = 1});
  line.Enter("u0");
  const std::string token = line.Token();
  const Asked early = line.Status(token);
  EXPECT_EQ(early.http, 200);
  EXPECT_EQ(early.fields.Text("status"), "not available");
  EXPECT_EQ(early.fields.Int("position"), 2);
  EXPECT_EQ(early.fields.Text("activeAt"), Rfc3339(line.Now() + 1s));
  EXPECT_EQ(early.fields.Text("expireAt"), Rfc3339(line.Now() + 1s + 10min));
  EXPECT_EQ(line.Advance(1s).Status(token).fields.Text("status"), "available");
  EXPECT_EQ(line.Advance(10min - 1ms).Status(token).http, 200);
  EXPECT_EQ(line.Advance(1ms).Status(token).http, 401);
}

TEST(StatusOf, TakesTheTokenFromTheBodyOrAsBearer) {
  Line line;
  const std::string token = line.Token();
  EXPECT_EQ(line.With(token, "status").http, 200);
  EXPECT_EQ(line.With("", "status").http, 401);
}

TEST(Admit, LetsPassFromActiveAtToExpireAtToTheMillisecond) {
  Line line({.secret = kSecret, .per_second = 1});
  line.Enter("u0");
  const std::string token = line.Token("u1");
  line.Advance(999ms);
  EXPECT_EQ(line.Admit(token).http, 403);
  EXPECT_EQ(line.Admit(token).code, "not_active");
  line.Advance(1ms);
  const Asked in_time = line.Admit(token);
  EXPECT_TRUE(in_time.added());
  EXPECT_EQ(in_time.fields.Text("userId"), "u1");
  EXPECT_TRUE(line.Advance(10min - 1ms).Admit(token).added());
  EXPECT_EQ(line.Advance(1ms).Admit(token).http, 401);
  EXPECT_EQ(line.Admit(token).code, "token_expired");
}

TEST(Who, KnowsTheHolderBeforeTheTurnAndADayAfterIt) {
  Line line({.secret = kSecret, .per_second = 1});
  line.Enter("u0");
  const std::string token = line.Token("u1");
  EXPECT_EQ(line.Who(token).fields.Text("userId"), "u1");
  EXPECT_TRUE(line.Advance(1s + 10min + 24h - 1ms).Who(token).added());
  EXPECT_EQ(line.Advance(1ms).Who(token).code, "token_expired");
  EXPECT_EQ(line.Who(token).http, 401);
}

TEST(Ticket, NamesItsUserOnceAndFor30Seconds) {
  Line line;
  const Asked asked = line.Ticket("u1");
  ASSERT_EQ(asked.http, 200) << asked;
  EXPECT_EQ(asked.fields.Text("expiresAt"), Rfc3339(line.Now() + 30s));
  const std::string ticket = asked.fields.Text("ticket"),
                    late = line.Ticket().fields.Text("ticket"),
                    never = line.Ticket().fields.Text("ticket");
  EXPECT_EQ(line.WhoByTicket(ticket).fields.Text("userId"), "u1");
  EXPECT_EQ(line.WhoByTicket(ticket).http, 401);
  line.Advance(30s - 1ms);
  EXPECT_TRUE(line.WhoByTicket(late).added());
  line.Advance(1ms);
  EXPECT_EQ(line.WhoByTicket(never).http, 401);
}

TEST(Ticket, IsTakenInAnyOrder) {
  Line line;
  const std::string a = line.Ticket("a").fields.Text("ticket"),
                    b = line.Ticket("b").fields.Text("ticket");
  EXPECT_EQ(line.WhoByTicket(b).fields.Text("userId"), "b");
  EXPECT_EQ(line.WhoByTicket(a).fields.Text("userId"), "a");
}

TEST(Ticket, OneTakenAgainAndAgainNeverCountsAndSpoilsNoOther) {
  Line line;
  const std::int64_t now = ToMillis(line.Now());
  const auto numbered = [&](std::int64_t number) {
    return Sign(Purpose::kTicket, {"u1", std::to_string(number), number, now, now, now + 30'000},
                kSecret);
  };
  EXPECT_TRUE(line.WhoByTicket(numbered(7)).added());
  for (int i = 0; i < 2000; ++i) ASSERT_EQ(line.WhoByTicket(numbered(7)).http, 401);
  EXPECT_TRUE(line.WhoByTicket(numbered(7 + kRing)).added());  // the next of the same counter
  EXPECT_EQ(line.WhoByTicket(numbered(7)).http, 401);
  EXPECT_EQ(line.WhoByTicket(numbered(7 + kRing)).http, 401);
}

TEST(Ticket, AndTokenAreNotInterchangeable) {
  Line line;
  const std::string token = line.Token(), ticket = line.Ticket().fields.Text("ticket");
  EXPECT_EQ(line.WhoByTicket(token).http, 401);
  EXPECT_EQ(line.Who(ticket).http, 401);
  EXPECT_EQ(line.Admit(ticket).http, 401);
  EXPECT_EQ(line.Status(ticket).http, 401);
  EXPECT_TRUE(line.WhoByTicket(ticket).added());  // none of these took it
}

TEST(Tokens, ForgedOrBrokenOnesAllGetTheSameAnswer) {
  Line line;
  const std::string good = line.Token();
  const std::size_t payload = good.find('.') + 1, signature = good.rfind('.') + 1;
  ASSERT_TRUE(
      line.Admit(Forge(JWT_ALG_HS256, kSecret)).added());  // so only what differs is refused
  std::string other_user = good;
  other_user[payload + 12] = other_user[payload + 12] == 'A' ? 'B' : 'A';
  std::string other_signature = good;
  other_signature[signature] = other_signature[signature] == 'A' ? 'B' : 'A';
  const std::vector<std::string> bad{
      "", ".", "..", "...", "x", "not a token", "a.b.c", std::string("\0", 1), "\xff\xfe",
      other_user, other_signature, good.substr(0, signature), good.substr(0, signature - 1),
      good.substr(0, good.size() - 1), good + ".", good + "=", good + "A", "." + good, " " + good,
      good + '\0', good + "\n", std::string(5000, 'A'),
      good.substr(0, payload) + std::string(4096, 'A') + good.substr(signature - 1),
      good.substr(0, payload) + "." + good.substr(signature), Forge(JWT_ALG_NONE, ""),
      Forge(JWT_ALG_HS256, "another key, also of thirty-two bytes"), Forge(JWT_ALG_HS384, kSecret),
      Forge(JWT_ALG_HS512, kSecret),
      // {"alg":"none","typ":"JWT"} with and without the signature of another
      "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0." + good.substr(payload),
      "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0." + good.substr(payload, signature - payload)};
  for (const std::string& token : bad) {
    for (const Asked& asked : {line.Admit(token), line.Who(token), line.Status(token)}) {
      EXPECT_EQ(asked.http, 401) << token;
      EXPECT_EQ(asked.code, "invalid_token") << token;
      EXPECT_EQ(asked.detail, "The token is missing or not valid.") << token;
    }
  }
}

TEST(Tokens, AHeaderThatBringsItsOwnKeyIsRefusedEvenIfSignedHere) {
  Line line;
  for (const char* header : {"jwk", "jku", "x5u", "x5c", "crit", "kid", "b64"}) {
    const std::string token = Forge(JWT_ALG_HS256, kSecret, header);
    ASSERT_FALSE(token.empty());
    EXPECT_EQ(line.Admit(token).http, 401) << header;
  }
}

TEST(Tokens, HaveTheOneHeaderThatIsTaken) {
  const std::string token = Sign(Purpose::kPlace, {"u1", "1", 1, 0, 0, 1}, kSecret);
  EXPECT_TRUE(Verify(Purpose::kPlace, token, kSecret));
  EXPECT_FALSE(Verify(Purpose::kTicket, token, kSecret));
  EXPECT_FALSE(Verify(Purpose::kPlace, token, ""));
}

}  // namespace
}  // namespace queue
