#include <array>
#include <cctype>
#include <cerrno>
#include <fstream>
#include <system_error>

#include <fmt/format.h>

#include "config/yaml.h"

namespace reprise::runtime {

int CodePoints(std::string_view text) {
  int n = 0;
  for (const char c : text) n += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return n;
}

Result<std::string> ReadText(const std::string& path, size_t bytes_max) {
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (!in) return Error{Code::kNotFound, std::generic_category().message(errno)};
  std::string text;  // grows with the file: it is kept, and most files are small
  std::array<char, 16 * 1024> piece{};
  while (in.read(piece.data(), piece.size()) || in.gcount() > 0) {
    text.append(piece.data(), static_cast<size_t>(in.gcount()));
    if (text.size() > bytes_max) {
      return Error{Code::kInvalid, fmt::format("larger than {} bytes", bytes_max)};
    }
  }
  if (in.bad()) return Error{Code::kUnavailable, "cannot be read"};
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  text.shrink_to_fit();
  return text;
}

std::string FirstKey(std::string_view text) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.starts_with("%")) continue;
    if (line.starts_with("---")) line.remove_prefix(3);
    while (!line.empty() &&
           (std::isspace(static_cast<unsigned char>(line[0])) != 0 || line[0] == '{')) {
      line.remove_prefix(1);
    }
    if (line.empty() || line[0] == '#') continue;
    const bool quote = line[0] == '"' || line[0] == '\'';
    if (quote) line.remove_prefix(1);
    size_t n = 0;
    while (n < line.size() && (std::isalnum(static_cast<unsigned char>(line[n])) != 0 ||
                               line[n] == '_' || line[n] == '-')) {
      ++n;
    }
    std::string_view rest = line.substr(n);
    if (quote && !rest.empty()) rest.remove_prefix(1);
    while (rest.starts_with(' ')) rest.remove_prefix(1);
    return rest.starts_with(':') ? std::string(line.substr(0, n)) : "";
  }
  return "";
}

}  // namespace reprise::runtime
