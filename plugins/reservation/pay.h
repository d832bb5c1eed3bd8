/// reservation.claim and reservation.confirm: what a payment does to the reservation it is for.
///
/// A claim belongs to its payment's saga: only that one confirms it or gives it back.
#pragma once

#include "tables.h"

namespace reprise::reservation {

struct PayIn {
  std::string reservationId;
  static void Describe(auto& d) { d("reservationId", &PayIn::reservationId, "which reservation"); }
};

/// Moves the row from one state to another if it is this saga's, and counts the seat's version;
/// nothing if the row is in another state.
inline Result<std::optional<std::int64_t>> Move(Context& ctx, const PayIn& in,
                                                std::string_view from, std::string_view to) {
  const auto rows = ctx.Query(
      "UPDATE reservation_row SET status = $1 WHERE id = $2 AND status = $3 AND claimed_by = $4 "
      "RETURNING seat",
      to, in.reservationId, from, ctx.saga_id());
  if (!rows) return rows.error();
  if (rows->empty()) return std::optional<std::int64_t>();
  const auto version = NextVersion(ctx, rows->front().Text(0));
  if (!version) return version.error();
  return std::optional(*version);
}

class Claim : public Action<Reservation, PayIn> {
 public:
  static constexpr About kAbout{
      .name = "claim", .summary = "Keeps a held reservation from expiring while it is paid for."};
  static constexpr std::tuple kEvents{
      Event<Version>{"claimed", "It cannot expire until the payment has ended."}};
  static constexpr Problem kErrors[] = {
      {"not_payable", 409, "It is not held, or its time is over."}};
  static constexpr std::string_view kRemains[] = {"reservation_seat"};

  Outcome Do(Context& ctx, const PayIn& in) const override {
    const auto rows = ctx.Query(
        "UPDATE reservation_row SET status = 'paying', claimed_by = $1"
        " WHERE id = $2 AND status = 'held' AND expires_at > $3 RETURNING seat",
        ctx.saga_id(), in.reservationId, ctx.Now());
    if (!rows) return rows.error();
    if (rows->empty()) return Fail("not_payable", in.reservationId);
    const auto version = NextVersion(ctx, rows->front().Text(0));
    if (!version) return version.error();
    return ctx.Emit("claimed", Version{*version});
  }

  /// Also from paid: confirm's Undo comes before, but it may be stuck, and the points are given
  /// back nevertheless.  When a person has it tried again, there is nothing left of this payment.
  Outcome Undo(Context& ctx, const PayIn& in) const override {
    auto moved = Move(ctx, in, "paying", "held");
    if (moved && !*moved) moved = Move(ctx, in, "paid", "held");
    if (!moved || !*moved) return moved;
    return ctx.Query("UPDATE reservation_row SET claimed_by = NULL WHERE id = $1",
                     in.reservationId);
  }
};

class Confirm : public Action<Reservation, PayIn> {
 public:
  static constexpr About kAbout{.name = "confirm", .summary = "The reservation is paid for."};
  static constexpr std::tuple kEvents{
      Event<Version>{"confirmed", "The seat is the customer's for good."}};
  static constexpr Problem kErrors[] = {
      {"not_paying", 409, "This payment does not hold the reservation."}};
  static constexpr std::string_view kRemains[] = {"reservation_seat"};

  Outcome Do(Context& ctx, const PayIn& in) const override {
    const auto moved = Move(ctx, in, "paying", "paid");
    if (!moved) return moved.error();
    if (!*moved) return Fail("not_paying", in.reservationId);
    return ctx.Emit("confirmed", Version{**moved});
  }

  Outcome Undo(Context& ctx, const PayIn& in) const override {
    return Move(ctx, in, "paid", "paying");
  }
};

}  // namespace reprise::reservation
