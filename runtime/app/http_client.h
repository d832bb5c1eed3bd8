/// HTTP requests of the command line, through libcurl.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace reprise::runtime {

struct HttpAnswer {
  int status = 0;
  std::string content_type, body;
  int retry_after_s = 0;
};

struct HttpCall {
  std::string method = "GET";
  std::string url;
  std::string body, content_type;
  std::string bearer, idempotency_key;
  bool keep_partial = false;  // a stream: what came within the patience is the answer
  Millis patience{30'000};
};

/// kUnavailable: the other side cannot be reached, with the reason in the message.
Result<HttpAnswer> Fetch(const HttpCall& call);

/// "http://host/path?a=b", the parts percent-encoded.
std::string MakeUrl(const std::string& server, const std::vector<std::string>& path,
                    const std::vector<std::pair<std::string, std::string>>& query = {});

}  // namespace reprise::runtime
