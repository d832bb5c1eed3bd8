#include "app/terminal.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iostream>

#include <fmt/core.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace reprise::runtime {
namespace {

constexpr std::size_t kBarWidth = 20;

bool Dumb() {
  const char* term = std::getenv("TERM");
  return term == nullptr || std::string_view(term) == "dumb";
}

// The next code point of UTF-8; a wrong byte counts as one.
char32_t Next(std::string_view& text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  std::size_t length = lead < 0x80 ? 1 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
  length = std::min(length, text.size());
  char32_t c = length == 1 ? lead : lead & (0xFFU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) c = (c << 6) | (byte(i) & 0x3FU);
  text.remove_prefix(length);
  return c;
}

// East Asian wide ranges and the signs that terminals draw in two columns; combining marks take
// none.
std::size_t WidthOf(char32_t c) {
  if ((c >= 0x300 && c <= 0x36F) || c == 0x200D || (c >= 0xFE00 && c <= 0xFE0F)) return 0;
  const bool wide = (c >= 0x1100 && c <= 0x115F) || (c >= 0x2E80 && c <= 0xA4CF) ||
                    (c >= 0xAC00 && c <= 0xD7A3) || (c >= 0xF900 && c <= 0xFAFF) ||
                    (c >= 0xFE30 && c <= 0xFE6F) || (c >= 0xFF00 && c <= 0xFF60) ||
                    (c >= 0x1F300 && c <= 0x1FAFF) || c == 0x270B;
  return wide ? 2 : 1;
}

// Skips "\x1b[..m" if the text begins with one.
bool SkipControl(std::string_view& text) {
  if (!text.starts_with("\x1b[")) return false;
  const std::size_t end = text.find('m');
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return true;
}

// The longest beginning of `text` that takes at most `columns`, "…" included if it was cut.
std::string Cut(std::string_view text, std::size_t columns) {
  if (Columns(text) <= columns) return std::string(text);
  std::string_view rest = text;
  std::size_t used = 0;
  bool tinted = false;
  while (!rest.empty()) {
    std::string_view next = rest;
    if (SkipControl(next)) {
      tinted = true;
      rest = next;
      continue;
    }
    const std::size_t width = WidthOf(Next(next));
    if (used + width + 1 > columns) break;
    used += width;
    rest = next;
  }
  return std::string(text.substr(0, text.size() - rest.size())) + "…" + (tinted ? "\x1b[0m" : "");
}

std::string Padded(std::string text, std::size_t columns) {
  const std::size_t now = Columns(text);
  if (now < columns) text.append(columns - now, ' ');
  return text;
}

}  // namespace

Look StdoutLook() {
  Look look;
  if (isatty(STDOUT_FILENO) == 0) return look;
  const char* no_color = std::getenv("NO_COLOR");
  look.colour = (no_color == nullptr || *no_color == '\0') && !Dumb();
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) look.width = size.ws_col;
  return look;
}

bool StderrIsTerminal() {
  return isatty(STDERR_FILENO) != 0 && !Dumb();
}

std::string Tinted(const Look& look, Tint tint, std::string_view text) {
  if (!look.colour || tint == Tint::kNone) return std::string(text);
  const char* code = tint == Tint::kGood   ? "32"
                     : tint == Tint::kBad  ? "31"
                     : tint == Tint::kWarn ? "33"
                     : tint == Tint::kDim  ? "2"
                                           : "1";
  return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

std::size_t Columns(std::string_view text) {
  std::size_t columns = 0;
  while (!text.empty()) {
    if (!SkipControl(text)) columns += WidthOf(Next(text));
  }
  return columns;
}

std::string Plain(std::string_view text) {
  std::string out;
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out += byte < 0x20 || byte == 0x7F ? ' ' : c;
  }
  return out;
}

Table::Table(std::vector<std::string> head, std::string indent)
    : indent_(std::move(indent)), rows_{std::move(head)} {}

void Table::Add(std::vector<std::string> cells) {
  rows_.push_back(std::move(cells));
}

void Table::AddText(std::string text) {
  rows_.push_back({std::move(text)});
}

std::string Table::Text(const Look& look) const {
  std::vector<std::size_t> widths(rows_.front().size(), 0);
  for (const auto& row : rows_) {
    for (std::size_t i = 0; row.size() > 1 && i < row.size(); ++i)
      widths[i] = std::max(widths[i], Columns(row[i]));
  }
  std::string out;
  for (const auto& row : rows_) {
    std::string line = indent_;
    for (std::size_t i = 0; i + 1 < row.size(); ++i) line += Padded(row[i], widths[i]) + "  ";
    line += row.back();
    line.erase(line.find_last_not_of(' ') + 1);
    const bool head = &row == &rows_.front();
    if (look.width != 0) line = Cut(line, look.width);
    out += (head ? Tinted(look, Tint::kDim, line) : line) + "\n";
  }
  return out;
}

Progress::Progress(std::string what, std::uint64_t total) : what_(std::move(what)), total_(total) {}

Progress::~Progress() {
  if (shown_) fmt::print(stderr, "\n");
}

std::string Progress::Line(std::string_view what, std::uint64_t at, std::uint64_t total,
                           std::string_view words) {
  const std::uint64_t full =
      total == 0 ? 0 : std::min<std::uint64_t>(at, total) * kBarWidth / total;
  std::string bar;
  for (std::size_t i = 0; i < kBarWidth; ++i) bar += i < full ? "█" : "░";
  return fmt::format("{}  {} {}/{}  {}", what, bar, Grouped(static_cast<std::int64_t>(at)),
                     Grouped(static_cast<std::int64_t>(total)), words);
}

void Progress::Show(std::uint64_t at, std::string_view words) {
  if (!StderrIsTerminal()) return;
  shown_ = true;
  fmt::print(stderr, "\r\x1b[K{}", Line(what_, at, total_, words));
  std::fflush(stderr);
}

bool Agreed(const std::string& question, bool yes) {
  if (yes || isatty(STDIN_FILENO) == 0) return true;
  fmt::print(stderr, "{}  Proceed? [y/N] ", question);
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

std::string Grouped(std::int64_t number) {
  std::string digits = std::to_string(number);
  const std::size_t first = number < 0 ? 1 : 0;
  for (std::size_t at = digits.size(); at > first + 3;) digits.insert(at -= 3, ",");
  return digits;
}

std::string Age(Millis age) {
  const std::int64_t s = std::max<std::int64_t>(0, age.count()) / 1000;
  if (s < 60) return fmt::format("{}s", s);
  if (s < 3600) return fmt::format("{}m", s / 60);
  if (s < 86'400) return fmt::format("{}h{:02}m", s / 3600, s / 60 % 60);
  return fmt::format("{}d{}h", s / 86'400, s / 3600 % 24);
}

std::string Took(Millis time) {
  const std::int64_t ms = std::max<std::int64_t>(0, time.count());
  if (ms < 1000) return fmt::format("{} ms", ms);
  if (ms < 60'000) return fmt::format("{:.1f} s", static_cast<double>(ms) / 1000);
  if (ms < 3'600'000) return fmt::format("{}m{:02}s", ms / 60'000, ms / 1000 % 60);
  return Age(time);
}

}  // namespace reprise::runtime
