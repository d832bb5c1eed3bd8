#include "admin/body.h"

#include <algorithm>

#include <fmt/core.h>

#include "base/suggest.h"

namespace reprise::runtime {
namespace {

constexpr std::size_t kWordsMax = 2000;  // of who and why: they are kept with the saga

}  // namespace

Result<Payload> ReadBody(const HttpRequest& request, const std::vector<std::string>& known) {
  auto body = Payload::Parse(request.body.empty() ? "{}" : request.body);
  if (!body) return body.error();
  for (const auto& [name, _] : body->object()) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      return Error{Code::kInvalid,
                   fmt::format("unknown field '{}'{}", std::string(name), DidYouMean(name, known))};
    }
  }
  return body;
}

Result<std::string> TextField(const json::object& body, std::string_view name) {
  const json::value* value = body.if_contains(name);
  if (value == nullptr || value->is_null()) return std::string();
  if (!value->is_string()) return Error{Code::kInvalid, fmt::format("'{}' must be a string", name)};
  if (value->get_string().size() > kWordsMax) {
    return Error{Code::kInvalid, fmt::format("'{}' is over {} bytes", name, kWordsMax)};
  }
  return std::string(value->get_string());
}

}  // namespace reprise::runtime
