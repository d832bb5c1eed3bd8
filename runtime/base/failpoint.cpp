#include "base/failpoint.h"

#include <array>
#include <charconv>
#include <csignal>
#include <limits>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include <fmt/format.h>
#include <unistd.h>

#include "base/suggest.h"

namespace reprise::runtime {
namespace {

// In the order of a message's life, as FAULTS lists them: F1 to F18.
constexpr std::array kPlaces{
    FailpointPlace{"poll", "messages are taken from the bus"},
    FailpointPlace{"begin", "a transaction begins; on the cluster this takes the fence"},
    FailpointPlace{"claim", "the step rows of a wave are claimed"},
    FailpointPlace{"plugin", "a transactional plugin runs", true},
    FailpointPlace{"commit", "a batch is committed", true},
    FailpointPlace{"answer", "COMMIT was given to the database; its answer is read"},
    FailpointPlace{"publish", "what was committed is handed to the bus", true},
    FailpointPlace{"produce", "one record is handed to Kafka", false, true},
    FailpointPlace{"acknowledged", "the last record of an outbox is acknowledged", false, true},
    FailpointPlace{"forget", "an outbox that is out is removed from the journal", false, true},
    FailpointPlace{"take", "lanes are taken: their epochs rise", false, true},
    FailpointPlace{"adopt", "the outbox of a worker that is gone is published", false, true},
    FailpointPlace{"due", "timers, retries and other due rows are taken"},
    FailpointPlace{"call", "an external call is made: its intent is committed, its result not yet",
                   true},
    FailpointPlace{"letter", "a dead letter or a stuck undo: it is written, then people are told"},
    FailpointPlace{"migrate", "a plugin's migration is committed"},
    FailpointPlace{"drain", "the runtime stops: it accepts nothing new, then ends its work"},
};

enum class FailAction { kKill, kStop, kError, kCount, kExit, kDelay };

struct Armed {
  FailAction action = FailAction::kCount;
  std::int64_t after = 0;
  std::int64_t times = std::numeric_limits<std::int64_t>::max();
  std::int64_t passes = 0, firings = 0;
  std::string phase;          // only passes of this one; empty: all
  std::int64_t delay_ms = 0;  // kDelay
  std::string fault;          // as ArmFault was told; empty: it was not by ArmFault
};

std::mutex mutex;  // guards what follows
std::map<std::string, Armed, std::less<>> armed;

Error Bad(std::string_view spec, std::string_view why) {
  return Error{
      Code::kInvalid,
      fmt::format("failpoint '{}': {}; write NAME=kill|stop|error|count[:after N][:times M]", spec,
                  why)};
}

/// Cuts what precedes `end` off `text`.
std::string_view Cut(std::string_view& text, char end) {
  const std::size_t at = text.find(end);
  const std::string_view head = text.substr(0, at);
  text = at == std::string_view::npos ? std::string_view() : text.substr(at + 1);
  return head;
}

bool ReadNumber(std::string_view text, std::int64_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size() && out >= 0;
}

Status ArmOne(std::string_view spec) {
  std::string_view left = spec;
  const std::string_view name = Cut(left, '=');
  if (name.empty() || left.empty()) return Bad(spec, "no name or no action");
  Armed point;
  const std::string_view action = Cut(left, ':');
  if (action == "kill") {
    point.action = FailAction::kKill;
  } else if (action == "stop") {
    point.action = FailAction::kStop;
  } else if (action == "error") {
    point.action = FailAction::kError;
  } else if (action != "count") {
    return Bad(spec, fmt::format("unknown action '{}'", action));
  }
  while (!left.empty()) {
    std::string_view number = Cut(left, ':');
    const std::string_view option = Cut(number, ' ');
    std::int64_t* const target = option == "after"   ? &point.after
                                 : option == "times" ? &point.times
                                                     : nullptr;
    if (target == nullptr || !ReadNumber(number, *target))
      return Bad(spec, fmt::format("bad option '{}'", option));
  }
  const std::lock_guard lock(mutex);
  armed.insert_or_assign(std::string(name), point);
  internal::failpoints_armed = true;
  return {};
}

Error BadFault(std::string_view spec, std::string_view why) {
  return Error{Code::kInvalid,
               fmt::format("fault '{}': {}; write "
                           "NAME[:before|after][:do|undo][:hit=K][:kill|stop|exit|delay=MS|count]",
                           spec, why)};
}

const FailpointPlace* FindPlace(std::string_view spec) {
  const std::string_view name = spec.substr(0, spec.find(':'));
  for (const FailpointPlace& place : kPlaces) {
    if (place.name == name) return &place;
  }
  return nullptr;
}

/// One word behind the name; false: it is none of those.
bool ReadWord(std::string_view word, Armed& point, std::string& side) {
  if (word == "before" || word == "after") {
    side = word;
  } else if (word == "do" || word == "undo") {
    point.phase = word;
  } else if (word == "kill") {
    point.action = FailAction::kKill;
  } else if (word == "stop") {
    point.action = FailAction::kStop;
  } else if (word == "exit") {
    point.action = FailAction::kExit;
  } else if (word == "count") {
    point.action = FailAction::kCount;
  } else if (word.starts_with("delay=")) {
    point.action = FailAction::kDelay;
    return ReadNumber(word.substr(6), point.delay_ms);
  } else if (word.starts_with("hit=")) {
    return ReadNumber(word.substr(4), point.after) && point.after-- > 0;
  } else {
    return false;
  }
  return true;
}

Status ArmOneFault(std::string_view spec) {
  const FailpointPlace* const place = FindPlace(spec);
  if (place == nullptr) {
    std::vector<std::string> known;
    for (const FailpointPlace& each : kPlaces) known.emplace_back(each.name);
    const std::string name(spec.substr(0, spec.find(':')));
    return BadFault(spec, "there is no such place" + DidYouMean(name, known));
  }
  Armed point;
  point.action = FailAction::kKill;
  point.times = 1;
  point.fault = spec;
  std::string side = "before";
  std::string_view left = spec;
  Cut(left, ':');
  while (!left.empty()) {
    const std::string_view word = Cut(left, ':');
    if (!ReadWord(word, point, side)) return BadFault(spec, fmt::format("what is '{}'?", word));
  }
  if (!point.phase.empty() && !place->phases)
    return BadFault(spec, fmt::format("{} is not of a do or an undo", place->name));
  const std::lock_guard lock(mutex);
  armed.insert_or_assign(fmt::format("{}.{}", place->name, side), point);
  internal::failpoints_armed = true;
  return {};
}

}  // namespace

namespace internal {

std::atomic<bool> failpoints_armed{false};

bool PassFailpoint(std::string_view name, std::string_view phase) {
  FailAction action = FailAction::kCount;
  std::int64_t delay_ms = 0;
  {
    const std::lock_guard lock(mutex);
    const auto it = armed.find(name);
    if (it == armed.end()) return false;
    Armed& point = it->second;
    if (!point.phase.empty() && point.phase != phase) return false;
    if (++point.passes <= point.after || point.firings >= point.times) return false;
    ++point.firings;
    action = point.action;
    delay_ms = point.delay_ms;
  }
  if (action == FailAction::kKill) std::raise(SIGKILL);
  if (action == FailAction::kStop) std::raise(SIGSTOP);
  if (action == FailAction::kExit) _exit(1);
  if (action == FailAction::kDelay)
    std::this_thread::sleep_for(std::chrono::milliseconds(delay_ms));
  return action == FailAction::kError;
}

}  // namespace internal

Status ArmFailpoints(std::string_view specs) {
  while (!specs.empty()) {
    if (Status status = ArmOne(Cut(specs, ',')); !status) return status;
  }
  return {};
}

std::span<const FailpointPlace> FailpointPlaces() {
  return kPlaces;
}

bool NamesFailpoint(std::string_view spec) {
  return FindPlace(spec) != nullptr;
}

Status ArmFault(std::string_view specs) {
  while (!specs.empty()) {
    if (Status status = ArmOneFault(Cut(specs, ',')); !status) return status;
  }
  return {};
}

std::vector<std::string> UnfiredFaults() {
  const std::lock_guard lock(mutex);
  std::vector<std::string> unfired;
  for (const auto& [name, point] : armed) {
    if (!point.fault.empty() && point.firings == 0) unfired.push_back(point.fault);
  }
  return unfired;
}

void DisarmFailpoints() {
  const std::lock_guard lock(mutex);
  armed.clear();
  internal::failpoints_armed = false;
}

std::int64_t FailpointPasses(std::string_view name) {
  const std::lock_guard lock(mutex);
  const auto it = armed.find(name);
  return it == armed.end() ? 0 : it->second.passes;
}

std::int64_t FailpointFirings(std::string_view name) {
  const std::lock_guard lock(mutex);
  const auto it = armed.find(name);
  return it == armed.end() ? 0 : it->second.firings;
}

}  // namespace reprise::runtime
