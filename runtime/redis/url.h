/// The address of a Redis: redis://[user[:password]@]host[:port][/db], or rediss:// over TLS.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace reprise::runtime::redis {

struct Address {
  std::string host;
  int port = 6379;
  std::string user, password;  // a password without a user is that of the default user
  int db = 0;
  bool tls = false;

  /// host:port/db, for logs: without what is secret.
  std::string ToString() const;
};

/// User and password may be percent-encoded, a host in brackets is IPv6.  The error says what is
/// wrong and shows nothing of the text, which may hold a password.
Result<Address> ParseUrl(std::string_view url);

}  // namespace reprise::runtime::redis
