/// Problems on the wire: application/problem+json (RFC 9457).
#pragma once

#include <string>
#include <string_view>

#include "ports/http.h"

namespace reprise::runtime {

Problem MakeProblem(int status, std::string_view code, std::string detail);

/// "Not Found"; "Status 499" for a status that has no name.
std::string StatusTitle(int status);

/// The response of a problem: type, title, status, detail, instance, code, errors, traceId, sagaId,
/// with Retry-After on 429 and 503, and on 401 WWW-Authenticate (RFC 6750: `error` only if a token
/// was sent).
HttpResponse RenderProblem(const Problem& problem, bool token_was_sent);

}  // namespace reprise::runtime
