/// The tables and statements of the floor on PostgreSQL: the runtime's own and those of the bench's
/// plugins, column for column and index for index, in a schema that goes with the run.
#pragma once

#include <string>

#include "floor_postgres.h"

namespace floor_of_cluster {

inline void MakeTables(Session& session, const std::string& schema, std::int64_t seats) {
  session.Run("CREATE SCHEMA " + schema + "; SET search_path = " + schema);
  session.Run(R"sql(
CREATE TABLE rp_worker(id bigint PRIMARY KEY, generation bigint NOT NULL, seq bigint NOT NULL,
  lease_until timestamptz NOT NULL, sealed bytea, dead boolean NOT NULL DEFAULT false)
  WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
ALTER TABLE rp_worker ALTER sealed SET STORAGE EXTERNAL;
CREATE TABLE rp_lane(id bigint PRIMARY KEY, worker bigint, epoch bigint NOT NULL DEFAULT 0,
  next_offset bigint NOT NULL DEFAULT 0, last_message uuid)
  WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
CREATE TABLE rp_saga(id uuid PRIMARY KEY, plan bigint NOT NULL, state bigint NOT NULL,
  open bigint NOT NULL, flags bigint NOT NULL, created bigint, changed bigint, ended bigint,
  subject text, code text, more text, root text NOT NULL);
CREATE INDEX ON rp_saga(plan, state, id) WHERE state NOT IN (2, 3);
CREATE INDEX ON rp_saga(plan, state, ended) WHERE state IN (2, 3);
CREATE INDEX ON rp_saga(subject) WHERE subject IS NOT NULL;
CREATE TABLE rp_step(saga uuid, step bigint, item bigint, state bigint NOT NULL,
  attempt bigint NOT NULL, timers bigint NOT NULL, began bigint, done bigint, do_id uuid,
  memo bytea, added text, more text, PRIMARY KEY(saga, step, item));
CREATE INDEX ON rp_step(state) WHERE state IN (1, 2, 3, 5, 6, 7, 10);
CREATE TABLE rp_due(saga uuid, step bigint, item bigint, kind bigint, event text,
  due bigint NOT NULL, plan bigint NOT NULL, added text, lane bigint NOT NULL, key bytea,
  line bytea, PRIMARY KEY(saga, step, item, kind, event));
CREATE INDEX ON rp_due(lane, due);
CREATE INDEX ON rp_due(line, due) WHERE line IS NOT NULL;
CREATE TABLE reservation_row(id text PRIMARY KEY, seat text NOT NULL, customer text NOT NULL,
  price bigint NOT NULL, status text NOT NULL
  CHECK (status IN ('held', 'paying', 'paid', 'expired', 'cancelled', 'rejected')),
  expires_at bigint, claimed_by text);
CREATE UNIQUE INDEX ON reservation_row(seat) WHERE status IN ('held', 'paying', 'paid');
CREATE TABLE reservation_seat(seat text PRIMARY KEY, version bigint NOT NULL);
CREATE TABLE seat_row(seat text PRIMARY KEY, line bigint NOT NULL, place bigint NOT NULL,
  price bigint NOT NULL, version bigint NOT NULL, reservation text NOT NULL, held integer NOT NULL,
  sold integer NOT NULL, status text GENERATED ALWAYS AS
  (CASE WHEN sold = 1 THEN 'SOLD' WHEN held = 1 THEN 'HELD' ELSE 'FREE' END) STORED);
CREATE TABLE push_user(user_id text NOT NULL, seq bigint NOT NULL, event text NOT NULL,
  data text NOT NULL, at bigint NOT NULL, PRIMARY KEY(user_id, seq));
CREATE TABLE push_told(user_id text NOT NULL, about text NOT NULL, version bigint NOT NULL,
  at bigint NOT NULL, PRIMARY KEY(user_id, about));
)sql");
  session.Run(
      "INSERT INTO seat_row SELECT 'S-' || n, 1000, n, 50000, 0, '', 0, 0 FROM "
      "generate_series(0, " +
      std::to_string(seats - 1) + ") n");
  session.Run("ANALYZE");
}

/// Every statement looks rows up by a key, but a plan made while the tables are empty would scan
/// them for ever: so the session knows no other way than the index.
inline constexpr const char* kSession =
    "SET synchronous_commit = on; SET plan_cache_mode = force_generic_plan; "
    "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off";

/// In the order in which a batch needs them.  `$rows` of every statement come as arrays.
inline void PrepareAll(Session& session) {
  session.Prepare("begin", "BEGIN");
  session.Prepare("fence",
                  "UPDATE rp_worker SET seq = seq + 1, lease_until = clock_timestamp() + "
                  "interval '10 s' WHERE id = $1::bigint AND generation = 1 AND seq = $2::bigint "
                  "AND NOT dead RETURNING (extract(epoch FROM clock_timestamp()) * 1000)::bigint");
  session.Prepare("offsets",
                  "UPDATE rp_lane l SET next_offset = m.upto, last_message = m.last FROM "
                  "unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::uuid[]) "
                  "m(id, first, upto, last) "
                  "WHERE l.id = m.id AND l.worker = $5::bigint AND l.next_offset = m.first");
  session.Prepare("known",  // LIMIT: or an empty rp_step would be the outer side of the join
                  "SELECT s.saga, s.step FROM unnest($1::uuid[], $2::bigint[]) m(saga, step), "
                  "LATERAL (SELECT t.saga, t.step FROM rp_step t WHERE t.saga = m.saga AND "
                  "t.step = m.step AND t.item = 0 LIMIT 1) s");
  session.Prepare(  // reservations, and the next version of the seats of those that are new
      "reserve",
      "WITH held AS (INSERT INTO reservation_row(id, seat, customer, price, status, expires_at) "
      "SELECT m.id::text, m.seat, m.customer, 50000, 'held', m.expires FROM "
      "unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[]) m(id, seat, customer, expires) "
      "WHERE (SELECT true FROM rp_step s WHERE s.saga = m.id AND s.step = 0 AND s.item = 0) IS "
      "NULL "
      "ON CONFLICT DO NOTHING RETURNING seat) "
      "INSERT INTO reservation_seat SELECT seat, 1 FROM held ON CONFLICT (seat) "
      "DO UPDATE SET version = reservation_seat.version + 1 RETURNING seat, version");
  session.Prepare("hold",
                  "UPDATE seat_row s SET version = m.version, reservation = m.id::text, held = 1, "
                  "sold = 0 FROM unnest($1::uuid[], $2::text[], $3::bigint[]) "
                  "m(id, seat, version) WHERE s.seat = m.seat AND s.version < m.version");
  session.Prepare("arm",
                  "INSERT INTO rp_due SELECT saga, 2, 0, 3, 'due', due, 1, '', lane, key, NULL "
                  "FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bytea[]) "
                  "m(saga, due, lane, key)");
  session.Prepare("told",
                  "INSERT INTO push_told SELECT * FROM "
                  "unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) "
                  "ON CONFLICT (user_id, about) DO UPDATE SET version = excluded.version, "
                  "at = excluded.at WHERE push_told.version <= excluded.version");
  session.Prepare(  // `nth`: of this user in this batch
      "push",
      "INSERT INTO push_user SELECT m.u, coalesce((SELECT p.seq FROM push_user p WHERE "
      "p.user_id = m.u ORDER BY p.seq DESC LIMIT 1), 0) + m.nth, 'reservation.held', m.data, m.at "
      "FROM unnest($1::text[], $2::bigint[], $3::text[], $4::bigint[]) m(u, nth, data, at)");
  session.Prepare("steps",
                  "INSERT INTO rp_step SELECT saga, step, 0, state, 1, timers, at, at, do_id, "
                  "NULL, added, '' FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], "
                  "$4::bigint[], $5::bigint[], $6::uuid[], $7::text[]) "
                  "m(saga, step, state, timers, at, do_id, added) ON CONFLICT DO NOTHING");
  session.Prepare("sagas",
                  "INSERT INTO rp_saga SELECT id, 1, 0, 1, 0, $4::bigint, $4::bigint, 0, subject, "
                  "NULL, NULL, root FROM unnest($1::uuid[], $2::text[], $3::text[]) "
                  "m(id, subject, root)");
  session.Prepare("open",
                  "UPDATE rp_saga s SET open = s.open + m.more, state = m.state, "
                  "changed = $4::bigint, ended = CASE m.state WHEN 3 THEN $4::bigint ELSE 0 END "
                  "FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) m(id, more, state) "
                  "WHERE s.id = m.id");
  // Undo.  In one partition it comes behind its do; a step that is not `done` is undone already.
  const std::string undone =
      "WITH u AS (UPDATE rp_step s SET state = 8, more = m.more FROM "
      "unnest($1::uuid[], $2::text[], $3::text[]) m(saga, seat, more) WHERE s.saga = m.saga AND "
      "s.step = {step} AND s.item = 0 AND s.state = 4 RETURNING s.saga, m.seat)";
  const auto of = [&](const char* step) {
    std::string sql = undone;
    return sql.replace(sql.find("{step}"), 6, step);
  };
  session.Prepare("undo-hold", (of("1") + " UPDATE seat_row t SET held = 0 FROM u WHERE t.seat = "
                                          "u.seat AND t.reservation = u.saga::text")
                                   .c_str());
  session.Prepare(
      "undo-reserve",
      (of("0") + ", c AS (UPDATE reservation_row r SET status = 'cancelled' FROM u "
                 "WHERE r.id = u.saga::text AND r.status = 'held' RETURNING r.seat) "
                 "INSERT INTO reservation_seat SELECT seat, 1 FROM c ON CONFLICT (seat) "
                 "DO UPDATE SET version = reservation_seat.version + 1")
          .c_str());
  session.Prepare("undo-tell",  // `seat` is the user here
                  (of("3") + ", t AS (INSERT INTO rp_step SELECT u.saga, n, 0, 9, 1, 0, "
                             "$4::bigint, $4::bigint, NULL, NULL, '', '' FROM u, "
                             "generate_series(4, 5) n) INSERT INTO push_user SELECT u.seat, "
                             "coalesce((SELECT p.seq FROM push_user p WHERE p.user_id = u.seat "
                             "ORDER BY p.seq DESC LIMIT 1), 0) + 1, 'reservation.failed', "
                             "format('{\"reservationId\":\"%s\"}', u.saga), $4::bigint FROM u")
                      .c_str());
  session.Prepare("seal", "UPDATE rp_worker SET sealed = $2::bytea WHERE id = $1::bigint");
  session.Prepare("commit", "COMMIT");
}

}  // namespace floor_of_cluster
