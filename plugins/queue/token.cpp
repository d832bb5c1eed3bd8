#include "token.h"

#include <cerrno>
#include <cstdlib>
#include <limits>
#include <memory>

#include <jwt.h>
#include <openssl/rand.h>

namespace queue {
namespace {

// {"alg":"HS256","typ":"JWT"}
constexpr std::string_view kHeader = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";

static_assert(sizeof(long) == sizeof(std::int64_t), "libjwt carries integers as long");

struct FreeJwt {
  void operator()(jwt_t* jwt) const { jwt_free(jwt); }
};
using Jwt = std::unique_ptr<jwt_t, FreeJwt>;

struct FreeText {
  void operator()(char* text) const { std::free(text); }
};

const char* Name(Purpose purpose) {
  return purpose == Purpose::kPlace ? "queue+jwt" : "ticket+jwt";
}

const unsigned char* Bytes(const std::string& text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

/// Three parts of base64url and nothing else: what remains cannot hold a NUL.
bool LooksLikeOurs(std::string_view token) {
  if (token.size() > kTokenBytesMax || !token.starts_with(kHeader)) return false;
  int dots = 0;
  for (const char c : token) {
    const bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_';
    if (c == '.') {
      ++dots;
    } else if (!plain) {
      return false;
    }
  }
  return dots == 2 && token[kHeader.size()] == '.' && token.back() != '.';
}

bool Text(jwt_t* jwt, const char* claim, std::string& out) {
  const char* text = jwt_get_grant(jwt, claim);
  if (text == nullptr) return false;
  out = text;
  return true;
}

bool Number(jwt_t* jwt, const char* claim, std::int64_t& out) {
  errno = 0;
  out = jwt_get_grant_int(jwt, claim);
  return errno == 0;
}

}  // namespace

std::string Sign(Purpose purpose, const Claims& claims, const std::string& secret) {
  if (claims.user.find('\0') != std::string::npos) return {};
  jwt_t* raw = nullptr;
  if (jwt_new(&raw) != 0) return {};
  const Jwt jwt(raw);
  const auto number = [&](const char* claim, std::int64_t value) {
    return jwt_add_grant_int(raw, claim, value) == 0;
  };
  const auto text = [&](const char* claim, const char* value) {
    return jwt_add_grant(raw, claim, value) == 0;
  };
  const bool written = text("typ", Name(purpose)) && text("sub", claims.user.c_str()) &&
                       text("jti", claims.id.c_str()) && number("iat", claims.issued_ms / 1000) &&
                       number("nbf", claims.active_ms / 1000) &&
                       number("exp", claims.expires_ms / 1000) &&
                       number("iatMs", claims.issued_ms) && number("nbfMs", claims.active_ms) &&
                       number("expMs", claims.expires_ms) && number("position", claims.position);
  if (!written || secret.size() > std::numeric_limits<int>::max()) return {};
  if (jwt_set_alg(raw, JWT_ALG_HS256, Bytes(secret), static_cast<int>(secret.size())) != 0)
    return {};
  const std::unique_ptr<char, FreeText> token(jwt_encode_str(raw));
  return token ? std::string(token.get()) : std::string();
}

std::optional<Claims> Verify(Purpose purpose, std::string_view token, const std::string& secret) {
  if (secret.empty() || !LooksLikeOurs(token)) return std::nullopt;
  const std::string copy(token);
  jwt_t* raw = nullptr;
  // Compares the signature in constant time (CVE-2024-25189 is patched in Debian 12).
  if (jwt_decode(&raw, copy.c_str(), Bytes(secret), static_cast<int>(secret.size())) != 0) {
    return std::nullopt;
  }
  const Jwt jwt(raw);
  if (jwt_get_alg(raw) != JWT_ALG_HS256) return std::nullopt;
  std::string type;
  Claims claims;
  const bool read =
      Text(raw, "typ", type) && type == Name(purpose) && Text(raw, "sub", claims.user) &&
      Text(raw, "jti", claims.id) && Number(raw, "iatMs", claims.issued_ms) &&
      Number(raw, "nbfMs", claims.active_ms) && Number(raw, "expMs", claims.expires_ms) &&
      Number(raw, "position", claims.position);
  if (!read) return std::nullopt;
  return claims;
}

std::string RandomHex(std::size_t bytes) {
  std::string random(bytes, '\0');
  auto* out = reinterpret_cast<unsigned char*>(random.data());
  if (RAND_bytes(out, static_cast<int>(bytes)) != 1) return {};
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  for (const char c : random) {
    const auto byte = static_cast<unsigned char>(c);
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

}  // namespace queue
