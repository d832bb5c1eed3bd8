/// TLS for rediss://.  hiredis has it from 1.0 on; with an older one there is only the error.
#pragma once

#include <string>

#include "base/result.h"

struct redisContext;

namespace reprise::runtime::redis {

bool HasTls();
Error NoTls();

/// Checks the server's certificate against the system's and its name against `host`.
Status StartTls(redisContext& context, const std::string& host);

}  // namespace reprise::runtime::redis
