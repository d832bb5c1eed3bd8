// The queue's tokens: nothing passes that this secret did not sign, whatever its claims say.
#include <string>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/base64.h"
#include "fuzz/fuzz.h"
#include "token.h"

namespace {
using reprise::fuzz::Must;

const std::string kSecret = "0123456789abcdef0123456789abcdef";

std::string Base64Url(std::string_view bytes) {
  std::string out = reprise::runtime::EncodeBase64(bytes);
  while (out.ends_with('=')) out.pop_back();
  for (char& c : out) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return out;
}

std::string Signed(const std::string& head_and_claims) {
  unsigned char hash[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  HMAC(EVP_sha256(), kSecret.data(), static_cast<int>(kSecret.size()),
       reinterpret_cast<const unsigned char*>(head_and_claims.data()), head_and_claims.size(), hash,
       &length);
  return head_and_claims + "." +
         Base64Url(std::string_view(reinterpret_cast<const char*>(hash), length));
}

/// Any text as a token.
void Foreign(std::string_view token) {
  for (const auto purpose : {queue::Purpose::kPlace, queue::Purpose::kTicket}) {
    if (!queue::Verify(purpose, token, kSecret)) continue;
    const std::string text(token);
    Must(Signed(text.substr(0, text.rfind('.'))) == text, "what passes was signed with the secret");
  }
}

/// Any header and claims, well signed: `header|claims`.
void OurSecret(std::string_view text) {
  const auto bar = text.find('|');
  if (bar == std::string_view::npos) return;
  const std::string token =
      Signed(Base64Url(text.substr(0, bar)) + "." + Base64Url(text.substr(bar + 1)));
  const bool place = queue::Verify(queue::Purpose::kPlace, token, kSecret).has_value();
  const bool ticket = queue::Verify(queue::Purpose::kTicket, token, kSecret).has_value();
  Must(!(place && ticket), "a token is for one purpose");
  if (place || ticket) {
    Must(text.substr(0, bar) == R"({"alg":"HS256","typ":"JWT"})", "no other header passes");
  }
}

/// What we sign we take, as it was.
void Ours(std::string_view user) {
  queue::Claims claims{.user = std::string(user), .id = "j", .position = 7, .issued_ms = 1};
  const std::string token = queue::Sign(queue::Purpose::kPlace, claims, kSecret);
  if (token.empty() || token.size() > queue::kTokenBytesMax) return;
  const auto read = queue::Verify(queue::Purpose::kPlace, token, kSecret);
  Must(read && read->user == claims.user && read->position == 7, "our own token passes");
  Must(!queue::Verify(queue::Purpose::kTicket, token, kSecret), "a place is no ticket");
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto [which, rest] = reprise::fuzz::Choose(data, size, 3);
  (which == 0 ? Foreign : which == 1 ? OurSecret : Ours)(rest);
  return 0;
}
