/// Journal: the record of every step of every saga.  The truth; the bus is only the wire.
///
/// One Journal per worker thread.  Reads outside a transaction see what is committed.
/// Conformance: tests/conformance/journal_test.cpp runs over every implementation.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "model/saga.h"

namespace reprise::runtime {

/// A value of a plugin's or operator's SQL.
struct SqlValue {
  enum Type : std::uint8_t { kNull, kInteger, kReal, kText, kBlob } type = kNull;
  std::int64_t integer = 0;
  double real = 0;
  std::string_view text;  // also blob; the other side's memory, until the call returns
};
using SqlRow = std::function<void(std::span<const SqlValue> columns)>;

/// Plugins' SQL, in the transaction at hand or, between transactions, reading what is committed.
class Sql {
 public:
  virtual ~Sql() = default;
  /// `$1..` on every database.  Returns rows changed.  kInvalid: not a single statement, a
  /// statement that would end the transaction, wrong number of arguments, or SQL the database
  /// refuses; kConflict: a constraint; kInternal and transient: the database itself.  A failure may
  /// spoil the transaction: see Transaction::spoiled.
  virtual Result<std::int64_t> Run(std::string_view sql, std::span<const SqlValue> args,
                                   const SqlRow& on_row) = 0;
  /// One statement for many rows: `$rows` in `sql` is a table expression with these columns, as in
  /// `INSERT INTO t SELECT a, b FROM $rows`.  `cells` is row-major.
  virtual Result<std::int64_t> RunRows(std::string_view sql,
                                       std::span<const std::string_view> columns,
                                       std::span<const SqlValue> cells, const SqlRow& on_row) = 0;
};

/// What a step needs to know of its row before it runs.
struct Claimed {
  StepRow row;         // as found; fresh (kWaiting, nil ids) if there was none
  bool known = false;  // the saga exists
};

struct IdempotencyRow {
  std::string route, caller, key, body_hash;
  Uuid saga;
  int status = 0;  // 0: still running
  std::string answer, headers;
};

/// Signals kept for a `wait` that has not begun.
struct SignalRow {
  Uuid saga;
  std::string name;
  json::object fields;
};

class Transaction {  // Rolls back unless committed.
 public:
  virtual ~Transaction() = default;

  // -- sagas.  `Create` answers, per saga, whether it is new (an id that exists is left alone).
  virtual Result<std::vector<bool>> Create(std::span<const Saga> sagas) = 0;
  /// Locks and reads in id order; unknown ids are absent from the answer.
  virtual Result<std::vector<Saga>> Lock(std::span<const Uuid> ids) = 0;
  virtual Status Store(std::span<const Saga> sagas) = 0;

  // -- step rows
  struct StepKey {
    Uuid saga;
    StepIndex step = 0;
    std::int64_t item = 0;
  };
  /// One answer per key, in order.  Claims: until commit no one else sees the row as unclaimed.
  virtual Result<std::vector<Claimed>> Claim(std::span<const StepKey> keys) = 0;
  virtual Status Record(std::span<const StepRow> rows) = 0;

  // -- due rows
  virtual Status Arm(std::span<const Due> rows) = 0;
  /// Removes due rows of a step; of these kinds only, and of this event only if it is not empty.
  /// Answers how many of kind kTimer were removed.
  virtual Result<int> Disarm(const StepKey& step, std::span<const DueKind> kinds,
                             std::string_view event = {}) = 0;
  /// Takes (deletes) the rows due at `now` of this worker's lanes, oldest first, at most `most`.
  virtual Result<std::vector<Due>> TakeDue(Time now, std::size_t most) = 0;
  /// The due rows of a line (Due::line, not empty) as this transaction has them, by `due`: first
  /// whose turn it is, then who waits.  They are left where they are.
  virtual Result<std::vector<Due>> Line(std::string_view line) = 0;

  // -- the rest
  virtual Result<bool> AddDeadLetter(
      const DeadLetter& letter) = 0;  // false: this message already is one
  virtual Status AddHistory(std::span<const History> lines) = 0;
  virtual Status PutIdempotency(const IdempotencyRow& row) = 0;
  virtual Status PutSignal(const SignalRow& row) = 0;
  virtual Result<std::optional<SignalRow>> TakeSignal(const Uuid& saga, std::string_view name) = 0;
  virtual Status SetDeadLetterState(std::int64_t id, std::string_view state) = 0;
  virtual Status PutMeta(std::string_view name, std::string_view value) = 0;
  /// Removes ended sagas and all that hangs on them, in pieces; answers how many sagas went.
  virtual Result<int> Purge(std::span<const Uuid> sagas) = 0;

  /// Records that a message is consumed, and stores what stays for later (embedded: rows of the
  /// bus).
  virtual Status Consume(std::span<const Message> consumed) = 0;

  /// Records for topics of others, through the outbox: stored with this transaction, on their way
  /// after Commit and Bus::Publish, at least once.  Where Bus::Seal makes the outbox, they are in
  /// it and this does nothing.  Embedded: JSON Lines `{key, value, at}`
  /// appended to
  /// `<file>.topics/<topic>.jsonl`, rotated at 64 MiB (`<topic>.1.jsonl` is the newest old one).
  struct Foreign {
    std::string topic, key, bytes;
    Time at{};
    Headers headers{};      // where there is a wire
    bool has_value = true;  // false: a tombstone
  };
  virtual Status Send(std::span<const Foreign> records) = 0;

  virtual Sql& sql() = 0;
  /// A savepoint around one attempt, when a batch is re-run after a failure that had written.
  /// `careful`: within it a failed statement of a plugin takes back only itself, on every database,
  /// and spoils nothing; it may cost two more statements for each.
  virtual Status Savepoint(bool careful = false) = 0;
  virtual Status RollbackToSavepoint() = 0;  // and the savepoint is gone
  virtual Status ReleaseSavepoint() = 0;
  /// Whether plugin SQL changed anything since the transaction or the last savepoint began.
  /// Also true if a statement failed and spoiled the transaction.
  virtual bool wrote() const = 0;
  virtual void ResetWrote() = 0;
  /// A statement of a plugin failed, and with it, on this database, all that was done since the
  /// last savepoint: nothing can be done before RollbackToSavepoint.
  virtual bool spoiled() const { return false; }
  /// Why nothing can be done any more but to roll back: the database or others' locks ended it.
  virtual std::optional<Error> lost() const { return std::nullopt; }

  /// What of `outbox` can be handled in this same transaction (embedded: everything).  Taken
  /// messages are moved out of `outbox`.
  /// Where several workers share a journal: those whose lanes this worker holds.
  virtual std::vector<Message> TakeLocal(std::vector<Message>& outbox) = 0;

  /// Takes these locks until the end of the transaction: right after Begin, before anything else.
  /// Answers, per name, whether it was free; whoever finds one busy comes again later.
  virtual Result<std::vector<bool>> TakeLocks(std::span<const std::string> names) = 0;

  /// Durable when it returns.  The outbox is the last write: its messages (embedded), or what
  /// Bus::Seal made of it.  kInDoubt: the answer was lost.  kFenced, kContended: nothing was done,
  /// see Begin.
  virtual Status Commit(std::span<const Message> outbox, std::string_view sealed = {}) = 0;
};

// ---------------------------------------------------------------- reading, for operators

struct SagaFilter {
  std::vector<SagaState> states;
  std::string pipeline, subject,
      step;  // step: sagas with this step failed, held, retrying or stuck
  /// What `step` is in each plan (its hash), by who knows the pipelines.  Empty: the journal goes
  /// by the names in its history, which may also show a saga whose trouble is at another step.
  std::vector<std::pair<std::string, StepIndex>> step_of_plan;
  std::vector<StepState> step_states;  // "retrying", "held": sagas with a step in one of these
  std::optional<Time> older_than, newer_than;  // by `created`
  std::string id_prefix;
  std::optional<Uuid> before;  // the next page: ids below this one
  std::size_t limit = 50;
};

struct SagaDetail {
  Saga saga;
  std::vector<StepRow> steps;
  std::vector<Due> due;
  std::vector<History> history;
};

struct DeadLetterFilter {
  std::string pipeline, step, code;
  std::string state = "new";
  std::optional<std::int64_t> after_id;
  std::size_t limit = 100;
};

class Journal {  // Threads: the one that made it.
 public:
  virtual ~Journal() = default;

  /// Fences first, where several workers share a journal: kFenced says that lanes of this worker
  /// have gone to another, and what was polled from them is not its own any more.  kContended, from
  /// any call of the transaction: others hold locks that it needs (or it would deadlock); the same
  /// work in smaller pieces may go through.
  virtual Result<std::unique_ptr<Transaction>> Begin() = 0;
  /// Reads between transactions.
  virtual Sql& reads() = 0;

  /// The earliest due row of this worker's lanes, to know how long to sleep.
  virtual Result<std::optional<Time>> NextDue() = 0;
  virtual Result<std::optional<IdempotencyRow>> FindIdempotency(std::string_view route,
                                                                std::string_view caller,
                                                                std::string_view key) = 0;
  virtual Result<std::optional<Saga>> FindSaga(const Uuid& id) = 0;
  virtual Result<std::optional<std::string>> Meta(std::string_view name) = 0;

  /// Plans: a pipeline's text by its hash.
  virtual Status PutPlan(const std::string& hash, const std::string& pipeline,
                         const std::string& text) = 0;
  struct PlanRow {
    std::string hash, pipeline, text;
    std::int64_t open_sagas = 0;  // running, undoing or stuck
  };
  virtual Result<std::vector<PlanRow>> Plans() = 0;

  /// Runs each plugin's migrations that this journal has not seen, in order, each in a transaction.
  struct PluginMigration {
    std::string plugin;
    int number = 0;
    std::string sql;
  };
  virtual Status Migrate(std::span<const PluginMigration> migrations) = 0;

  /// Adds to a counter: max(old + delta, floor), atomically, and answers the new value.  Survives a
  /// crash without ever repeating a value: a high-water block is kept in the journal.  Not inside a
  /// transaction.
  virtual Result<std::int64_t> Count(std::string_view counter, std::int64_t delta,
                                     std::int64_t floor) = 0;

  // -- operators
  virtual Result<std::vector<Saga>> ListSagas(const SagaFilter& filter) = 0;
  virtual Result<std::optional<SagaDetail>> ShowSaga(const Uuid& id) = 0;
  virtual Result<std::vector<DeadLetter>> ListDeadLetters(const DeadLetterFilter& filter) = 0;
  virtual Result<std::optional<DeadLetter>> FindDeadLetter(std::int64_t id) = 0;
  struct Counts {
    std::string pipeline;
    SagaState state = SagaState::kRunning;
    std::int64_t sagas = 0;
    Time oldest{};
  };
  virtual Result<std::vector<Counts>> CountSagas() = 0;
  virtual Result<std::int64_t> CountDeadLetters() = 0;
  /// Ended sagas older than these, for Purge.
  virtual Result<std::vector<Uuid>> Expired(std::string_view pipeline, Time done_before,
                                            Time undone_before, std::size_t most) = 0;
  /// Running sagas that nothing will move: no message, due row or call, unchanged since `before`.
  /// What is on a wire the journal does not see: `before` must leave it the time to arrive.
  virtual Result<std::vector<Uuid>> Idle(Time before, std::size_t most) = 0;
  /// A consistent copy of everything into a new file (embedded) or a refusal that names the right
  /// tool.
  virtual Status Backup(const std::string& file) = 0;
  virtual Status Ping() = 0;
  /// Name and version for logs and doctor: "SQLite 3.40.1, ./shop.db, WAL".  Threads: any, also
  /// while its own thread is in a transaction: it is known from the opening, nothing is asked.
  virtual std::string About() const = 0;
};

}  // namespace reprise::runtime
