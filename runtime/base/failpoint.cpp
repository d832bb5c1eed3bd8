#include "base/failpoint.h"

#include <charconv>
#include <csignal>
#include <limits>
#include <map>
#include <mutex>
#include <string>

#include <fmt/format.h>

namespace reprise::runtime {
namespace {

enum class FailAction { kKill, kStop, kError, kCount };

struct Armed {
  FailAction action = FailAction::kCount;
  std::int64_t after = 0;
  std::int64_t times = std::numeric_limits<std::int64_t>::max();
  std::int64_t passes = 0, firings = 0;
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

}  // namespace

namespace internal {

std::atomic<bool> failpoints_armed{false};

bool PassFailpoint(std::string_view name) {
  FailAction action = FailAction::kCount;
  {
    const std::lock_guard lock(mutex);
    const auto it = armed.find(name);
    if (it == armed.end()) return false;
    Armed& point = it->second;
    if (++point.passes <= point.after || point.firings >= point.times) return false;
    ++point.firings;
    action = point.action;
  }
  if (action == FailAction::kKill) std::raise(SIGKILL);
  if (action == FailAction::kStop) std::raise(SIGSTOP);
  return action == FailAction::kError;
}

}  // namespace internal

Status ArmFailpoints(std::string_view specs) {
  while (!specs.empty()) {
    if (Status status = ArmOne(Cut(specs, ',')); !status) return status;
  }
  return {};
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
