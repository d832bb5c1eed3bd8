#include "admin/health.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <map>
#include <mutex>
#include <set>
#include <vector>

#include <fmt/core.h>

#include "ports/journal.h"

namespace reprise::runtime {
namespace {

using Steady = std::chrono::steady_clock;

// An executor that has not come to a waiting probe for this long hangs: answer without it.
constexpr std::chrono::seconds kPatience{2};

constexpr std::uintmax_t kFreeBytesMin = 64ULL << 20;

struct Line {
  std::string name;
  Result<std::string> result;
};

Result<std::string> CheckDisk(const std::string& folder) {
  std::error_code error;
  const auto space = std::filesystem::space(folder, error);
  if (error) return Error{Code::kInternal, folder + ": " + error.message()};
  const std::string free = fmt::format("{} MiB free in {}", space.available >> 20, folder);
  if (space.available < kFreeBytesMin) return Error{Code::kUnavailable, free};
  return free;
}

HttpResponse Text(int status, std::string body) {
  return {.status = status,
          .content_type = "text/plain; charset=utf-8",
          .body = std::move(body),
          .headers = {{"cache-control", "no-store"}}};
}

// As Kubernetes' own components print it.
HttpResponse ReadyText(const std::vector<Line>& lines, bool verbose) {
  std::string body;
  bool ready = true;
  for (const auto& [name, result] : lines) {
    ready &= result.ok();
    if (!result) {
      body += fmt::format("[-]{} failed: {}\n", name, result.error().message);
    } else if (verbose) {
      body += fmt::format("[+]{} ok{}{}\n", name, result->empty() ? "" : ": ", *result);
    }
  }
  body += ready ? (verbose ? "readyz check passed\n" : "ok\n") : "readyz check failed\n";
  return Text(ready ? 200 : 503, std::move(body));
}

}  // namespace

struct Health::State {
  explicit State(Wiring w) : wiring(std::move(w)) {}

  const Wiring wiring;
  std::vector<std::pair<std::string, std::function<Result<std::string>()>>> checks;
  std::atomic<bool> draining = false;

  std::mutex mutex;                          // guards what follows
  std::multiset<Steady::time_point> probes;  // those the executor has not come to
  std::set<std::pair<std::string, SagaState>> shown;

  // Runs `read` on the executor's thread.  False: it hangs, `read` is not even tried.
  bool Probe(std::function<void(Journal&)> read, const std::shared_ptr<State>& self) {
    const auto began = Steady::now();
    {
      const std::lock_guard lock(mutex);
      if (!probes.empty() && began - *probes.begin() > kPatience) return false;
      probes.insert(began);
    }
    wiring.ingress.Read([self, began, read = std::move(read)](Journal& journal) {
      {
        const std::lock_guard lock(self->mutex);
        self->probes.erase(self->probes.find(began));
      }
      read(journal);
    });
    return true;
  }

  void RefreshSagas(Journal& journal) {
    const auto counts = journal.CountSagas();
    if (!counts) return;
    std::set<std::pair<std::string, SagaState>> now_shown;
    const Time now = wiring.clock.Now();
    for (const Journal::Counts& count : *counts) {
      if (count.state == SagaState::kDone || count.state == SagaState::kUndone) continue;
      const Metrics::Labels labels = {{"pipeline", count.pipeline}, {"state", Name(count.state)}};
      const auto age = std::chrono::duration<double>(now - count.oldest).count();
      wiring.metrics.Set("reprise_sagas_active", labels, static_cast<double>(count.sagas));
      wiring.metrics.Set("reprise_saga_oldest_age_seconds", labels, std::max(0.0, age));
      now_shown.emplace(count.pipeline, count.state);
    }
    const std::lock_guard lock(mutex);
    for (const auto& [pipeline, state] : shown) {  // none are left of these
      if (now_shown.contains({pipeline, state})) continue;
      wiring.metrics.Set("reprise_sagas_active", {{"pipeline", pipeline}, {"state", Name(state)}},
                         0);
      wiring.metrics.Set("reprise_saga_oldest_age_seconds",
                         {{"pipeline", pipeline}, {"state", Name(state)}}, 0);
    }
    shown.merge(now_shown);
  }

  void Refresh(Journal& journal) {
    RefreshSagas(journal);
    if (const auto letters = journal.CountDeadLetters()) {
      wiring.metrics.Set("reprise_dlq_messages", {}, static_cast<double>(*letters));
    }
    if (!wiring.lag) return;
    if (const auto lag = wiring.lag()) {
      wiring.metrics.Set("reprise_consumer_lag_messages", {}, static_cast<double>(*lag));
    }
    if (!wiring.oldest) return;
    const auto oldest = wiring.oldest();
    const std::chrono::duration<double> age = oldest ? wiring.clock.Now() - *oldest : Millis(0);
    wiring.metrics.Set("reprise_consumer_lag_seconds", {}, std::max(0.0, age.count()));
  }
};

Health::Health(Wiring wiring) : state_(std::make_shared<State>(std::move(wiring))) {
  const Wiring& w = state_->wiring;
  w.metrics.Set("reprise_build_info", {{"version", w.version}, {"commit", w.commit}}, 1);
  if (!w.data_folder.empty())
    AddCheck("disk", [folder = w.data_folder] { return CheckDisk(folder); });
}

Health::~Health() = default;

void Health::AddCheck(std::string name, std::function<Result<std::string>()> check) {
  state_->checks.emplace_back(std::move(name), std::move(check));
}

void Health::Drain() {
  state_->draining = true;
}

void Health::Livez(const HttpRequest&, std::shared_ptr<Responder> responder) const {
  responder->Send(Text(200, "ok\n"));
}

void Health::Readyz(const HttpRequest& request, std::shared_ptr<Responder> responder) const {
  const bool verbose = request.Query("verbose").has_value();
  std::set<std::string> left_out;
  for (const auto& [name, value] : request.query) {
    if (name == "exclude") left_out.insert(value);
  }
  std::vector<Line> lines;
  if (state_->draining)
    lines.push_back({"shutdown", Error{Code::kUnavailable, "the runtime is stopping"}});
  for (const auto& [name, check] : state_->checks) {
    if (!left_out.contains(name)) lines.push_back({name, check()});
  }
  if (left_out.contains("executor")) return responder->Send(ReadyText(lines, verbose));

  auto finish = [lines, verbose, responder](Result<std::string> executor) {
    std::vector<Line> all = lines;
    all.push_back({"executor", std::move(executor)});
    responder->Send(ReadyText(all, verbose));
  };
  const bool asked = state_->Probe(
      [finish](Journal& journal) {
        const Status ping = journal.Ping();
        finish(ping ? Result<std::string>(journal.About()) : Result<std::string>(ping.error()));
      },
      state_);
  if (!asked) finish(Error{Code::kDeadline, "no answer for 2 seconds"});
}

void Health::MetricsText(const HttpRequest&, std::shared_ptr<Responder> responder) const {
  auto send = [state = state_, responder] {
    responder->Send({.content_type = "text/plain; version=0.0.4; charset=utf-8",
                     .body = state->wiring.metrics.Text()});
  };
  const bool asked = state_->Probe(
      [state = state_, send](Journal& journal) {
        state->Refresh(journal);
        send();
      },
      state_);
  if (!asked) send();  // better old gauges than none
}

}  // namespace reprise::runtime
