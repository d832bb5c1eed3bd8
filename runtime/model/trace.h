/// Traces: the traceparent of W3C Trace Context, from hop to hop.
#pragma once

#include <string>
#include <string_view>

#include "base/ids.h"

namespace reprise::runtime {

/// Section 3.2.2: version 00, or a later one, which may be longer.
bool IsTraceparent(std::string_view text);

/// What a message carries: the trace of what it follows from, and itself as the parent of what it
/// causes, the same whenever it is made again.  If that has no trace (a timer, a retry that was
/// parked, a record without one), the trace's id is the saga's.
std::string HopTrace(std::string_view before, const Uuid& saga, const Uuid& message);

}  // namespace reprise::runtime
