/// Rows: the journal's values to and from columns.
///
/// The column lists below and the readers belong together: a reader takes its columns from `at` on.
#pragma once

#include "model/row_json.h"
#include "model/saga.h"
#include "sqlite/database.h"

namespace reprise::runtime::sqlite {

// `pipeline` and `plan` are the plan's number in the table; the caller fills them in.
#define RP_SAGA_COLUMNS                                                                        \
  "s.id, s.plan, s.state, s.open, s.flags, s.created, s.changed, s.ended, s.subject, s.code, " \
  "s.more, s.root"
#define RP_STEP_COLUMNS \
  "t.state, t.attempt, t.timers, t.began, t.done, t.do_id, t.memo, t.added, t.more"
#define RP_DUE_COLUMNS "d.saga, d.step, d.item, d.kind, d.event, d.due, d.plan, d.added, d.line"

/// Everything but pipeline and plan, whose number is column `at + 1`.
Result<Saga> ReadSaga(const Cursor& row, int at = 0);
/// Everything but saga, step and item.
Result<StepRow> ReadStep(const Cursor& row, int at = 0);
/// Everything but pipeline and plan, whose number is column `at + 6`.
Result<Due> ReadDue(const Cursor& row, int at = 0);

}  // namespace reprise::runtime::sqlite
