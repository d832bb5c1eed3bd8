#include "config/report.h"

#include <algorithm>
#include <set>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "base/utf8.h"
#include "config/codes.h"

namespace reprise::runtime {
namespace {

namespace json = boost::json;

/// East Asian letters take two columns of a terminal.
bool Wide(char32_t c) {
  return (c >= 0x1100 && c <= 0x115F) || (c >= 0x2E80 && c <= 0xA4CF) ||
         (c >= 0xAC00 && c <= 0xD7A3) || (c >= 0xF900 && c <= 0xFAFF) ||
         (c >= 0xFE30 && c <= 0xFE6F) || (c >= 0xFF00 && c <= 0xFF60) ||
         (c >= 0x1F300 && c <= 0x1FAFF);
}

/// Blanks as wide as the line up to `col`, then carets up to `end_col`.
std::string Caret(const Finding& finding) {
  std::string out;
  int col = 1;
  for (size_t i = 0; i < finding.source_line.size() && col < finding.end_col; ++col) {
    const char32_t c = NextCodePoint(finding.source_line, i);
    const char mark = col < finding.col ? (c == '\t' ? '\t' : ' ') : '^';
    out.append(Wide(c) ? 2 : 1, mark);
  }
  if (out.find('^') == std::string::npos) out += '^';
  return out;
}

/// GitHub's escapes of a message, and of a property.
std::string Escaped(std::string_view text, bool property) {
  std::string out;
  for (const char c : text) {
    if (c == '%') {
      out += "%25";
    } else if (c == '\n') {
      out += "%0A";
    } else if (c == '\r') {
      out += "%0D";
    } else if (property && c == ':') {
      out += "%3A";
    } else if (property && c == ',') {
      out += "%2C";
    } else {
      out += c;
    }
  }
  return out;
}

json::object SarifResult(const Finding& finding) {
  json::object location{{"artifactLocation", {{"uri", finding.file}}}};
  if (finding.line > 0) {
    location["region"] = {
        {"startLine", finding.line}, {"startColumn", finding.col}, {"endColumn", finding.end_col}};
  }
  return {{"ruleId", finding.code},
          {"level", finding.severity},
          {"message", {{"text", finding.message}}},
          {"locations", json::array{json::object{{"physicalLocation", location}}}}};
}

}  // namespace

std::string RenderText(const std::vector<Finding>& findings) {
  std::string out;
  for (const Finding& f : findings) {
    const std::string file = f.file.empty() ? "(no file)" : f.file;
    if (f.line == 0) {
      out += fmt::format("{}: {}[{}]: {}\n", file, f.severity, f.code, f.message);
      continue;
    }
    out +=
        fmt::format("{}:{}:{}: {}[{}]: {}\n", file, f.line, f.col, f.severity, f.code, f.message);
    if (f.source_line.empty() || f.source_line.size() > 400)
      continue;  // nobody reads it, and it would hide the rest
    out += fmt::format("{:5} | {}\n      | {}\n", f.line, f.source_line, Caret(f));
  }
  return out;
}

std::string RenderJson(const std::vector<Finding>& findings) {
  json::array out;
  for (const Finding& f : findings) {
    out.push_back({{"file", f.file},
                   {"line", f.line},
                   {"column", f.col},
                   {"endColumn", f.end_col},
                   {"severity", f.severity},
                   {"code", f.code},
                   {"message", f.message},
                   {"source", f.source_line}});
  }
  return json::serialize(out);
}

std::string RenderGithub(const std::vector<Finding>& findings) {
  std::string out;
  for (const Finding& f : findings) {
    std::string place = "file=" + Escaped(f.file, true);
    if (f.line > 0) place += fmt::format(",line={},col={},endColumn={}", f.line, f.col, f.end_col);
    out +=
        fmt::format("::{} {},title={}::{}\n", f.severity, place, f.code, Escaped(f.message, false));
  }
  return out;
}

std::string RenderSarif(const std::vector<Finding>& findings, const std::string& version) {
  json::array rules, results;
  std::set<std::string> used;
  for (const Finding& f : findings) {
    results.push_back(SarifResult(f));
    const CodeInfo* info = FindCode(f.code);
    if (info == nullptr || !used.insert(f.code).second) continue;
    rules.push_back({{"id", f.code},
                     {"shortDescription", {{"text", std::string(info->title)}}},
                     {"fullDescription", {{"text", std::string(info->why)}}}});
  }
  json::object driver{{"name", "reprise"}, {"version", version}, {"rules", rules}};
  json::object run{
      {"tool", {{"driver", driver}}}, {"columnKind", "unicodeCodePoints"}, {"results", results}};
  json::object out{{"$schema", "https://json.schemastore.org/sarif-2.1.0.json"},
                   {"version", "2.1.0"},
                   {"runs", json::array{run}}};
  return json::serialize(out);
}

std::string Summary(const std::vector<Finding>& findings, size_t files) {
  std::set<std::string> touched;
  for (const Finding& f : findings) touched.insert(f.file);
  const auto errors = std::count_if(findings.begin(), findings.end(),
                                    [](const Finding& f) { return f.severity == "error"; });
  const auto warnings = static_cast<std::ptrdiff_t>(findings.size()) - errors;
  std::string out = fmt::format("{} error{}", errors, errors == 1 ? "" : "s");
  if (warnings > 0) out += fmt::format(", {} warning{}", warnings, warnings == 1 ? "" : "s");
  if (findings.empty())
    return fmt::format("no mistakes in {} file{}.", files, files == 1 ? "" : "s");
  return out + fmt::format(" in {} of {} files.", touched.size(), std::max(files, touched.size()));
}

}  // namespace reprise::runtime
