/// Slots: what one transaction knows and has changed of each saga it touches.
///
/// A write-back cache: the executor's Store, Record and Arm only change values here; Flush writes
/// each changed row once, in the order of ids, right before the commit.  A saga made in this
/// transaction is `born`: nothing of it is in the file, so that nothing is read for it.  Internal
/// to this folder.
#pragma once

#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "model/saga.h"
#include "ports/journal.h"
#include "sqlite/core.h"

namespace reprise::runtime::sqlite {

struct StepSlot {
  StepRow row;
  bool stored = false;  // may be in the file: it was found there, or nobody looked
  bool dirty = false;
};

struct DueSlot {
  Due due;
  bool stored = false;
  bool alive = true;
  bool dirty = false;
};

struct SagaSlot {
  enum Known { kNotAsked, kAbsent, kPresent } known = kNotAsked;
  bool born = false;    // Created here
  bool loaded = false;  // `saga` is filled
  bool dirty = false;
  std::int64_t plan = 0;
  SagaState stored_state = SagaState::kRunning;  // as in the file
  Saga saga;
  std::vector<StepSlot> steps;
  std::vector<DueSlot> due;
  bool due_loaded = false;
};

class Slots {
 public:
  explicit Slots(Core& core) : core_(core) {}

  SagaSlot& At(const Uuid& id);
  SagaSlot* Find(const Uuid& id);
  void Erase(const Uuid& id);

  // Each reads from the file what it needs and does not have.
  Status AskKnown(const Uuid& id, SagaSlot& slot);
  Status LoadSaga(const Uuid& id, SagaSlot& slot);
  Result<StepSlot*> LoadStep(const Uuid& id, SagaSlot& slot, StepIndex step, std::int64_t item);
  Status LoadDue(const Uuid& id, SagaSlot& slot);

  StepSlot* FindStep(SagaSlot& slot, StepIndex step, std::int64_t item);

  /// Writes what has changed.  `due` only: before due rows are read by time.
  Status Flush();
  Status FlushDue();
  /// A due row of some slot was armed or disarmed.
  void DueChanged() { due_changed_ = true; }

 private:
  using Entry = std::pair<Uuid, SagaSlot*>;
  std::vector<Entry> InOrder();
  Status WriteSagas(const std::vector<Entry>& slots);
  Status WriteSteps(const std::vector<Entry>& slots);
  Status WriteDue(const std::vector<Entry>& slots);
  Status UpdateSaga(SagaSlot& slot);

  Core& core_;
  bool due_changed_ = false;  // since the last FlushDue
  std::unordered_map<Uuid, std::unique_ptr<SagaSlot>> slots_;
};

}  // namespace reprise::runtime::sqlite
