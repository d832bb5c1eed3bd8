/// Loads a folder of YAML: pipelines, the deployment and tests of pipelines, with every mistake in
/// one run.
#pragma once

#include <string>
#include <vector>

#include "config/deployment.h"
#include "config/finding.h"
#include "config/interpolate.h"
#include "config/tests.h"
#include "model/catalog.h"
#include "model/pipeline.h"

namespace reprise::runtime {

struct LoadOptions {
  std::string config;   // --config: this runtime file instead of the folder's
  Overrides overrides;  // flags
  bool lint = true;     // false: only what is needed to compile
};

struct Loaded {
  std::vector<PipelineRef> pipelines;  // those without errors, by name
  Deployment deployment;               // defaults where there is no runtime file
  std::vector<TestFile> tests;
  std::vector<Finding> findings;   // by file and place
  std::vector<std::string> files;  // that were read

  PipelineRef Find(std::string_view name) const;
};

/// Reads files and folders.  A folder gives every *.yaml and *.yml in it whose first key is
/// `pipeline`, `runtime` or `test`; a file named outright must be one of these.
Loaded Load(const std::vector<std::string>& paths, const PluginCatalog& catalog,
            const Environment& environment, const LoadOptions& options = {});

/// The deployment alone, before any plugin is loaded: where plugins are, which engine, which file.
/// Plugins' settings are not in it.
Deployment PeekDeployment(const std::vector<std::string>& paths, const Environment& environment,
                          const LoadOptions& options = {});

/// Rebuilds a stored plan from its text.  Other pipelines are not looked at.
Result<PipelineRef> CompilePlan(const std::string& text, const PluginCatalog& catalog,
                                const Environment& environment);

}  // namespace reprise::runtime
