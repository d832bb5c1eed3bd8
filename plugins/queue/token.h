/// The queue's JWTs: places in line and one-use tickets.  HS256 and nothing else.
///
/// A token is taken only if its header is byte for byte the one Sign writes: no other algorithm, no
/// `jwk`, `jku`, `x5u`, `crit` or `kid` ever reaches the library.  libjwt 1.10 always writes `typ:
/// JWT` into the header, so what a token is for stands in the claim `typ`, and a ticket never
/// passes for a place in line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace queue {

inline constexpr std::size_t kTokenBytesMax = 4096;
inline constexpr std::size_t kSecretBytesMin = 32;  // RFC 7518, 3.2: as long as the hash

enum class Purpose { kPlace, kTicket };

/// Times are milliseconds since the epoch; a token carries them beside the seconds of RFC 7519.
struct Claims {
  std::string user, id;       // sub, jti
  std::int64_t position = 0;  // kPlace only
  std::int64_t issued_ms = 0, active_ms = 0, expires_ms = 0;
};

/// Threads: any, both.  Empty: the claims cannot be written (`user` is not UTF-8 or holds a NUL).
std::string Sign(Purpose purpose, const Claims& claims, const std::string& secret);

/// Who the token names, if this secret signed it for this purpose.  Its times are the caller's to
/// judge.
std::optional<Claims> Verify(Purpose purpose, std::string_view token, const std::string& secret);

/// `bytes` random bytes in hexadecimal, or empty if the system has none.
std::string RandomHex(std::size_t bytes);

}  // namespace queue
