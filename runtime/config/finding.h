/// A mistake in a file, with its place; and Sink, which collects the mistakes of one file.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/node.h"

namespace reprise::runtime {

struct Finding {
  std::string file;
  int line = 0, col = 0;  // from 1, columns in code points; 0: the file as a whole
  int end_col = 0;        // one past the last
  std::string severity = "error", code, message;
  std::string source_line;
};

/// One file's text.
struct Source {
  Source(std::string file_name, std::string content);

  std::string file, text;
  std::vector<size_t> starts;  // of every line

  /// Line `number` (from 1) without its end; empty past the last.
  std::string_view Line(int number) const;
};

inline constexpr int kFindingsMax = 1000;  // of one file: the rest of a hopeless file is not told

class Sink {  // Threads: one.
 public:
  Sink(const Source& source, std::vector<Finding>& out) : source_(source), out_(out) {}

  /// Reports at a node, once per place and code.  A node that is already known to be bad is
  /// skipped.
  void Error(std::string_view code, const Node& at, std::string message);
  void Error(std::string_view code, const Place& at, std::string message);

  /// The same with "; did you mean 'x'?" if a known name is near.
  void Unknown(std::string_view code, const Node& at, const std::string& message,
               std::span<const std::string> known);

  const Source& source() const { return source_; }
  int count() const { return count_; }

 private:
  const Source& source_;
  std::vector<Finding>& out_;
  int count_ = 0;
};

bool HasErrors(const std::vector<Finding>& findings);

/// "'a', 'b' or 'c'".
std::string OneOf(std::span<const std::string> names);

}  // namespace reprise::runtime
