/// Rows: the journal's values from columns.
///
/// The column lists below and the readers belong together: a reader takes its columns from `at` on.
#pragma once

#include "model/row_json.h"
#include "model/saga.h"
#include "postgres/answer.h"

namespace reprise::runtime::postgres {

#define RP_SAGA_COLUMNS                                                                        \
  "s.id, s.plan, s.state, s.open, s.flags, s.created, s.changed, s.ended, s.subject, s.code, " \
  "s.more, s.root"
#define RP_STEP_COLUMNS                                                                      \
  "t.saga, t.step, t.item, t.state, t.attempt, t.timers, t.began, t.done, t.do_id, t.memo, " \
  "t.added, t.more"
#define RP_DUE_COLUMNS \
  "d.saga, d.step, d.item, d.kind, d.event, d.due, d.plan, d.added, d.lane, d.key, d.line"
#define RP_DEAD_COLUMNS                                                                           \
  "id, message, saga, pipeline, step, event, phase, code, detail, attempts, payload, key, side, " \
  "at, state, origin"

/// Everything but pipeline and plan, whose number is column 1.
Result<Saga> ReadSaga(const Answer& rows, int row);
Result<StepRow> ReadStep(const Answer& rows, int row);
/// Everything but pipeline and plan, whose number is column 6.
Result<Due> ReadDue(const Answer& rows, int row);
DeadLetter ReadDeadLetter(const Answer& rows, int row);

}  // namespace reprise::runtime::postgres
