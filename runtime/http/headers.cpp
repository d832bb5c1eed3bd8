#include "http/headers.h"

#include <algorithm>
#include <array>
#include <random>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "base/ids.h"
#include "http/text.h"
#include "model/trace.h"

namespace reprise::runtime {
namespace {

constexpr std::size_t kKeyMax = 255;

std::string RandomHex(std::size_t bytes) {
  std::array<unsigned char, 16> random{};
  if (RAND_bytes(random.data(), static_cast<int>(bytes)) != 1) {  // ids, not secrets: any will do
    std::random_device device;
    for (auto& byte : random) byte = static_cast<unsigned char>(device());
  }
  random[0] |= 1U;  // never all zero
  return Hex({reinterpret_cast<const char*>(random.data()), bytes});
}

bool IsVisible(char c) {
  return c > 0x20 && c < 0x7F;
}

}  // namespace

std::optional<std::string> ParseIdempotencyKey(std::string_view header) {
  std::string key;
  if (header.starts_with('"')) {
    std::size_t at = 1;
    for (; at < header.size() && header[at] != '"'; ++at) {
      if (header[at] == '\\') {
        ++at;
        if (at == header.size() || (header[at] != '"' && header[at] != '\\')) return std::nullopt;
      } else if (header[at] != ' ' && !IsVisible(header[at])) {
        return std::nullopt;
      }
      key += header[at];
    }
    if (at + 1 != header.size()) return std::nullopt;
  } else {
    if (!std::all_of(header.begin(), header.end(), IsVisible)) return std::nullopt;
    if (header.find_first_of("\",") != std::string_view::npos) return std::nullopt;
    key = header;
  }
  if (key.empty() || key.size() > kKeyMax) return std::nullopt;
  return key;
}

std::size_t CountOf(const HttpRequest& request, std::string_view name) {
  return static_cast<std::size_t>(
      std::count_if(request.headers.begin(), request.headers.end(),
                    [&](const auto& header) { return header.first == name; }));
}

bool IsBearerToken(std::string_view token) {
  const std::size_t end = std::min(token.find_last_not_of('=') + 1, token.size());
  return end != 0 &&
         std::all_of(token.begin(), token.begin() + static_cast<std::ptrdiff_t>(end), [](char c) {
           return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  std::string_view("-._~+/").find(c) != std::string_view::npos;
         });
}

std::string NextTraceparent(std::optional<std::string_view> header) {
  const bool known = header && IsTraceparent(*header);
  const std::string trace = known ? std::string(header->substr(3, 32)) : RandomHex(16);
  const std::string flags = known ? std::string(header->substr(53, 2)) : "01";
  return "00-" + trace + "-" + RandomHex(8) + "-" + flags;
}

bool SameSecret(std::string_view given, std::string_view secret) {
  const std::string a = Sha256(given);
  const std::string b = Sha256(secret);
  return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace reprise::runtime
