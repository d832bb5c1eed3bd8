#include "http/head_check.h"

#include <algorithm>
#include <map>

#include "http/text.h"

namespace reprise::runtime {
namespace {

HeadFault Bad(std::string detail) {
  return HeadFault{400, "http.bad_request", std::move(detail)};
}

std::optional<HeadFault> CheckBytes(std::string_view head) {
  for (std::size_t at = 0; at < head.size(); ++at) {
    const auto byte = static_cast<unsigned char>(head[at]);
    if (byte == '\r') {
      if (at + 1 == head.size() || head[at + 1] != '\n') return Bad("a bare CR in the head");
    } else if (byte == '\n') {
      if (at == 0 || head[at - 1] != '\r') return Bad("a bare LF in the head");
    } else if ((byte < 0x20 && byte != '\t') || byte == 0x7F) {
      return Bad("a control byte in the head");
    }
  }
  return std::nullopt;
}

std::optional<HeadFault> CheckRequestLine(std::string_view line, bool& http10) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == 0 || first == last) {
    return Bad("the request line is not 'METHOD TARGET VERSION'");
  }
  const std::string_view method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (!std::all_of(method.begin(), method.end(), IsTokenChar)) return Bad("a bad method");
  if (!std::all_of(target.begin(), target.end(), [](char c) { return c > 0x20 && c < 0x7F; })) {
    return Bad("the target has a space or a byte that must be escaped");
  }
  http10 = version == "HTTP/1.0";
  if (http10 || version == "HTTP/1.1") return std::nullopt;
  if (version.starts_with("HTTP/") && version.size() > 5 && version[5] >= '0' &&
      version[5] <= '9') {
    return HeadFault{505, "http.version", "this server speaks HTTP/1.1 and HTTP/1.0"};
  }
  return Bad("the request line does not end with a version");
}

using Fields = std::map<std::string, std::string, std::less<>>;

std::optional<HeadFault> AddField(std::string_view line, Fields& framing) {
  if (line[0] == ' ' || line[0] == '\t') return Bad("a folded header line");
  const std::size_t colon = line.find(':');
  const std::string_view name = line.substr(0, colon);
  if (colon == std::string_view::npos || name.empty() ||
      !std::all_of(name.begin(), name.end(), IsTokenChar)) {
    return Bad("a header line that is not 'name: value'");
  }
  std::string lower = Lower(name);
  if (lower != "host" && lower != "content-length" && lower != "transfer-encoding" &&
      lower != "authorization") {
    return std::nullopt;
  }
  const auto [it, fresh] = framing.emplace(std::move(lower), Trim(line.substr(colon + 1)));
  if (!fresh) return Bad("two " + it->first + " headers");
  return std::nullopt;
}

std::optional<HeadFault> CheckFraming(const Fields& framing, bool http10) {
  const auto length = framing.find("content-length");
  const auto encoding = framing.find("transfer-encoding");
  const auto host = framing.find("host");
  if (encoding != framing.end()) {
    if (length != framing.end()) return Bad("both content-length and transfer-encoding");
    if (http10) return Bad("transfer-encoding in HTTP/1.0");
    if (Lower(encoding->second) != "chunked") {
      return HeadFault{501, "http.transfer_encoding",
                       "the only transfer-encoding taken is 'chunked'"};
    }
  }
  if (length != framing.end()) {
    const std::string& digits = length->second;
    if (digits.empty() || !std::all_of(digits.begin(), digits.end(), IsDigit)) {
      return Bad("a content-length that is not a number");
    }
    if (digits.size() > 18) return HeadFault{413, "http.body_too_large", "the body is too large"};
  }
  if (host == framing.end() ? !http10 : host->second.find_first_of(" ,/@") != std::string::npos) {
    return Bad(host == framing.end() ? "no host header" : "a bad host header");
  }
  return std::nullopt;
}

}  // namespace

std::optional<HeadFault> CheckHead(std::string_view head) {
  if (auto fault = CheckBytes(head)) return fault;
  std::size_t end = head.find("\r\n");
  bool http10 = false;
  if (auto fault = CheckRequestLine(head.substr(0, end), http10)) return fault;
  Fields framing;
  for (std::size_t at = end + 2; at < head.size(); at = end + 2) {
    end = head.find("\r\n", at);
    if (end == std::string_view::npos || end == at) break;
    if (auto fault = AddField(head.substr(at, end - at), framing)) return fault;
  }
  return CheckFraming(framing, http10);
}

}  // namespace reprise::runtime
