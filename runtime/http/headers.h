/// Request headers with a grammar of their own: Idempotency-Key, traceparent, bearer tokens.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ports/http.h"

namespace reprise::runtime {

/// The key of `"8e03978e-40d5"` (an sf-string, RFC 8941) or of the bare 8e03978e-40d5; nothing for
/// an empty one, for more than 255 characters and for anything else
/// (draft-ietf-httpapi-idempotency-key-header).
std::optional<std::string> ParseIdempotencyKey(std::string_view header);

/// How often a header occurs.
std::size_t CountOf(const HttpRequest& request, std::string_view name);

/// Whether `token` is a b64token (RFC 6750 section 2.1), as every JWT is.
bool IsBearerToken(std::string_view token);

/// A traceparent for our hop: the trace of `header` if that is one (W3C Trace Context, version 00
/// or later), else a new one; the parent is new in any case.
std::string NextTraceparent(std::optional<std::string_view> header);

/// The trace id inside a traceparent.
inline std::string TraceId(std::string_view traceparent) {
  return std::string(traceparent.substr(3, 32));
}

/// Whether `given` is `secret`, in a time that does not tell where they differ.
bool SameSecret(std::string_view given, std::string_view secret);

}  // namespace reprise::runtime
