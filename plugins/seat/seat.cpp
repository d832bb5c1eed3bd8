/// The plugin `seat`: the seats people look at, following the reservations by message.
///
/// A row knows the newest change it has seen: its version, its reservation, and two marks of that
/// one, held and sold.  A change applies if it is newer; one of another reservation begins from
/// neither mark.  An Undo clears its own mark if the row still is of its reservation (and was not
/// sold anew), and never lowers the version.
#include <reprise/json.hpp>
#include <reprise/plugin.hpp>

namespace reprise::seat {

struct Settings {
  std::int64_t rows = 5, per_row = 10, price = 50'000;
  static void Describe(auto& d) {
    d("rows", &Settings::rows, "how many rows: A, B, C ...").Min(1).Max(702);
    d("per_row", &Settings::per_row, "how many seats in each: A-1, A-2 ...").Min(1).Max(1000);
    d("price", &Settings::price, "of each seat").Min(0);
  }
};

class Seat : public Plugin<Settings> {
 public:
  static constexpr About kAbout{"seat", "1.0.0", "The seats: which are free, held and sold."};
  static constexpr Migration kMigrations[] = {{1, R"(
CREATE TABLE seat_row (
  seat TEXT PRIMARY KEY,
  line BIGINT NOT NULL,
  place BIGINT NOT NULL,
  price BIGINT NOT NULL,
  version BIGINT NOT NULL,
  reservation TEXT NOT NULL,
  held INTEGER NOT NULL,
  sold INTEGER NOT NULL,
  status TEXT GENERATED ALWAYS AS (CASE WHEN sold = 1 THEN 'SOLD' WHEN held = 1 THEN 'HELD' ELSE 'FREE' END) STORED))"}};

  /// Makes the seats that are not there; those that are stay as they are.
  Status Start(Context& ctx) override {
    Table seats{"seat", "line", "place", "price"};
    for (std::int64_t line = 0; line < settings().rows; ++line) {
      for (std::int64_t place = 1; place <= settings().per_row; ++place) {
        seats.Add(Letters(line) + "-" + std::to_string(place), line, place, settings().price);
      }
    }
    const auto made = ctx.QueryRows(
        "INSERT INTO seat_row (seat, line, place, price, version, reservation, held, sold)"
        " SELECT r.seat, r.line, r.place, r.price, 0, '', 0, 0 FROM $rows AS r WHERE true ON "
        "CONFLICT DO NOTHING",
        seats);
    return made ? Status() : made.error();
  }

 private:
  /// A .. Z, AA .. ZZ.
  static std::string Letters(std::int64_t line) {
    const auto letter = [](std::int64_t i) { return std::string(1, static_cast<char>('A' + i)); };
    return line < 26 ? letter(line) : letter(line / 26 - 1) + letter(line % 26);
  }
};

struct Change {
  std::string seatId, reservationId;
  std::int64_t version = 0;
  static void Describe(auto& d) {
    d("seatId", &Change::seatId, "which seat");
    d("reservationId", &Change::reservationId, "whose change it is");
    d("version", &Change::version, "how new it is");
  }
};

constexpr Problem kNoSuchSeat{"no_such_seat", 404, "There is no seat of this name."};

/// Whether the change was newer than what the row knew.  `marks`: what becomes of held and sold.
inline Result<bool> Apply(Context& ctx, const Change& in, std::string_view marks) {
  const auto rows =
      ctx.Query("UPDATE seat_row SET version = $1, reservation = $2, " + std::string(marks) +
                    " WHERE seat = $3 AND version < $1 RETURNING seat",
                in.version, in.reservationId, in.seatId);
  if (!rows) return rows.error();
  if (!rows->empty()) return true;
  const auto known = ctx.Query("SELECT 1 FROM seat_row WHERE seat = $1", in.seatId);
  if (!known) return known.error();
  if (known->empty()) return Error{Code::kNotFound, in.seatId};
  return false;
}

/// Says an Apply that failed.
inline Outcome NotApplied(const Error& error) {
  return error.code == Code::kNotFound ? Fail(kNoSuchSeat.code, error.message) : Outcome(error);
}

class Hold : public Action<Seat, Change> {
 public:
  static constexpr About kAbout{.name = "hold", .summary = "Marks a seat as held."};
  static constexpr std::tuple kEvents{Event<>{"held", "The seat shows it."},
                                      Event<>{"skipped", "The seat knows something newer."}};
  static constexpr Problem kErrors[] = {kNoSuchSeat};
  static constexpr std::string_view kRemains[] = {"seat_row.version", "seat_row.reservation"};

  Outcome Do(Context& ctx, const Change& in) const override {
    const auto applied =
        Apply(ctx, in, "held = 1, sold = CASE WHEN reservation = $2 THEN sold ELSE 0 END");
    if (!applied) return NotApplied(applied.error());
    return ctx.Emit(*applied ? "held" : "skipped");
  }
  Outcome Undo(Context& ctx, const Change& in) const override {
    return ctx.Query("UPDATE seat_row SET held = 0 WHERE seat = $1 AND reservation = $2", in.seatId,
                     in.reservationId);
  }

  /// One statement for all; one that is not applied: one by one.
  Status DoAll(Batch<Change>& batch) const override {
    Table changes{"seat", "reservation", "version"};
    for (auto& item : batch)
      changes.Add(item.in().seatId, item.in().reservationId, item.in().version);
    const auto applied = batch.QueryRows(
        "UPDATE seat_row SET version = r.version, reservation = r.reservation, held = 1,"
        " sold = CASE WHEN seat_row.reservation = r.reservation THEN seat_row.sold ELSE 0 END"
        " FROM $rows AS r WHERE seat_row.seat = r.seat AND seat_row.version < r.version RETURNING "
        "seat_row.seat",
        changes);
    if (!applied) return applied.error();
    if (applied->size() != batch.size())
      return Error{Code::kConflict, "one is not newer, or there is none"};
    for (auto& item : batch) {
      if (Status emitted = item.context().Emit("held"); !emitted) return emitted;
      item.Done();
    }
    return {};
  }
};

class Sell : public Action<Seat, Change> {
 public:
  static constexpr About kAbout{.name = "sell", .summary = "Marks a seat as sold."};
  static constexpr std::tuple kEvents{Event<>{"sold", "The seat shows it, or something newer."}};
  static constexpr Problem kErrors[] = {kNoSuchSeat};
  static constexpr std::string_view kRemains[] = {"seat_row.version", "seat_row.reservation"};

  Outcome Do(Context& ctx, const Change& in) const override {
    const auto applied =
        Apply(ctx, in, "sold = 1, held = CASE WHEN reservation = $2 THEN held ELSE 0 END");
    if (!applied) return NotApplied(applied.error());
    return ctx.Emit("sold");
  }
  /// A sale that is taken back late, by a person, leaves the mark of a later one: the same
  /// reservation can be paid for again once its points were given back.
  Outcome Undo(Context& ctx, const Change& in) const override {
    return ctx.Query(
        "UPDATE seat_row SET sold = 0 WHERE seat = $1 AND reservation = $2 AND version <= $3",
        in.seatId, in.reservationId, in.version);
  }
};

class Free : public Action<Seat, Change> {
 public:
  static constexpr About kAbout{.name = "free", .summary = "Marks a seat as free."};
  static constexpr std::tuple kEvents{Event<>{"freed", "The seat shows it."},
                                      Event<>{"skipped", "The seat knows something newer."}};
  static constexpr Problem kErrors[] = {kNoSuchSeat};

  Outcome Do(Context& ctx, const Change& in) const override {
    const auto applied = Apply(ctx, in, "held = 0, sold = 0");
    if (!applied) return NotApplied(applied.error());
    return ctx.Emit(*applied ? "freed" : "skipped");
  }
  Outcome Undo(Context&, const Change&) const override {
    return Kept("the reservation has expired");
  }
};

struct Shown {
  std::string seatId, status;
  std::int64_t price = 0;
  static void Describe(auto& d) {
    d("seatId", &Shown::seatId, "of each seat in the array");
    d("price", &Shown::price, "what it costs");
    d("status", &Shown::status, "FREE, HELD or SOLD");
  }
};

class List : public Question<Seat, Nothing, Shown> {
 public:
  static constexpr About kAbout{.name = "list", .summary = "Shows all seats, as an array."};

  Answer Ask(Asking& ask, const Nothing&) const override {
    const auto rows = ask.Query("SELECT seat, price, status FROM seat_row ORDER BY line, place");
    if (!rows) return rows.error();
    boost::json::array seats;
    seats.reserve(rows->size());
    for (const Row row : *rows) {
      seats.push_back(boost::json::object{
          {"seatId", row.Text(0)}, {"price", row.Int(1)}, {"status", row.Text(2)}});
    }
    return Reply(200, ToJson(seats));
  }
};

struct SeatOnly {
  std::string seatId;
  static void Describe(auto& d) { d("seatId", &SeatOnly::seatId, "which seat"); }
};

struct Price {
  std::int64_t price = 0;
  static void Describe(auto& d) { d("price", &Price::price, "what it costs"); }
};

class Exists : public Question<Seat, SeatOnly, Price> {
 public:
  static constexpr About kAbout{.name = "exists",
                                .summary = "Refuses what is no seat; adds its price."};
  static constexpr Problem kErrors[] = {kNoSuchSeat};

  Answer Ask(Asking& ask, const SeatOnly& in) const override {
    const auto rows = ask.Query("SELECT price FROM seat_row WHERE seat = $1", in.seatId);
    if (!rows) return rows.error();
    if (rows->empty()) return Refuse(kNoSuchSeat.code, in.seatId);
    return Add(Price{rows->front().Int(0)});
  }
};

REPRISE_PLUGIN(Seat, Hold, Sell, Free, List, Exists);

}  // namespace reprise::seat
