#include "admin/query.h"

#include <algorithm>
#include <charconv>
#include <set>

#include <fmt/core.h>

#include "base/suggest.h"

namespace reprise::runtime {

QueryReader::QueryReader(const Query& query, std::vector<std::string> known) : query_(query) {
  std::set<std::string> seen;
  for (const auto& [name, _] : query) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      Refuse(fmt::format("unknown query field '{}'{}", name, DidYouMean(name, known)));
    } else if (!seen.insert(name).second) {
      Refuse(fmt::format("query field '{}' is given twice", name));
    }
  }
}

void QueryReader::Refuse(std::string detail) {
  if (!problem_) problem_ = Answer::Problem(400, "query", std::move(detail));
}

std::string QueryReader::Text(std::string_view name) const {
  for (const auto& [key, value] : query_) {
    if (key == name) return value;
  }
  return {};
}

bool QueryReader::Flag(std::string_view name) const {
  for (const auto& [key, value] : query_) {
    if (key == name) return value != "0" && value != "false";
  }
  return false;
}

std::size_t QueryReader::Number(std::string_view name, std::size_t fallback, std::size_t most) {
  const std::string text = Text(name);
  if (text.empty()) return fallback;
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number == 0 || number > most) {
    Refuse(fmt::format("'{}' must be a number from 1 to {}, not '{}'", name, most, text));
    return fallback;
  }
  return number;
}

std::vector<std::string> QueryReader::List(std::string_view name) const {
  std::vector<std::string> items;
  std::string item;
  for (char c : Text(name) + ",") {
    if (c != ',') {
      item += c;
    } else if (!item.empty()) {
      items.push_back(std::move(item));
      item.clear();
    }
  }
  return items;
}

std::optional<Time> QueryReader::Instant(std::string_view name, Time now) {
  const std::string text = Text(name);
  if (text.empty()) return std::nullopt;
  if (const auto ago = ParseDuration(text)) return now - *ago;
  if (const auto at = ParseRfc3339(text)) return at;
  Refuse(fmt::format("'{}' must be a duration such as 10m or an instant such as {}, not '{}'", name,
                     Rfc3339(now), text));
  return std::nullopt;
}

}  // namespace reprise::runtime
