/// The floor that `reprise bench` measures itself against: what a careful engineer would write by
/// hand for this one saga and nothing else.  Prepared statements, batches of 500, one durable
/// commit each.
///
///   floor_sqlite SAGAS FILE      FILE: made by the runtime, so that tables and indexes are the
///   same
///
/// Per saga it writes the rows that the runtime writes: saga, four steps, timer, reservation,
/// version, seat, push and what was told; every hundredth is undone.  It has no plugins, no
/// pipeline language, no retries, no recovery and no operators.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include <sqlite3.h>

namespace {

sqlite3* db = nullptr;

void Check(bool good) {
  if (good) return;
  std::fprintf(stderr, "floor: %s\n", sqlite3_errmsg(db));
  std::exit(1);
}

void Execute(const char* sql) {
  Check(sqlite3_exec(db, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
}

class Statement {
 public:
  explicit Statement(const char* sql) {
    Check(sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement_, nullptr) ==
          SQLITE_OK);
  }
  Statement& Bind(std::int64_t n) {
    sqlite3_bind_int64(statement_, ++at_, n);
    return *this;
  }
  Statement& Bind(std::string_view text) {
    sqlite3_bind_text(statement_, ++at_, text.data(), static_cast<int>(text.size()), SQLITE_STATIC);
    return *this;
  }
  Statement& Blob(const void* bytes) {
    sqlite3_bind_blob(statement_, ++at_, bytes, 16, SQLITE_STATIC);
    return *this;
  }
  Statement& Null() {
    ++at_;
    return *this;
  }
  /// The first column, or -1 without a row.
  std::int64_t Run() {
    std::int64_t first = -1;
    int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW) {
      first = sqlite3_column_int64(statement_, 0);
      while (code == SQLITE_ROW) code = sqlite3_step(statement_);
    }
    Check(code == SQLITE_DONE);
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
    at_ = 0;
    return first;
  }

 private:
  sqlite3_stmt* statement_ = nullptr;
  int at_ = 0;
};

std::int64_t NowMillis() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

struct Id {
  unsigned char bytes[16] = {};
  std::string Text() const {
    char out[37];
    const unsigned char* b = bytes;
    std::snprintf(out, sizeof out,
                  "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0],
                  b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13],
                  b[14], b[15]);
    return out;
  }
};

/// Rises with time, as a UUIDv7 does.
Id NextId(std::int64_t now) {
  static std::uint64_t counter = 0;
  Id id;
  for (int i = 0; i < 6; ++i) id.bytes[i] = static_cast<unsigned char>(now >> (40 - 8 * i));
  ++counter;
  for (int i = 0; i < 8; ++i) id.bytes[8 + i] = static_cast<unsigned char>(counter >> (56 - 8 * i));
  id.bytes[6] = 0x70;
  return id;
}

class Floor {
 public:
  explicit Floor(std::int64_t plan) : plan_(plan) {}

  void Run(std::int64_t n) {
    const std::int64_t now = NowMillis();
    const Id id = NextId(now);
    const std::string saga = id.Text(), seat = "S-" + std::to_string(n),
                      user = "u" + std::to_string(n);
    const bool undone = n % 100 == 99;
    const std::string root = R"({"reservationId":")" + saga + R"(","seatId":")" + seat +
                             R"(","userId":")" + user + R"(","price":50000})";
    // reserve
    if (reservation_.Bind(saga)
            .Bind(seat)
            .Bind(user)
            .Bind(50000)
            .Bind("held")
            .Bind(now + 300000)
            .Run() < 0)
      return;
    const std::int64_t version = version_.Bind(seat).Run();
    const std::string added =
        R"({"version":)" + std::to_string(version) + R"(,"expiresAt":"2026-11-22T05:02:11.031Z"})";
    // hold-seat
    seat_.Bind(version).Bind(saga).Bind(seat).Run();
    // tell-held
    told_.Bind(user).Bind(saga).Bind(version).Bind(now).Run();
    Push(user, "reservation.held", saga, seat, version, now);
    // the journal
    Step(id, 0, 4, undone, now, "");
    Step(id, 1, 4, undone, now, added);
    Step(id, 2, undone ? 5 : 4, false, now, added);
    Step(id, 3, 4, undone, now, added);
    if (undone) {
      cancel_.Bind(saga).Run();
      version_.Bind(seat).Run();
      free_.Bind(seat).Bind(saga).Run();
      Push(user, "reservation.failed", saga, seat, version, now);
      Step(id, 4, 9, false, now, "");
      Step(id, 5, 9, false, now, "");
    } else {
      due_.Blob(id.bytes)
          .Bind(2)
          .Bind(0)
          .Bind(3)
          .Bind("due")
          .Bind(now + 300000)
          .Bind(plan_)
          .Bind("")
          .Run();
    }
    saga_.Blob(id.bytes)
        .Bind(plan_)
        .Bind(undone ? 3 : 0)
        .Bind(undone ? 0 : 1)
        .Bind(0)
        .Bind(now)
        .Bind(now)
        .Bind(undone ? now : 0)
        .Bind(saga)
        .Null()
        .Null()
        .Bind(root)
        .Run();
  }

 private:
  void Step(const Id& id, int step, int state, bool undone, std::int64_t now,
            const std::string& added) {
    const Id message = NextId(now);
    const std::string more =
        undone ? R"({"undone":1767225600000,"undo":"0199f3c2-7a31-7c44-9b0e-2f6a1d8e4c10"})" : "";
    step_.Blob(id.bytes)
        .Bind(step)
        .Bind(0)
        .Bind(undone ? 8 : state)
        .Bind(1)
        .Bind(step == 2 ? 1 : 0)
        .Bind(now)
        .Bind(now);
    step_.Blob(message.bytes).Null().Bind(added).Bind(more).Run();
  }

  void Push(const std::string& user, std::string_view event, const std::string& saga,
            const std::string& seat, std::int64_t version, std::int64_t now) {
    const std::string data = R"({"reservationId":")" + saga + R"(","seatId":")" + seat +
                             R"(","version":)" + std::to_string(version) +
                             R"(,"price":50000,"expiresAt":"2026-11-22T05:02:11.031Z"})";
    push_.Bind(user).Bind(event).Bind(data).Bind(now).Run();
  }

  const std::int64_t plan_;
  Statement reservation_{
      "INSERT INTO reservation_row(id, seat, customer, price, status, expires_at) "
      "VALUES(?1,?2,?3,?4,?5,?6)"
      " ON CONFLICT DO NOTHING RETURNING 1"};
  Statement version_{
      "INSERT INTO reservation_seat(seat, version) VALUES(?1, 1)"
      " ON CONFLICT(seat) DO UPDATE SET version = version + 1 RETURNING version"};
  Statement seat_{
      "UPDATE seat_row SET version = ?1, reservation = ?2, held = 1, sold = 0 WHERE seat = ?3 AND "
      "version < ?1"};
  Statement told_{
      "INSERT INTO push_told(user_id, about, version, at) VALUES(?1,?2,?3,?4) ON CONFLICT(user_id, "
      "about)"
      " DO UPDATE SET version = excluded.version, at = excluded.at WHERE push_told.version <= "
      "excluded.version"};
  Statement push_{
      "INSERT INTO push_user(user_id, seq, event, data, at) SELECT ?1, coalesce((SELECT p.seq FROM "
      "push_user AS p"
      " WHERE p.user_id = ?1 ORDER BY p.seq DESC LIMIT 1), 0) + 1, ?2, ?3, ?4"};
  Statement cancel_{
      "UPDATE reservation_row SET status = 'cancelled' WHERE id = ?1 AND status = 'held'"};
  Statement free_{"UPDATE seat_row SET held = 0 WHERE seat = ?1 AND reservation = ?2"};
  Statement step_{"INSERT INTO rp_step VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12)"};
  Statement due_{"INSERT INTO rp_due VALUES(?1,?2,?3,?4,?5,?6,?7,?8,NULL)"};
  Statement saga_{"INSERT INTO rp_saga VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12)"};
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: floor_sqlite SAGAS FILE\n");
    return 2;
  }
  const std::int64_t sagas = std::strtoll(argv[1], nullptr, 10);
  Check(sqlite3_open(argv[2], &db) == SQLITE_OK);
  Execute(
      "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA "
      "cache_size=-16384;"
      "PRAGMA wal_autocheckpoint=8000; PRAGMA temp_store=MEMORY");
  Floor floor(Statement("SELECT id FROM rp_plan WHERE pipeline = 'reservation'").Run());
  Statement begin("BEGIN IMMEDIATE"), commit("COMMIT");
  const auto began = std::chrono::steady_clock::now();
  for (std::int64_t n = 0; n < sagas;) {
    begin.Run();
    for (int i = 0; i < 500 && n < sagas; ++i) floor.Run(n++);
    commit.Run();
  }
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  std::printf("{\"sagas\": %lld, \"seconds\": %.3f, \"sagas_per_s\": %.1f}\n",
              static_cast<long long>(sagas), seconds, static_cast<double>(sagas) / seconds);
  return 0;
}
