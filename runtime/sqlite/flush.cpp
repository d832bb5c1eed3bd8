// Flush: each changed row is written once, table by table in the order of ids, so that the pages of
// one table are touched one after the other.
#include <algorithm>

#include "sqlite/rows.h"
#include "sqlite/slots.h"

namespace reprise::runtime::sqlite {

std::vector<Slots::Entry> Slots::InOrder() {
  std::vector<Entry> out;
  out.reserve(slots_.size());
  for (const auto& [id, slot] : slots_) out.emplace_back(id, slot.get());
  std::sort(out.begin(), out.end(),
            [](const Entry& a, const Entry& b) { return a.first < b.first; });
  return out;
}

Status Slots::Flush() {
  const std::vector<Entry> slots = InOrder();
  if (auto done = WriteSagas(slots); !done) return done;
  if (auto done = WriteSteps(slots); !done) return done;
  if (auto done = WriteDue(slots); !done) return done;
  return core_.plans.FlushCounts();
}

Status Slots::FlushDue() {
  return WriteDue(InOrder());
}

Status Slots::WriteSagas(const std::vector<Entry>& slots) {
  for (const auto& [id, slot] : slots) {
    if (!slot->dirty) continue;
    const bool insert = slot->born;
    if (auto done = insert ? InsertSaga(*slot) : UpdateSaga(*slot); !done) return done;
    if (!insert && slot->stored_state != slot->saga.state)
      core_.plans.Move(slot->plan, slot->stored_state, -1);
    if (insert || slot->stored_state != slot->saga.state)
      core_.plans.Move(slot->plan, slot->saga.state, 1);
    core_.highest = std::max(core_.highest, id);
    slot->dirty = false;
  }
  return {};
}

Status Slots::InsertSaga(SagaSlot& slot) {
  const Saga& s = slot.saga;
  const auto plan = core_.plans.NumberOf(s.pipeline, s.plan);
  if (!plan) return plan.error();
  slot.plan = *plan;
  const std::string root = s.root.Serialize();
  const Json more = MoreOf(s);
  Cursor row = core_.db->Use(
      "INSERT INTO rp_saga VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)");
  row.Bind(s.id, slot.plan, static_cast<int>(s.state), s.open, FlagsOf(s), Stamp(s.created),
           Stamp(s.changed), Stamp(s.ended), Filled(s.subject), Filled(s.code), more, root);
  return row.Run();
}

/// Plan, subject, root and `created` are what the saga was accepted with and stay.
Status Slots::UpdateSaga(SagaSlot& slot) {
  const Saga& s = slot.saga;
  const Json more = MoreOf(s);
  Cursor row = core_.db->Use(
      "UPDATE rp_saga SET state = ?2, open = ?3, flags = ?4, changed = ?5, ended = ?6, code = ?7, "
      "more = ?8"
      " WHERE id = ?1");
  row.Bind(s.id, static_cast<int>(s.state), s.open, FlagsOf(s), Stamp(s.changed), Stamp(s.ended),
           Filled(s.code), more);
  return row.Run();
}

Status Slots::WriteSteps(const std::vector<Entry>& slots) {
  Cursor fresh = core_.db->Use(
      "INSERT INTO rp_step VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)");
  Cursor again = core_.db->Use(
      "REPLACE INTO rp_step VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)");
  for (const auto& [id, slot] : slots) {
    std::sort(slot->steps.begin(), slot->steps.end(), [](const StepSlot& a, const StepSlot& b) {
      return std::pair(a.row.step, a.row.item) < std::pair(b.row.step, b.row.item);
    });
    for (StepSlot& step : slot->steps) {
      if (!step.dirty) continue;
      const StepRow& r = step.row;
      const Json added = TextOf(r.added), more = MoreOf(r);
      Cursor& row = step.stored ? again : fresh;
      row.Again();
      row.Bind(id, r.step, r.item, static_cast<int>(r.state), r.attempt, r.timers, Stamp(r.began),
               Stamp(r.done), Known(r.do_id), Filled(r.memo), added, more);
      if (row.Raw() != SQLITE_DONE) return row.Failure();
      step.dirty = false;
      step.stored = true;
    }
  }
  return {};
}

Status Slots::WriteDue(const std::vector<Entry>& slots) {
  Cursor put = core_.db->Use("REPLACE INTO rp_due VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
  Cursor gone = core_.db->Use(
      "DELETE FROM rp_due WHERE saga = ?1 AND step = ?2 AND item = ?3 AND kind = ?4 AND event = "
      "?5");
  for (const auto& [id, slot] : slots) {
    for (DueSlot& entry : slot->due) {
      const Due& d = entry.due;
      const int kind = static_cast<int>(d.kind);
      if (entry.alive && entry.dirty) {
        const auto plan = core_.plans.NumberOf(d.pipeline, d.plan);
        if (!plan) return plan.error();
        const Json added = TextOf(d.added);
        put.Again();
        if (put.Bind(id, d.step, d.item, kind, d.event, ToMillis(d.due), *plan, added).Raw() !=
            SQLITE_DONE)
          return put.Failure();
        entry.stored = true;
      } else if (!entry.alive && entry.stored) {
        gone.Again();
        if (gone.Bind(id, d.step, d.item, kind, d.event).Raw() != SQLITE_DONE)
          return gone.Failure();
      }
      entry.dirty = false;
    }
    std::erase_if(slot->due, [](const DueSlot& d) { return !d.alive; });
  }
  return {};
}

}  // namespace reprise::runtime::sqlite
