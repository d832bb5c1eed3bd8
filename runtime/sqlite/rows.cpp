#include "sqlite/rows.h"

namespace reprise::runtime::sqlite {

Result<Saga> ReadSaga(const Cursor& row, int at) {
  Saga s;
  s.id = row.Id(at);
  s.state = static_cast<SagaState>(row.Int(at + 2));
  s.open = row.Int(at + 3);
  ReadFlags(row.Int(at + 4), s);
  s.created = row.At(at + 5);
  s.changed = row.At(at + 6);
  s.ended = row.At(at + 7);
  s.subject = row.Text(at + 8);
  s.code = row.Text(at + 9);
  json::object root;
  if (auto read = ReadMore(row.Text(at + 10), s); !read) return read.error();
  if (auto read = ReadObject(row.Text(at + 11), root); !read) return read.error();
  s.root = Payload(std::move(root));
  return s;
}

Result<StepRow> ReadStep(const Cursor& row, int at) {
  StepRow r;
  r.state = static_cast<StepState>(row.Int(at));
  r.attempt = static_cast<std::uint32_t>(row.Int(at + 1));
  r.timers = static_cast<std::uint32_t>(row.Int(at + 2));
  r.began = row.At(at + 3);
  r.done = row.At(at + 4);
  r.do_id = row.Id(at + 5);
  r.memo = row.Text(at + 6);
  if (auto read = ReadObject(row.Text(at + 7), r.added); !read) return read.error();
  if (auto read = ReadMore(row.Text(at + 8), r); !read) return read.error();
  return r;
}

Result<Due> ReadDue(const Cursor& row, int at) {
  Due d;
  d.saga = row.Id(at);
  d.step = static_cast<StepIndex>(row.Int(at + 1));
  d.item = row.Int(at + 2);
  d.kind = static_cast<DueKind>(row.Int(at + 3));
  d.event = row.Text(at + 4);
  d.due = row.At(at + 5);
  if (auto read = ReadObject(row.Text(at + 7), d.added); !read) return read.error();
  d.line = row.Text(at + 8);
  return d;
}

}  // namespace reprise::runtime::sqlite
