/// Reading the fields of a query: types, limits, and a clear refusal of what is not known.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "admin/answer.h"
#include "base/time.h"

namespace reprise::runtime {

/// Of a list, whatever is asked for.
inline constexpr std::size_t kPageMax = 500;

class QueryReader {
 public:
  /// Every name in `query` must be one of `known`, and occur once.
  QueryReader(const Query& query, std::vector<std::string> known);

  std::string Text(std::string_view name) const;
  bool Flag(std::string_view name) const;
  std::size_t Number(std::string_view name, std::size_t fallback, std::size_t most);
  std::vector<std::string> List(std::string_view name) const;
  /// "10m" (that long ago) or an instant.
  std::optional<Time> Instant(std::string_view name, Time now);

  /// Notes the first refusal; `problem()` is it, or nothing.
  void Refuse(std::string detail);
  const std::optional<Answer>& problem() const { return problem_; }

 private:
  const Query& query_;
  std::optional<Answer> problem_;
};

}  // namespace reprise::runtime
