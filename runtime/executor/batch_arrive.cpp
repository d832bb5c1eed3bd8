/// Records of topics of others become sagas, one for each pipeline that listens; a duplicate, as
/// the topic says, finds its saga there.
#include "executor/batch.h"

namespace reprise::runtime {

/// All at once, as starts are.
Batch::Ran Batch::Arrive(std::span<const Arrival> arrivals) {
  std::vector<Saga> sagas;
  for (const Arrival& arrival : arrivals) {
    for (const Start& start : arrival.starts)
      sagas.push_back(NewSaga(*x_.plans_.Find(start.pipeline->hash), start.id, start.root));
  }
  const Result<std::vector<bool>> fresh =
      sagas.empty() ? Result<std::vector<bool>>(std::vector<bool>()) : tx_.Create(sagas);
  if (!fresh) return Fail(fresh.error());
  std::size_t i = 0;
  for (const Arrival& arrival : arrivals) {
    const std::string* const trace = arrival.record->Header("traceparent");
    trace_ = trace == nullptr ? std::string() : *trace;
    bool any_new = false;
    for (const Start& start : arrival.starts) {
      const bool created = (*fresh)[i];
      if (created) Begin(*x_.plans_.Find(start.pipeline->hash), sagas[i], start.event);
      CountInput(arrival, created ? "new" : "duplicate");
      any_new = any_new || created;
      ++i;
    }
    if (const Ran ran = Arrived(arrival, any_new); ran != Ran::kOk) return ran;
  }
  return Ran::kOk;
}

void Batch::CountInput(const Arrival& arrival, std::string_view outcome) {
  x_.metrics_.Count("reprise_inputs_total",
                    {{"topic", arrival.record->topic}, {"outcome", outcome}});
}

/// Its dead letters, or the word to whoever fed it by hand.
Batch::Ran Batch::Arrived(const Arrival& arrival, bool any_new) {
  for (const DeadLetter& letter : arrival.letters) {
    CountInput(arrival, "dead");
    if (arrival.fed) continue;
    if (auto added = Bury(letter); !added) return Fail(added.error());
  }
  if (!arrival.fed || !arrival.fed->done) return Ran::kOk;
  Result<bool> said = any_new;
  if (!arrival.letters.empty()) {
    const DeadLetter& letter = arrival.letters.front();
    said = Error{Code::kInvalid, letter.pipeline + ": " + letter.detail};
  } else if (arrival.starts.empty()) {
    said = Error{Code::kNotFound, "no pipeline listens to topic " + arrival.record->topic};
  }
  after_.replies.push_back([done = arrival.fed->done, said] { done(said); });
  return Ran::kOk;
}

/// A dead letter that was an input is read again, by what the files say now.
Batch::Ran Batch::Replay(const Verb& verb, const DeadLetter& letter) {
  const auto found = work_->again.find(letter.id);
  const Arrival* again = found == work_->again.end() ? nullptr : &found->second;
  if (again == nullptr || again->starts.empty()) {
    const std::string why = again != nullptr && !again->letters.empty()
                                ? again->letters.front().detail
                                : "no pipeline listens to its topic any more";
    ReplyLater(verb, Refused(409, "not_replayable", why));
    return Ran::kOk;
  }
  const Start& start = again->starts.front();
  const Plan& plan = *x_.plans_.Find(start.pipeline->hash);
  trace_.clear();
  bool created = false;
  if (const Ran ran = Create(plan, NewSaga(plan, start.id, start.root), start.event, &created);
      ran != Ran::kOk) {
    return ran;
  }
  if (!Check(tx_.SetDeadLetterState(letter.id, "replayed"))) return Ran::kFailed;
  history_.push_back({start.id, now_, letter.step, letter.phase, "verb " + verb.what, letter.code,
                      verb.why, verb.who, 0});
  Reply reply;
  reply.body = json::serialize(json::object{{"letter", letter.id},
                                            {"state", "replayed"},
                                            {"saga", start.id.ToString()},
                                            {"new", created}});
  ReplyLater(verb, std::move(reply));
  return Ran::kOk;
}

}  // namespace reprise::runtime
