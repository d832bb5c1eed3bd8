/// Dead letters as operators see them: grouped by where and why, and one by one.
#pragma once

#include <string>
#include <string_view>

#include "admin/answer.h"
#include "admin/view.h"
#include "ports/journal.h"

namespace reprise::runtime {

/// `pipeline step code state group after limit`, any of them.  Answers {now, groups: [..], letters:
/// [..], next?}: groups newest first, letters oldest first; `next` is the `after` of the next page.
/// A group's name is the same in every answer: it is made of pipeline, step and code.
Answer ListLettersJson(Journal& journal, const View& view, const Query& query);

/// One letter with its payload.
Answer ShowLetterJson(Journal& journal, const View& view, std::string_view id);

/// "g3f2a91": one name for the letters of this pipeline, step and code.
std::string LetterGroup(const DeadLetter& letter);

/// Whether `dlq replay` takes it: not if its saga moved on without it.
bool Replayable(const DeadLetter& letter);

/// A letter's number in the journal, or nothing.
std::optional<std::int64_t> ParseLetterId(std::string_view id);

}  // namespace reprise::runtime
