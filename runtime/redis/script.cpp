#include "redis/script.h"

#include <array>

#include <fmt/format.h>
#include <openssl/evp.h>

namespace reprise::runtime::redis {
namespace {

std::string Sha1(std::string_view text) {  // how Redis names scripts
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
  std::string hex;
  for (unsigned i = 0; i < size; ++i) hex += fmt::format("{:02x}", digest[i]);
  return hex;
}

}  // namespace

Script::Script(std::string text) : text_(std::move(text)), sha1_(Sha1(text_)) {}

Result<Reply> Script::Run(Connection& connection, const std::string& key,
                          std::vector<std::string> args) const {
  Command command = {"EVALSHA", sha1_, "1", key};
  for (std::string& arg : args) command.push_back(std::move(arg));
  auto reply = connection.Run(command);
  if (!reply || reply->type != Reply::kError || !reply->text.starts_with("NOSCRIPT")) return reply;
  command[0] = "EVAL";
  command[1] = text_;
  return connection.Run(command);
}

}  // namespace reprise::runtime::redis
