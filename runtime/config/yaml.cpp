#include "config/yaml.h"

#include <map>
#include <sstream>

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include "base/utf8.h"

namespace reprise::runtime {
namespace {

constexpr int kRoundsMax = 100;  // unquoted interpolations that are told before we give up

/// Thrown through yaml-cpp to end the parsing; already reported.
struct Stop {};

/// An unquoted `${` inside { } or [ ]: reported, blanked out, and the text is parsed again.
struct FlowInterpolation {
  size_t line = 0, byte = 0;  // of the `$`, from 0
};

size_t ScalarBytes(std::string_view line, size_t at, const std::string& value, bool quoted) {
  if (at >= line.size()) return 1;
  if (quoted && (line[at] == '"' || line[at] == '\'')) {
    for (size_t i = at + 1; i < line.size(); ++i) {
      if (line[i] == '\\' && line[at] == '"') {
        ++i;
      } else if (line[i] == line[at]) {
        return i + 1 - at;
      }
    }
    return line.size() - at;
  }
  return line.substr(at).starts_with(value) && !value.empty() ? value.size() : 1;
}

class Builder : public YAML::EventHandler {
 public:
  Builder(Sink& sink, const Source& text) : sink_(sink), text_(text) {}

  std::optional<Node> root;

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (!root && stack_.empty()) return;
    sink_.Error("RPR004", PlaceOf(mark),
                "a second document begins here; one file holds one document");
    throw Stop{};
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Node node = Begin(mark, Node::Kind::kNull);
    Finish(std::move(node), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto known = anchors_.find(anchor);
    if (known == anchors_.end()) {
      sink_.Error("RPR007", PlaceOf(mark), "this alias contains itself");
      throw Stop{};
    }
    count_ += known->second.nodes;
    CheckCount(mark);
    CheckDepth(mark, known->second.depth);
    Node copy = known->second.node;
    copy.place = PlaceOf(mark);
    Finish(std::move(copy), 0, known->second.nodes, known->second.depth);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    CheckTag(mark, tag);
    Node node = Begin(mark, Node::Kind::kScalar);
    node.text = value;
    node.quoted = tag == "!";
    const std::string_view line = text_.Line(mark.line + 1);
    const size_t at = static_cast<size_t>(mark.column);
    if (!node.quoted && Flow() && value.ends_with('$')) {
      const size_t dollar = at + value.size() - 1;
      if (line.substr(std::min(dollar, line.size())).starts_with("${")) {
        throw FlowInterpolation{static_cast<size_t>(mark.line), dollar};
      }
    }
    if (node.quoted) CheckQuote(mark, line, at);
    const size_t bytes = ScalarBytes(line, at, value, node.quoted);
    node.place.end_col = node.place.col + CodePoints(line.substr(std::min(at, line.size()), bytes));
    Finish(std::move(node), anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override {
    Open(mark, tag, anchor, style, Node::Kind::kSequence);
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override {
    Open(mark, tag, anchor, style, Node::Kind::kMap);
  }
  void OnMapEnd() override { Close(); }

 private:
  struct Frame {
    Node node;
    YAML::anchor_t anchor = 0;
    bool flow = false;
    std::optional<Node> key;  // of a map: its value is awaited
    int nodes = 1, depth = 1;
    std::map<std::string, Place> seen;
  };
  struct Anchored {
    Node node;
    int nodes = 1, depth = 1;
  };

  Place PlaceOf(const YAML::Mark& mark) const {
    if (mark.line < 0) return {1, 1, 2};
    const std::string_view line = text_.Line(mark.line + 1);
    const size_t at = std::min(static_cast<size_t>(mark.column), line.size());
    if (mark.line != counted_line_ || at < counted_bytes_) counted_bytes_ = counted_ = 0;
    counted_ += static_cast<size_t>(CodePoints(line.substr(counted_bytes_, at - counted_bytes_)));
    counted_line_ = mark.line;
    counted_bytes_ = at;
    const int col = static_cast<int>(counted_) + 1;
    return {mark.line + 1, col, col + 1};
  }

  Node Begin(const YAML::Mark& mark, Node::Kind kind) {
    ++count_;
    CheckCount(mark);
    Node node;
    node.kind = kind;
    node.place = PlaceOf(mark);
    return node;
  }

  void CheckCount(const YAML::Mark& mark) {
    if (count_ <= kYamlNodesMax) return;
    sink_.Error("RPR006", PlaceOf(mark),
                fmt::format("more than {} values, aliases expanded", kYamlNodesMax));
    throw Stop{};
  }

  void CheckDepth(const YAML::Mark& mark, int below) {
    if (static_cast<int>(stack_.size()) + below <= kYamlDepthMax) return;
    sink_.Error("RPR005", PlaceOf(mark), fmt::format("nested deeper than {}", kYamlDepthMax));
    throw Stop{};
  }

  void CheckTag(const YAML::Mark& mark, const std::string& tag) {
    if (tag.empty() || tag == "!" || tag == "?") return;
    sink_.Error("RPR002", PlaceOf(mark), "YAML tags are not used here; remove '" + tag + "'");
  }

  /// yaml-cpp takes the end of the file for the end of a quoted text if a line ends there.
  void CheckQuote(const YAML::Mark& mark, std::string_view line, size_t at) {
    if (at >= line.size() || (line[at] != '"' && line[at] != '\'')) return;
    const std::string_view text = text_.text;
    const char quote = line[at];
    size_t end = static_cast<size_t>(line.data() - text.data()) + at + 1;
    for (; end < text.size(); ++end) {
      const bool doubled = quote == '\'' && text.substr(end).starts_with("''");
      if (doubled || (quote == '"' && text[end] == '\\')) {
        ++end;  // what follows is no end
      } else if (text[end] == quote) {
        break;
      }
    }
    if (end < text.size()) return;
    sink_.Error("RPR002", PlaceOf(mark), "not valid YAML: the quote that begins here has no end");
    throw Stop{};
  }

  bool Flow() const { return !stack_.empty() && stack_.back().flow; }

  void Open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
            YAML::EmitterStyle::value style, Node::Kind kind) {
    CheckTag(mark, tag);
    CheckDepth(mark, 1);
    Frame frame;
    frame.node = Begin(mark, kind);
    frame.anchor = anchor;
    frame.flow = style == YAML::EmitterStyle::Flow;
    stack_.push_back(std::move(frame));
  }

  void Close() {
    Frame frame = std::move(stack_.back());
    stack_.pop_back();
    Finish(std::move(frame.node), frame.anchor, frame.nodes, frame.depth);
  }

  void Finish(Node node, YAML::anchor_t anchor, int nodes = 1, int depth = 1) {
    if (anchor != 0) anchors_[anchor] = {node, nodes, depth};
    if (stack_.empty()) {
      root = std::move(node);
      return;
    }
    Frame& parent = stack_.back();
    parent.nodes += nodes;
    parent.depth = std::max(parent.depth, depth + 1);
    if (parent.node.sequence()) {
      parent.node.items.push_back(std::move(node));
    } else if (!parent.key) {
      parent.key = std::move(node);
    } else {
      AddEntry(parent, std::move(*parent.key), std::move(node));
      parent.key.reset();
    }
  }

  void AddEntry(Frame& map, Node key, Node value) {
    if (!key.scalar()) {
      sink_.Error("RPR012", key, "a key must be text");
      return;
    }
    if (key.text == "<<" && !key.quoted) {
      sink_.Error("RPR008", key, "merge keys ('<<') are not supported; write the keys out");
      return;
    }
    const auto [first, fresh] = map.seen.emplace(key.text, key.place);
    if (!fresh) {
      sink_.Error(
          "RPR009", key,
          fmt::format("duplicate key '{}' (first at {}:{}); YAML would silently keep the first",
                      key.text, first->second.line, first->second.col));
      return;
    }
    // yaml-cpp finds a value that is missing where the next one begins.
    if (value.kind == Node::Kind::kNull && value.place.line != key.place.line)
      value.place = key.place;
    map.node.entries.push_back({std::move(key), std::move(value)});
  }

  Sink& sink_;
  const Source& text_;
  std::vector<Frame> stack_;
  std::map<YAML::anchor_t, Anchored> anchors_;
  int count_ = 0;
  // Letters before the last mark, so that a long line is counted once and not once a value.
  mutable int counted_line_ = -1;
  mutable size_t counted_bytes_ = 0, counted_ = 0;
};

/// Where the text stops being UTF-8 without NUL; its size if nowhere.
size_t BadByte(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const size_t from = i;
    const char32_t c = NextCodePoint(text, i);
    if (c == 0 || (c == kNoCodePoint && i == from + 1)) return from;
  }
  return text.size();
}

Place PlaceAt(std::string_view text, size_t byte) {
  const std::string_view before = text.substr(0, byte);
  const size_t newline = before.rfind('\n');
  const size_t from = newline == std::string_view::npos ? 0 : newline + 1;
  int line = 1;
  for (const char c : before) line += c == '\n';
  const int col = CodePoints(before.substr(from)) + 1;
  return {line, col, col + 1};
}

void ReportSyntax(Sink& sink, const Source& text, const YAML::Exception& error) {
  const int line = std::max(error.mark.line, 0) + 1;
  for (int near = line; near >= std::max(1, line - 1); --near) {
    const std::string_view at = text.Line(near);
    const size_t indent = at.find_first_not_of(" \t");
    const size_t tab = at.substr(0, indent).find('\t');
    if (tab == std::string_view::npos || indent == std::string_view::npos) continue;
    const int col = static_cast<int>(tab) + 1;
    sink.Error("RPR003", Place{near, col, col + 1}, "a tab in the indentation; YAML wants spaces");
    return;
  }
  const std::string_view at = text.Line(line);
  const size_t byte = std::min(static_cast<size_t>(std::max(error.mark.column, 0)), at.size());
  const int col = CodePoints(at.substr(0, byte)) + 1;
  sink.Error("RPR002", Place{line, col, col + 1}, "not valid YAML: " + error.msg);
}

/// Reports the interpolation and overwrites it, so that the rest of the file can be checked too.
void BlankOut(Sink& sink, Source& text, const FlowInterpolation& at) {
  const std::string_view line = text.Line(static_cast<int>(at.line) + 1);
  size_t end = line.find('}', at.byte);
  while (end != std::string_view::npos && end + 1 < line.size() && line[end + 1] == '}' &&
         line.substr(at.byte).starts_with("${{")) {
    ++end;
  }
  end = end == std::string_view::npos ? line.size() : end + 1;
  const std::string token(line.substr(at.byte, end - at.byte));
  const int col = CodePoints(line.substr(0, at.byte)) + 1;
  sink.Error("RPR022", Place{static_cast<int>(at.line) + 1, col, col + CodePoints(token)},
             fmt::format("inside {{ }} and [ ] an interpolation must be quoted: \"{}\"", token));
  const size_t offset = static_cast<size_t>(line.data() - text.text.data()) + at.byte;
  text.text.replace(offset, token.size(), token.size(), '\x7e');
}

void MarkBlanked(Node& node) {
  if (node.scalar() && !node.quoted && node.text.find("~~~") != std::string::npos) node.bad = true;
  for (Node& item : node.items) MarkBlanked(item);
  for (Node::Entry& entry : node.entries) MarkBlanked(entry.value);
}

}  // namespace

std::optional<Node> ParseYaml(Sink& sink) {
  Source text = sink.source();
  if (const size_t bad = BadByte(text.text); bad < text.text.size()) {
    sink.Error("RPR001", PlaceAt(text.text, bad), "not UTF-8 text");
    return std::nullopt;
  }
  for (int round = 0; round < kRoundsMax; ++round) {
    Builder builder(sink, text);
    try {
      std::istringstream in(text.text);
      YAML::Parser parser(in);
      while (parser.HandleNextDocument(builder)) {
      }
    } catch (const FlowInterpolation& at) {
      BlankOut(sink, text, at);
      continue;
    } catch (const Stop&) {
      return std::nullopt;
    } catch (const YAML::Exception& error) {
      ReportSyntax(sink, text, error);
      return std::nullopt;
    } catch (const std::exception& error) {
      sink.Error("RPR002", Place{1, 1, 2}, std::string("not valid YAML: ") + error.what());
      return std::nullopt;
    }
    if (!builder.root) {
      sink.Error("RPR015", Place{1, 1, 2}, "the file is empty");
      return std::nullopt;
    }
    if (round > 0) MarkBlanked(*builder.root);
    return std::move(builder.root);
  }
  return std::nullopt;
}

}  // namespace reprise::runtime
