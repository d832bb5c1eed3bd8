/// What a person sees: columns, colours, progress and questions.  Data is stdout's, words are
/// stderr's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace reprise::runtime {

/// How texts for people are made; a value, so that tests fix it.
struct Look {
  bool colour = false;
  std::size_t width = 0;  // columns of the terminal; 0: not a terminal, nothing is cut
};

/// stdout's.  NO_COLOR and TERM=dumb are honoured.
Look StdoutLook();
bool StderrIsTerminal();

enum class Tint { kNone, kGood, kBad, kWarn, kDim, kBold };
std::string Tinted(const Look& look, Tint tint, std::string_view text);

/// Columns that a text takes: UTF-8, without control sequences; wide characters take two.
std::size_t Columns(std::string_view text);

/// Control bytes, also of what customers and plugins wrote, cannot steer the terminal.
std::string Plain(std::string_view text);

/// Lines of aligned cells.  The last column is cut to the terminal's width.
class Table {
 public:
  explicit Table(std::vector<std::string> head, std::string indent = "");
  void Add(std::vector<std::string> cells);
  /// A line between the rows that is not aligned.
  void AddText(std::string text);
  std::string Text(const Look& look) const;

 private:
  std::string indent_;
  std::vector<std::vector<std::string>> rows_;  // the head first; one cell: a text
};

/// One redrawn line on a terminal's stderr; nothing elsewhere.
class Progress {
 public:
  Progress(std::string what, std::uint64_t total);
  ~Progress();
  void Show(std::uint64_t at, std::string_view words);

  /// The line, for tests: "what  ████░░░░ 31/41  words".
  static std::string Line(std::string_view what, std::uint64_t at, std::uint64_t total,
                          std::string_view words);

 private:
  const std::string what_;
  const std::uint64_t total_;
  bool shown_ = false;
};

/// Asks on the terminal.  Without one, or with `yes`, it is agreed.
bool Agreed(const std::string& question, bool yes);

/// "1,204".
std::string Grouped(std::int64_t number);

/// "41s", "12m", "3h05m", "2d4h": as much as helps.
std::string Age(Millis age);

/// "4 ms", "3.1 s", "4m12s".
std::string Took(Millis time);

}  // namespace reprise::runtime
