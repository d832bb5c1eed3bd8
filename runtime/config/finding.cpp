#include "config/finding.h"

#include <algorithm>

#include "base/suggest.h"

namespace reprise::runtime {

const Node* Node::Find(std::string_view key) const {
  for (const Entry& entry : entries) {
    if (entry.key.text == key) return &entry.value;
  }
  return nullptr;
}

const Node* Node::FindKey(std::string_view key) const {
  for (const Entry& entry : entries) {
    if (entry.key.text == key) return &entry.key;
  }
  return nullptr;
}

std::string_view KindName(const Node& node) {
  switch (node.kind) {
    case Node::Kind::kNull:
      return "nothing";
    case Node::Kind::kScalar:
      return "text";
    case Node::Kind::kSequence:
      return "a list";
    case Node::Kind::kMap:
      return "a map";
  }
  return "";
}

Source::Source(std::string file_name, std::string content)
    : file(std::move(file_name)), text(std::move(content)), starts{0} {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') starts.push_back(i + 1);
  }
}

std::string_view Source::Line(int number) const {
  if (number < 1 || static_cast<size_t>(number) > starts.size()) return {};
  const size_t from = starts[static_cast<size_t>(number) - 1];
  const size_t to = static_cast<size_t>(number) < starts.size()
                        ? starts[static_cast<size_t>(number)] - 1
                        : text.size();
  std::string_view line(text.data() + from, to - from);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

void Sink::Error(std::string_view code, const Node& at, std::string message) {
  if (!at.bad) Error(code, at.place, std::move(message));
}

void Sink::Error(std::string_view code, const Place& at, std::string message) {
  const auto same = [&](const Finding& f) {
    return f.file == source_.file && f.line == at.line && f.col == at.col && f.code == code &&
           f.message == message;
  };
  if (count_ >= kFindingsMax || std::any_of(out_.begin(), out_.end(), same)) return;
  Finding finding;
  finding.file = source_.file;
  finding.line = at.line;
  finding.col = at.col;
  finding.end_col = std::max(at.end_col, at.col + 1);
  finding.code = code;
  finding.message = std::move(message);
  if (code != "RPR024") finding.source_line = source_.Line(at.line);  // which shows the secret
  out_.push_back(std::move(finding));
  ++count_;
}

void Sink::Unknown(std::string_view code, const Node& at, const std::string& message,
                   std::span<const std::string> known) {
  Error(code, at, message + DidYouMean(at.text, known));
}

bool HasErrors(const std::vector<Finding>& findings) {
  return std::any_of(findings.begin(), findings.end(),
                     [](const Finding& f) { return f.severity == "error"; });
}

std::string OneOf(std::span<const std::string> names) {
  std::string out;
  for (size_t i = 0; i < names.size(); ++i) {
    if (i > 0) out += i + 1 == names.size() ? " or " : ", ";
    out += "'" + names[i] + "'";
  }
  return out;
}

}  // namespace reprise::runtime
