/// What processes cost: CPU and memory, as Linux's /proc tells it.
#pragma once

#include <string>

namespace reprise::runtime {

/// CPU-seconds of this process.
double OwnCpuSeconds();
/// The most memory this process ever held, in MiB.
double OwnPeakMib();

/// CPU-seconds of processes and all that came from them, also of children that have ended.
/// `roots`: process ids, as "12,13".
double TreesCpuSeconds(const std::string& roots);

}  // namespace reprise::runtime
