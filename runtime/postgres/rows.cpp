#include "postgres/rows.h"

namespace reprise::runtime::postgres {

Result<Saga> ReadSaga(const Answer& rows, int i) {
  Saga s;
  s.id = rows.Id(i, 0);
  s.state = static_cast<SagaState>(rows.Int(i, 2));
  s.open = rows.Int(i, 3);
  ReadFlags(rows.Int(i, 4), s);
  s.created = rows.At(i, 5);
  s.changed = rows.At(i, 6);
  s.ended = rows.At(i, 7);
  s.subject = rows.Text(i, 8);
  s.code = rows.Text(i, 9);
  json::object root;
  if (auto read = ReadMore(rows.Text(i, 10), s); !read) return read.error();
  if (auto read = ReadObject(rows.Text(i, 11), root); !read) return read.error();
  s.root = Payload(std::move(root));
  return s;
}

Result<StepRow> ReadStep(const Answer& rows, int i) {
  StepRow r;
  r.saga = rows.Id(i, 0);
  r.step = static_cast<StepIndex>(rows.Int(i, 1));
  r.item = rows.Int(i, 2);
  r.state = static_cast<StepState>(rows.Int(i, 3));
  r.attempt = static_cast<std::uint32_t>(rows.Int(i, 4));
  r.timers = static_cast<std::uint32_t>(rows.Int(i, 5));
  r.began = rows.At(i, 6);
  r.done = rows.At(i, 7);
  r.do_id = rows.Id(i, 8);
  r.memo = rows.Text(i, 9);
  if (auto read = ReadObject(rows.Text(i, 10), r.added); !read) return read.error();
  if (auto read = ReadMore(rows.Text(i, 11), r); !read) return read.error();
  return r;
}

Result<Due> ReadDue(const Answer& rows, int i) {
  Due d;
  d.saga = rows.Id(i, 0);
  d.step = static_cast<StepIndex>(rows.Int(i, 1));
  d.item = rows.Int(i, 2);
  d.kind = static_cast<DueKind>(rows.Int(i, 3));
  d.event = rows.Text(i, 4);
  d.due = rows.At(i, 5);
  if (auto read = ReadObject(rows.Text(i, 7), d.added); !read) return read.error();
  d.lane = rows.Int(i, 8);
  d.key = rows.Bytes(i, 9);
  d.line = rows.Bytes(i, 10);
  return d;
}

DeadLetter ReadDeadLetter(const Answer& rows, int i) {
  DeadLetter l;
  l.id = rows.Int(i, 0);
  l.message = rows.Id(i, 1);
  l.saga = rows.Id(i, 2);
  l.pipeline = rows.Text(i, 3);
  l.step = rows.Text(i, 4);
  l.event = rows.Text(i, 5);
  l.phase = rows.Text(i, 6);
  l.code = rows.Text(i, 7);
  l.detail = rows.Text(i, 8);
  l.attempts = static_cast<std::uint32_t>(rows.Int(i, 9));
  l.payload = rows.Bytes(i, 10);
  l.key = rows.Bytes(i, 11);
  l.side = rows.Int(i, 12) != 0;
  l.at = rows.At(i, 13);
  l.state = rows.Text(i, 14);
  if (!rows.Null(i, 15)) l.record = RecordOf(rows.Text(i, 15), l.key, l.payload);
  return l;
}

}  // namespace reprise::runtime::postgres
