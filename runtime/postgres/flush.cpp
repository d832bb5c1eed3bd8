// Flush: each changed row is written once, a table after the other, one statement per table in the
// order of ids, all of them in the round trip of the commit.
#include <algorithm>

#include "postgres/rows.h"
#include "postgres/slots.h"

namespace reprise::runtime::postgres {
namespace {

struct SagaColumns {
  Column id{kUuid}, plan{kInt8}, state{kInt8}, open{kInt8}, flags{kInt8}, created{kInt8},
      changed{kInt8}, ended{kInt8}, subject{kText}, code{kText}, more{kText}, root{kText};
  JsonText json;

  void Add(const SagaSlot& slot) {
    const Saga& s = slot.saga;
    id.Add(s.id);
    plan.Add(slot.plan);
    state.Add(static_cast<std::int64_t>(s.state));
    open.Add(s.open);
    flags.Add(static_cast<std::int64_t>(FlagsOf(s)));
    created.AddKnown(s.created);
    changed.AddKnown(s.changed);
    ended.AddKnown(s.ended);
    subject.AddFilled(Clean(s.subject));
    code.AddFilled(Clean(s.code));
    more.AddGiven(MoreOf(s));
    root.Add(json.Of(s.root.object()));
  }
};

struct StepColumns {
  Column saga{kUuid}, step{kInt8}, item{kInt8}, state{kInt8}, attempt{kInt8}, timers{kInt8},
      began{kInt8}, done{kInt8}, do_id{kUuid}, memo{kBytea}, added{kText}, more{kText};
  JsonText json;

  void Add(const StepRow& r) {
    saga.Add(r.saga);
    step.Add(std::int64_t{r.step});
    item.Add(r.item);
    state.Add(static_cast<std::int64_t>(r.state));
    attempt.Add(std::int64_t{r.attempt});
    timers.Add(std::int64_t{r.timers});
    began.AddKnown(r.began);
    done.AddKnown(r.done);
    do_id.AddKnown(r.do_id);
    memo.AddFilled(r.memo);
    r.added.empty() ? added.Null() : added.Add(json.Of(r.added));
    more.AddGiven(MoreOf(r));
  }
  Params Take() && {
    return Params::Of(std::move(saga), std::move(step), std::move(item), std::move(state),
                      std::move(attempt), std::move(timers), std::move(began), std::move(done),
                      std::move(do_id), std::move(memo), std::move(added), std::move(more));
  }
};

struct DueColumns {
  Column saga{kUuid}, step{kInt8}, item{kInt8}, kind{kInt8}, event{kText}, due{kInt8}, plan{kInt8},
      added{kText}, lane{kInt8}, key{kBytea}, line{kBytea};
  JsonText json;

  void Add(const Due& d, std::int64_t plan_number) {
    saga.Add(d.saga);
    step.Add(std::int64_t{d.step});
    item.Add(d.item);
    kind.Add(static_cast<std::int64_t>(d.kind));
    event.Add(Clean(d.event));
    due.Add(d.due);
    plan.Add(plan_number);
    d.added.empty() ? added.Null() : added.Add(json.Of(d.added));
    lane.Add(d.lane);
    key.AddFilled(d.key);
    line.AddFilled(d.line);
  }
};

struct DueKeys {
  Column saga{kUuid}, step{kInt8}, item{kInt8}, kind{kInt8}, event{kText};

  void Add(const Uuid& id, StepIndex at, std::int64_t nth, DueKind what) {
    saga.Add(id);
    step.Add(std::int64_t{at});
    item.Add(nth);
    kind.Add(static_cast<std::int64_t>(what));
  }
};

#define RP_UNNEST_STEPS                                                                \
  "INSERT INTO rp_step SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], "  \
  "$4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::uuid[], " \
  "$10::bytea[], $11::text[], $12::text[])"

}  // namespace

std::vector<Slots::Entry> Slots::InOrder() {
  std::vector<Entry> out;
  out.reserve(slots_.size());
  for (const auto& [id, slot] : slots_) out.emplace_back(id, slot.get());
  std::sort(out.begin(), out.end(),
            [](const Entry& a, const Entry& b) { return a.first < b.first; });
  return out;
}

Status Slots::AddWrites(Database::Pipeline& pipeline) {
  const std::vector<Entry> slots = InOrder();
  if (auto done = AddSagas(pipeline, slots); !done) return done;
  AddSteps(pipeline, slots);
  if (auto done = AddDue(pipeline, slots); !done) return done;
  core_.plans.AddCounts(pipeline);
  return {};
}

Status Slots::FlushDue() {
  if (!due_dirty_) return {};
  Database::Pipeline pipeline(core_.db);
  if (auto done = AddDue(pipeline, InOrder()); !done) return done;
  if (pipeline.size() == 0) return {};
  auto done = pipeline.Run();
  if (!done) return done.error();
  return {};
}

/// Plan, subject, root and `created` are what the saga was accepted with and stay.  New rows are
/// inserted as such, also those of steps: one that another worker made ends the pipeline before its
/// COMMIT (kUniqueViolation), and ON CONFLICT DO NOTHING would cost a record of the WAL for each.
Status Slots::AddSagas(Database::Pipeline& pipeline, const std::vector<Entry>& slots) {
  SagaColumns fresh, again;
  for (const auto& [id, slot] : slots) {
    if (!slot->dirty) continue;
    slot->dirty = false;
    if (slot->born) {
      const auto plan = core_.plans.NumberOf(slot->saga.pipeline, slot->saga.plan);
      if (!plan) return plan.error();
      slot->plan = *plan;
      fresh.Add(*slot);
    } else {
      again.Add(*slot);
      if (slot->stored_state == slot->saga.state) continue;
      core_.plans.Move(slot->plan, slot->stored_state, -1);
    }
    core_.plans.Move(slot->plan, slot->saga.state, 1);
  }
  if (fresh.id.size() > 0) {
    pipeline.Add(
        "INSERT INTO rp_saga SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[],"
        " $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::text[],"
        " $10::text[], $11::text[], $12::text[])",
        Params::Of(std::move(fresh.id), std::move(fresh.plan), std::move(fresh.state),
                   std::move(fresh.open), std::move(fresh.flags), std::move(fresh.created),
                   std::move(fresh.changed), std::move(fresh.ended), std::move(fresh.subject),
                   std::move(fresh.code), std::move(fresh.more), std::move(fresh.root)));
  }
  if (again.id.size() > 0) {
    pipeline.Add(
        "UPDATE rp_saga s SET state = u.state, open = u.open, flags = u.flags, changed = u.changed,"
        " ended = u.ended, code = u.code, more = u.more FROM unnest($1::uuid[], $2::bigint[],"
        " $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[], $8::text[])"
        " u(id, state, open, flags, changed, ended, code, more) WHERE s.id = u.id",
        Params::Of(std::move(again.id), std::move(again.state), std::move(again.open),
                   std::move(again.flags), std::move(again.changed), std::move(again.ended),
                   std::move(again.code), std::move(again.more)),
        Database::kOnce);
  }
  return {};
}

void Slots::AddSteps(Database::Pipeline& pipeline, const std::vector<Entry>& slots) {
  StepColumns fresh, again;
  for (const auto& [id, slot] : slots) {
    std::sort(slot->steps.begin(), slot->steps.end(), [](const StepSlot& a, const StepSlot& b) {
      return std::pair(a.row.step, a.row.item) < std::pair(b.row.step, b.row.item);
    });
    for (StepSlot& step : slot->steps) {
      if (!step.dirty) continue;
      (step.found == StepSlot::kAbsent ? fresh : again).Add(step.row);
      step.dirty = false;
      step.found = StepSlot::kPresent;
    }
  }
  if (fresh.saga.size() > 0) pipeline.Add(RP_UNNEST_STEPS, std::move(fresh).Take());
  if (again.saga.size() > 0) {
    pipeline.Add(RP_UNNEST_STEPS
                 " ON CONFLICT (saga, step, item) DO UPDATE SET state = excluded.state,"
                 " attempt = excluded.attempt, timers = excluded.timers, began = excluded.began,"
                 " done = excluded.done, do_id = excluded.do_id, memo = excluded.memo,"
                 " added = excluded.added, more = excluded.more",
                 std::move(again).Take());
  }
}

/// What goes, goes before what comes: a key may do both.
Status Slots::AddDue(Database::Pipeline& pipeline, const std::vector<Entry>& slots) {
  DueColumns armed;
  DueKeys gone;
  for (const auto& [id, slot] : slots) {
    for (const Unread& unread : slot->unread) {
      gone.Add(id, unread.step, unread.item, unread.kind);
      unread.event.empty() ? gone.event.Null() : gone.event.Add(Clean(unread.event));
    }
    slot->unread.clear();
    for (DueSlot& entry : slot->due) {
      const Due& d = entry.due;
      if (entry.alive && entry.dirty) {
        const auto plan = core_.plans.NumberOf(d.pipeline, d.plan);
        if (!plan) return plan.error();
        armed.Add(d, *plan);
        entry.stored = true;
      } else if (!entry.alive && entry.stored) {
        gone.Add(id, d.step, d.item, d.kind);
        gone.event.Add(Clean(d.event));
      }
      entry.dirty = false;
    }
    std::erase_if(slot->due, [](const DueSlot& d) { return !d.alive; });
  }
  due_dirty_ = false;
  if (gone.saga.size() > 0) {
    pipeline.Add(
        "DELETE FROM rp_due d USING unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[],"
        " $5::text[]) k(saga, step, item, kind, event) WHERE d.saga = k.saga AND d.step = k.step"
        " AND d.item = k.item AND d.kind = k.kind AND (k.event IS NULL OR d.event = k.event)",
        Params::Of(std::move(gone.saga), std::move(gone.step), std::move(gone.item),
                   std::move(gone.kind), std::move(gone.event)),
        Database::kOnce);
  }
  if (armed.saga.size() > 0) {
    pipeline.Add(
        "INSERT INTO rp_due SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[],"
        " $4::bigint[], $5::text[], $6::bigint[], $7::bigint[], $8::text[], $9::bigint[],"
        " $10::bytea[], $11::bytea[]) ON CONFLICT (saga, step, item, kind, event) DO UPDATE SET"
        " due = excluded.due, plan = excluded.plan, added = excluded.added, lane = excluded.lane,"
        " key = excluded.key, line = excluded.line",
        Params::Of(std::move(armed.saga), std::move(armed.step), std::move(armed.item),
                   std::move(armed.kind), std::move(armed.event), std::move(armed.due),
                   std::move(armed.plan), std::move(armed.added), std::move(armed.lane),
                   std::move(armed.key), std::move(armed.line)));
  }
  return {};
}

}  // namespace reprise::runtime::postgres
