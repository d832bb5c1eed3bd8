/// Slots: what one transaction knows and has changed of each saga it touches.
///
/// A write-back cache: the executor's Store, Record and Arm only change values here; Flush writes
/// each changed row once, a statement per table, in the order of ids, right before the commit.
/// What is read is read for all that ask at once, and locked.  A saga made in this transaction is
/// `born`: nothing of it is in the tables, so that nothing is read for it.  Internal to this
/// folder.
#pragma once

#include <memory>
#include <set>
#include <span>

#include "model/saga.h"
#include "ports/journal.h"
#include "postgres/core.h"

namespace reprise::runtime::postgres {

struct StepSlot {
  StepRow row;
  enum Found { kNotAsked, kAbsent, kPresent } found = kNotAsked;
  bool dirty = false;
};

/// Whether two due rows of one saga have the same key.
inline bool SameDue(const Due& a, const Due& b) {
  return a.step == b.step && a.item == b.item && a.kind == b.kind && a.event == b.event;
}

struct DueSlot {
  Due due;
  bool stored = false;
  bool alive = true;
  bool dirty = false;
};

/// Due rows to be removed that nobody has read.
struct Unread {
  StepIndex step = 0;
  std::int64_t item = 0;
  DueKind kind = DueKind::kRetryDo;
  std::string event;  // empty: any
  bool Covers(const Due& d) const {
    return d.step == step && d.item == item && d.kind == kind &&
           (event.empty() || d.event == event);
  }
};

struct SagaSlot {
  enum Known { kNotAsked, kAbsent, kPresent } known = kNotAsked;
  bool born = false;    // Created here
  bool loaded = false;  // `saga` is filled, and its row locked
  bool dirty = false;
  std::int64_t plan = 0;
  SagaState stored_state = SagaState::kRunning;  // as in the table
  Saga saga;
  std::vector<StepSlot> steps;
  std::vector<DueSlot> due;
  std::vector<Unread> unread;
  bool due_loaded = false;
};

class Slots {
 public:
  explicit Slots(Core& core) : core_(core) {}

  SagaSlot& At(const Uuid& id);
  SagaSlot* Find(const Uuid& id);
  void Erase(const Uuid& id) { slots_.erase(id); }

  // Each reads from the tables what it needs and does not have, in one round trip.
  Status AskKnown(std::span<const Uuid> ids);
  Status LoadSagas(std::span<const Uuid> ids);
  Status LoadSteps(std::span<const Transaction::StepKey> keys);
  Status LoadDue(std::span<const Uuid> ids);

  static StepSlot* FindStep(SagaSlot& slot, StepIndex step, std::int64_t item);

  /// The statements that write what has changed.
  Status AddWrites(Database::Pipeline& pipeline);
  /// Due rows are written now: before they are read by time.
  Status FlushDue();
  bool due_dirty() const { return due_dirty_; }
  void TouchDue() { due_dirty_ = true; }

 private:
  using Entry = std::pair<Uuid, SagaSlot*>;
  std::vector<Entry> InOrder();
  Status AddSagas(Database::Pipeline& pipeline, const std::vector<Entry>& slots);
  void AddSteps(Database::Pipeline& pipeline, const std::vector<Entry>& slots);
  Status AddDue(Database::Pipeline& pipeline, const std::vector<Entry>& slots);
  /// The first rows of a transaction may be waited for; later, waiting could close a circle.
  std::string_view LockWords();

  Core& core_;
  std::unordered_map<Uuid, std::unique_ptr<SagaSlot>> slots_;
  bool locked_ = false;
  bool due_dirty_ = false;
};

}  // namespace reprise::runtime::postgres
