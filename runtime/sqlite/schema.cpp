#include "sqlite/schema.h"

#include <array>

#include <fmt/format.h>

namespace reprise::runtime::sqlite {
namespace {

// Ids are 16 bytes, instants milliseconds, states the numbers of model/saga.h.  What is rarely
// there (undo, joins, codes) is JSON in `more`, so that the common row is short.  The tables that
// grow with the sagas are kept in the order of the saga's id, which is the order of time; each
// further index costs throughput, so they are few and partial:
//   rp_saga_open    open sagas, per plan and state in the order of ids (lists, sweeper, metrics)
//   rp_saga_ended   ended sagas, per plan and state in the order of their end (removal)
//   rp_saga_subject what an operator knows of a customer's case
//   rp_step_odd     steps that are neither waiting nor through
constexpr const char* kFirst = R"sql(
CREATE TABLE rp_meta(name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE rp_counter(name TEXT PRIMARY KEY, mark INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE rp_migration(plugin TEXT, number INTEGER, at INTEGER NOT NULL, PRIMARY KEY(plugin,
  number)) WITHOUT ROWID;
CREATE TABLE rp_plan(id INTEGER PRIMARY KEY, pipeline TEXT NOT NULL, hash TEXT NOT NULL,
  text TEXT NOT NULL,
  UNIQUE(pipeline, hash));
CREATE TABLE rp_count(plan INTEGER, state INTEGER, sagas INTEGER NOT NULL, PRIMARY KEY(plan,
  state)) WITHOUT ROWID;

CREATE TABLE rp_saga(id BLOB PRIMARY KEY, plan INTEGER NOT NULL, state INTEGER NOT NULL,
  open INTEGER NOT NULL,
  flags INTEGER NOT NULL, created INTEGER, changed INTEGER, ended INTEGER, subject TEXT,
  code TEXT, more TEXT,
  root TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX rp_saga_open ON rp_saga(plan, state) WHERE state NOT IN (2, 3);
CREATE INDEX rp_saga_ended ON rp_saga(plan, state, ended) WHERE state IN (2, 3);
CREATE INDEX rp_saga_subject ON rp_saga(subject) WHERE subject IS NOT NULL;

CREATE TABLE rp_step(saga BLOB, step INTEGER, item INTEGER, state INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  timers INTEGER NOT NULL, began INTEGER, done INTEGER, do_id BLOB, memo TEXT, added TEXT,
  more TEXT,
  PRIMARY KEY(saga, step, item)) WITHOUT ROWID;
CREATE INDEX rp_step_odd ON rp_step(state) WHERE state IN (1, 2, 3, 5, 6, 7, 10);

CREATE TABLE rp_due(saga BLOB, step INTEGER, item INTEGER, kind INTEGER, event TEXT,
  due INTEGER NOT NULL,
  plan INTEGER NOT NULL, added TEXT, PRIMARY KEY(saga, step, item, kind, event)) WITHOUT ROWID;
CREATE INDEX rp_due_due ON rp_due(due);

CREATE TABLE rp_bus(seq INTEGER PRIMARY KEY, message BLOB NOT NULL);

CREATE TABLE rp_topic(seq INTEGER PRIMARY KEY, topic TEXT NOT NULL, key TEXT NOT NULL,
  bytes BLOB NOT NULL,
  at INTEGER NOT NULL);

CREATE TABLE rp_history(id INTEGER PRIMARY KEY, saga BLOB NOT NULL, at INTEGER NOT NULL,
  step TEXT, phase TEXT,
  what TEXT, code TEXT, detail TEXT, who TEXT, attempt INTEGER NOT NULL);
CREATE INDEX rp_history_saga ON rp_history(saga);

CREATE TABLE rp_dead(id INTEGER PRIMARY KEY AUTOINCREMENT, message BLOB UNIQUE, saga BLOB,
  pipeline TEXT NOT NULL,
  step TEXT NOT NULL, event TEXT NOT NULL, phase TEXT NOT NULL, code TEXT NOT NULL,
  detail TEXT NOT NULL,
  attempts INTEGER NOT NULL, payload BLOB NOT NULL, key TEXT NOT NULL, side INTEGER NOT NULL,
  at INTEGER NOT NULL,
  state TEXT NOT NULL);
CREATE INDEX rp_dead_new ON rp_dead(id) WHERE state = 'new';
CREATE INDEX rp_dead_saga ON rp_dead(saga);

CREATE TABLE rp_idempotency(route TEXT, caller TEXT, key TEXT, body_hash TEXT NOT NULL, saga BLOB,
  status INTEGER NOT NULL, answer TEXT NOT NULL, headers TEXT NOT NULL, PRIMARY KEY(route,
  caller, key)) WITHOUT ROWID;
CREATE INDEX rp_idempotency_saga ON rp_idempotency(saga);

CREATE TABLE rp_signal(id INTEGER PRIMARY KEY, saga BLOB NOT NULL, name TEXT NOT NULL,
  fields TEXT NOT NULL);
CREATE INDEX rp_signal_saga ON rp_signal(saga, name);
)sql";

//   rp_due_line     dos of `ordering: strict` that are parked, and those that wait behind them
constexpr const char* kLines = R"sql(
ALTER TABLE rp_due ADD COLUMN line TEXT;
CREATE INDEX rp_due_line ON rp_due(line, due) WHERE line IS NOT NULL;
)sql";

// The record that a dead letter was: topic, partition, offset and headers, as JSON.
constexpr const char* kOrigin = "ALTER TABLE rp_dead ADD COLUMN origin TEXT;";

constexpr std::array<const char*, kSchemaVersion> kSteps{kFirst, kLines, kOrigin};

}  // namespace

Status UpgradeSchema(Database& db, int version) {
  for (int next = version + 1; next <= kSchemaVersion; ++next) {
    const std::string sql = fmt::format(
        "BEGIN IMMEDIATE; {} PRAGMA application_id = {}; PRAGMA user_version = {}; COMMIT;",
        kSteps.at(static_cast<size_t>(next - 1)), kApplicationId, next);
    if (auto done = db.Execute(sql.c_str()); !done) {
      if (!db.autocommit()) (void)db.Execute("ROLLBACK");
      return done;
    }
  }
  return {};
}

}  // namespace reprise::runtime::sqlite
