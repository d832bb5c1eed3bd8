#include "base/ids.h"

#include <memory>
#include <stdexcept>

#include <openssl/evp.h>

namespace reprise::runtime {
namespace {

constexpr char kHex[] = "0123456789abcdef";

int Nibble(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

void Stamp(Uuid& id, int version) {
  id.bytes[6] = static_cast<std::uint8_t>((id.bytes[6] & 0x0F) | (version << 4));
  id.bytes[8] = static_cast<std::uint8_t>((id.bytes[8] & 0x3F) | 0x80);
}

void PutTime(Uuid& id, std::int64_t ms) {
  for (size_t i = 0; i < 6; ++i) id.bytes[i] = static_cast<std::uint8_t>(ms >> (40 - 8 * i));
}

/// OpenSSL's, which uses the machine's own instructions.  Finding the algorithm takes longer than a
/// digest, so it is found once.  An id that is not the digest's would break every promise: throws.
class Sha1 {
 public:
  void Begin() { Check(EVP_DigestInit_ex(context_.get(), algorithm_.get(), nullptr)); }
  void Add(const void* bytes, std::size_t size) {
    Check(EVP_DigestUpdate(context_.get(), bytes, size));
  }
  std::array<unsigned char, 20> End() {
    std::array<unsigned char, 20> digest{};
    Check(EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr));
    return digest;
  }

 private:
  static void Check(int done) {
    if (done != 1) throw std::runtime_error("OpenSSL makes no SHA-1");
  }

  std::unique_ptr<EVP_MD, void (*)(EVP_MD*)> algorithm_{EVP_MD_fetch(nullptr, "SHA1", nullptr),
                                                        EVP_MD_free};
  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context_{EVP_MD_CTX_new(), EVP_MD_CTX_free};
};

}  // namespace

std::string Uuid::ToString() const {
  std::string out;
  out.reserve(36);
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
    out += kHex[bytes[i] >> 4];
    out += kHex[bytes[i] & 15];
  }
  return out;
}

std::optional<Uuid> Uuid::Parse(std::string_view text) {
  if (text.size() != 36) return std::nullopt;
  Uuid id;
  size_t at = 0;
  for (size_t i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) {
      if (text[at++] != '-') return std::nullopt;
    }
    const int high = Nibble(text[at]), low = Nibble(text[at + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    id.bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
    at += 2;
  }
  return id;
}

std::optional<Uuid> Uuid::FromBytes(std::string_view raw) {
  if (raw.size() != 16) return std::nullopt;
  Uuid id;
  std::memcpy(id.bytes.data(), raw.data(), 16);
  return id;
}

UuidV7::UuidV7(std::uint64_t seed) : state_(seed) {}

std::uint64_t UuidV7::Random() {  // SplitMix64, Steele, Lea and Flood, 2014
  std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

Uuid UuidV7::Next(Time now) {
  const std::int64_t ms = ToMillis(now);
  if (ms > last_ms_) {
    last_ms_ = ms;
    counter_ = static_cast<std::uint32_t>(Random() & 0x1FFFFFF);  // the top bit is room to count
  } else if (++counter_ >= (1U << 26)) {
    ++last_ms_;
    counter_ = 0;
  }
  Uuid id;
  PutTime(id, last_ms_);
  const std::uint64_t random = Random();
  std::memcpy(id.bytes.data() + 8, &random, 8);
  id.bytes[6] = static_cast<std::uint8_t>((counter_ >> 22) & 0x0F);
  id.bytes[7] = static_cast<std::uint8_t>(counter_ >> 14);
  id.bytes[8] = static_cast<std::uint8_t>((counter_ >> 8) & 0x3F);
  id.bytes[9] = static_cast<std::uint8_t>(counter_);
  Stamp(id, 7);
  return id;
}

Uuid Derived(const Uuid& space, std::initializer_list<std::string_view> parts) {
  thread_local Sha1 sha;
  sha.Begin();
  sha.Add(space.bytes.data(), space.bytes.size());
  for (std::string_view part : parts) {
    sha.Add(part.data(), part.size());
    sha.Add("", 1);
  }
  Uuid id;
  const auto digest = sha.End();
  std::memcpy(id.bytes.data(), digest.data(), id.bytes.size());
  Stamp(id, 5);
  return id;
}

Uuid DerivedAt(Time at, std::initializer_list<std::string_view> parts) {
  Uuid id = Derived(Uuid{}, parts);
  PutTime(id, ToMillis(at));
  Stamp(id, 7);
  return id;
}

std::string Sha256(std::string_view bytes) {
  std::array<unsigned char, 32> digest{};
  unsigned int size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr);
  return Hex({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

std::string Hex(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += kHex[byte >> 4U];
    out += kHex[byte & 15U];
  }
  return out;
}

}  // namespace reprise::runtime
