#include "postgres/slots.h"

#include <algorithm>

#include "postgres/rows.h"

namespace reprise::runtime::postgres {
namespace {

std::vector<Uuid> InOrder(std::vector<Uuid> ids) {
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

/// Whether a step like this may have due rows that an attempt will cancel.
bool MayHaveDue(const StepRow& row) {
  return row.timers > 0;
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

StepSlot* Slots::FindStep(SagaSlot& slot, StepIndex step, std::int64_t item) {
  for (StepSlot& s : slot.steps) {
    if (s.row.step == step && s.row.item == item) return &s;
  }
  return nullptr;
}

std::string_view Slots::LockWords() {
  return std::exchange(locked_, true) ? " NOWAIT" : "";
}

Status Slots::AskKnown(std::span<const Uuid> ids) {
  std::vector<Uuid> asked;
  for (const Uuid& id : ids) {
    SagaSlot& slot = At(id);
    if (slot.known != SagaSlot::kNotAsked) continue;
    if (id.nil()) {
      slot.known = SagaSlot::kAbsent;
    } else {
      asked.push_back(id);
    }
  }
  if (asked.empty()) return {};
  asked = postgres::InOrder(std::move(asked));
  auto rows = core_.db.Run("SELECT id FROM rp_saga WHERE id = ANY($1)", Params::Of(IdsOf(asked)),
                           Database::kOnce);
  if (!rows) return rows.error();
  for (const Uuid& id : asked) At(id).known = SagaSlot::kAbsent;
  for (int i = 0; i < rows->rows(); ++i) At(rows->Id(i, 0)).known = SagaSlot::kPresent;
  return {};
}

Status Slots::LoadSagas(std::span<const Uuid> ids) {
  std::vector<Uuid> asked;
  for (const Uuid& id : ids) {
    const SagaSlot& slot = At(id);
    if (!slot.loaded && slot.known != SagaSlot::kAbsent) asked.push_back(id);
  }
  if (asked.empty()) return {};
  asked = postgres::InOrder(std::move(asked));
  auto rows = core_.db.Once(std::string("SELECT " RP_SAGA_COLUMNS " FROM rp_saga s"
                                        " WHERE s.id = ANY($1) ORDER BY s.id FOR UPDATE") +
                                std::string(LockWords()),
                            Params::Of(IdsOf(asked)));
  if (!rows) return rows.error();
  for (const Uuid& id : asked) At(id).known = SagaSlot::kAbsent;
  for (int i = 0; i < rows->rows(); ++i) {
    auto saga = ReadSaga(*rows, i);
    if (!saga) return saga.error();
    SagaSlot& slot = At(saga->id);
    slot.saga = std::move(*saga);
    slot.plan = rows->Int(i, 1);
    const Plans::Name& name = core_.plans.NameOf(slot.plan);
    slot.saga.pipeline = name.pipeline;
    slot.saga.plan = name.hash;
    slot.stored_state = slot.saga.state;
    slot.known = SagaSlot::kPresent;
    slot.loaded = true;
  }
  return {};
}

Status Slots::LoadSteps(std::span<const Transaction::StepKey> keys) {
  Column sagas(kUuid), steps(kInt8), items(kInt8);
  for (const Transaction::StepKey& key : keys) {
    SagaSlot& slot = At(key.saga);
    if (FindStep(slot, key.step, key.item) != nullptr) continue;
    StepSlot fresh;
    fresh.row.saga = key.saga;
    fresh.row.step = key.step;
    fresh.row.item = key.item;
    fresh.found = StepSlot::kAbsent;
    slot.steps.push_back(std::move(fresh));
    if (slot.born) continue;
    sagas.Add(key.saga);
    steps.Add(std::int64_t{key.step});
    items.Add(key.item);
  }
  if (sagas.size() == 0) return {};
  auto rows = core_.db.Once(
      std::string("SELECT " RP_STEP_COLUMNS
                  " FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) k(saga, step, item)"
                  " JOIN rp_step t ON t.saga = k.saga AND t.step = k.step AND t.item = k.item"
                  " ORDER BY t.saga, t.step, t.item FOR UPDATE OF t") +
          std::string(LockWords()),
      Params::Of(std::move(sagas), std::move(steps), std::move(items)));
  if (!rows) return rows.error();
  std::vector<Uuid> due;
  for (int i = 0; i < rows->rows(); ++i) {
    auto read = ReadStep(*rows, i);
    if (!read) return read.error();
    StepSlot* slot = FindStep(At(read->saga), read->step, read->item);
    if (MayHaveDue(*read)) due.push_back(read->saga);
    slot->row = std::move(*read);
    slot->found = StepSlot::kPresent;
  }
  return LoadDue(due);
}

Status Slots::LoadDue(std::span<const Uuid> ids) {
  std::vector<Uuid> asked;
  for (const Uuid& id : ids) {
    const SagaSlot& slot = At(id);
    if (!slot.due_loaded && !slot.born) asked.push_back(id);
  }
  if (asked.empty()) return {};
  asked = postgres::InOrder(std::move(asked));
  auto rows = core_.db.Run("SELECT " RP_DUE_COLUMNS " FROM rp_due d WHERE d.saga = ANY($1)",
                           Params::Of(IdsOf(asked)), Database::kOnce);
  if (!rows) return rows.error();
  for (int i = 0; i < rows->rows(); ++i) {
    auto read = ReadDue(*rows, i);
    if (!read) return read.error();
    SagaSlot& slot = At(read->saga);
    const bool known = std::any_of(slot.due.begin(), slot.due.end(), [&](DueSlot& d) {
      if (!SameDue(d.due, *read)) return false;
      d.stored = true;
      return true;
    });
    if (known) continue;  // armed anew here
    if (std::any_of(slot.unread.begin(), slot.unread.end(),
                    [&](const Unread& gone) { return gone.Covers(*read); }))
      continue;
    const Plans::Name& name = core_.plans.NameOf(rows->Int(i, 6));
    read->pipeline = name.pipeline;
    read->plan = name.hash;
    slot.due.push_back({std::move(*read), true, true, false});
  }
  for (const Uuid& id : asked) At(id).due_loaded = true;
  return {};
}

}  // namespace reprise::runtime::postgres
