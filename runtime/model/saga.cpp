#include "model/saga.h"

#include <array>

namespace reprise::runtime {
namespace {

constexpr std::array<std::string_view, 5> kSagaStates = {"running", "undoing", "done", "undone",
                                                         "stuck"};
constexpr std::array<std::string_view, 12> kStepStates = {
    "waiting", "running", "retrying", "held",      "done",  "failed",
    "unknown", "undoing", "undone",   "tombstone", "stuck", "skipped"};
constexpr std::array<std::string_view, 3> kPhases = {"do", "undo", "close"};

template <std::size_t N, class E>
std::string_view NameIn(const std::array<std::string_view, N>& names, E value) {
  const auto i = static_cast<std::size_t>(value);
  return i < N ? names[i] : std::string_view("unknown");
}

}  // namespace

std::string_view Name(SagaState state) {
  return NameIn(kSagaStates, state);
}
std::string_view Name(StepState state) {
  return NameIn(kStepStates, state);
}
std::string_view Name(Phase phase) {
  return NameIn(kPhases, phase);
}

std::optional<SagaState> ParseSagaState(std::string_view name) {
  for (std::size_t i = 0; i < kSagaStates.size(); ++i) {
    if (kSagaStates[i] == name) return static_cast<SagaState>(i);
  }
  return std::nullopt;
}

}  // namespace reprise::runtime
