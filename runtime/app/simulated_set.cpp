#include "app/simulated_set.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>

#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace reprise::runtime {
namespace {

constexpr std::int64_t kHangs = 120'000;  // milliseconds; a run takes a small part of a second

std::int64_t Millisecond() {
  return std::chrono::duration_cast<Millis>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

template <class Texts>
json::array Array(const Texts& texts) {
  json::array out;
  for (const std::string& text : texts) out.emplace_back(text);
  return out;
}

template <class Texts>
void Fill(Texts& texts, const json::value& from) {
  for (const json::value& text : from.get_array())
    texts.insert(texts.end(), std::string(text.get_string()));
}

std::string Serialize(const SimulatedRun& run, bool timeline) {
  json::object out{{"broken", run.broken},
                   {"faults", Array(run.faults)},
                   {"seen", Array(run.seen)},
                   {"sagas", run.sagas}};
  out["timeline"] = timeline ? Array(run.timeline) : json::array();
  return json::serialize(out);
}

void Write(int pipe, const std::string& text) {
  for (std::size_t at = 0; at < text.size();) {
    const ssize_t wrote = ::write(pipe, text.data() + at, text.size() - at);
    if (wrote <= 0 && errno != EINTR) return;
    at += static_cast<std::size_t>(std::max<ssize_t>(wrote, 0));
  }
}

}  // namespace

SimulatedSet::Child SimulatedSet::Fork(std::uint64_t seed,
                                       const std::optional<std::set<std::string>>& only,
                                       bool timeline) const {
  int pipes[2] = {-1, -1};
  Child child;
  child.seed = seed;
  child.began = Millisecond();
  if (::pipe(pipes) != 0) return child;
  std::fflush(nullptr);
  child.process = ::fork();
  if (child.process == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::close(pipes[0]);
    SimulatedWorld::Setup setup = setup_;
    setup.seed = seed;
    setup.only = only;
    const SimulatedRun run = Simulate(std::move(setup), plan_);
    Write(pipes[1], Serialize(run, timeline));
    ::_exit(0);  // nothing of the parent's is to be ended here
  }
  ::close(pipes[1]);
  child.pipe = pipes[0];
  return child;
}

/// Reads what is there, waiting this long for it; false: all of it was read.
bool SimulatedSet::Read(Child& child, int wait_ms) {
  pollfd ready{child.pipe, POLLIN, 0};
  if (::poll(&ready, 1, wait_ms) == 0) {
    if (Millisecond() - child.began < kHangs) return true;
    ::kill(child.process, SIGKILL);
    child.text.clear();
    return false;
  }
  char bytes[1 << 16];
  const ssize_t read = ::read(child.pipe, bytes, sizeof bytes);
  if (read > 0) child.text.append(bytes, static_cast<std::size_t>(read));
  return read > 0 || (read < 0 && errno == EINTR);
}

SimulatedRun SimulatedSet::End(Child& child) {
  SimulatedRun run;
  run.seed = child.seed;
  const bool hung = Millisecond() - child.began >= kHangs;
  int status = 0;
  if (child.pipe >= 0) ::close(child.pipe);
  if (child.process > 0) ::waitpid(child.process, &status, 0);
  json::error_code error;
  const json::value body = json::parse(child.text, error);
  if (error || !body.is_object()) {
    run.broken = hung ? "a plugin hangs: the run did not end within two minutes"
                 : WIFSIGNALED(status)
                     ? fmt::format("a plugin ended the process with signal {}", WTERMSIG(status))
                     : "the process of the run ended without a word";
    return run;
  }
  const json::object& fields = body.get_object();
  run.broken = std::string(fields.at("broken").get_string());
  run.sagas = static_cast<int>(fields.at("sagas").to_number<std::int64_t>());
  Fill(run.faults, fields.at("faults"));
  Fill(run.seen, fields.at("seen"));
  Fill(run.timeline, fields.at("timeline"));
  return run;
}

void SimulatedSet::Play(int at_once, const std::function<std::optional<std::uint64_t>()>& more,
                        const std::function<bool(SimulatedRun)>& ended) const {
  std::vector<Child> children;
  bool go_on = true;
  while (go_on || !children.empty()) {
    while (go_on && children.size() < static_cast<std::size_t>(at_once)) {
      const auto seed = more();
      if (!seed) break;
      children.push_back(Fork(*seed, setup_.only, false));
    }
    if (children.empty()) return;
    for (std::size_t i = 0; i < children.size();) {
      if (Read(children[i], 2)) {
        ++i;
        continue;
      }
      go_on = ended(End(children[i])) && go_on;
      children.erase(children.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }
}

SimulatedRun SimulatedSet::Replay(std::uint64_t seed,
                                  const std::optional<std::set<std::string>>& only) const {
  Child child = Fork(seed, only, true);
  while (Read(child, 100)) {
  }
  return End(child);
}

/// Leaves out ever smaller pieces of the schedule for as long as something still breaks.
///
/// Source  ddmin: "Simplifying and Isolating Failure-Inducing Input", Zeller and Hildebrandt, 2002.
SimulatedRun SimulatedSet::Smallest(SimulatedRun run, int tries) const {
  std::vector<std::string> faults = run.faults;
  for (std::size_t pieces = 2; !faults.empty() && tries > 0;) {
    bool smaller = false;
    const std::size_t size = (faults.size() + pieces - 1) / pieces;
    for (std::size_t from = 0; from < faults.size() && tries > 0; from += size, --tries) {
      std::vector<std::string> rest(faults.begin(),
                                    faults.begin() + static_cast<std::ptrdiff_t>(from));
      const std::size_t to = std::min(from + size, faults.size());
      rest.insert(rest.end(), faults.begin() + static_cast<std::ptrdiff_t>(to), faults.end());
      SimulatedRun tried = Replay(run.seed, std::set<std::string>(rest.begin(), rest.end()));
      if (tried.broken.empty()) continue;
      faults = tried.faults;  // those that struck, of what is left
      run = std::move(tried);
      smaller = true;
      break;
    }
    if (smaller) {
      pieces = std::max<std::size_t>(2, pieces - 1);
    } else if (size <= 1) {
      break;
    } else {
      pieces = std::min(faults.size(), pieces * 2);
    }
  }
  return run;
}

}  // namespace reprise::runtime
