/// What the verbs of the command line are made of.  Only the files cli*.cpp include it, and with it
/// CLI11, which costs seconds to compile.
#pragma once

#include <string>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#include <CLI/CLI.hpp>
#pragma GCC diagnostic pop

#include "app/cli.h"

namespace reprise::runtime {

/// The verb's name goes to Options::verb, the action's to Options::action.
CLI::App* AddVerb(CLI::App& app, Options& o, const std::string& name, const std::string& about);
CLI::App* AddAction(CLI::App* verb, Options& o, const std::string& name, const std::string& about);

void AddOutput(CLI::App* app, Options& o);
/// Which runtime is asked; `file`: or which stopped one's file.
void AddWhere(CLI::App* app, Options& o, bool file);
void AddWho(CLI::App* app, Options& o);
void AddPaths(CLI::App* app, Options& o, bool required);
void AddLoading(CLI::App* app, Options& o);
void AddEngine(CLI::App* app, Options& o, const std::string& about = "embedded or cluster");

/// run, demo; lint, graph, test, simulate, schema, config, bench; plugin.
void AddRunning(CLI::App& app, Options& o);
void AddAuthoring(CLI::App& app, Options& o);
void AddPlugin(CLI::App& app, Options& o);
/// saga; dlq; lane; publish, backup, audit, doctor, explain, version.
void AddSaga(CLI::App& app, Options& o);
void AddDlq(CLI::App& app, Options& o);
void AddLane(CLI::App& app, Options& o);
void AddOperating(CLI::App& app, Options& o);

}  // namespace reprise::runtime
