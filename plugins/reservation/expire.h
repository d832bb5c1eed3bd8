/// reservation.expire: what is held past its time is nobody's any more.
#pragma once

#include "hold.h"
#include "tables.h"

namespace reprise::reservation {

class Expire : public Action<Reservation, OfSeat> {
 public:
  static constexpr About kAbout{.name = "expire",
                                .summary = "Ends a reservation that was not paid for in time."};
  static constexpr std::tuple kEvents{
      Event<Version>{"expired", "The seat is nobody's; without it, there was nothing to end."}};

  Outcome Do(Context& ctx, const OfSeat& in) const override {
    const auto rows =
        ctx.Query("SELECT status, expires_at FROM reservation_row WHERE id = $1", in.reservationId);
    if (!rows) return rows.error();
    if (rows->empty() || rows->front().Text(0) != "held") return Done();
    const Millis left = FromMillis(rows->front().Int(1)) - ctx.Now();
    if (left > Millis(0)) return Later(left);
    const auto expired = ctx.Query(
        "UPDATE reservation_row SET status = 'expired' WHERE id = $1 AND status = 'held' RETURNING "
        "seat",
        in.reservationId);
    if (!expired) return expired.error();
    if (expired->empty()) return Done();
    const auto version = NextVersion(ctx, expired->front().Text(0));
    if (!version) return version.error();
    if (Status emitted = ctx.Emit("expired", Version{*version}); !emitted) return emitted;
    return Done(kExpired);
  }

  Outcome Undo(Context& ctx, const OfSeat&) const override {
    return ctx.memo() == kExpired ? Kept("the reservation's time was over") : Done();
  }

  /// Three statements for all; one that is not due yet: one by one.  The statement that ends what
  /// is held also looks whether it still is: a payment that claims one meanwhile, elsewhere, keeps
  /// it.
  Status DoAll(Batch<OfSeat>& batch) const override {
    Table ids{"id", "now"};
    for (auto& item : batch) ids.Add(item.in().reservationId, ToMillis(batch.Now()));
    const auto ended = batch.QueryRows(
        "UPDATE reservation_row SET status = 'expired' FROM $rows AS r WHERE reservation_row.id = "
        "r.id AND reservation_row.status = 'held' AND reservation_row.expires_at <= r.now"
        " RETURNING reservation_row.id, reservation_row.seat",
        ids);
    if (!ended) return ended.error();
    const auto early = batch.QueryRows(
        "SELECT 1 FROM $rows AS r JOIN reservation_row AS t ON t.id = r.id WHERE t.status = 'held'"
        " LIMIT 1",
        ids);
    if (!early) return early.error();
    if (!early->empty()) return Error{Code::kConflict, "one is not due yet"};
    Table seats{"seat"};
    std::map<std::string, std::string, std::less<>> seat_of;
    for (const Row row : *ended) {
      seat_of.emplace(row.Text(0), row.Text(1));
      seats.Add(row.Text(1));
    }
    const auto versions = NextVersions(batch, seats);
    if (!versions) return versions.error();
    for (auto& item : batch) {
      const auto seat = seat_of.find(item.in().reservationId);
      if (seat == seat_of.end()) {
        item.Done();
        continue;
      }
      const Version added{versions->at(seat->second)};
      if (Status emitted = item.context().Emit("expired", added); !emitted) return emitted;
      item.Done(kExpired);
      seat_of.erase(seat);  // the same one twice in a batch ends once
    }
    return {};
  }

 private:
  static constexpr std::string_view kExpired = "expired";
};

}  // namespace reprise::reservation
