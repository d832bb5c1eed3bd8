/// push.user and push.mine: what customers are told, kept to be read again.
///
/// A push is a row of push_user, numbered per user in the step's transaction, so that commit order
/// is number order: a stream that saw 7 never misses a 6.  Two lanes that take the same number
/// conflict, and one tries again.  push_told keeps the newest version told per user and subject,
/// for steps that say `newer`.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <reprise/json.hpp>

#include "settings.h"

namespace push {

constexpr std::int64_t kKept = 1000;       // pushes a user, at least
constexpr std::int64_t kPurgeEvery = 256;  // pushes of a user between two purges
constexpr std::int64_t kReplayed = 100;    // newest ones, to a stream that does not say what it saw

inline std::string ChannelOf(std::string_view user) {
  return "push/" + std::string(user);
}

/// One thing to be said.
struct Line {
  std::string user, event, data;
  std::string about;  // empty: whatever was told before
  std::int64_t version = 0;
  bool spoken = false;
};

/// Keeps the lines whose version is not older than what was told.  `Sql`: a Context or a Batch.
template <class Sql>
Status Claim(Sql& sql, std::vector<Line>& lines) {
  Table claims{"user_id", "about", "version", "at"};
  std::set<std::pair<std::string_view, std::string_view>> seen;
  for (Line& line : lines) {
    line.spoken = true;
    if (line.about.empty()) continue;
    if (!seen.emplace(line.user, line.about).second) {
      return Error{Code::kInvalid, "two pushes about the same in one batch"};
    }
    claims.Add(line.user, line.about, line.version, ToMillis(sql.Now()));
  }
  if (claims.empty()) return {};
  const auto newest = sql.QueryRows(
      "INSERT INTO push_told (user_id, about, version, at)"
      " SELECT user_id, about, version, at FROM $rows AS r WHERE true"
      " ON CONFLICT (user_id, about) DO UPDATE SET version = excluded.version, at = excluded.at"
      " WHERE push_told.version <= excluded.version RETURNING user_id, about",
      claims);
  if (!newest) return newest.error();
  if (newest->size() == claims.size()) return {};
  seen.clear();
  for (const Row row : *newest) seen.emplace(row.Text(0), row.Text(1));
  for (Line& line : lines) {
    if (!line.about.empty()) line.spoken = seen.contains({line.user, line.about});
  }
  return {};
}

/// Forgets what is older than the newest kKept of a user.
template <class Sql>
Status Purge(Sql& sql, std::string_view user, std::int64_t newest) {
  const auto rows =
      sql.Query("DELETE FROM push_user WHERE user_id = $1 AND seq <= $2", user, newest - kKept);
  if (!rows) return rows.error();
  const auto told = sql.Query(
      "DELETE FROM push_told WHERE user_id = $1 AND at <"
      " (SELECT at FROM push_user WHERE user_id = $1 ORDER BY seq LIMIT 1)",
      user);
  return told ? Status() : told.error();
}

/// Says what is to be said; `spoken` tells which lines were.
template <class Sql>
Status Speak(Sql& sql, std::vector<Line>& lines) {
  if (Status claimed = Claim(sql, lines); !claimed) return claimed;
  // The same order in every batch: lanes that tell the same users wait for each other, not in a
  // circle.
  std::vector<const Line*> order;
  for (const Line& line : lines) {
    if (line.spoken) order.push_back(&line);
  }
  std::stable_sort(order.begin(), order.end(),
                   [](const Line* a, const Line* b) { return a->user < b->user; });
  if (order.empty()) return {};
  Table rows{"user_id", "nth", "event", "data", "at"};
  std::int64_t nth = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    nth = i > 0 && order[i]->user == order[i - 1]->user ? nth + 1 : 1;
    rows.Add(order[i]->user, nth, order[i]->event, order[i]->data, ToMillis(sql.Now()));
  }
  const auto numbered = sql.QueryRows(
      "INSERT INTO push_user (user_id, seq, event, data, at)"
      " SELECT r.user_id, coalesce((SELECT p.seq FROM push_user AS p WHERE p.user_id = r.user_id"
      " ORDER BY p.seq DESC LIMIT 1), 0) + r.nth, r.event, r.data, r.at FROM $rows AS r"
      " RETURNING user_id, seq",
      rows);
  if (!numbered) return numbered.error();
  for (const Row row : *numbered) {
    if (row.Int(1) % kPurgeEvery != 0) continue;
    if (Status purged = Purge(sql, row.Text(0), row.Int(1)); !purged) return purged;
  }
  return {};
}

struct UserIn {
  std::string userId;
  std::optional<std::string> reservationId, paymentId, seatId, status, expiresAt, reason;
  std::optional<std::int64_t> version, amount, price;
  static void Describe(auto& d) {
    d("userId", &UserIn::userId, "who is told; every other field is what");
    d("reservationId", &UserIn::reservationId, "told as it is");
    d("paymentId", &UserIn::paymentId, "told as it is");
    d("seatId", &UserIn::seatId, "told as it is");
    d("status", &UserIn::status, "told as it is");
    d("version", &UserIn::version, "told as it is");
    d("amount", &UserIn::amount, "told as it is");
    d("price", &UserIn::price, "told as it is");
    d("expiresAt", &UserIn::expiresAt, "told as it is");
    d("reason", &UserIn::reason, "told as it is");
  }
};

/// What a user is told, as JSON: the fields of UserIn that are there, and nothing else of the
/// payload.
inline std::string DataOf(const UserIn& in) {
  boost::json::object data;
  for (const Field& field : Fields(in)) {
    if (field.name == "userId") continue;
    auto& value = data[field.name];
    if (field.value.type() == REPRISE_INT) {
      value = field.value.Int();
    } else {
      value = field.value.Text();
    }
  }
  return boost::json::serialize(data);
}

struct UserWith {
  std::string event;
  std::optional<std::string> undo_event;
  std::optional<Json> newer;
  static void Describe(auto& d) {
    d("event", &UserWith::event, "what the push is called").Required();
    d("undo_event", &UserWith::undo_event, "what Undo says; without it Undo says nothing");
    d("newer", &UserWith::newer,
      "{of: FIELD, by: FIELD}: says nothing if a higher `by` was told of the same `of`");
  }
};

struct Newer {
  std::string of, by;  // names of fields
};

inline Result<std::optional<Newer>> NewerOf(const UserWith& with) {
  if (!with.newer) return std::optional<Newer>();
  const auto object = ParseJsonObject(with.newer->text);
  Newer newer;
  if (object) newer = {TextIn(*object, "of"), TextIn(*object, "by")};
  if (newer.of.empty() || newer.by.empty() || object->size() != 2) {
    return Error{Code::kInvalid, "newer must be {of: FIELD, by: FIELD}, it is " + with.newer->text};
  }
  return std::optional(newer);
}

class User : public Action<Push, UserIn, UserWith> {
 public:
  static constexpr About kAbout{.name = "user", .summary = "Tells the payload's user."};
  static constexpr Problem kErrors[] = {{"bad_settings", 500, "`newer` is not {of: .., by: ..}."}};
  // What was said stays said.
  static constexpr std::string_view kRemains[] = {"push_user", "push_told"};

  Outcome Do(Context& ctx, const UserIn& in) const override {
    const auto newer = NewerOf(with());
    if (!newer) return Fail("bad_settings", newer.error().message);
    auto line = LineOf(ctx, in, *newer);
    if (!line && line.error().transient()) return line.error();
    if (!line) return Fail(kBadPayload.code, line.error().message);
    return Say(ctx, *std::move(line));
  }

  Status DoAll(Batch<UserIn>& batch) const override {
    const auto newer = NewerOf(with());
    if (!newer) return newer.error();
    std::vector<Line> lines;
    lines.reserve(batch.size());
    for (auto& item : batch) {
      auto line = LineOf(item.context(), item.in(), *newer);
      if (!line) return line.error();
      lines.push_back(*std::move(line));
    }
    if (Status said = Speak(batch, lines); !said) return said;
    for (std::size_t i = 0; i < lines.size(); ++i) {
      if (lines[i].spoken) {
        if (Status hinted = batch[i].context().Hint(ChannelOf(lines[i].user)); !hinted)
          return hinted;
      }
      batch[i].Done();
    }
    return {};
  }

  /// Speaks whatever Do said, and lets the version told as it is: what comes after is newer than
  /// both.  But where effects of the saga stand, "it failed" is not true.
  Outcome Undo(Context& ctx, const UserIn& in) const override {
    if (!with().undo_event || in.userId.empty() || SomethingStands(ctx)) return Done();
    Line line;
    line.user = in.userId;
    line.event = *with().undo_event;
    line.data = DataOf(in);
    return Say(ctx, std::move(line));
  }

 private:
  Result<Line> LineOf(Context& ctx, const UserIn& in, const std::optional<Newer>& newer) const {
    Line line{in.userId, with().event, DataOf(in), {}, 0, false};
    if (!newer) return line;
    auto of = ctx.Field(newer->of);
    if (!of) return of.error();
    if (of->empty()) return Error{Code::kInvalid, "field '" + newer->of + "' is empty"};
    const auto by = ctx.Field<std::int64_t>(newer->by);
    if (!by) return by.error();
    line.about = *std::move(of);
    line.version = *by;
    return line;
  }

  static Outcome Say(Context& ctx, Line what) {
    std::vector<Line> lines{std::move(what)};
    if (const Status said = Speak(ctx, lines); !said) return said;
    if (!lines.front().spoken) return Done();
    return ctx.Hint(ChannelOf(lines.front().user));
  }

  static bool SomethingStands(const Context& ctx) {
    if (ctx.others().empty()) return false;
    const auto others = ParseJsonObject(ctx.others());
    if (!others) return false;
    return std::any_of(others->begin(), others->end(), [](const auto& entry) {
      return entry.key() != "undone" && entry.value().is_array() &&
             !entry.value().get_array().empty();
    });
  }
};

struct MineIn {
  std::string userId;
  std::optional<std::string> after;
  static void Describe(auto& d) {
    d("userId", &MineIn::userId, "whose pushes");
    d("after", &MineIn::after, "Last-Event-ID: the last one seen; empty: the newest 100");
  }
};

struct MineOut {
  std::string channel;
  Json events;
  bool reset = false;
  static void Describe(auto& d) {
    d("channel", &MineOut::channel, "hints of this channel say that there is more");
    d("events", &MineOut::events, "[{id, event, data}], oldest first").Array();
    d("reset", &MineOut::reset, "what was seen last is no longer kept: read your state anew");
  }
};

class Mine : public Question<Push, MineIn, MineOut> {
 public:
  static constexpr About kAbout{.name = "mine", .summary = "A stream of what a user is told."};

  Answer Ask(Asking& ask, const MineIn& in) const override {
    const auto bounds = ask.Query(
        "SELECT coalesce((SELECT seq FROM push_user WHERE user_id = $1 ORDER BY seq LIMIT 1), 1),"
        " coalesce((SELECT seq FROM push_user WHERE user_id = $1 ORDER BY seq DESC LIMIT 1), 0)",
        in.userId);
    if (!bounds) return bounds.error();
    const std::int64_t oldest = bounds->front().Int(0), newest = bounds->front().Int(1);
    std::int64_t after = newest - kReplayed;
    bool reset = false;
    if (in.after && !in.after->empty()) {
      const std::optional<std::int64_t> seen = Number(*in.after);
      reset = !seen || *seen < oldest - 1 || *seen > newest;
      if (!reset) after = *seen;
    }
    const auto rows = ask.Query(
        "SELECT seq, event, data FROM push_user WHERE user_id = $1 AND seq > $2 ORDER BY seq LIMIT "
        "$3",
        in.userId, after, kKept);
    if (!rows) return rows.error();
    return Reply(200, Json{Body(in.userId, *rows, reset)});
  }

 private:
  static std::optional<std::int64_t> Number(std::string_view text) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
  }

  /// `data` is JSON as it is kept: it goes out untouched.
  static std::string Body(const std::string& user, const Rows& rows, bool reset) {
    std::string body = "{\"channel\":" + ToJson(ChannelOf(user).c_str()).text + ",\"events\":[";
    for (std::string_view comma; const Row row : rows) {
      body += comma;
      body += "{\"id\":\"" + std::to_string(row.Int(0)) + "\",\"event\":";
      body += ToJson(boost::json::string(row.Text(1))).text;
      body += ",\"data\":";
      body += row.Text(2);
      body += '}';
      comma = ",";
    }
    body += reset ? "],\"reset\":true}" : "],\"reset\":false}";
    return body;
  }
};

}  // namespace push
