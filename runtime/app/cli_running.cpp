// The verbs of those who write and run pipelines and plugins.
#include <cmath>
#include <cstdlib>

#include "app/assembly.h"
#include "app/cli_parts.h"
#include "base/failpoint.h"
#include "http/server.h"

namespace reprise::runtime {
namespace {

/// What is no address, or no fault, is a mistake of the command line, found before anything opens.
std::string WhyNoAddress(const std::string& text) {
  HttpOptions parsed;
  const Status status = ParseListen(text, parsed);
  return status ? "" : status.error().message;
}

std::string WhyNoFault(const std::string& text) {
  if (NamesFailpoint(text)) return "";  // read when it is armed
  const auto fault = ParseFault(text);
  return fault ? "" : fault.error().message;
}

std::string WhyNoSpeed(const std::string& text) {
  char* end = nullptr;
  const double speed = std::strtod(text.c_str(), &end);
  const bool fine = !text.empty() && *end == '\0' && std::isfinite(speed) && speed > 0;
  return fine ? "" : "'" + text + "' is not a positive number";
}

void AddListen(CLI::App* app, Options& o) {
  app->add_option("--listen", o.listen, "address:port of HTTP")->check(WhyNoAddress);
}

}  // namespace

void AddRunning(CLI::App& app, Options& o) {
  CLI::App* run = AddVerb(app, o, "run", "Run pipelines");
  AddPaths(run, o, true);
  AddLoading(run, o);
  AddEngine(run, o);
  run->add_option("--file", o.file, "the embedded engine's file");
  AddListen(run, o);
  run->add_option("--steps", o.steps, "only these steps, and 'http'")->delimiter(',');
  run->add_flag("--check", o.check, "lint and connect, then exit");
  run->add_flag("--supervise", o.supervise, "start again after a crash");
  run->add_option("--fault", o.faults,
                  "for tests: [PIPELINE/]STEP.do=fail|retry:N|crash:N, or a place of the runtime: "
                  "PLACE[:before|after][:do|undo][:hit=K][:kill|stop|exit|delay=MS|count]")
      ->check(WhyNoFault);
  run->add_option("--clock-speed", o.clock_speed,
                  "for demos: the whole runtime's clock runs X times as fast")
      ->check(WhyNoSpeed);
  run->add_option("--log", o.log, "text or json")->check(CLI::IsMember({"text", "json"}));

  CLI::App* demo = AddVerb(app, o, "demo", "Play a folder's demo.yaml; default the sample service");
  AddPaths(demo, o, false);
  AddLoading(demo, o);
  AddListen(demo, o);
  AddEngine(demo, o);
  demo->add_option("--file", o.file, "the file to use; else a new one in a temporary folder");
  demo->add_flag("--once", o.once, "end after the script: 0 if every saga ended as it should");
}

void AddAuthoring(CLI::App& app, Options& o) {
  CLI::App* lint = AddVerb(app, o, "lint", "Find every mistake in pipelines");
  AddPaths(lint, o, true);
  AddLoading(lint, o);
  lint->add_option("--format", o.format, "text, json, github or sarif")
      ->check(CLI::IsMember({"text", "json", "github", "sarif"}));

  CLI::App* graph = AddVerb(app, o, "graph", "Draw pipelines with their do and undo flow");
  AddPaths(graph, o, true);
  AddLoading(graph, o);
  graph->add_option("--pipeline", o.pipeline, "only this one");
  graph->add_option("--format", o.format, "ascii or mermaid")
      ->check(CLI::IsMember({"ascii", "mermaid"}));

  CLI::App* test = AddVerb(app, o, "test", "Run the *.test.yaml of pipelines");
  AddPaths(test, o, true);
  AddLoading(test, o);
  test->add_option("--filter", o.filter, "only cases whose name contains this");
  AddEngine(test, o, "embedded, or cluster: on the servers of REPRISE_KAFKA, ..");
  AddOutput(test, o);

  CLI::App* simulate = AddVerb(app, o, "simulate", "Run pipelines in simulated disorder");
  AddPaths(simulate, o, true);
  AddLoading(simulate, o);
  CLI::Option* runs = simulate->add_option("--runs", o.runs, "how many; 1 prints its timeline")
                          ->check(CLI::PositiveNumber)
                          ->capture_default_str();
  simulate->add_option("--minutes", o.minutes, "as many as fit into this time")
      ->check(CLI::PositiveNumber)
      ->excludes(runs);
  simulate->add_option("--seed", o.seed, "of the first run; default a fresh one");
  AddOutput(simulate, o);
  simulate->add_flag("--network", o.network, "let plugins call out, to stand-ins");
  simulate->add_option("--only", o.only, "with --runs 1: of the run's faults only these")
      ->delimiter(',');

  CLI::App* schema = AddVerb(app, o, "schema",
                             "Print the JSON Schema of the YAML files, with the installed plugins");
  schema->add_option("kind", o.kind, "pipeline, runtime or test")
      ->check(CLI::IsMember({"pipeline", "runtime", "test"}));
  AddLoading(schema, o);

  CLI::App* config = AddVerb(app, o, "config", "The deployment file as it is in effect");
  config->require_subcommand(1);
  CLI::App* print = AddAction(config, o, "print", "Print it, secrets masked");
  AddPaths(print, o, false);
  AddLoading(print, o);

  CLI::App* bench = AddVerb(app, o, "bench", "Measure this machine");
  AddPaths(bench, o, false);
  AddLoading(bench, o);
  AddEngine(bench, o);
  bench->add_option("--sagas", o.sagas, "how many");
  bench->add_option("--rate", o.rate, "sagas a second for the latency part");
  bench->add_option("--file", o.file, "measure the disk that this file is on; it is not touched");
  AddOutput(bench, o);
}

void AddPlugin(CLI::App& app, Options& o) {
  CLI::App* plugin = AddVerb(app, o, "plugin", "Make, list, describe and test plugins");
  plugin->require_subcommand(1);
  CLI::App* fresh = AddAction(plugin, o, "new", "Make the folder of a new plugin");
  fresh->add_option("name", o.name, "its name")->required();
  fresh->add_option("--dir", o.dir, "where; default a folder of its name");
  CLI::App* list = AddAction(plugin, o, "list", "What is installed");
  AddLoading(list, o);
  AddOutput(list, o);
  CLI::App* describe =
      AddAction(plugin, o, "describe", "Settings, actions, questions, events and errors of one");
  describe->add_option("name", o.name, "its name")->required();
  AddLoading(describe, o);
  AddOutput(describe, o);
  CLI::App* test = AddAction(plugin, o, "test", "Build a plugin and run its own tests");
  test->add_option("path", o.path, "its folder; default this one");
  AddOutput(test, o);
}

}  // namespace reprise::runtime
