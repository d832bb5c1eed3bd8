// reprise graph PATH..., reprise schema

#include <fmt/core.h>

#include "app/commands.h"
#include "app/graph.h"
#include "app/loading.h"
#include "config/schema.h"

namespace reprise::runtime {

int RunGraph(const Options& options) {
  const Files files = ReadFiles(options);
  if (PrintErrors(files.loaded)) return exit_code::kProblems;
  const PluginCatalog catalog = files.found.catalog();
  bool any = false;
  for (const PipelineRef& pipeline : files.loaded.pipelines) {
    if (!options.pipeline.empty() && pipeline->name != options.pipeline) continue;
    any = true;
    fmt::print("{}\n", options.format == "mermaid" ? MermaidGraph(*pipeline, &catalog)
                                                   : AsciiGraph(*pipeline, &catalog));
  }
  if (any) return exit_code::kOk;
  fmt::print(stderr, "reprise: there is no such pipeline here\n");
  return exit_code::kNotFound;
}

int RunSchema(const Options& options) {
  fmt::print("{}\n", Schema(ReadPlugins(options).catalog()));
  return exit_code::kOk;
}

}  // namespace reprise::runtime
