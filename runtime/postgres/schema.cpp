#include "postgres/schema.h"

#include <array>

#include <fmt/format.h>

#include "base/log.h"

namespace reprise::runtime::postgres {
namespace {

// Bytes that come from others as they please (memos, keys, what a caller sent) are bytea: a text
// of PostgreSQL takes no NUL and nothing that is not UTF-8.  Instants are milliseconds, states the
// numbers of model/saga.h.  What is rarely there (undo, joins, codes) is JSON in `more`, so that
// the common row is short.  Indexes are few and partial, as each one costs every write:
//   rp_saga_open    open sagas, per plan and state in the order of ids (lists, sweeper, metrics)
//   rp_saga_ended   ended sagas, per plan and state in the order of their end (removal)
//   rp_saga_subject what an operator knows of a customer's case
//   rp_step_odd     steps that are neither waiting nor through
//   rp_due_lane     due rows of a lane, in the order of time
//   rp_due_line     dos of `ordering: strict` that are parked, and those that wait behind them
// rp_count has rows of each worker's own, so that no two wait for each other to count.
// rp_worker is a worker's fence, lease and outbox; rp_lane says who works where, and how far.
constexpr const char* kFirst = R"sql(
CREATE TABLE rp_meta(name text PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE rp_counter(name text PRIMARY KEY, mark bigint NOT NULL);
CREATE TABLE rp_migration(plugin text, number bigint, at bigint NOT NULL,
  PRIMARY KEY(plugin, number));
CREATE TABLE rp_plan(id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, pipeline text NOT NULL,
  hash text NOT NULL, text text NOT NULL, UNIQUE(pipeline, hash));
CREATE TABLE rp_count(plan bigint, state bigint, worker uuid, sagas bigint NOT NULL,
  PRIMARY KEY(plan, state, worker)) WITH (fillfactor = 50);

CREATE TABLE rp_worker(id uuid PRIMARY KEY, generation bigint NOT NULL, seq bigint NOT NULL,
  lease_until timestamptz NOT NULL, sealed bytea, dead boolean NOT NULL DEFAULT false,
  adopted_by uuid, began timestamptz NOT NULL DEFAULT clock_timestamp())
  WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
ALTER TABLE rp_worker ALTER sealed SET STORAGE EXTERNAL;
CREATE TABLE rp_lane(id bigint PRIMARY KEY, worker uuid, epoch bigint NOT NULL DEFAULT 0,
  next_offset bigint NOT NULL DEFAULT -1, last_message uuid)
  WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

CREATE TABLE rp_saga(id uuid PRIMARY KEY, plan bigint NOT NULL, state bigint NOT NULL,
  open bigint NOT NULL, flags bigint NOT NULL, created bigint, changed bigint, ended bigint,
  subject text, code text, more text, root text NOT NULL);
CREATE INDEX rp_saga_open ON rp_saga(plan, state, id) WHERE state NOT IN (2, 3);
CREATE INDEX rp_saga_ended ON rp_saga(plan, state, ended) WHERE state IN (2, 3);
CREATE INDEX rp_saga_subject ON rp_saga(subject) WHERE subject IS NOT NULL;

CREATE TABLE rp_step(saga uuid, step bigint, item bigint, state bigint NOT NULL,
  attempt bigint NOT NULL, timers bigint NOT NULL, began bigint, done bigint, do_id uuid,
  memo bytea, added text, more text, PRIMARY KEY(saga, step, item));
CREATE INDEX rp_step_odd ON rp_step(state) WHERE state IN (1, 2, 3, 5, 6, 7, 10);

CREATE TABLE rp_due(saga uuid, step bigint, item bigint, kind bigint, event text,
  due bigint NOT NULL, plan bigint NOT NULL, added text, lane bigint NOT NULL, key bytea,
  line bytea, PRIMARY KEY(saga, step, item, kind, event))
  WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000);
CREATE INDEX rp_due_lane ON rp_due(lane, due);
CREATE INDEX rp_due_line ON rp_due(line, due) WHERE line IS NOT NULL;

CREATE TABLE rp_history(id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, saga uuid NOT NULL,
  at bigint NOT NULL, step text, phase text, what text, code text, detail text, who text,
  attempt bigint NOT NULL);
CREATE INDEX rp_history_saga ON rp_history(saga);

CREATE TABLE rp_dead(id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, message uuid UNIQUE,
  saga uuid, pipeline text NOT NULL, step text NOT NULL, event text NOT NULL, phase text NOT NULL,
  code text NOT NULL, detail text NOT NULL, attempts bigint NOT NULL, payload bytea NOT NULL,
  key bytea NOT NULL, side boolean NOT NULL, at bigint NOT NULL, state text NOT NULL);
CREATE INDEX rp_dead_new ON rp_dead(id) WHERE state = 'new';
CREATE INDEX rp_dead_saga ON rp_dead(saga);

CREATE TABLE rp_idempotency(route bytea, caller bytea, key bytea, body_hash text NOT NULL,
  saga uuid, status bigint NOT NULL, answer bytea NOT NULL, headers bytea NOT NULL,
  PRIMARY KEY(route, caller, key));
CREATE INDEX rp_idempotency_saga ON rp_idempotency(saga);

CREATE TABLE rp_signal(id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, saga uuid NOT NULL,
  name text NOT NULL, fields text NOT NULL);
CREATE INDEX rp_signal_saga ON rp_signal(saga, name);
)sql";

// The record that a dead letter was: topic, partition, offset and headers, as JSON.
constexpr const char* kOrigin = "ALTER TABLE rp_dead ADD COLUMN origin text";

// A lock is a row that is always there, so that taking one inserts nothing and waits for nobody;
// names share rows by their hash.  `token` rises with every taking that is committed.
constexpr const char* kLocks = R"sql(
CREATE TABLE rp_lock(id bigint PRIMARY KEY, token bigint NOT NULL DEFAULT 0) WITH (fillfactor = 50);
INSERT INTO rp_lock(id) SELECT generate_series(0, 16383);
)sql";

// What each batch did to its lanes, for the audit: end states do not show a missing fence, as what
// comes twice is dropped.  `first` to `next` are offsets, and records + gaps are as many; a taking
// is a line without records.
constexpr const char* kLaneLog = R"sql(
CREATE TABLE rp_lane_log(id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, lane bigint NOT NULL,
  epoch bigint NOT NULL, worker uuid NOT NULL, seq bigint NOT NULL, first bigint NOT NULL,
  next bigint NOT NULL, records bigint NOT NULL, gaps bigint NOT NULL);
)sql";

// Why a lane stands still, if it does: its process says so to all.
constexpr const char* kStopped = "ALTER TABLE rp_lane ADD COLUMN stopped text";

constexpr std::array<const char*, kSchemaVersion> kSteps{kFirst, kOrigin, kLocks, kLaneLog,
                                                         kStopped};

/// Asks the table of tables: to_regclass would answer from what this session remembers.
Result<int> Version(Database& db) {
  auto made = db.Once(
      "SELECT count(*) FROM pg_class WHERE relname = 'rp_meta'"
      " AND relnamespace = current_schema()::regnamespace");
  if (!made) return made.error();
  if (made->Int(0, 0) == 0) return 0;
  auto row =
      db.Once("SELECT convert_from(value, 'UTF8')::bigint FROM rp_meta WHERE name = 'rp.schema'");
  if (!row) return row.error();
  return row->rows() == 0 ? 0 : static_cast<int>(row->Int(0, 0));
}

Status TakeSteps(Database& db) {
  const auto version = Version(db);  // again: another process may have been faster
  if (!version) return version.error();
  for (int next = *version + 1; next <= kSchemaVersion; ++next) {
    if (auto done = db.Execute(kSteps.at(static_cast<std::size_t>(next - 1))); !done) return done;
  }
  auto noted = db.Once(
      "INSERT INTO rp_meta VALUES('rp.schema', convert_to($1, 'UTF8'))"
      " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
      Params::Of(std::to_string(kSchemaVersion)));
  if (!noted) return noted.error();
  return db.Execute("COMMIT");
}

}  // namespace

Status BeginAlone(Database& db) {
  if (auto begun = db.Execute("BEGIN READ WRITE; SET LOCAL lock_timeout = '60s';"
                              "SET LOCAL statement_timeout = '600s'");
      !begun) {
    return begun;
  }
  auto locked = db.Once("SELECT pg_advisory_xact_lock(hashtextextended('reprise schema', 0))");
  if (locked) return {};
  if (db.state() == PQTRANS_INERROR) (void)db.Execute("ROLLBACK");
  return locked.error();
}

Status UpgradeSchema(Database& db) {
  const auto version = Version(db);
  if (!version) return version.error();
  if (*version > kSchemaVersion) {
    return Error{Code::kInvalid,
                 fmt::format("PostgreSQL: {} was written by a newer Reprise (schema {}; this one "
                             "knows {})",
                             db.Where(), *version, kSchemaVersion)};
  }
  if (*version == kSchemaVersion) return {};
  if (auto begun = BeginAlone(db); !begun) return begun;
  auto done = TakeSteps(db);
  if (!done && db.connected()) (void)db.Execute("ROLLBACK");
  return done;
}

Status CheckServer(Database& db) {
  auto row = db.Once(
      "SELECT pg_is_in_recovery(), current_setting('fsync'), current_setting('full_page_writes'),"
      " reset_val FROM pg_settings WHERE name = 'synchronous_commit'");
  if (!row) return row.error();
  if (row->Int(0, 0) != 0) {
    return Error{Code::kUnavailable,
                 fmt::format("PostgreSQL: {} is a standby; the primary is needed", db.Where())};
  }
  const auto warn = [&](std::string_view setting, std::string_view then) {
    Log(LogLevel::kWarn, "the database server may lose what it has confirmed",
        {{"server", db.Where()}, {"setting", setting}, {"consequence", then}});
  };
  if (row->Text(0, 1) != "on")
    warn("fsync = off", "a power cut loses or damages everything; set it on");
  if (row->Text(0, 2) != "on")
    warn("full_page_writes = off", "a power cut may damage pages; set it on");
  if (row->Text(0, 3) == "off")
    warn("synchronous_commit = off", "set on for this runtime's own sessions");
  return {};
}

}  // namespace reprise::runtime::postgres
