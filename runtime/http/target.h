/// Takes a request target apart and decodes it (RFC 3986, RFC 9112 section 3.2).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/utf8.h"

namespace reprise::runtime {

/// Percent-decoding; nothing for a bad escape, a NUL and bytes that are not UTF-8.
std::optional<std::string> PercentDecode(std::string_view text, bool plus_is_space = false);

/// The inverse, for one segment of a path: everything but unreserved characters is escaped.
std::string PercentEncode(std::string_view text);

struct RequestTarget {
  std::string path;                                        // as sent
  std::vector<std::string> segments;                       // decoded; "/a/" is {"a", ""}
  std::vector<std::pair<std::string, std::string>> query;  // decoded
};

/// Takes origin-form ("/a?b=c") and absolute-form ("http://host/a?b=c"); the error says what is
/// wrong.
Result<RequestTarget> ParseTarget(std::string_view target);

}  // namespace reprise::runtime
