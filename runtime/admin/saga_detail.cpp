#include <algorithm>

#include "admin/focus.h"
#include "admin/query.h"
#include "admin/sagas.h"

namespace reprise::runtime {
namespace {

std::string_view KindName(DueKind kind) {
  switch (kind) {
    case DueKind::kRetryDo:
      return "retry do";
    case DueKind::kRetryUndo:
      return "retry undo";
    case DueKind::kHold:
      return "hold ends";
    case DueKind::kTimer:
      return "timer";
    case DueKind::kWait:
      return "wait ends";
    case DueKind::kCall:
      return "call overdue";
    case DueKind::kTimeout:
      return "saga timeout";
  }
  return "";
}

void PutTime(json::object& to, std::string_view name, Time at) {
  if (at != Time{}) to[name] = Rfc3339(at);
}

// Memos are the plugin's own text; one that is a JSON object is masked like a payload.
json::value MemoJson(const std::string& memo, const std::set<std::string>& secret) {
  const auto parsed = Payload::Parse(memo);
  return parsed ? Masked(parsed->object(), secret) : json::value(memo);
}

// What the plan says of a step, whether or not it has a row.
json::object PlannedStep(const Pipeline* pipeline, StepIndex index) {
  json::object out{{"name", NameOfStep(pipeline, index)}, {"index", index}};
  if (pipeline == nullptr || index >= pipeline->steps.size()) return out;
  const Step& step = pipeline->steps[index];
  out["side"] = step.side;
  if (step.kind == StepKind::kAction) out["plugin"] = step.plugin + "." + step.action;
  out["final"] = step.final;
  out["undo_last"] = step.undo_last;
  out["attempts"] = step.retry.attempts;
  out["undo_attempts"] = step.undo_retry.attempts;
  json::array needs;
  step.causes.Each([&](StepIndex cause) { needs.emplace_back(NameOfStep(pipeline, cause)); });
  out["after"] = std::move(needs);
  return out;
}

json::object RowJson(const Pipeline* pipeline, const StepRow& row,
                     const std::set<std::string>& secret, bool payloads) {
  json::object out = PlannedStep(pipeline, row.step);
  out["state"] = Name(row.state);
  if (row.item != 0) out["item"] = row.item;
  out["attempt"] = row.attempt;
  out["undo_attempt"] = row.undo_attempt;
  out["round"] = row.round;
  PutTime(out, "began", row.began);
  PutTime(out, "done", row.done);
  PutTime(out, "undone", row.undone);
  out["code"] = row.code;
  out["detail"] = row.detail;
  for (const auto& [name, set] :
       {std::pair{"kept", row.kept}, std::pair{"cancelled", row.cancelled},
        std::pair{"unknown", row.unknown}, std::pair{"undo_wanted", row.undo_wanted}}) {
    if (set) out[name] = true;
  }
  if (row.timers != 0) out["timers"] = row.timers;
  if (payloads) {
    out["added"] = Masked(row.added, secret);
    out["memo"] = MemoJson(row.memo, secret);
  }
  return out;
}

json::array StepsJson(const SagaDetail& detail, const Pipeline* pipeline,
                      const std::set<std::string>& secret, bool payloads) {
  json::array steps;
  std::set<StepIndex> seen;
  std::vector<const StepRow*> rows;
  for (const StepRow& row : detail.steps) rows.push_back(&row);
  std::stable_sort(rows.begin(), rows.end(),
                   [](const StepRow* a, const StepRow* b) { return a->step < b->step; });
  for (const StepRow* row : rows) {
    steps.push_back(RowJson(pipeline, *row, secret, payloads));
    seen.insert(row->step);
  }
  for (StepIndex i = 0; pipeline != nullptr && i < pipeline->main_count; ++i) {
    if (seen.contains(i)) continue;
    json::object step = PlannedStep(pipeline, i);
    step["state"] = Name(Ended(detail.saga.state) ? StepState::kSkipped : StepState::kWaiting);
    steps.push_back(std::move(step));
  }
  return steps;
}

json::array DueJson(const SagaDetail& detail, const Pipeline* pipeline) {
  json::array rows;
  for (const Due& due : detail.due) {
    if (due.due == kNoTime) continue;  // a hold without end: its step says so
    json::object row{{"kind", due.due > kNoTime ? "its turn" : KindName(due.kind)},
                     {"event", due.event}};
    if (due.due < kNoTime) row["due"] = Rfc3339(due.due);
    row["step"] = due.kind == DueKind::kTimeout ? "" : NameOfStep(pipeline, due.step);
    rows.push_back(std::move(row));
  }
  return rows;
}

json::array HistoryJson(const SagaDetail& detail) {
  json::array lines;
  for (const History& line : detail.history) {
    lines.push_back(json::object{{"at", Rfc3339(line.at)},
                                 {"step", line.step},
                                 {"phase", line.phase},
                                 {"what", line.what},
                                 {"code", line.code},
                                 {"detail", line.detail},
                                 {"who", line.who},
                                 {"attempt", line.attempt}});
  }
  return lines;
}

json::array NamesOf(const Pipeline* pipeline, StepSet set) {
  json::array names;
  set.Each([&](StepIndex step) { names.emplace_back(NameOfStep(pipeline, step)); });
  return names;
}

// What a person may do now: {"retry": ["stock"], .., "undo": true}.
json::object VerbsJson(const SagaDetail& detail, const Pipeline* pipeline) {
  json::object verbs;
  for (const char* verb : {"retry", "skip", "resolve"}) {
    json::array names;
    for (const std::string& step : StepsFor(verb, detail, pipeline)) names.emplace_back(step);
    verbs[verb] = std::move(names);
  }
  const Saga& saga = detail.saga;
  verbs["undo"] =
      !saga.final && (saga.state == SagaState::kRunning || saga.state == SagaState::kDone);
  return verbs;
}

}  // namespace

std::vector<std::string> StepsFor(std::string_view verb, const SagaDetail& detail,
                                  const Pipeline* pipeline) {
  std::vector<std::string> names;
  // Once a saga was taken back, what failed in it is no longer to be done.
  const SagaState state = detail.saga.state;
  const bool forward =
      state == SagaState::kRunning || state == SagaState::kDone || state == SagaState::kUndoing;
  for (const StepRow& row : detail.steps) {
    if (pipeline != nullptr && row.step >= pipeline->main_count) continue;
    const bool failed =
        forward && (row.state == StepState::kFailed || row.state == StepState::kHeld);
    const bool stuck = row.state == StepState::kStuck;
    const bool skips = failed || (forward && row.state == StepState::kRetrying);
    const bool fits = verb == "retry" ? failed || stuck : verb == "skip" ? skips : stuck;
    if (fits) names.push_back(NameOfStep(pipeline, row.step));
  }
  return names;
}

Answer ShowSagaJson(Journal& journal, const View& view, std::string_view id, const Query& query) {
  QueryReader reader(query, {"payloads"});
  if (reader.problem()) return *reader.problem();
  Answer refused;
  const auto found = ResolveSagaId(journal, id, refused);
  if (!found) return refused;
  const auto detail = journal.ShowSaga(*found);
  if (!detail) return Answer::Failed(detail.error());
  if (!*detail) return Answer::Problem(404, "not_found", "no saga " + found->ToString());

  const Saga& saga = (*detail)->saga;
  const PipelineRef plan = view.Plan(saga.plan);
  const std::set<std::string> secret = SecretFields(view.catalog);
  const bool payloads = reader.Flag("payloads");
  json::object body{{"now", Rfc3339(view.now)},
                    {"id", saga.id.ToString()},
                    {"pipeline", saga.pipeline},
                    {"plan", saga.plan},
                    {"state", Name(saga.state)},
                    {"shown", ShownState(saga, FocusOf(**detail, plan.get()))},
                    {"subject", saga.subject},
                    {"code", saga.code},
                    {"created", Rfc3339(saga.created)},
                    {"changed", Rfc3339(saga.changed)},
                    {"age_ms", (view.now - saga.created).count()},
                    {"open", saga.open},
                    {"final", saga.final},
                    {"scope", NamesOf(plan.get(), saga.scope)},
                    {"failed", NamesOf(plan.get(), saga.failed)}};
  if (Ended(saga.state)) body["ended"] = Rfc3339(saga.ended);
  if (payloads) body["root"] = Masked(saga.root.object(), secret);
  body["steps"] = StepsJson(**detail, plan.get(), secret, payloads);
  body["due"] = DueJson(**detail, plan.get());
  body["history"] = HistoryJson(**detail);
  body["verbs"] = VerbsJson(**detail, plan.get());
  return Answer::Of(std::move(body));
}

}  // namespace reprise::runtime
