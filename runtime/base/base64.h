/// Base64 (RFC 4648, section 4): bytes as text where a text must be.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace reprise::runtime {

std::string EncodeBase64(std::string_view bytes);

/// Nothing for what is no base64: another alphabet, white space, padding that is missing.
std::optional<std::string> DecodeBase64(std::string_view text);

}  // namespace reprise::runtime
