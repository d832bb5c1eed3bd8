/// reservation.available, payable and status: what people may do, and what became of it.
#pragma once

#include <reprise/json.hpp>

#include "tables.h"

namespace reprise::reservation {

struct SeatOnly {
  std::string seatId;
  static void Describe(auto& d) { d("seatId", &SeatOnly::seatId, "which seat"); }
};

class Available : public Question<Reservation, SeatOnly> {
 public:
  static constexpr About kAbout{.name = "available",
                                .summary = "Refuses a seat that somebody has."};
  static constexpr Problem kErrors[] = {{"seat_taken", 409, "Somebody has this seat."}};

  Answer Ask(Asking& ask, const SeatOnly& in) const override {
    const auto rows = ask.Query(
        "SELECT 1 FROM reservation_row WHERE seat = $1 AND status IN ('held', 'paying', 'paid')",
        in.seatId);
    if (!rows) return rows.error();
    return rows->empty() ? Add() : Refuse("seat_taken", in.seatId);
  }
};

struct PayableIn {
  std::string reservationId, userId;
  static void Describe(auto& d) {
    d("reservationId", &PayableIn::reservationId, "which reservation");
    d("userId", &PayableIn::userId, "who wants to pay");
  }
};

struct PayableOut {
  std::string seatId;
  std::int64_t amount = 0;
  static void Describe(auto& d) {
    d("seatId", &PayableOut::seatId, "its seat");
    d("amount", &PayableOut::amount, "what it costs");
  }
};

class Payable : public Question<Reservation, PayableIn, PayableOut> {
 public:
  static constexpr About kAbout{.name = "payable",
                                .summary = "Refuses what cannot be paid for; adds what it costs."};
  static constexpr Problem kErrors[] = {
      {"no_such_reservation", 404, "There is none of yours by this id."},
      {"not_payable", 409, "It is not held, or its time is over."}};

  Answer Ask(Asking& ask, const PayableIn& in) const override {
    const auto rows = ask.Query(
        "SELECT seat, price, status, expires_at FROM reservation_row WHERE id = $1 AND customer = "
        "$2",
        in.reservationId, in.userId);
    if (!rows) return rows.error();
    if (rows->empty()) return Refuse("no_such_reservation");
    const Row row = rows->front();
    if (row.Text(2) != "held") return Refuse("not_payable", "it is " + std::string(row.Text(2)));
    if (FromMillis(row.Int(3)) <= ask.Now()) return Refuse("not_payable", "its time is over");
    return Add(PayableOut{std::string(row.Text(0)), row.Int(1)});
  }
};

struct StatusIn {
  std::string id, userId;
  static void Describe(auto& d) {
    d("id", &StatusIn::id, "which reservation");
    d("userId", &StatusIn::userId, "who asks");
  }
};

struct StatusOut {
  std::string reservationId, seatId, userId, status;
  std::optional<std::string> expiresAt;
  static void Describe(auto& d) {
    d("reservationId", &StatusOut::reservationId, "which reservation");
    d("seatId", &StatusOut::seatId, "its seat");
    d("userId", &StatusOut::userId, "whose it is");
    d("status", &StatusOut::status,
      "PENDING, HELD, PAYING, CONFIRMED, REJECTED, EXPIRED or CANCELLED");
    d("expiresAt", &StatusOut::expiresAt, "RFC 3339; null if it was never held");
  }
};

class ShowStatus : public Question<Reservation, StatusIn, StatusOut> {
 public:
  static constexpr About kAbout{.name = "status",
                                .summary = "Shows a reservation to its customer."};
  static constexpr Problem kErrors[] = {
      {"no_such_reservation", 404, "There is none of yours by this id."}};

  Answer Ask(Asking& ask, const StatusIn& in) const override {
    const auto rows = ask.Query(
        "SELECT seat, customer, status, expires_at FROM reservation_row WHERE id = $1", in.id);
    if (!rows) return rows.error();
    StatusOut out;
    if (rows->empty()) {
      const auto saga = ask.Saga(in.id);
      if (!saga && saga.error().code != Code::kNotFound) return saga.error();
      if (!saga) return Refuse("no_such_reservation");
      const auto root = ParseJsonObject(saga->root.text);
      if (!root) return root.error();
      out = {in.id, TextIn(*root, "seatId"), TextIn(*root, "userId"), OfSaga(saga->state),
             std::nullopt};
    } else {
      const Row row = rows->front();
      out = {in.id, std::string(row.Text(0)), std::string(row.Text(1)), Shown(row.Text(2)),
             std::nullopt};
      if (!row.Null(3)) out.expiresAt = Rfc3339(FromMillis(row.Int(3)));
    }
    if (out.userId != in.userId) return Refuse("no_such_reservation");
    return Reply(200, Body(out));
  }

 private:
  static std::string Shown(std::string_view status) {
    if (status == "held") return "HELD";
    if (status == "paying") return "PAYING";
    if (status == "paid") return "CONFIRMED";
    if (status == "rejected") return "REJECTED";
    return status == "expired" ? "EXPIRED" : "CANCELLED";
  }
  /// Without a row: not yet decided, or given up.
  static std::string OfSaga(std::string_view state) {
    return state == "running" || state == "undoing" ? "PENDING" : "CANCELLED";
  }
  static Json Body(const StatusOut& out) {
    boost::json::object body{{"reservationId", out.reservationId},
                             {"seatId", out.seatId},
                             {"userId", out.userId},
                             {"status", out.status},
                             {"expiresAt", nullptr}};
    if (out.expiresAt) body["expiresAt"] = *out.expiresAt;
    return ToJson(body);
  }
};

}  // namespace reprise::reservation
