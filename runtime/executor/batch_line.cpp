/// `ordering: strict`: while a do is parked (it retries, its call is out, it is held), later dos of
/// its step and key wait behind it, in the order in which they came.
///
/// A line is the due rows that carry its name.  Whoever has a row with a real time, or a hold, has
/// the turn; who waits has a parked retry at kNoTime plus its place.  So a waiting do is a parked
/// one to everybody else: an undo cancels it, a person may skip it, `open` counts it, and a restart
/// changes nothing.  Whatever may have ended a turn touches the line, and before the commit the
/// first who waits in it is made due.  A step that is not strict has no line and costs nothing.
#include "executor/batch.h"

namespace reprise::runtime {
namespace {

/// Waits in its line: its time is only a place.
bool Waits(const Due& due) {
  return due.kind == DueKind::kRetryDo && due.due > kNoTime;
}

}  // namespace

/// By names, not by plan: the order holds across versions of the YAML.
std::string Batch::LineOf(const Plan& plan, StepIndex index, const std::string& key) {
  const Step& step = plan.step(index);
  if (!step.strict || step.kind != StepKind::kAction) return "";
  return plan.pipeline->name + "/" + step.name + "/" + key;
}

void Batch::Touch(const Attempt& attempt) {
  if (!attempt.spec().strict) return;
  if (std::string line = LineOf(*attempt.plan, attempt.step, attempt.key); !line.empty())
    lines_touched_.insert(std::move(line));
}

/// A do comes to its step: it runs if nobody is in its line, or if the first place is its own (a
/// held step that a person retries).
Batch::Ran Batch::StandInLine(Attempt& attempt, bool& waits) {
  const std::string name = LineOf(*attempt.plan, attempt.step, attempt.key);
  if (name.empty()) return Ran::kOk;
  const auto line = tx_.Line(name);
  if (!line) return Fail(line.error());
  if (line->empty()) return Ran::kOk;
  StepRow& row = attempt.row;
  if (line->front().saga == row.saga && line->front().item == row.item) {
    static constexpr DueKind kPlace[] = {DueKind::kHold};
    const auto n = tx_.Disarm({row.saga, attempt.step, row.item}, kPlace);
    return n ? Ran::kOk : Fail(n.error());
  }
  waits = true;
  row.state = StepState::kRetrying;
  row.began = Time{};
  row.code = "in_line";
  row.detail = "an earlier one of the same key comes first";
  const Due& last = line->back();
  const Time place = (Waits(last) ? last.due : kNoTime) + Millis(1);
  armed_.push_back(DueOf(attempt, DueKind::kRetryDo, place));
  if (attempt.spec().side) armed_.back().added = attempt.payload.object();
  rows_.push_back(row);
  Tell(row.saga, *attempt.plan, attempt.spec().name, "waits", attempt.key);
  Fact fact;
  fact.step = attempt.step;
  fact.delta = attempt.delta + 1;
  Happen(attempt, std::move(fact));
  return Ran::kOk;
}

/// The first of each line whose turn has come is due at once; it runs in the next batch.
Batch::Ran Batch::WakeLines() {
  for (const std::string& name : lines_touched_) {
    const auto line = tx_.Line(name);
    if (!line) return Fail(line.error());
    if (line->empty() || !Waits(line->front())) continue;
    Due turn = line->front();
    turn.due = now_;
    soonest_ = now_;
    if (!Check(tx_.Arm(std::span(&turn, 1)))) return Ran::kFailed;
  }
  lines_touched_.clear();
  return Ran::kOk;
}

}  // namespace reprise::runtime
