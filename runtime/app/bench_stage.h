/// One stage of a bench, in a process of its own, so that its memory is its own.
#pragma once

#include <string>

#include "app/bench_plan.h"
#include "app/cli.h"
#include "base/result.h"

namespace reprise::runtime {

/// Runs `stage` ("prepare", "disk", "disk_at_rate", "throughput", "sides", "latency") on a file
/// in `folder` and answers its figures.
Result<json::object> RunBenchStage(const std::string& stage, const BenchPlan& plan,
                                   const Options& options, const std::string& folder);

}  // namespace reprise::runtime
