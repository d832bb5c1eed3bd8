/// reservation.hold: the seat is this customer's for a while, or somebody else's.
#pragma once

#include <map>
#include <set>

#include "tables.h"

namespace reprise::reservation {

using namespace std::chrono_literals;  // NOLINT: literals only

struct HoldIn {
  std::string reservationId, seatId, userId;
  std::int64_t price = 0;
  static void Describe(auto& d) {
    d("reservationId", &HoldIn::reservationId, "the new reservation");
    d("seatId", &HoldIn::seatId, "the seat it is for");
    d("userId", &HoldIn::userId, "who asks");
    d("price", &HoldIn::price, "what will be taken").Min(0);
  }
};

struct HoldWith {
  Millis for_ = 5min;
  static void Describe(auto& d) {
    d("for", &HoldWith::for_, "how long until it expires unpaid").Min(Millis(1));
  }
};

struct HeldAdds {
  std::int64_t version = 0;
  std::string expiresAt;
  static void Describe(auto& d) {
    d("version", &HeldAdds::version, "of the seat");
    d("expiresAt", &HeldAdds::expiresAt, "RFC 3339");
  }
};

struct RejectedAdds {
  std::string reason;
  static void Describe(auto& d) { d("reason", &RejectedAdds::reason, "seat_taken"); }
};

class Hold : public Action<Reservation, HoldIn, HoldWith> {
 public:
  static constexpr About kAbout{.name = "hold", .summary = "Holds a seat that nobody has."};
  static constexpr std::tuple kEvents{
      Event<HeldAdds>{"held", "The seat is the customer's until expiresAt."},
      Event<RejectedAdds>{"rejected", "Somebody else has the seat."}};
  static constexpr std::string_view kRemains[] = {
      "reservation_row where status IN ('cancelled', 'rejected')", "reservation_seat"};

  Outcome Do(Context& ctx, const HoldIn& in) const override {
    const Time expires = ctx.Now() + with().for_;
    const auto held = Insert(ctx, in, "held", expires);
    if (!held) return held.error();
    if (held->empty()) {
      const auto rejected = Insert(ctx, in, "rejected", std::nullopt);
      if (!rejected) return rejected.error();
      return ctx.Emit("rejected", RejectedAdds{"seat_taken"});
    }
    const auto version = NextVersion(ctx, in.seatId);
    if (!version) return version.error();
    return ctx.Emit("held", HeldAdds{*version, Rfc3339(expires)});
  }

  Outcome Undo(Context& ctx, const HoldIn& in) const override {
    const auto cancelled = ctx.Query(
        "UPDATE reservation_row SET status = 'cancelled' WHERE id = $1 AND status = 'held' "
        "RETURNING seat",
        in.reservationId);
    if (!cancelled) return cancelled.error();
    if (!cancelled->empty()) return NextVersion(ctx, cancelled->front().Text(0));
    const auto rows =
        ctx.Query("SELECT status FROM reservation_row WHERE id = $1", in.reservationId);
    if (!rows) return rows.error();
    const std::string_view status = rows->empty() ? std::string_view() : rows->front().Text(0);
    if (status == "paying") return Later(1s);  // the payment is about to decide it
    if (status == "paid" || status == "expired")
      return Kept("the reservation is " + std::string(status));
    return Done();  // never held, or cancelled before
  }

  /// Distinct seats, four statements for all of them.
  Status DoAll(Batch<HoldIn>& batch) const override;

 private:
  static Result<Rows> Insert(Context& ctx, const HoldIn& in, std::string_view status,
                             std::optional<Time> expires) {
    return ctx.Query(
        "INSERT INTO reservation_row (id, seat, customer, price, status, expires_at)"
        " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING RETURNING id",
        in.reservationId, in.seatId, in.userId, in.price, status, expires);
  }

  static Table RowsOf(Batch<HoldIn>& batch, std::string_view status, std::optional<Time> expires,
                      const std::set<std::string, std::less<>>& but) {
    Table rows{"id", "seat", "customer", "price", "status", "expires_at"};
    for (auto& item : batch) {
      const HoldIn& in = item.in();
      if (but.contains(in.reservationId)) continue;
      rows.Add(in.reservationId, in.seatId, in.userId, in.price, status, expires);
    }
    return rows;
  }

  static Result<Rows> InsertAll(Batch<HoldIn>& batch, const Table& rows) {
    if (rows.empty()) return Rows();
    return batch.QueryRows(
        "INSERT INTO reservation_row (id, seat, customer, price, status, expires_at)"
        " SELECT r.id, r.seat, r.customer, r.price, r.status, r.expires_at FROM $rows AS r WHERE "
        "true"
        " ON CONFLICT DO NOTHING RETURNING id",
        rows);
  }
};

/// The next version of each of these distinct seats.
template <class In>
Result<std::map<std::string, std::int64_t, std::less<>>> NextVersions(Batch<In>& batch,
                                                                      const Table& seats) {
  std::map<std::string, std::int64_t, std::less<>> versions;
  if (seats.empty()) return versions;
  const auto rows = batch.QueryRows(
      "INSERT INTO reservation_seat (seat, version) SELECT r.seat, 1 FROM $rows AS r WHERE true"
      " ON CONFLICT (seat) DO UPDATE SET version = reservation_seat.version + 1 RETURNING seat, "
      "version",
      seats);
  if (!rows) return rows.error();
  for (const Row row : *rows) versions.emplace(row.Text(0), row.Int(1));
  return versions;
}

inline Status Hold::DoAll(Batch<HoldIn>& batch) const {
  std::set<std::string_view> seats;
  for (auto& item : batch) {
    if (!seats.insert(item.in().seatId).second) return Error{Code::kConflict, "a seat comes twice"};
  }
  const Time expires = batch.Now() + with().for_;
  const auto inserted = InsertAll(batch, RowsOf(batch, "held", expires, {}));
  if (!inserted) return inserted.error();
  std::set<std::string, std::less<>> held;
  for (const Row row : *inserted) held.emplace(row.Text(0));

  const auto rejected = InsertAll(batch, RowsOf(batch, "rejected", std::nullopt, held));
  if (!rejected) return rejected.error();
  Table changed{"seat"};
  for (auto& item : batch) {
    if (held.contains(item.in().reservationId)) changed.Add(item.in().seatId);
  }
  const auto versions = NextVersions(batch, changed);
  if (!versions) return versions.error();
  for (auto& item : batch) {
    const auto version = versions->find(item.in().seatId);
    Status emitted = version == versions->end()
                         ? item.context().Emit("rejected", RejectedAdds{"seat_taken"})
                         : item.context().Emit("held", HeldAdds{version->second, Rfc3339(expires)});
    if (!emitted) return emitted;
    item.Done();
  }
  return {};
}

}  // namespace reprise::reservation
