/// The commands, one per file.  Each prints data to stdout and words to stderr, and answers an exit
/// code.
#pragma once

#include "app/cli.h"

namespace reprise::runtime {

int RunRun(const Options& options);
int RunGraph(const Options& options);
int RunSchema(const Options& options);
int RunDemo(const Options& options);
int RunTest(const Options& options);
int RunSimulate(const Options& options);
int RunBench(const Options& options);
int RunLint(const Options& options);
int RunConfig(const Options& options);
int RunPlugin(const Options& options);
int RunPluginNew(const Options& options);
int RunPluginTest(const Options& options);
int RunSaga(const Options& options);
int RunDlq(const Options& options);
int RunLane(const Options& options);
int RunPublish(const Options& options);
int RunBackup(const Options& options);
int RunAudit(const Options& options);
int RunDoctor(const Options& options);
int RunVersion(const Options& options);
int RunExplain(const Options& options);

}  // namespace reprise::runtime
