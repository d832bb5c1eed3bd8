#include "admin/verbs.h"

#include <algorithm>
#include <array>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include "admin/body.h"
#include "admin/letters.h"
#include "admin/sagas.h"
#include "base/suggest.h"
#include "model/decide.h"

namespace reprise::runtime {
namespace {

std::string Missing(const std::string& verb, const SagaDetail& detail) {
  return fmt::format("no step of this saga (it is {}) can be taken by {}", Name(detail.saga.state),
                     verb);
}

// The step that was named must exist; without a name, one step must fit.
bool FindStep(const SagaDetail& detail, const Pipeline* plan, Verb& verb, Answer& refused) {
  if (!verb.step.empty()) {
    if (plan == nullptr || plan->Find(verb.step)) return true;
    std::vector<std::string> known;
    for (const Step& step : plan->steps) known.push_back(step.name);
    refused = Answer::Problem(404, "no_such_step",
                              fmt::format("pipeline '{}' has no step '{}'{}", plan->name, verb.step,
                                          DidYouMean(verb.step, known)));
    return false;
  }
  const std::vector<std::string> fitting = StepsFor(verb.what, detail, plan);
  if (fitting.size() == 1) {
    verb.step = fitting.front();
    return true;
  }
  refused = fitting.empty()
                ? Answer::Problem(409, "nothing_to_" + verb.what, Missing(verb.what, detail))
                : Answer::Problem(409, "which_step",
                                  fmt::format("name the step: {}", fmt::join(fitting, ", ")));
  return false;
}

// skip's event is one of the step's; both `held` and `reserve.held` are understood.
bool FindEvent(const Pipeline* plan, Verb& verb, Answer& refused) {
  const auto index = plan == nullptr ? std::nullopt : plan->Find(verb.step);
  if (verb.event.empty() || !index) return true;
  const Step& step = plan->step(*index);
  if (verb.event.starts_with(step.name + ".")) verb.event.erase(0, step.name.size() + 1);
  if (std::find(step.events.begin(), step.events.end(), verb.event) != step.events.end())
    return true;
  refused = Answer::Problem(400, "no_such_event", NoSuchEvent(step, verb.event));
  return false;
}

}  // namespace

Result<Verb> ReadVerb(const HttpRequest& request, std::string_view what) {
  static const std::vector<std::string> kKnown = {"step", "event", "fields", "why", "who", "seen"};
  const auto body = ReadBody(request, kKnown);
  if (!body) return body.error();
  Verb verb;
  verb.what = what;
  std::string seen;
  for (const auto& [name, to] :
       {std::pair{"step", &verb.step}, std::pair{"event", &verb.event}, std::pair{"why", &verb.why},
        std::pair{"who", &verb.who}, std::pair{"seen", &seen}}) {
    auto text = TextField(body->object(), name);
    if (!text) return text.error();
    *to = std::move(*text);
  }
  if (!seen.empty()) verb.seen_state = seen;
  if (verb.who.empty()) verb.who = "http@" + request.remote;
  if (const json::value* fields = body->Find("fields"); fields != nullptr) {
    if (!fields->is_object()) return Error{Code::kInvalid, "'fields' must be an object"};
    verb.fields = fields->get_object();
  }
  if (what == "signal" && verb.event.empty())
    return Error{Code::kInvalid, "'event' must name the signal"};
  return verb;
}

bool AimAtSaga(Journal& journal, const View& view, std::string_view id, Verb& verb,
               Answer& refused) {
  const auto saga = ResolveSagaId(journal, id, refused);
  if (!saga) return false;
  verb.saga = *saga;
  if (verb.what == "undo" || verb.what == "signal") return true;
  const auto detail = journal.ShowSaga(*saga);
  if (!detail || !*detail) {
    refused = detail ? Answer::Problem(404, "not_found", "no saga " + saga->ToString())
                     : Answer::Failed(detail.error());
    return false;
  }
  const PipelineRef plan = view.Plan((*detail)->saga.plan);
  return FindStep(**detail, plan.get(), verb, refused) && FindEvent(plan.get(), verb, refused);
}

bool AimAtLetter(Journal& journal, std::string_view id, Verb& verb, Answer& refused) {
  const auto number = ParseLetterId(id);
  const auto letter =
      number ? journal.FindDeadLetter(*number) : Result<std::optional<DeadLetter>>(std::nullopt);
  if (!letter) {
    refused = Answer::Failed(letter.error());
    return false;
  }
  if (!*letter) {
    refused = Answer::Problem(404, "not_found", fmt::format("no dead letter {}", id));
    return false;
  }
  if ((*letter)->state != "new") {
    refused = Answer::Problem(409, "changed",
                              fmt::format("dead letter {} already was {}", id, (*letter)->state));
    return false;
  }
  if (verb.what == "dlq-replay" && !Replayable(**letter)) {
    refused = Answer::Problem(
        409, "not_replayable",
        fmt::format("a dead letter '{}' cannot be replayed: its saga went on without it; "
                    "drop it",
                    (*letter)->code));
    return false;
  }
  verb.letter = *number;
  verb.saga = (*letter)->saga;
  return true;
}

}  // namespace reprise::runtime
