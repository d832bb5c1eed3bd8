/// Judges the raw head of a request before a parser sees it: what makes two parsers disagree about
/// where a request ends is refused here (RFC 9112 section 11, request smuggling), whatever the
/// parser would accept.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace reprise::runtime {

struct HeadFault {
  int status = 400;
  std::string code, detail;
};

/// `head` is the request line and the header lines with the empty line that ends them.  Refuses
/// bare CR or LF, NUL and other control bytes, folded lines, a space before a colon, repeated Host,
/// Content-Length, Transfer-Encoding or Authorization, Content-Length beside Transfer-Encoding, any
/// Transfer-Encoding but `chunked`, a Content-Length that is not digits, HTTP/1.1 without Host,
/// HTTP/1.0 with Transfer-Encoding.
std::optional<HeadFault> CheckHead(std::string_view head);

}  // namespace reprise::runtime
