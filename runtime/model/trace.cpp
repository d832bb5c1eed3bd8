#include "model/trace.h"

#include <algorithm>

namespace reprise::runtime {
namespace {

bool IsLowerHex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool AllZero(std::string_view text) {
  return text.find_first_not_of('0') == std::string_view::npos;
}

}  // namespace

bool IsTraceparent(std::string_view text) {
  if (text.size() < 55 || text[2] != '-' || text[35] != '-' || text[52] != '-') return false;
  const std::string_view version = text.substr(0, 2);
  if (version == "ff" ||
      (version == "00" ? text.size() != 55 : text.size() > 55 && text[55] != '-')) {
    return false;
  }
  const std::string_view trace = text.substr(3, 32);
  const std::string_view parent = text.substr(36, 16);
  return IsLowerHex(version) && IsLowerHex(trace) && IsLowerHex(parent) &&
         IsLowerHex(text.substr(53, 2)) && !AllZero(trace) && !AllZero(parent);
}

std::string HopTrace(std::string_view before, const Uuid& saga, const Uuid& message) {
  const bool known = IsTraceparent(before);
  std::string out = "00-";
  if (known) {
    out += before.substr(3, 32);
  } else {
    out += Hex(saga.nil() ? message.view() : saga.view());
  }
  out += '-';
  out += Hex(message.view().substr(8));  // never all zero: an id's variant is in it
  out += '-';
  out += known ? before.substr(53, 2) : std::string_view("01");
  return out;
}

}  // namespace reprise::runtime
