#include "redis/url.h"

#include <charconv>
#include <optional>

namespace reprise::runtime::redis {
namespace {

Error Wrong(std::string_view what) {
  return {Code::kInvalid,
          "redis url: " + std::string(what) + "; it is redis://user:password@host:port/db"};
}

std::optional<int> Number(std::string_view text, int most) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0 || value > most) {
    return std::nullopt;
  }
  return value;
}

std::optional<std::string> Decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    unsigned char byte = 0;
    const std::string_view hex = text.substr(i + 1, 2);
    const auto [end, error] = std::from_chars(hex.data(), hex.data() + hex.size(), byte, 16);
    if (hex.size() != 2 || error != std::errc() || end != hex.data() + 2) return std::nullopt;
    out += static_cast<char>(byte);
    i += 2;
  }
  return out;
}

Status ReadUser(std::string_view text, Address& address) {
  const auto colon = text.find(':');
  const auto user = Decoded(text.substr(0, colon));
  const auto password = colon == std::string_view::npos ? std::optional(std::string())
                                                        : Decoded(text.substr(colon + 1));
  if (!user || !password) return Wrong("% is not followed by two hex digits");
  if (!user->empty() && password->empty()) return Wrong("a user without a password");
  address.user = *user;
  address.password = *password;
  return {};
}

Status ReadHost(std::string_view text, Address& address) {
  std::string_view port;
  if (text.starts_with('[')) {
    const auto close = text.find(']');
    if (close == std::string_view::npos) return Wrong("[ without ]");
    address.host = text.substr(1, close - 1);
    port = text.substr(close + 1);
  } else {
    const auto colon = text.find(':');
    address.host = text.substr(0, colon);
    port = colon == std::string_view::npos ? "" : text.substr(colon);
  }
  if (address.host.empty()) return Wrong("no host");
  if (port.empty()) return {};
  const auto number = port[0] == ':' ? Number(port.substr(1), 65'535) : std::nullopt;
  if (!number || *number == 0) return Wrong("the port is no number from 1 to 65535");
  address.port = *number;
  return {};
}

}  // namespace

std::string Address::ToString() const {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port) + "/" + std::to_string(db);
}

Result<Address> ParseUrl(std::string_view url) {
  Address address;
  if (url.starts_with("rediss://")) {
    address.tls = true;
    url.remove_prefix(9);
  } else if (url.starts_with("redis://")) {
    url.remove_prefix(8);
  } else {
    return Wrong("it does not begin with redis:// or rediss://");
  }
  if (const auto at = url.rfind('@'); at != std::string_view::npos) {
    if (auto read = ReadUser(url.substr(0, at), address); !read) return read.error();
    url.remove_prefix(at + 1);
  }
  const auto slash = url.find('/');
  if (auto read = ReadHost(url.substr(0, slash), address); !read) return read.error();
  if (slash != std::string_view::npos && slash + 1 < url.size()) {
    const auto db = Number(url.substr(slash + 1), 1'000'000);
    if (!db) return Wrong("the db is no number");
    address.db = *db;
  }
  return address;
}

}  // namespace reprise::runtime::redis
