/// Named places where a test makes the process die, stop or fail.  Off, one costs a relaxed load.
///
///   FAILPOINT("commit.before");                                      // may be killed here
///   if (FAILPOINT("commit.fails")) return Error{Code::kUnavailable, "failpoint"};
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace reprise::runtime {

/// Arms one failpoint, or several separated by commas:
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
bool PassFailpoint(std::string_view name);
}  // namespace internal

/// Whether the caller is to fail here.  Threads: any.
inline bool Failpoint(std::string_view name) {
  return internal::failpoints_armed.load(std::memory_order_relaxed) &&
         internal::PassFailpoint(name);
}

}  // namespace reprise::runtime

#define FAILPOINT(name) ::reprise::runtime::Failpoint(name)
