/// Sagas as operators see them: the list, one saga's detail, and which verbs would be taken now.
///
/// Pure readings of a Journal: the HTTP API calls them on the executor's thread, the command line
/// on the file of a stopped runtime.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "admin/answer.h"
#include "admin/view.h"
#include "ports/journal.h"

namespace reprise::runtime {

/// `state pipeline subject step older newer prefix limit before counts`, any of them.  Answers
/// {now, sagas: [..], next?, counts?}, newest first; `next` is the `before` of the next page.
Answer ListSagasJson(Journal& journal, const View& view, const Query& query);

/// One saga by its id or a prefix that only it has.  404 `not_found`, 409 `ambiguous`.
/// `payloads=1` adds payloads and memos, secrets masked.
Answer ShowSagaJson(Journal& journal, const View& view, std::string_view id, const Query& query);

/// The saga that `id` means, or the problem in `refused`.
std::optional<Uuid> ResolveSagaId(Journal& journal, std::string_view id, Answer& refused);

/// The steps that `verb` (retry, skip, resolve) would take now.
std::vector<std::string> StepsFor(std::string_view verb, const SagaDetail& detail,
                                  const Pipeline* pipeline);

}  // namespace reprise::runtime
