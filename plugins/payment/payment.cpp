/// Payment: points of users, what was taken of them and given back.
///
/// payment_points holds what each user has; a user without a row has `start_points`.  payment_taken
/// and payment_added remember each take and each addition by its id, so that a second one changes
/// nothing and an undo gives back exactly what its do took.
#include <cstdint>
#include <optional>
#include <string>

#include <reprise/plugin.hpp>

namespace payment {

using namespace reprise;

constexpr std::int64_t kPointsMax = 9'007'199'254'740'991;  // 2^53 - 1: exact in every JSON reader

struct Settings {
  std::int64_t start_points = 0;
  static void Describe(auto& d) {
    d("start_points", &Settings::start_points, "what a user has who was never seen before")
        .Min(0)
        .Max(kPointsMax);
  }
};

class Payment : public Plugin<Settings> {
 public:
  static constexpr About kAbout{"payment", "1.0.0", "Points: added, taken and given back."};
  static constexpr Migration kMigrations[] = {
      {1,
       "CREATE TABLE payment_points ("
       "  user_id TEXT PRIMARY KEY, points INTEGER NOT NULL CHECK (points >= 0)"
       ") STRICT, WITHOUT ROWID",
       "CREATE TABLE payment_points ("
       "  user_id text PRIMARY KEY, points bigint NOT NULL CHECK (points >= 0))"},
      {2,
       "CREATE TABLE payment_taken ("
       "  payment_id TEXT PRIMARY KEY, reservation_id TEXT NOT NULL, user_id TEXT NOT NULL,"
       "  amount INTEGER NOT NULL, status TEXT NOT NULL"
       ") STRICT, WITHOUT ROWID",
       "CREATE TABLE payment_taken ("
       "  payment_id text PRIMARY KEY, reservation_id text NOT NULL, user_id text NOT NULL,"
       "  amount bigint NOT NULL, status text NOT NULL)"},
      {3,
       "CREATE TABLE payment_added ("
       "  id TEXT PRIMARY KEY, user_id TEXT NOT NULL, amount INTEGER NOT NULL, status TEXT NOT NULL"
       ") STRICT, WITHOUT ROWID",
       "CREATE TABLE payment_added ("
       "  id text PRIMARY KEY, user_id text NOT NULL, amount bigint NOT NULL, status text NOT "
       "NULL)"},
  };
};

/// Gives `amount` to a user, seen before or not.  The points after it; nothing: they would pass
/// `most`.
Result<std::optional<std::int64_t>> Give(Context& ctx, std::string_view user, std::int64_t amount,
                                         std::int64_t start, std::int64_t most) {
  if (amount > most - start) return std::optional<std::int64_t>();
  const auto rows = ctx.Query(
      "INSERT INTO payment_points (user_id, points) VALUES ($1, $2) ON CONFLICT (user_id) DO UPDATE"
      " SET points = payment_points.points + $3 WHERE payment_points.points <= $4 RETURNING points",
      user, start + amount, amount, most - amount);
  if (!rows) return rows.error();
  if (rows->empty()) return std::optional<std::int64_t>();
  return std::optional(rows->front().Int(0));
}

/// What a user has who may never have been seen.
template <class Ctx>
Result<std::int64_t> PointsOf(Ctx& ctx, std::string_view user, std::int64_t start) {
  const auto rows = ctx.Query("SELECT points FROM payment_points WHERE user_id = $1", user);
  if (!rows) return rows.error();
  return rows->empty() ? start : rows->front().Int(0);
}

struct TakeIn {
  std::string paymentId, reservationId, userId;
  std::int64_t amount = 0;
  static void Describe(auto& d) {
    d("paymentId", &TakeIn::paymentId, "what this payment is called");
    d("reservationId", &TakeIn::reservationId, "what it pays for");
    d("userId", &TakeIn::userId, "whose points");
    d("amount", &TakeIn::amount, "how many").Min(0).Max(kPointsMax);
  }
};

class Take : public Action<Payment, TakeIn> {
 public:
  static constexpr About kAbout{.name = "take",
                                .summary = "Takes points and answers 200; Undo gives them back."};
  static constexpr std::tuple kEvents{Event<>{"captured", "The points are taken."}};
  static constexpr Problem kErrors[] = {
      {"insufficient_points", 402, "The user has too few points."},
      {"already_refunded", 409, "This payment was given back before."}};
  // A payment given back stays, marked.
  static constexpr std::string_view kRemains[] = {"payment_taken where status = 'REFUNDED'"};

  Outcome Do(Context& ctx, const TakeIn& in) const override {
    const auto before =
        ctx.Query("SELECT status FROM payment_taken WHERE payment_id = $1", in.paymentId);
    if (!before) return before.error();
    if (before->empty()) {
      const Result<bool> paid = TakePoints(ctx, in);
      if (!paid) return paid.error();
      if (!*paid) return Fail("insufficient_points", "it costs " + std::to_string(in.amount));
      const auto noted = ctx.Query(
          "INSERT INTO payment_taken (payment_id, reservation_id, user_id, amount, status)"
          " VALUES ($1, $2, $3, $4, 'CAPTURED')",
          in.paymentId, in.reservationId, in.userId, in.amount);
      if (!noted) return noted.error();
    } else if (before->front().Text(0) != "CAPTURED") {
      return Fail("already_refunded");
    }
    if (const Status emitted = ctx.Emit("captured"); !emitted) return emitted;
    return ctx.Respond(200, {{"paymentId", in.paymentId},
                             {"reservationId", in.reservationId},
                             {"amount", in.amount},
                             {"status", "CAPTURED"}});
  }

  Outcome Undo(Context& ctx, const TakeIn& in) const override {
    const auto taken = ctx.Query(
        "UPDATE payment_taken SET status = 'REFUNDED' WHERE payment_id = $1 AND status = 'CAPTURED'"
        " RETURNING user_id, amount",
        in.paymentId);
    if (!taken) return taken.error();
    if (taken->empty()) return Done();  // never taken, or given back before
    return ctx.Query("UPDATE payment_points SET points = points + $2 WHERE user_id = $1",
                     taken->front().Text(0), taken->front().Int(1));
  }

 private:
  /// False: too few.
  Result<bool> TakePoints(Context& ctx, const TakeIn& in) const {
    const auto rows = ctx.Query(
        "UPDATE payment_points SET points = points - $2 WHERE user_id = $1 AND points >= $2"
        " RETURNING points",
        in.userId, in.amount);
    if (!rows) return rows.error();
    if (!rows->empty()) return true;
    const std::int64_t start = plugin().settings().start_points;
    if (start < in.amount) return false;
    const auto first = ctx.Query(
        "INSERT INTO payment_points (user_id, points) VALUES ($1, $2)"
        " ON CONFLICT (user_id) DO NOTHING RETURNING points",
        in.userId, start - in.amount);
    if (!first) return first.error();
    return !first->empty();
  }
};

struct AddIn {
  std::string id;
  std::int64_t amount = 0;
  static void Describe(auto& d) {
    d("id", &AddIn::id, "the user");
    d("amount", &AddIn::amount, "how many points more").Min(1).Max(kPointsMax);
  }
};

class AddPoints : public Action<Payment, AddIn> {
 public:
  static constexpr About kAbout{.name = "add",
                                .summary = "Adds points and answers 200 {userId, points}."};
  static constexpr Problem kErrors[] = {
      {"too_many_points", 409, "No user may have more than 9007199254740991 points."}};
  static constexpr std::string_view kRemains[] = {"payment_added where status = 'TAKEN_BACK'",
                                                  "payment_points where points = 0"};

  Outcome Do(Context& ctx, const AddIn& in) const override {
    const auto fresh = ctx.Query(
        "INSERT INTO payment_added (id, user_id, amount, status) VALUES ($1, $2, $3, 'ADDED')"
        " ON CONFLICT (id) DO NOTHING RETURNING id",
        IdOf(ctx), in.id, in.amount);
    if (!fresh) return fresh.error();
    const std::int64_t start = plugin().settings().start_points;
    if (fresh->empty()) {  // done before: say what there is
      const Result<std::int64_t> points = PointsOf(ctx, in.id, start);
      if (!points) return points.error();
      return Answered(ctx, in.id, *points);
    }
    const auto points = Give(ctx, in.id, in.amount, start, kPointsMax);
    if (!points) return points.error();
    if (!*points) return Fail("too_many_points");
    return Answered(ctx, in.id, **points);
  }

  /// Kept when the points are spent: nobody's balance goes below zero, and no retry brings them
  /// back.
  Outcome Undo(Context& ctx, const AddIn&) const override {
    const auto added = ctx.Query(
        "SELECT user_id, amount FROM payment_added WHERE id = $1 AND status = 'ADDED'", IdOf(ctx));
    if (!added) return added.error();
    if (added->empty()) return Done();
    const auto taken = ctx.Query(
        "UPDATE payment_points SET points = points - $2 WHERE user_id = $1 AND points >= $2"
        " RETURNING points",
        added->front().Text(0), added->front().Int(1));
    if (!taken) return taken.error();
    if (taken->empty()) return Kept("the points are spent");
    return ctx.Query("UPDATE payment_added SET status = 'TAKEN_BACK' WHERE id = $1", IdOf(ctx));
  }

 private:
  /// A step runs once in a saga: its Do and its Undo mean the same addition.
  static std::string IdOf(const Context& ctx) {
    return std::string(ctx.saga_id()) + "/" + std::string(ctx.step());
  }
  static Outcome Answered(Context& ctx, std::string_view user, std::int64_t points) {
    return ctx.Respond(200, {{"userId", user}, {"points", points}});
  }
};

struct BalanceIn {
  std::string id;
  static void Describe(auto& d) { d("id", &BalanceIn::id, "the user"); }
};

struct BalanceOut {
  std::string userId;
  std::int64_t points = 0;
  static void Describe(auto& d) {
    d("userId", &BalanceOut::userId, "the user");
    d("points", &BalanceOut::points, "what the user has");
  }
};

class Balance : public Question<Payment, BalanceIn, BalanceOut> {
 public:
  static constexpr About kAbout{.name = "balance",
                                .summary = "What a user has; an unknown one has start_points."};

  Answer Ask(Asking& ask, const BalanceIn& in) const override {
    const Result<std::int64_t> points = PointsOf(ask, in.id, plugin().settings().start_points);
    if (!points) return points.error();
    return Reply(200, BalanceOut{in.id, *points});
  }
};

struct StatusIn {
  std::string id, userId;
  static void Describe(auto& d) {
    d("id", &StatusIn::id, "the payment");
    d("userId", &StatusIn::userId, "who asks");
  }
};

struct StatusOut {
  std::string paymentId, reservationId;
  std::int64_t amount = 0;
  std::string status;
  static void Describe(auto& d) {
    d("paymentId", &StatusOut::paymentId, "the payment");
    d("reservationId", &StatusOut::reservationId, "what it pays for");
    d("amount", &StatusOut::amount, "points");
    d("status", &StatusOut::status, "CAPTURED or REFUNDED");
  }
};

class StatusOf : public Question<Payment, StatusIn, StatusOut> {
 public:
  static constexpr About kAbout{.name = "status", .summary = "A payment, to the one who made it."};
  static constexpr Problem kErrors[] = {
      {"unknown_payment", 404, "There is no such payment, or it is another's."}};

  Answer Ask(Asking& ask, const StatusIn& in) const override {
    const auto rows = ask.Query(
        "SELECT reservation_id, amount, status FROM payment_taken"
        " WHERE payment_id = $1 AND user_id = $2",
        in.id, in.userId);
    if (!rows) return rows.error();
    if (rows->empty()) return Refuse("unknown_payment");
    const Row row = rows->front();
    return Reply(200,
                 StatusOut{in.id, std::string(row.Text(0)), row.Int(1), std::string(row.Text(2))});
  }
};

REPRISE_PLUGIN(Payment, Take, AddPoints, Balance, StatusOf);

}  // namespace payment
