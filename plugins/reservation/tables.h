/// The plugin `reservation`: its tables, and the version that each change of a seat's reservations
/// gets.
///
/// A row goes held -> paying -> paid, held -> expired, held -> cancelled; rejected never was held.
/// reservation_active allows one active row (held, paying, paid) a seat, whatever runs at once.
#pragma once

#include <reprise/plugin.hpp>

namespace reprise::reservation {

class Reservation : public Plugin<> {
 public:
  static constexpr About kAbout{"reservation", "1.0.0", "Who has which seat, until when."};
  static constexpr Migration kMigrations[] = {
      {1, R"(
CREATE TABLE reservation_row (
  id TEXT PRIMARY KEY,
  seat TEXT NOT NULL,
  customer TEXT NOT NULL,
  price BIGINT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('held', 'paying', 'paid', 'expired', 'cancelled', 'rejected')),
  expires_at BIGINT,
  claimed_by TEXT))"},
      {2, R"(
CREATE UNIQUE INDEX reservation_active ON reservation_row (seat) WHERE status IN ('held', 'paying', 'paid'))"},
      {3, R"(
CREATE TABLE reservation_seat (seat TEXT PRIMARY KEY, version BIGINT NOT NULL))"},
  };
};

/// What hold is given, and all that its followers need.
struct OfSeat {
  std::string reservationId, seatId;
  static void Describe(auto& d) {
    d("reservationId", &OfSeat::reservationId, "which reservation");
    d("seatId", &OfSeat::seatId, "its seat");
  }
};

struct Version {
  std::int64_t version = 0;
  static void Describe(auto& d) {
    d("version", &Version::version, "of the seat: a later change has a higher one");
  }
};

/// The seat's next version; versions only grow, also when a step is undone.
inline Result<std::int64_t> NextVersion(Context& ctx, std::string_view seat) {
  const auto rows = ctx.Query(
      "INSERT INTO reservation_seat (seat, version) VALUES ($1, 1)"
      " ON CONFLICT (seat) DO UPDATE SET version = reservation_seat.version + 1 RETURNING version",
      seat);
  if (!rows) return rows.error();
  return rows->front().Int(0);
}

}  // namespace reprise::reservation
