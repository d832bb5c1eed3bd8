/// The queue: a place in line, and when it is your turn.  Questions only; no row per customer is
/// written.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include <reprise/plugin.hpp>

#include "token.h"

namespace queue {

using namespace reprise;

constexpr Millis kKnownFor =
    std::chrono::hours(24);  // after expireAt: what was begun can be paid and seen
constexpr Millis kTicketFor = std::chrono::seconds(30);

struct Settings {
  std::string secret;
  std::int64_t per_second = 100;
  Millis valid_for = std::chrono::minutes(10);
  static void Describe(auto& d) {
    d("secret", &Settings::secret,
      "signs the tokens, at least 32 bytes; empty: made once and kept in the journal")
        .Secret();
    d("per_second", &Settings::per_second, "customers admitted a second").Min(1).Max(1'000'000);
    d("valid_for", &Settings::valid_for, "how long a token admits, from activeAt")
        .Min(std::chrono::seconds(1))
        .Max(std::chrono::days(30));
  }
};

class Queue : public Plugin<Settings> {
 public:
  static constexpr About kAbout{"queue", "1.0.0", "A place in line, and tokens that prove it."};
  static constexpr Migration kMigrations[] = {
      {1,
       "CREATE TABLE queue_secret (id INTEGER PRIMARY KEY CHECK (id = 1), secret TEXT NOT NULL)"}};

  Status Start(Context& ctx) override {
    secret_ = settings().secret;
    if (secret_.empty()) return MadeOnce(ctx);
    if (secret_.size() >= kSecretBytesMin) return {};
    return Error{Code::kInvalid, "queue.secret has " + std::to_string(secret_.size()) +
                                     " bytes, HS256 wants " + std::to_string(kSecretBytesMin) +
                                     " or more; leave it empty to have one made"};
  }

  const std::string& secret() const { return secret_; }

 private:
  Status MadeOnce(Context& ctx) {
    const std::string fresh = RandomHex(kSecretBytesMin);
    if (fresh.empty()) return Error{Code::kUnavailable, "no random numbers"};
    const auto made = ctx.Query(
        "INSERT INTO queue_secret (id, secret) VALUES (1, $1) ON CONFLICT (id) DO NOTHING", fresh);
    if (!made) return made.error();
    const auto kept = ctx.Query("SELECT secret FROM queue_secret WHERE id = 1");
    if (!kept) return kept.error();
    secret_ = kept->front().Text(0);
    return {};
  }

  std::string secret_;  // constant after Start
};

constexpr Problem kInvalidToken{"invalid_token", 401, "No token, or none that was made here."};
constexpr Problem kExpired{"token_expired", 401, "The token is over; queue again."};
constexpr Problem kNotActive{"not_active", 403, "It is not your turn yet: see activeAt."};

/// One answer for whatever is wrong with a token: nothing is learned by trying.
Answer Unknown() {
  return Refuse(kInvalidToken.code, "The token is missing or not valid.");
}

struct UserAdded {
  std::string userId;
  static void Describe(auto& d) { d("userId", &UserAdded::userId, "whom the token names"); }
};

struct EnterIn {
  std::string userId;
  static void Describe(auto& d) { d("userId", &EnterIn::userId, "who queues"); }
};

struct EnterOut {
  std::string token;
  std::int64_t position = 0;
  std::string activeAt, expireAt;
  static void Describe(auto& d) {
    d("token", &EnterOut::token, "the bearer token of this place").Secret();
    d("position", &EnterOut::position, "the how-manieth this customer is");
    d("activeAt", &EnterOut::activeAt, "from when the token admits");
    d("expireAt", &EnterOut::expireAt, "until when");
  }
};

class Enter : public Question<Queue, EnterIn, EnterOut> {
 public:
  static constexpr About kAbout{.name = "enter", .summary = "Gives a place in line and its token."};
  static constexpr Problem kErrors[] = {{"bad_user", 400, "userId is empty or not plain text."}};

  Answer Ask(Asking& ask, const EnterIn& in) const override {
    if (in.userId.empty()) return Refuse("bad_user", "userId is empty");
    const auto& settings = plugin().settings();
    const std::int64_t now_ms = ToMillis(ask.Now());
    const auto position = ask.Count("order", 1, 0);
    if (!position) return position.error();
    // Microseconds: the next free instant at this rate, or now if that has passed.
    const auto active = ask.Count("active", 1'000'000 / settings.per_second, now_ms * 1000);
    if (!active) return active.error();
    Claims claims{in.userId, RandomHex(16), *position, now_ms, (*active + 999) / 1000, 0};
    claims.expires_ms = claims.active_ms + settings.valid_for.count();
    if (claims.id.empty()) return Error{Code::kUnavailable, "no random numbers"};
    EnterOut out{Sign(Purpose::kPlace, claims, plugin().secret()), claims.position,
                 Rfc3339(FromMillis(claims.active_ms)), Rfc3339(FromMillis(claims.expires_ms))};
    if (out.token.empty()) return Refuse("bad_user", "userId is not plain text");
    return Reply(200, out);
  }
};

struct StatusIn {
  std::optional<std::string> token;
  static void Describe(auto& d) {
    d("token", &StatusIn::token, "the token, unless it comes as bearer").Secret();
  }
};

struct StatusOut {
  std::string status;
  std::int64_t position = 0;
  std::string activeAt, expireAt;
  static void Describe(auto& d) {
    d("status", &StatusOut::status, "available or not available");
    d("position", &StatusOut::position, "the how-manieth this customer is");
    d("activeAt", &StatusOut::activeAt, "from when the token admits");
    d("expireAt", &StatusOut::expireAt, "until when");
  }
};

class StatusOf : public Question<Queue, StatusIn, StatusOut> {
 public:
  static constexpr About kAbout{.name = "status", .summary = "Whether it is this token's turn."};
  static constexpr Problem kErrors[] = {kInvalidToken, kExpired};

  Answer Ask(Asking& ask, const StatusIn& in) const override {
    const std::string_view token = in.token ? std::string_view(*in.token) : ask.bearer();
    const auto claims = Verify(Purpose::kPlace, token, plugin().secret());
    if (!claims) return Unknown();
    const std::int64_t now_ms = ToMillis(ask.Now());
    if (now_ms >= claims->expires_ms) return Refuse(kExpired.code);
    return Reply(200, StatusOut{now_ms >= claims->active_ms ? "available" : "not available",
                                claims->position, Rfc3339(FromMillis(claims->active_ms)),
                                Rfc3339(FromMillis(claims->expires_ms))});
  }
};

class Admit : public Question<Queue, Nothing, UserAdded> {
 public:
  static constexpr About kAbout{.name = "admit",
                                .summary = "Lets pass from activeAt to expireAt; adds userId."};
  static constexpr Problem kErrors[] = {kInvalidToken, kExpired, kNotActive};

  Answer Ask(Asking& ask, const Nothing&) const override {
    const auto claims = Verify(Purpose::kPlace, ask.bearer(), plugin().secret());
    if (!claims) return Unknown();
    const std::int64_t now_ms = ToMillis(ask.Now());
    if (now_ms >= claims->expires_ms) return Refuse(kExpired.code);
    if (now_ms < claims->active_ms) {
      return Refuse(kNotActive.code,
                    "it is your turn at " + Rfc3339(FromMillis(claims->active_ms)));
    }
    return Add(UserAdded{claims->user});
  }
};

struct WhoIn {
  std::optional<std::string> ticket;
  static void Describe(auto& d) {
    d("ticket", &WhoIn::ticket, "a one-use ticket, where no header can be sent").Secret();
  }
};

/// Tickets are numbered, and a ring of counters remembers which were taken, so that memory stays
/// bounded: a ticket's counter goes from below kStride * number to exactly that, once.  It only
/// grows, over restarts too (they skip ahead by far less than kStride).  After kRing further
/// tickets the counter belongs to another one; ticket and counter do not meet again, for a ticket
/// lives 30 s.
constexpr std::int64_t kRing = 65'536;
constexpr std::int64_t kStride = 1 << 20;

class Who : public Question<Queue, WhoIn, UserAdded> {
 public:
  static constexpr About kAbout{
      .name = "who",
      .summary = "Whom the bearer token or the ticket names, also 24 h after; adds userId."};
  static constexpr Problem kErrors[] = {kInvalidToken, kExpired};

  Answer Ask(Asking& ask, const WhoIn& in) const override {
    if (in.ticket && !in.ticket->empty()) return ByTicket(ask, *in.ticket);
    const auto claims = Verify(Purpose::kPlace, ask.bearer(), plugin().secret());
    if (!claims) return Unknown();
    if (ToMillis(ask.Now()) >= claims->expires_ms + kKnownFor.count()) return Refuse(kExpired.code);
    return Add(UserAdded{claims->user});
  }

 private:
  Answer ByTicket(Asking& ask, std::string_view ticket) const {
    const auto claims = Verify(Purpose::kTicket, ticket, plugin().secret());
    if (!claims) return Unknown();
    if (ToMillis(ask.Now()) >= claims->expires_ms) return Refuse(kExpired.code);
    const std::int64_t number = claims->position;
    const auto taken = ask.Count("ticket-" + std::to_string(number % kRing), 1, number * kStride);
    if (!taken) return taken.error();
    if (*taken != number * kStride) return Unknown();  // taken before
    return Add(UserAdded{claims->user});
  }
};

struct TicketIn {
  std::string userId;
  static void Describe(auto& d) { d("userId", &TicketIn::userId, "whom it will name"); }
};

struct TicketOut {
  std::string ticket, expiresAt;
  static void Describe(auto& d) {
    d("ticket", &TicketOut::ticket, "for ?ticket=, once, within 30 s").Secret();
    d("expiresAt", &TicketOut::expiresAt, "until when");
  }
};

class Ticket : public Question<Queue, TicketIn, TicketOut> {
 public:
  static constexpr About kAbout{.name = "ticket",
                                .summary = "A ticket that `who` takes once, for 30 s."};

  Answer Ask(Asking& ask, const TicketIn& in) const override {
    const auto number = ask.Count("tickets", 1, 0);
    if (!number) return number.error();
    const std::int64_t now_ms = ToMillis(ask.Now());
    const Claims claims{in.userId, std::to_string(*number),    *number, now_ms,
                        now_ms,    now_ms + kTicketFor.count()};
    TicketOut out{Sign(Purpose::kTicket, claims, plugin().secret()),
                  Rfc3339(FromMillis(claims.expires_ms))};
    if (out.ticket.empty()) return Error{Code::kInternal, "the ticket cannot be signed"};
    return Reply(200, out);
  }
};

REPRISE_PLUGIN(Queue, Enter, StatusOf, Admit, Who, Ticket);

}  // namespace queue
