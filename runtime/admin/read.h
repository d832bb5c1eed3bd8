/// The reading half of /api/v1, over any Journal: behind HTTP and behind `--file` alike.
#pragma once

#include <span>
#include <string>

#include "admin/answer.h"
#include "admin/view.h"
#include "ports/journal.h"

namespace reprise::runtime {

/// `path` is what follows /api/v1, decoded: {"sagas", "0199f3c2"}.  404 `not_found` for any other
/// path.
Answer ReadPath(Journal& journal, const View& view, std::span<const std::string> path,
                const Query& query);

}  // namespace reprise::runtime
