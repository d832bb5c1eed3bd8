/// What PostgreSQL's failures are called here.
#pragma once

#include <string_view>

#include "base/result.h"

namespace reprise::runtime::postgres {

/// Of a five-character SQLSTATE; kUnavailable for none, which is a connection that broke.
Code CodeOf(std::string_view sqlstate);

/// Whether the session is over after this one: the server ended it, or is about to.
bool EndsSession(std::string_view sqlstate);

inline constexpr std::string_view kDivisionByZero = "22012";  // how Expect() of ours says no
inline constexpr std::string_view kUniqueViolation = "23505";
/// Nothing in the statement, or more than one thing, says what type a NULL has.
inline bool IsUnknownType(std::string_view sqlstate) {
  return sqlstate == "42P18" || sqlstate == "42P08";
}

}  // namespace reprise::runtime::postgres
