// A folder's YAML: pipelines, deployment and tests.  Whatever the text, loading ends, with findings
// whose places are in it.
#include <filesystem>
#include <fstream>

#include <stdlib.h>

#include "config/catalogs.h"
#include "config/load.h"
#include "config/report.h"
#include "config/yaml.h"
#include "fuzz/fuzz.h"

namespace reprise::runtime {
namespace {

/// One folder for the process.
struct Scratch {
  Scratch() {
    std::string name = (std::filesystem::temp_directory_path() / "fuzz-yaml-XXXXXX").string();
    folder = ::mkdtemp(name.data());
    file = (folder / "it.yaml").string();
    printed = (folder / "printed.yaml").string();
    other = (folder / "other.yaml").string();
    std::ofstream(other)
        << "pipeline: known\n"
           "routes: { POST /known: { body: { id: string }, start: begun } }\n"
           "steps: { work: { plugin: demo.work, on: begun, on_failure: { undo: all } } }\n";
  }
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  }
  std::filesystem::path folder;
  std::string file;
  std::string printed;
  std::string other;  // what a test can be about
};

PluginCatalog EveryPlugin() {
  PluginCatalog all = test::DemoCatalog();
  all.merge(test::ConcertCatalog());
  return all;
}

using fuzz::Must;

/// What may not stand in a file comes from here.
std::optional<std::string> Variable(const std::string& name) {
  if (name == "SECRET") return "0123456789abcdef0123456789abcdef";
  if (name == "ADDRESS") return "postgres://ann:pass@host/db";
  return std::nullopt;
}

/// Line 0 is the file as a whole; the end of a line and the end of the file are places too.
void IsInTheFile(const Finding& finding, const Source& source) {
  Must(!finding.code.empty() && !finding.message.empty(), "a finding says what is wrong");
  Must(finding.line >= 0 && static_cast<size_t>(finding.line) <= source.starts.size(),
       "a finding's line is in the file");
  if (finding.line == 0) return;
  Must(finding.col >= 1 && finding.col <= CodePoints(source.Line(finding.line)) + 1,
       "a finding's column is in its line");
  Must(finding.end_col > finding.col, "a finding marks something");
}

/// What `reprise config` shows of a deployment without fault is a deployment, and the same.
void CanBePrinted(const Loaded& loaded, const PluginCatalog& catalog, const std::string& file) {
  if (HasErrors(loaded.findings)) return;
  const std::string text = Print(loaded.deployment, catalog);
  if (text.find("***") != std::string::npos) return;  // a secret, which it does not tell
  std::ofstream(file, std::ios::binary | std::ios::trunc) << text;
  const Loaded again = Load({file}, catalog, Variable);
  if (HasErrors(again.findings)) std::fputs((text + RenderText(again.findings)).c_str(), stderr);
  Must(!HasErrors(again.findings), "a printed deployment is one");
  Must(Print(again.deployment, catalog) == text, "a printed deployment is the same");
}

}  // namespace
}  // namespace reprise::runtime

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace reprise::runtime;
  static const Scratch scratch;
  static const PluginCatalog catalog = EveryPlugin();
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (text.find("${file:") != std::string::npos) return 0;  // what others keep in files is no input
  std::ofstream(scratch.file, std::ios::binary | std::ios::trunc) << text;

  const std::string first = FirstKey(text);
  std::vector<std::string> files = {scratch.file};
  if (first == "test") files.push_back(scratch.other);
  const Loaded loaded = Load(files, catalog, Variable);
  const Source source(scratch.file, text);
  for (const Finding& finding : loaded.findings) {
    if (finding.file == scratch.file) IsInTheFile(finding, source);
  }
  RenderText(loaded.findings);
  if (first == "runtime") CanBePrinted(loaded, catalog, scratch.printed);
  // What was accepted is kept as a plan, and a plan is read again at every start.
  for (const PipelineRef& pipeline : loaded.pipelines) {
    const auto again = CompilePlan(pipeline->text, catalog, Variable);
    Must(again.ok() && (*again)->hash == pipeline->hash, "a plan compiles again");
  }
  return 0;
}
