/// An operator's verb as it arrives over HTTP: its fields checked, its saga and step found.
#pragma once

#include <string>
#include <string_view>

#include "admin/answer.h"
#include "admin/view.h"
#include "ports/http.h"
#include "ports/ingress.h"
#include "ports/journal.h"

namespace reprise::runtime {

/// Reads `{step?, event?, fields?, why, who, seen?}`; an empty body is an empty object.  The error
/// is a sentence for the caller.
Result<Verb> ReadVerb(const HttpRequest& request, std::string_view what);

/// Fills in saga and step.  A verb that needs a step and names none gets the only one it would fit.
/// False: `refused` says why not.
bool AimAtSaga(Journal& journal, const View& view, std::string_view id, Verb& verb,
               Answer& refused);

/// The same for `dlq-replay` and `dlq-drop`.
bool AimAtLetter(Journal& journal, std::string_view id, Verb& verb, Answer& refused);

}  // namespace reprise::runtime
