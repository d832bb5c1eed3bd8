/// The bytes of responses: heads, chunks and server-sent events.
#pragma once

#include <string>
#include <string_view>

#include "ports/http.h"

namespace reprise::runtime {

/// How a response ends on this connection.
struct Framing {
  bool keep_alive = true;
  bool http10 = false;     // the client speaks HTTP/1.0
  bool head_only = false;  // HEAD: the length of the body without the body
};

/// A whole response.  Headers whose name or value is not a legal field are left out: nothing that
/// comes from a plugin or a payload can split a response.
std::string RenderResponse(const HttpResponse& response, const Framing& framing);

/// The head of an event stream with its first line, `retry:`.
std::string RenderStreamHead(const Framing& framing);

/// One chunk of a chunked body; as it is for HTTP/1.0, whose stream ends with the connection.
std::string RenderChunk(std::string_view bytes, const Framing& framing);

/// What ends a chunked body.
std::string_view LastChunk(const Framing& framing);

/// id:, event: and data: lines and the empty line.  A CR or LF in `id` or `event`, which would
/// begin another field, is dropped; each line of `data` is a data: line of its own.
std::string RenderEvent(std::string_view id, std::string_view event, std::string_view data);

}  // namespace reprise::runtime
