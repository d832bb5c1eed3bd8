/// What `reprise doctor` found, as text; and reading it out of /readyz, /metrics and
/// /api/v1/plugins.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/terminal.h"
#include "model/payload.h"

namespace reprise::runtime {

struct HealthFinding {
  enum Kind { kGood, kWarn, kBad } kind = kGood;
  std::string what, words;
};

/// The checks of `/readyz?verbose`: "[+]disk ok: .." and "[-]disk failed: ..".
std::vector<HealthFinding> ReadReadyText(std::string_view text);

/// A warning for each plugin that has text settings without a value: what it then does is in their
/// words.
std::vector<HealthFinding> UnsetSettings(const json::object& plugins);

/// A label of a metric's first sample: LabelIn(text, "reprise_build_info", "version").
std::string LabelIn(std::string_view metrics, std::string_view metric, std::string_view label);

std::string FindingsText(const std::vector<HealthFinding>& findings, const Look& look);
json::object FindingsJson(const std::vector<HealthFinding>& findings);
/// "1 failure, 2 warnings".
std::string Summary(const std::vector<HealthFinding>& findings);
bool HasBad(const std::vector<HealthFinding>& findings);

}  // namespace reprise::runtime
