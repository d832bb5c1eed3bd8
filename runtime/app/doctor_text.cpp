#include "app/doctor_text.h"

#include <algorithm>

#include <fmt/core.h>

#include "app/fields.h"

namespace reprise::runtime {
namespace {

std::ptrdiff_t Count(const std::vector<HealthFinding>& findings, HealthFinding::Kind kind) {
  return std::count_if(findings.begin(), findings.end(),
                       [&](const HealthFinding& f) { return f.kind == kind; });
}

}  // namespace

std::vector<HealthFinding> ReadReadyText(std::string_view text) {
  std::vector<HealthFinding> findings;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const bool good = line.starts_with("[+]");
    if (!good && !line.starts_with("[-]")) continue;
    line.remove_prefix(3);
    const std::size_t space = std::min(line.find(' '), line.size());
    const std::size_t colon = line.find(": ", space);
    std::string words(colon == std::string_view::npos
                          ? line.substr(std::min(space + 1, line.size()))
                          : line.substr(colon + 2));
    findings.push_back({good ? HealthFinding::kGood : HealthFinding::kBad,
                        std::string(line.substr(0, space)), std::move(words)});
  }
  return findings;
}

std::vector<HealthFinding> UnsetSettings(const json::object& plugins) {
  std::vector<HealthFinding> findings;
  for (const json::value& item : ItemsIn(plugins, "plugins")) {
    const json::object& plugin = AsObject(item);
    for (const json::value& entry : ItemsIn(plugin, "settings")) {
      const json::object& setting = AsObject(entry);
      if (FlagIn(setting, "set")) continue;
      const std::string about = TextIn(setting, "about");
      findings.push_back({HealthFinding::kWarn, TextIn(plugin, "name"),
                          fmt::format("{} is not set{}{}", TextIn(setting, "name"),
                                      about.empty() ? "" : ": ", about)});
    }
  }
  return findings;
}

std::string LabelIn(std::string_view metrics, std::string_view metric, std::string_view label) {
  const std::size_t sample = metrics.find("\n" + std::string(metric) + "{");
  if (sample == std::string_view::npos) return "";
  const std::string_view line =
      metrics.substr(sample + 1, metrics.find('\n', sample + 1) - sample - 1);
  const std::string name = std::string(label) + "=\"";
  const std::size_t at = line.find(name);
  if (at == std::string_view::npos) return "";
  const std::string_view value = line.substr(at + name.size());
  return std::string(value.substr(0, value.find('"')));
}

std::string FindingsText(const std::vector<HealthFinding>& findings, const Look& look) {
  std::string out;
  for (const HealthFinding& finding : findings) {
    const bool good = finding.kind == HealthFinding::kGood,
               bad = finding.kind == HealthFinding::kBad;
    const std::string mark = Tinted(look,
                                    good  ? Tint::kGood
                                    : bad ? Tint::kBad
                                          : Tint::kWarn,
                                    good  ? "✓"
                                    : bad ? "✗"
                                          : "!");
    out += fmt::format("{} {}  {}\n", mark, finding.what, Plain(finding.words));
  }
  return out;
}

json::object FindingsJson(const std::vector<HealthFinding>& findings) {
  json::array checks;
  for (const HealthFinding& finding : findings) {
    const char* kind = finding.kind == HealthFinding::kGood   ? "ok"
                       : finding.kind == HealthFinding::kWarn ? "warning"
                                                              : "failure";
    checks.push_back(
        json::object{{"check", finding.what}, {"result", kind}, {"words", finding.words}});
  }
  return json::object{{"ok", !HasBad(findings)}, {"checks", std::move(checks)}};
}

std::string Summary(const std::vector<HealthFinding>& findings) {
  const auto bad = Count(findings, HealthFinding::kBad),
             warn = Count(findings, HealthFinding::kWarn);
  if (bad == 0 && warn == 0) return "all is well";
  return fmt::format("{} failure{}, {} warning{}", bad, bad == 1 ? "" : "s", warn,
                     warn == 1 ? "" : "s");
}

bool HasBad(const std::vector<HealthFinding>& findings) {
  return Count(findings, HealthFinding::kBad) != 0;
}

}  // namespace reprise::runtime
