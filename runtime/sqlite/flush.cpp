// Flush: each changed row is written once, a table after the other, one statement per table in the
// order of ids, so that SQLite moves along each b-tree once.
#include <algorithm>
#include <utility>

#include "sqlite/flush_rows.h"
#include "sqlite/rows.h"
#include "sqlite/slots.h"

namespace reprise::runtime::sqlite {
namespace {

Status Write(Database& db, const char* sql, RowSource& rows) {
  if (rows.size() == 0) return {};
  Cursor cursor = db.Use(sql);
  cursor.BindRows(&rows);
  return cursor.Run();
}

}  // namespace

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
  if (!std::exchange(due_changed_, false)) return {};
  return WriteDue(InOrder());
}

Status Slots::WriteSagas(const std::vector<Entry>& slots) {
  SagaRows fresh;
  for (const auto& [id, slot] : slots) {
    if (!slot->dirty) continue;
    slot->dirty = false;
    if (slot->born) {
      const auto plan = core_.plans.NumberOf(slot->saga.pipeline, slot->saga.plan);
      if (!plan) return plan.error();
      slot->plan = *plan;
      fresh.rows.push_back(slot);
      core_.highest = std::max(core_.highest, id);
    } else {
      if (auto done = UpdateSaga(*slot); !done) return done;
      if (slot->stored_state == slot->saga.state) continue;
      core_.plans.Move(slot->plan, slot->stored_state, -1);
    }
    core_.plans.Move(slot->plan, slot->saga.state, 1);
  }
  return Write(*core_.db,
               "INSERT INTO rp_saga SELECT c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11 FROM "
               "rp_rows(?1)",
               fresh);
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
  StepRows fresh, again;
  for (const auto& [id, slot] : slots) {
    std::sort(slot->steps.begin(), slot->steps.end(), [](const StepSlot& a, const StepSlot& b) {
      return std::pair(a.row.step, a.row.item) < std::pair(b.row.step, b.row.item);
    });
    for (StepSlot& step : slot->steps) {
      if (!step.dirty) continue;
      (step.stored ? again : fresh).rows.push_back(&step.row);
      step.dirty = false;
      step.stored = true;
    }
  }
  if (auto done = Write(*core_.db,
                        "INSERT INTO rp_step SELECT c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, "
                        "c11 FROM rp_rows(?1)",
                        fresh);
      !done) {
    return done;
  }
  return Write(*core_.db,
               "REPLACE INTO rp_step SELECT c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11 FROM "
               "rp_rows(?1)",
               again);
}

Status Slots::WriteDue(const std::vector<Entry>& slots) {
  DueRows armed;
  for (const auto& [id, slot] : slots) {
    for (DueSlot& entry : slot->due) {
      const Due& d = entry.due;
      if (entry.alive && entry.dirty) {
        const auto plan = core_.plans.NumberOf(d.pipeline, d.plan);
        if (!plan) return plan.error();
        armed.rows.push_back({&d, *plan});
        entry.stored = true;
      } else if (!entry.alive && entry.stored) {
        Cursor gone = core_.db->Use(
            "DELETE FROM rp_due WHERE saga = ?1 AND step = ?2 AND item = ?3 AND kind = ?4 AND "
            "event = ?5");
        gone.Bind(id, d.step, d.item, static_cast<int>(d.kind), d.event);
        if (auto done = gone.Run(); !done) return done;
      }
      entry.dirty = false;
    }
  }
  auto done = Write(
      *core_.db, "REPLACE INTO rp_due SELECT c0, c1, c2, c3, c4, c5, c6, c7, c8 FROM rp_rows(?1)",
      armed);
  for (const auto& [id, slot] : slots)
    std::erase_if(slot->due, [](const DueSlot& d) { return !d.alive; });
  return done;
}

}  // namespace reprise::runtime::sqlite
