/// Named places where a test makes the process die, stop or fail.  Off, one costs a relaxed load.
///
///   FAILPOINT("commit.before");                                      // may be killed here
///   FAILPOINT_IN("plugin.before", "undo");                           // only if the test wants
///   undos if (FAILPOINT("commit.fails")) return Error{Code::kUnavailable, "failpoint"};
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace reprise::runtime {

/// A place that `run --fault` and REPRISE_FAULTS can name.  Its failpoints are NAME.before and
/// NAME.after.
struct FailpointPlace {
  std::string_view name, what;
  bool phases = false;   // passes say whether they are of a do or of an undo
  bool cluster = false;  // the embedded engine never comes by
};
std::span<const FailpointPlace> FailpointPlaces();

/// Arms NAME[:before|after][:do|undo][:hit=K][:kill|stop|exit|delay=MS|count], one or several
/// separated by commas, of the places above.  Unless told otherwise: before, of either phase, the
/// first time, kill; it fires once.
Status ArmFault(std::string_view specs);
/// Whether the text names one of the places, rightly written or not.
bool NamesFailpoint(std::string_view spec);
/// What was armed by ArmFault and has not fired.
std::vector<std::string> UnfiredFaults();

/// Arms one failpoint of any name, or several separated by commas:
///
///   NAME=ACTION[:after N][:times M]
///
/// Actions  kill (SIGKILL to this process), stop (SIGSTOP), error (FAILPOINT is true), count
/// (nothing
///          happens but the counting).
/// after    the first N passes do nothing; default 0.
/// times    fires at most M times; default: always.
/// Arming a name again replaces what it was and begins its counts anew.
Status ArmFailpoints(std::string_view specs);
void DisarmFailpoints();

/// How often an armed failpoint was passed, and how often it fired.  A test that armed one checks
/// that it fired.  Zero for names that are not armed.
std::int64_t FailpointPasses(std::string_view name);
std::int64_t FailpointFirings(std::string_view name);

namespace internal {
extern std::atomic<bool> failpoints_armed;
bool PassFailpoint(std::string_view name, std::string_view phase);
}  // namespace internal

/// Whether the caller is to fail here.  Threads: any.
inline bool Failpoint(std::string_view name, std::string_view phase = {}) {
  return internal::failpoints_armed.load(std::memory_order_relaxed) &&
         internal::PassFailpoint(name, phase);
}

}  // namespace reprise::runtime

#define FAILPOINT(name) ::reprise::runtime::Failpoint(name)
#define FAILPOINT_IN(name, phase) ::reprise::runtime::Failpoint(name, phase)
