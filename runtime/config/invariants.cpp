#include "config/invariants.h"

#include <fmt/format.h>

#include "config/values.h"

namespace reprise::runtime {

std::vector<Invariant> ReadInvariants(const Node& node, Sink& sink) {
  std::vector<Invariant> out;
  if (!node.sequence()) {
    sink.Error("RPR012", node, fmt::format("'invariants' must be a list, not {}", KindName(node)));
    return out;
  }
  for (const Node& item : node.items) {
    if (!CheckMap(item, "an invariant", {"name", "sql", "expect", "when"}, sink)) continue;
    Invariant invariant;
    if (const Node* name = Require(item, "an invariant", "name", sink)) {
      invariant.name = AsText(*name, "'name'", sink).value_or("");
    }
    if (const Node* sql = Require(item, "an invariant", "sql", sink)) {
      invariant.sql = AsText(*sql, "'sql'", sink).value_or("");
    }
    if (const Node* expect = item.Find("expect")) AsOneOf(*expect, "'expect'", {"empty"}, sink);
    if (const Node* when = item.Find("when")) {
      invariant.when = AsOneOf(*when, "'when'", {"always", "ended"}, sink).value_or("always");
    }
    out.push_back(std::move(invariant));
  }
  return out;
}

}  // namespace reprise::runtime
