// reprise lint PATH..., reprise explain CODE

#include <fmt/core.h>

#include "app/commands.h"
#include "app/loading.h"
#include "app/version.h"
#include "base/suggest.h"
#include "config/codes.h"
#include "config/report.h"

namespace reprise::runtime {

int RunLint(const Options& options) {
  const Files files = ReadFiles(options);
  for (const RefusedFile& refused : files.found.refused) fmt::print(stderr, "{}\n", refused.why);
  const std::vector<Finding>& findings = files.loaded.findings;
  if (options.format == "json") {
    fmt::print("{}\n", RenderJson(findings));
  } else if (options.format == "github") {
    fmt::print("{}", RenderGithub(findings));
  } else if (options.format == "sarif") {
    fmt::print("{}\n", RenderSarif(findings, std::string(kVersion)));
  } else {
    fmt::print("{}", RenderText(findings));
  }
  std::fflush(stdout);
  fmt::print(stderr, "{}", Summary(findings, files.loaded.files.size()));
  if (!findings.empty()) fmt::print(stderr, "   reprise explain {}", findings.front().code);
  fmt::print(stderr, "\n");
  if (findings.empty() && files.loaded.files.empty()) {
    fmt::print(stderr, "reprise: there is no pipeline, runtime or test file here\n");
    return exit_code::kNotFound;
  }
  return HasErrors(findings) ? exit_code::kProblems : exit_code::kOk;
}

int RunExplain(const Options& options) {
  if (const CodeInfo* info = FindCode(options.name)) {
    fmt::print("{}", Explain(*info));
    return exit_code::kOk;
  }
  std::vector<std::string> known;
  for (const CodeInfo& info : AllCodes()) known.emplace_back(info.code);
  fmt::print(stderr, "reprise: there is no code '{}'{}\n", options.name,
             DidYouMean(options.name, known));
  return exit_code::kNotFound;
}

}  // namespace reprise::runtime
