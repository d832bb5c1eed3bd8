/// A journal in memory, an ingress that answers at once, and a responder that keeps its answer.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ports/http.h"
#include "ports/ingress.h"
#include "ports/journal.h"

namespace reprise::runtime {

inline Error NotHere() {
  return {Code::kInternal, "not in this fake"};
}

class FakeJournal : public Journal {
 public:
  std::vector<SagaDetail> sagas;  // in order of their ids
  std::vector<DeadLetter> letters;
  std::vector<PlanRow> plans;
  Status ping, backup;
  std::string backup_file;

  Result<std::vector<Saga>> ListSagas(const SagaFilter& f) override {
    std::vector<Saga> found;
    for (auto it = sagas.rbegin(); it != sagas.rend() && found.size() < f.limit; ++it) {
      if (Fits(*it, f)) found.push_back(it->saga);
    }
    return found;
  }
  Result<std::optional<SagaDetail>> ShowSaga(const Uuid& id) override {
    for (const SagaDetail& detail : sagas) {
      if (detail.saga.id == id) return std::optional(detail);
    }
    return std::optional<SagaDetail>();
  }
  Result<std::optional<Saga>> FindSaga(const Uuid& id) override {
    const auto detail = ShowSaga(id);
    return *detail ? std::optional((*detail)->saga) : std::nullopt;
  }
  Result<std::vector<DeadLetter>> ListDeadLetters(const DeadLetterFilter& f) override {
    std::vector<DeadLetter> found;
    for (const DeadLetter& letter : letters) {
      const bool fits =
          letter.state == f.state && (f.pipeline.empty() || letter.pipeline == f.pipeline) &&
          (f.step.empty() || letter.step == f.step) && (f.code.empty() || letter.code == f.code) &&
          (!f.after_id || letter.id > *f.after_id);
      if (fits && found.size() < f.limit) found.push_back(letter);
    }
    return found;
  }
  Result<std::optional<DeadLetter>> FindDeadLetter(std::int64_t id) override {
    for (const DeadLetter& letter : letters) {
      if (letter.id == id) return std::optional(letter);
    }
    return std::optional<DeadLetter>();
  }
  Result<std::vector<Counts>> CountSagas() override {
    std::vector<Counts> counts;
    for (const SagaDetail& detail : sagas) {
      const Saga& s = detail.saga;
      const auto same = std::find_if(counts.begin(), counts.end(), [&](const Counts& c) {
        return c.pipeline == s.pipeline && c.state == s.state;
      });
      if (same == counts.end()) {
        counts.push_back({s.pipeline, s.state, 1, s.created});
      } else {
        ++same->sagas;
        same->oldest = std::min(same->oldest, s.created);
      }
    }
    return counts;
  }
  Result<std::int64_t> CountDeadLetters() override {
    return static_cast<std::int64_t>(letters.size());
  }
  Result<std::vector<PlanRow>> Plans() override { return plans; }
  Status Backup(const std::string& file) override {
    backup_file = file;
    return backup;
  }
  Status Ping() override { return ping; }
  std::string About() const override { return "a fake"; }

  Result<std::unique_ptr<Transaction>> Begin() override { return NotHere(); }
  Sql& reads() override { std::abort(); }
  Result<std::optional<Time>> NextDue() override { return NotHere(); }
  Result<std::optional<IdempotencyRow>> FindIdempotency(std::string_view, std::string_view,
                                                        std::string_view) override {
    return NotHere();
  }
  Result<std::optional<std::string>> Meta(std::string_view) override { return NotHere(); }
  Status PutPlan(const std::string&, const std::string&, const std::string&) override {
    return NotHere();
  }
  Status Migrate(std::span<const PluginMigration>) override { return NotHere(); }
  Result<std::int64_t> Count(std::string_view, std::int64_t, std::int64_t) override {
    return NotHere();
  }
  Result<std::vector<Uuid>> Expired(std::string_view, Time, Time, std::size_t) override {
    return NotHere();
  }
  Result<std::vector<Uuid>> Idle(Time, std::size_t) override { return NotHere(); }

 private:
  static bool Fits(const SagaDetail& detail, const SagaFilter& f) {
    const Saga& s = detail.saga;
    const bool in_states =
        f.states.empty() || std::find(f.states.begin(), f.states.end(), s.state) != f.states.end();
    const bool in_steps =
        f.step_states.empty() ||
        std::any_of(detail.steps.begin(), detail.steps.end(), [&](const StepRow& row) {
          return std::find(f.step_states.begin(), f.step_states.end(), row.state) !=
                 f.step_states.end();
        });
    return in_states && in_steps && (f.pipeline.empty() || s.pipeline == f.pipeline) &&
           (f.subject.empty() || s.subject == f.subject) &&
           (!f.older_than || s.created < *f.older_than) &&
           (!f.newer_than || s.created > *f.newer_than) &&
           s.id.ToString().starts_with(f.id_prefix) && (!f.before || s.id < *f.before);
  }
};

/// Reads run at once, unless it hangs; what is submitted is kept.
class FakeIngress : public Ingress {
 public:
  explicit FakeIngress(FakeJournal& journal) : journal_(journal) {}

  std::vector<Verb> verbs;
  std::vector<Start> starts;
  std::map<std::string, bool> existing;  // saga ids that Start finds
  Reply reply;                           // to verbs
  std::optional<Error> start_fails;
  std::optional<std::pair<std::string, std::string>> overloaded;
  bool hangs = false;
  std::vector<std::function<void(Journal&)>> waiting;

  void Submit(Request) override { std::abort(); }
  void Submit(Start start) override {
    const std::string id = start.id.ToString();
    if (start_fails) {
      start.done(*start_fails);
    } else {
      start.done(!std::exchange(existing[id], true));
    }
    starts.push_back(std::move(start));
  }
  void Submit(Verb verb) override {
    verb.reply(reply);
    verbs.push_back(std::move(verb));
  }
  void AskStream(Request, std::string, std::function<void(Reply, StreamBatch)>) override {
    std::abort();
  }
  void OnHint(std::function<void(const std::string&)>) override {}
  void Read(std::function<void(Journal&)> read) override {
    if (hangs) {
      waiting.push_back(std::move(read));
    } else {
      read(journal_);
    }
  }
  std::optional<std::pair<std::string, std::string>> Overloaded() const override {
    return overloaded;
  }

 private:
  FakeJournal& journal_;
};

class KeptAnswer : public Responder {
 public:
  std::optional<HttpResponse> sent;
  std::optional<Problem> refused;

  int status() const { return sent ? sent->status : refused ? refused->status : 0; }
  std::string code() const { return refused ? refused->code : ""; }

  void Send(HttpResponse response) override {
    if (status() == 0) sent = std::move(response);
  }
  void Refuse(Problem problem) override {
    if (status() == 0) refused = std::move(problem);
  }
  std::shared_ptr<EventStream> Stream() override { return nullptr; }
};

}  // namespace reprise::runtime
