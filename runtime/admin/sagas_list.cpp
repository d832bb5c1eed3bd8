#include <algorithm>
#include <array>
#include <set>

#include <fmt/core.h>

#include "admin/focus.h"
#include "admin/query.h"
#include "admin/sagas.h"
#include "base/suggest.h"

namespace reprise::runtime {
namespace {

// Where an id may be cut: at its dashes, as people copy it.
constexpr std::array<std::size_t, 4> kShortLengths = {8, 13, 18, 23};

const std::vector<std::pair<std::string, StepState>>& StepStates() {
  static const std::vector<std::pair<std::string, StepState>> kStates = {
      {"retrying", StepState::kRetrying},
      {"held", StepState::kHeld},
      {"failed", StepState::kFailed},
      {"unknown", StepState::kUnknown}};
  return kStates;
}

void ReadStates(QueryReader& reader, SagaFilter& filter) {
  for (const std::string& name : reader.List("state")) {
    if (const auto state = ParseSagaState(name)) {
      filter.states.push_back(*state);
      continue;
    }
    const auto& steps = StepStates();
    const auto step =
        std::find_if(steps.begin(), steps.end(), [&](const auto& s) { return s.first == name; });
    if (step == steps.end()) {
      reader.Refuse(
          fmt::format("unknown state '{}': running, undoing, done, undone, stuck, retrying, held, "
                      "failed or unknown",
                      name));
      return;
    }
    filter.step_states.push_back(step->second);
  }
}

bool IsIdPrefix(std::string_view text) {
  return text.size() <= 36 && text.find_first_not_of("0123456789abcdef-") == std::string_view::npos;
}

SagaFilter ReadFilter(QueryReader& reader, Time now) {
  SagaFilter filter;
  ReadStates(reader, filter);
  filter.pipeline = reader.Text("pipeline");
  filter.subject = reader.Text("subject");
  filter.step = reader.Text("step");
  filter.older_than = reader.Instant("older", now);
  filter.newer_than = reader.Instant("newer", now);
  filter.id_prefix = reader.Text("prefix");
  if (!IsIdPrefix(filter.id_prefix)) reader.Refuse("'prefix' must be the beginning of a saga id");
  filter.limit = reader.Number("limit", filter.limit, kPageMax);
  if (const std::string before = reader.Text("before"); !before.empty()) {
    filter.before = Uuid::Parse(before);
    if (!filter.before) reader.Refuse("'before' must be a saga id");
  }
  return filter;
}

// States of sagas and of steps are alternatives: "stuck,retrying" lists both kinds.
Result<std::vector<Saga>> ListEither(Journal& journal, const SagaFilter& filter) {
  if (filter.states.empty() || filter.step_states.empty()) return journal.ListSagas(filter);
  SagaFilter by_saga = filter;
  by_saga.step_states.clear();
  SagaFilter by_step = filter;
  by_step.states.clear();
  auto sagas = journal.ListSagas(by_saga);
  if (!sagas) return sagas;
  auto more = journal.ListSagas(by_step);
  if (!more) return more;
  std::vector<Saga> all = std::move(*sagas);
  for (Saga& saga : *more) all.push_back(std::move(saga));
  std::sort(all.begin(), all.end(), [](const Saga& a, const Saga& b) { return a.id > b.id; });
  all.erase(std::unique(all.begin(), all.end(),
                        [](const Saga& a, const Saga& b) { return a.id == b.id; }),
            all.end());
  if (all.size() > filter.limit) all.resize(filter.limit);
  return all;
}

// The shortest beginning of the id that no other saga has.
std::string ShortId(Journal& journal, const Uuid& id) {
  const std::string full = id.ToString();
  for (std::size_t length : kShortLengths) {
    SagaFilter filter;
    filter.id_prefix = full.substr(0, length);
    filter.limit = 2;
    const auto same = journal.ListSagas(filter);
    if (same && same->size() == 1) return filter.id_prefix;
  }
  return full;
}

json::object FocusJson(const Focus& focus) {
  json::object step{
      {"name", focus.step},       {"phase", Name(focus.phase)}, {"state", Name(focus.row->state)},
      {"attempt", focus.attempt}, {"code", focus.row->code},    {"detail", focus.row->detail}};
  if (focus.attempts) step["attempts"] = *focus.attempts;
  if (focus.next) step["next"] = Rfc3339(*focus.next);
  return step;
}

// A saga that ended as it should has nothing to look at: its rows are not read.
bool WorthALook(const Saga& saga) {
  if (saga.state == SagaState::kUndone) return false;
  return saga.state != SagaState::kDone || !saga.failed.empty();
}

json::object Line(Journal& journal, const View& view, const Saga& saga) {
  json::object line{{"id", saga.id.ToString()},
                    {"short", ShortId(journal, saga.id)},
                    {"pipeline", saga.pipeline},
                    {"state", Name(saga.state)},
                    {"shown", Name(saga.state)},
                    {"subject", saga.subject},
                    {"code", saga.code},
                    {"created", Rfc3339(saga.created)},
                    {"changed", Rfc3339(saga.changed)},
                    {"age_ms", (view.now - saga.created).count()}};
  if (Ended(saga.state)) line["ended"] = Rfc3339(saga.ended);
  if (!WorthALook(saga)) return line;
  const auto detail = journal.ShowSaga(saga.id);
  if (!detail || !*detail) return line;  // purged meanwhile
  const PipelineRef plan = view.Plan(saga.plan);
  const Focus focus = FocusOf(**detail, plan.get());
  if (focus.row == nullptr) return line;
  line["shown"] = ShownState(saga, focus);
  line["step"] = FocusJson(focus);
  return line;
}

json::object CountsJson(const std::vector<Journal::Counts>& counts) {
  json::object out{{"total", std::int64_t{0}}};
  for (const Journal::Counts& count : counts) {
    const auto add = [&](std::string_view name) {
      json::value& cell = out[name];
      cell = (cell.is_int64() ? cell.get_int64() : 0) + count.sagas;
    };
    add("total");
    add(Name(count.state));
  }
  return out;
}

// An empty list of what nobody has ever heard of is more likely a slip of the finger.
std::optional<std::string> Unheard(Journal& journal, const View& view, const SagaFilter& filter) {
  std::set<std::string> names, steps;
  for (const PipelineRef& pipeline :
       view.pipelines ? view.pipelines() : std::vector<PipelineRef>()) {
    names.insert(pipeline->name);
    for (const Step& step : pipeline->steps) steps.insert(step.name);
  }
  const auto unknown = [](std::string_view what, const std::string& word,
                          const std::set<std::string>& known) -> std::optional<std::string> {
    if (word.empty() || known.empty() || known.contains(word)) return std::nullopt;
    const std::vector<std::string> all(known.begin(), known.end());
    return fmt::format("unknown {} '{}'{}", what, word, DidYouMean(word, all));
  };
  if (auto step = unknown("step", filter.step, steps)) return step;
  if (filter.pipeline.empty()) return std::nullopt;
  if (const auto counts = journal.CountSagas())  // of pipelines that are not loaded any more
    for (const Journal::Counts& count : *counts) names.insert(count.pipeline);
  return unknown("pipeline", filter.pipeline, names);
}

}  // namespace

Answer ListSagasJson(Journal& journal, const View& view, const Query& query) {
  QueryReader reader(query, {"state", "pipeline", "subject", "step", "older", "newer", "prefix",
                             "limit", "before", "counts"});
  const SagaFilter filter = ReadFilter(reader, view.now);
  if (reader.problem()) return *reader.problem();
  const auto sagas = ListEither(journal, filter);
  if (!sagas) return Answer::Failed(sagas.error());
  if (sagas->empty()) {
    if (const auto why = Unheard(journal, view, filter)) {
      reader.Refuse(*why);
      return *reader.problem();
    }
  }
  json::array lines;
  for (const Saga& saga : *sagas) lines.push_back(Line(journal, view, saga));
  json::object body{{"now", Rfc3339(view.now)}, {"sagas", std::move(lines)}};
  if (sagas->size() == filter.limit) body["next"] = sagas->back().id.ToString();
  if (reader.Flag("counts")) {
    const auto counts = journal.CountSagas();
    if (!counts) return Answer::Failed(counts.error());
    body["counts"] = CountsJson(*counts);
  }
  return Answer::Of(std::move(body));
}

std::optional<Uuid> ResolveSagaId(Journal& journal, std::string_view id, Answer& refused) {
  if (const auto whole = Uuid::Parse(id)) {
    const auto saga = journal.FindSaga(*whole);
    if (saga && *saga) return *whole;
    refused = saga ? Answer::Problem(404, "not_found", fmt::format("no saga {}", id))
                   : Answer::Failed(saga.error());
    return std::nullopt;
  }
  if (id.empty() || !IsIdPrefix(id)) {
    refused = Answer::Problem(404, "not_found",
                              fmt::format("'{}' is not the beginning of a saga id", id));
    return std::nullopt;
  }
  SagaFilter filter;
  filter.id_prefix = id;
  filter.limit = 2;
  const auto sagas = journal.ListSagas(filter);
  if (!sagas) {
    refused = Answer::Failed(sagas.error());
  } else if (sagas->empty()) {
    refused = Answer::Problem(404, "not_found", fmt::format("no saga begins with {}", id));
  } else if (sagas->size() > 1) {
    refused = Answer::Problem(409, "ambiguous",
                              fmt::format("several sagas begin with {}: {}, {}, ..", id,
                                          (*sagas)[0].id.ToString(), (*sagas)[1].id.ToString()));
  } else {
    return sagas->front().id;
  }
  return std::nullopt;
}

}  // namespace reprise::runtime
