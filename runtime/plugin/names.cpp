#include "plugin/names.h"

#include <algorithm>

namespace reprise::runtime {
namespace {

constexpr std::size_t kNameBytesMax = 64;

bool Lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool Letter(char c) {
  return Lower(c) || (c >= 'A' && c <= 'Z');
}
bool Digit(char c) {
  return c >= '0' && c <= '9';
}

template <class First, class Rest>
bool Matches(std::string_view name, First first, Rest rest) {
  return !name.empty() && name.size() <= kNameBytesMax && first(name.front()) &&
         std::ranges::all_of(name, rest);
}

}  // namespace

bool IsPluginName(std::string_view name) {
  const auto rest = [](char c) { return Lower(c) || Digit(c) || c == '-'; };
  return Matches(name, rest, rest);
}

bool IsWord(std::string_view name) {
  return Matches(name, Lower, [](char c) { return Lower(c) || Digit(c) || c == '_' || c == '-'; });
}

bool IsCode(std::string_view name) {
  return Matches(name, Lower,
                 [](char c) { return Lower(c) || Digit(c) || c == '_' || c == '-' || c == '.'; });
}

bool IsFieldName(std::string_view name) {
  return Matches(
      name, [](char c) { return Letter(c) || c == '_'; },
      [](char c) { return Letter(c) || Digit(c) || c == '_'; });
}

bool IsTopicName(std::string_view name) {
  return !name.empty() && name.size() <= 249 && name != "." && name != ".." &&
         std::ranges::all_of(name, [](char c) {
           return Letter(c) || Digit(c) || c == '_' || c == '-' || c == '.';
         });
}

}  // namespace reprise::runtime
