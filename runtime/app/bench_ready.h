/// How long a runtime takes to start.
#pragma once

#include <filesystem>

#include "app/cli.h"
#include "base/result.h"
#include "model/payload.h"

namespace reprise::runtime {

/// Starts `reprise run` as a user would, `starts` times, each on a new file in a new folder beneath
/// `where`: from before the process exists until /readyz answers 200.  Answers starts, p50_ms and
/// max_ms; the error of a start that failed says what that runtime said.
Result<json::object> MeasureReady(const Options& options, const std::filesystem::path& where,
                                  int starts);

}  // namespace reprise::runtime
