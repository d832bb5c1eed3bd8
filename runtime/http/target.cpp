#include "http/target.h"

#include <algorithm>

#include "base/utf8.h"

namespace reprise::runtime {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool IsUnreserved(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

Error BadTarget(std::string what) {
  return Error{Code::kInvalid, std::move(what)};
}

Status ParseQuery(std::string_view query,
                  std::vector<std::pair<std::string, std::string>>& fields) {
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const std::string_view part = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
    if (part.empty()) continue;
    const std::size_t equals = part.find('=');
    auto name = PercentDecode(part.substr(0, equals), true);
    auto value = PercentDecode(
        equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1), true);
    if (!name || !value)
      return BadTarget("the query does not decode: a bad escape, a NUL or not UTF-8");
    fields.emplace_back(std::move(*name), std::move(*value));
  }
  return {};
}

Status ParsePath(std::string_view path, std::vector<std::string>& segments) {
  if (path == "/") return {};
  for (std::size_t at = 1; at <= path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    auto segment = PercentDecode(path.substr(at, end - at));
    if (!segment) return BadTarget("the path does not decode: a bad escape, a NUL or not UTF-8");
    segments.push_back(std::move(*segment));
    at = end + 1;
  }
  return {};
}

}  // namespace

std::optional<std::string> PercentDecode(std::string_view text, bool plus_is_space) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '+' && plus_is_space) {
      decoded += ' ';
    } else if (text[at] == '%') {
      const int high = at + 2 < text.size() ? HexDigit(text[at + 1]) : -1;
      const int low = at + 2 < text.size() ? HexDigit(text[at + 2]) : -1;
      if (high < 0 || low < 0) return std::nullopt;
      decoded += static_cast<char>(high * 16 + low);
      at += 2;
    } else {
      decoded += text[at];
    }
  }
  if (!IsUtf8(decoded) || decoded.find('\0') != std::string::npos) return std::nullopt;
  return decoded;
}

std::string PercentEncode(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    if (IsUnreserved(c)) {
      encoded += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      encoded += '%';
      encoded += kHex[byte >> 4U];
      encoded += kHex[byte & 15U];
    }
  }
  return encoded;
}

Result<RequestTarget> ParseTarget(std::string_view target) {
  if (target.starts_with("http://") || target.starts_with("https://")) {
    const std::size_t authority = target.find("//") + 2;
    const std::size_t end = target.find_first_of("/?", authority);
    target = end == std::string_view::npos ? std::string_view("/") : target.substr(end);
  }
  if (target.find('#') != std::string_view::npos) return BadTarget("the target has a fragment");
  const std::size_t question = target.find('?');
  RequestTarget parsed;
  parsed.path = std::string(target.substr(0, question));
  if (parsed.path.empty()) parsed.path = "/";
  if (parsed.path[0] != '/') return BadTarget("the target must begin with '/'");
  if (auto s = ParsePath(parsed.path, parsed.segments); !s) return s.error();
  if (question != std::string_view::npos) {
    if (auto s = ParseQuery(target.substr(question + 1), parsed.query); !s) return s.error();
  }
  return parsed;
}

}  // namespace reprise::runtime
