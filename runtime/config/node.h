/// A YAML document as a tree of values with places.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace reprise::runtime {

struct Place {
  int line = 0, col = 0, end_col = 0;  // from 1; columns in code points; end_col one past the last
};

struct Node {
  enum class Kind { kNull, kScalar, kSequence, kMap };
  struct Entry;

  Kind kind = Kind::kNull;
  Place place;
  std::string text;            // kScalar, after interpolation
  bool quoted = false;         // kScalar in quotes, or a block scalar
  bool filled = false;         // some of it came by interpolation
  bool bad = false;            // reported already: say nothing more about it
  std::vector<Node> items;     // kSequence
  std::vector<Entry> entries;  // kMap, in file order, keys unique

  bool scalar() const { return kind == Kind::kScalar; }
  bool sequence() const { return kind == Kind::kSequence; }
  bool map() const { return kind == Kind::kMap; }
  const Node* Find(std::string_view key) const;
  const Node* FindKey(std::string_view key) const;  // the key itself, for its place
};

struct Node::Entry {
  Node key, value;
};

/// "text", "a list", "a map", "nothing".
std::string_view KindName(const Node& node);

}  // namespace reprise::runtime
