#include "http/wire.h"

#include <algorithm>
#include <ctime>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "http/problem.h"
#include "http/text.h"

namespace reprise::runtime {
namespace {

bool LegalField(std::string_view name, std::string_view value) {
  return !name.empty() && std::all_of(name.begin(), name.end(), IsTokenChar) &&
         std::none_of(value.begin(), value.end(), [](char c) {
           const auto byte = static_cast<unsigned char>(c);
           return (byte < 0x20 && c != '\t') || byte == 0x7F;
         });
}

void AddLine(std::string& head, std::string_view name, std::string_view value) {
  if (!LegalField(name, value)) return;
  head.append(name).append(": ").append(value).append("\r\n");
}

std::string StatusLine(int status) {
  return fmt::format("HTTP/1.1 {} {}\r\n", status, StatusTitle(status));
}

/// Sat, 01 Aug 2026 12:00:00 GMT (RFC 9110 section 5.6.7).
std::string HttpDate() {
  return fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(std::time(nullptr)));
}

/// 1xx, 204 and 304 end with their head (RFC 9112 section 6.3).
bool HasNoBody(int status) {
  return status < 200 || status == 204 || status == 304;
}

void AddOneLine(std::string& block, std::string_view name, std::string_view value) {
  block.append(name);
  for (const char c : value) {
    if (c != '\r' && c != '\n' && c != '\0') block += c;
  }
  block += '\n';
}

}  // namespace

std::string RenderResponse(const HttpResponse& response, const Framing& framing) {
  std::string text = StatusLine(response.status);
  AddLine(text, "Date", HttpDate());
  if (!HasNoBody(response.status)) {
    if (!response.body.empty()) AddLine(text, "Content-Type", response.content_type);
    AddLine(text, "Content-Length", std::to_string(response.body.size()));
  }
  for (const auto& [name, value] : response.headers) AddLine(text, name, value);
  if (!framing.keep_alive) {
    AddLine(text, "Connection", "close");
  } else if (framing.http10) {
    AddLine(text, "Connection", "keep-alive");
  }
  text += "\r\n";
  if (!framing.head_only && !HasNoBody(response.status)) text += response.body;
  return text;
}

std::string RenderStreamHead(const Framing& framing) {
  std::string text = StatusLine(200);
  AddLine(text, "Content-Type", "text/event-stream");
  AddLine(text, "Cache-Control", "no-store");
  AddLine(text, "X-Accel-Buffering", "no");
  if (!framing.http10) AddLine(text, "Transfer-Encoding", "chunked");
  AddLine(text, "Connection", "close");
  text += "\r\n";
  if (!framing.head_only) text += RenderChunk("retry: 2000\n\n", framing);
  return text;
}

std::string RenderChunk(std::string_view bytes, const Framing& framing) {
  if (framing.http10) return std::string(bytes);
  return fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes);
}

std::string_view LastChunk(const Framing& framing) {
  return framing.http10 || framing.head_only ? std::string_view() : "0\r\n\r\n";
}

std::string RenderEvent(std::string_view id, std::string_view event, std::string_view data) {
  std::string block;
  if (!id.empty()) AddOneLine(block, "id: ", id);
  if (!event.empty()) AddOneLine(block, "event: ", event);
  for (std::size_t at = 0; at <= data.size();) {
    const std::size_t end = std::min(data.find_first_of("\r\n", at), data.size());
    AddOneLine(block, "data: ", data.substr(at, end - at));
    at = end + (data.substr(end, 2) == "\r\n" ? 2 : 1);
  }
  block += '\n';
  return block;
}

}  // namespace reprise::runtime
