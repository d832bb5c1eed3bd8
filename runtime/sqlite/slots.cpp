#include "sqlite/slots.h"

#include <algorithm>

#include "sqlite/rows.h"

namespace reprise::runtime::sqlite {
namespace {

bool SameDue(const Due& a, const Due& b) {
  return a.step == b.step && a.item == b.item && a.kind == b.kind && a.event == b.event;
}

}  // namespace

SagaSlot& Slots::At(const Uuid& id) {
  std::unique_ptr<SagaSlot>& slot = slots_[id];
  if (!slot) slot = std::make_unique<SagaSlot>();
  return *slot;
}

SagaSlot* Slots::Find(const Uuid& id) {
  const auto it = slots_.find(id);
  return it == slots_.end() ? nullptr : it->second.get();
}

void Slots::Erase(const Uuid& id) {
  slots_.erase(id);
}

StepSlot* Slots::FindStep(SagaSlot& slot, StepIndex step, std::int64_t item) {
  for (StepSlot& s : slot.steps) {
    if (s.row.step == step && s.row.item == item) return &s;
  }
  return nullptr;
}

Status Slots::AskKnown(const Uuid& id, SagaSlot& slot) {
  if (slot.known != SagaSlot::kNotAsked) return {};
  slot.known = SagaSlot::kAbsent;
  if (id.nil() || id > core_.highest) return {};
  Cursor row = core_.db->Use("SELECT 1 FROM rp_saga WHERE id = ?1");
  const int rc = row.Bind(id).Raw();
  if (rc == SQLITE_ROW) {
    slot.known = SagaSlot::kPresent;
  } else if (rc != SQLITE_DONE) {
    slot.known = SagaSlot::kNotAsked;
    return row.Failure();
  }
  return {};
}

Status Slots::LoadSaga(const Uuid& id, SagaSlot& slot) {
  if (slot.loaded || slot.known == SagaSlot::kAbsent) return {};
  Cursor row = core_.db->Use("SELECT " RP_SAGA_COLUMNS " FROM rp_saga s WHERE s.id = ?1");
  const int rc = row.Bind(id).Raw();
  if (rc == SQLITE_DONE) {
    slot.known = SagaSlot::kAbsent;
    return {};
  }
  if (rc != SQLITE_ROW) return row.Failure();
  auto saga = ReadSaga(row);
  if (!saga) return saga.error();
  slot.saga = std::move(*saga);
  slot.plan = row.Int(1);
  const Plans::Name& name = core_.plans.NameOf(slot.plan);
  slot.saga.pipeline = name.pipeline;
  slot.saga.plan = name.hash;
  slot.stored_state = slot.saga.state;
  slot.known = SagaSlot::kPresent;
  slot.loaded = true;
  return {};
}

Result<StepSlot*> Slots::LoadStep(const Uuid& id, SagaSlot& slot, StepIndex step,
                                  std::int64_t item) {
  if (StepSlot* found = FindStep(slot, step, item)) return found;
  StepSlot fresh;
  if (!slot.born) {
    Cursor row = core_.db->Use("SELECT " RP_STEP_COLUMNS
                               " FROM rp_step t WHERE t.saga = ?1 AND t.step = ?2 AND t.item = ?3");
    const int rc = row.Bind(id, step, item).Raw();
    if (rc == SQLITE_ROW) {
      auto read = ReadStep(row);
      if (!read) return read.error();
      fresh.row = std::move(*read);
      fresh.stored = true;
    } else if (rc != SQLITE_DONE) {
      return row.Failure();
    }
  }
  fresh.row.saga = id;
  fresh.row.step = step;
  fresh.row.item = item;
  slot.steps.push_back(std::move(fresh));
  return &slot.steps.back();
}

Status Slots::LoadDue(const Uuid& id, SagaSlot& slot) {
  if (slot.due_loaded || slot.born) return {};
  Cursor row = core_.db->Use("SELECT " RP_DUE_COLUMNS " FROM rp_due d WHERE d.saga = ?1");
  row.Bind(id);
  int rc = row.Raw();
  for (; rc == SQLITE_ROW; rc = row.Raw()) {
    auto read = ReadDue(row);
    if (!read) return read.error();
    const bool known = std::any_of(slot.due.begin(), slot.due.end(), [&](DueSlot& d) {
      if (!SameDue(d.due, *read)) return false;
      d.stored = true;
      return true;
    });
    if (known) continue;  // armed anew here
    const Plans::Name& name = core_.plans.NameOf(row.Int(6));
    read->pipeline = name.pipeline;
    read->plan = name.hash;
    slot.due.push_back({std::move(*read), true, true, false});
  }
  if (rc != SQLITE_DONE) return row.Failure();
  slot.due_loaded = true;
  return {};
}

}  // namespace reprise::runtime::sqlite
