/// Findings as people and tools want them: text with the line and a caret, JSON, GitHub's
/// annotations, SARIF 2.1.0.
#pragma once

#include <string>
#include <vector>

#include "config/finding.h"

namespace reprise::runtime {

/// Text and GitHub end with a newline; JSON and SARIF are one line without.
std::string RenderText(const std::vector<Finding>& findings);
std::string RenderJson(const std::vector<Finding>& findings);
std::string RenderGithub(const std::vector<Finding>& findings);
std::string RenderSarif(const std::vector<Finding>& findings, const std::string& version);

/// "4 errors, 1 warning in 2 of 5 files."
std::string Summary(const std::vector<Finding>& findings, size_t files);

}  // namespace reprise::runtime
