#include "admin/guard.h"

#include <openssl/crypto.h>

#include "base/ids.h"

namespace reprise::runtime {
namespace {

// "localhost" of "localhost:8080", "[::1]" of "[::1]:8080".
std::string_view HostOf(std::string_view authority) {
  const std::size_t bracket = authority.find(']');
  const std::size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  return authority.substr(0, colon);
}

bool IsLocalOrNumeric(std::string_view host) {
  if (host == "localhost" || host.starts_with('[')) return true;
  return !host.empty() && host.find_first_not_of("0123456789.") == std::string_view::npos;
}

bool ForeignOrigin(const HttpRequest& request, bool token_set) {
  const auto origin = request.Header("origin");
  if (!origin) return request.Header("sec-fetch-site").value_or("none") == "cross-site";
  const std::string_view host = request.Header("host").value_or("");
  std::string_view from = *origin;
  if (from.starts_with("http://")) {
    from.remove_prefix(7);
  } else if (from.starts_with("https://")) {
    from.remove_prefix(8);
  } else {
    return true;  // "null", file:, extensions
  }
  return from != host || (!token_set && !IsLocalOrNumeric(HostOf(host)));
}

}  // namespace

bool SameToken(std::string_view given, std::string_view token) {
  const std::string a = Sha256(given);  // equal lengths: the token's own length does not show
  const std::string b = Sha256(token);
  return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::optional<Problem> RefuseChange(const HttpRequest& request, const std::string& token) {
  if (ForeignOrigin(request, !token.empty())) {
    return Problem{.status = 403,
                   .code = "foreign_origin",
                   .detail = "a page of another origin may not change anything here"};
  }
  if (token.empty() || SameToken(request.bearer(), token)) return std::nullopt;
  return Problem{.status = 401,
                 .code = "unauthorized",
                 .detail = request.bearer().empty()
                               ? "send the administrator's token: Authorization: Bearer .."
                               : "this is not the administrator's token"};
}

}  // namespace reprise::runtime
