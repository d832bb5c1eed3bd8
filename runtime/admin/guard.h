/// Who may change things: the administrator's bearer token, and no page of another origin.
#pragma once

#include <optional>
#include <string>

#include "ports/http.h"

namespace reprise::runtime {

/// Nothing if the request may change things; else 401 `unauthorized` or 403 `foreign_origin`.
///
/// With an empty `token` no bearer is needed, but a browser's page must then come from localhost or
/// a numeric address: a name could have been bound to this machine by anyone (DNS rebinding).
std::optional<Problem> RefuseChange(const HttpRequest& request, const std::string& token);

/// Whether `given` is `token`, in a time that does not depend on where they differ.
bool SameToken(std::string_view given, std::string_view token);

}  // namespace reprise::runtime
