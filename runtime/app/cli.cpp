// The only file that includes CLI11: it costs seconds to compile.

#include "app/cli.h"

#include <algorithm>
#include <climits>
#include <cmath>
#include <cstdlib>
#include <map>

#include <fmt/core.h>
#include <fmt/ranges.h>
#include <unistd.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#include <CLI/CLI.hpp>
#pragma GCC diagnostic pop

#include "app/assembly.h"
#include "base/failpoint.h"
#include "base/suggest.h"
#include "http/server.h"

namespace reprise::runtime {
namespace {

std::string Env(const char* name, std::string fallback = "") {
  const char* value = std::getenv(name);
  return value == nullptr || *value == '\0' ? std::move(fallback) : std::string(value);
}

std::string DefaultWho() {
  char host[HOST_NAME_MAX + 1] = {};
  if (gethostname(host, sizeof host - 1) != 0) return Env("USER", "operator");
  return Env("USER", "operator") + "@" + host;
}

CLI::App* Verb(CLI::App& app, Options& o, const std::string& name, const std::string& about) {
  CLI::App* verb = app.add_subcommand(name, about);
  verb->final_callback([&o, name] { o.verb = name; });
  return verb;
}

CLI::App* Action(CLI::App* verb, Options& o, const std::string& name, const std::string& about) {
  CLI::App* action = verb->add_subcommand(name, about);
  action->final_callback([&o, name] { o.action = name; });
  return action;
}

void AddOutput(CLI::App* app, Options& o) {
  app->add_option("-o,--output", o.output, "table or json")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
}

void AddWhere(CLI::App* app, Options& o, bool file) {
  CLI::Option* server =
      app->add_option("--server", o.server, "the runtime's address")->capture_default_str();
  if (file)
    app->add_option("--file", o.file, "read the file of a stopped runtime instead")
        ->excludes(server);
  AddOutput(app, o);
}

void AddWho(CLI::App* app, Options& o) {
  app->add_option("--who", o.who, "who does this, for the record")->capture_default_str();
  app->add_option("--why,--reason", o.why, "why, for the record");
  app->add_flag("-y,--yes", o.yes, "do not ask");
}

void AddPaths(CLI::App* app, Options& o, bool required) {
  CLI::Option* paths = app->add_option("path", o.paths, "folders or files of YAML");
  if (required) paths->required();
}

void AddLoading(CLI::App* app, Options& o) {
  app->add_option("--config", o.config, "the deployment file; else the folder's");
  app->add_option("--plugins", o.plugins, "a folder of plugins, searched first")
      ->check(CLI::ExistingDirectory);
}

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

void AddRun(CLI::App& app, Options& o) {
  CLI::App* run = Verb(app, o, "run", "Run pipelines");
  AddPaths(run, o, true);
  AddLoading(run, o);
  run->add_option("--engine", o.engine, "embedded or cluster")
      ->check(CLI::IsMember({"embedded", "cluster"}));
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

  CLI::App* demo = Verb(app, o, "demo", "Play a folder's demo.yaml; default the sample service");
  AddPaths(demo, o, false);
  AddLoading(demo, o);
  AddListen(demo, o);
  demo->add_option("--engine", o.engine, "embedded or cluster")
      ->check(CLI::IsMember({"embedded", "cluster"}));
  demo->add_option("--file", o.file, "the file to use; else a new one in a temporary folder");
  demo->add_flag("--once", o.once, "end after the script: 0 if every saga ended as it should");
}

void AddAuthoring(CLI::App& app, Options& o) {
  CLI::App* lint = Verb(app, o, "lint", "Find every mistake in pipelines");
  AddPaths(lint, o, true);
  AddLoading(lint, o);
  lint->add_option("--format", o.format, "text, json, github or sarif")
      ->check(CLI::IsMember({"text", "json", "github", "sarif"}));

  CLI::App* graph = Verb(app, o, "graph", "Draw pipelines with their do and undo flow");
  AddPaths(graph, o, true);
  AddLoading(graph, o);
  graph->add_option("--pipeline", o.pipeline, "only this one");
  graph->add_option("--format", o.format, "ascii or mermaid")
      ->check(CLI::IsMember({"ascii", "mermaid"}));

  CLI::App* test = Verb(app, o, "test", "Run the *.test.yaml of pipelines");
  AddPaths(test, o, true);
  AddLoading(test, o);
  test->add_option("--filter", o.filter, "only cases whose name contains this");
  test->add_option("--engine", o.engine,
                   "embedded, or cluster: on the servers of REPRISE_KAFKA, ..")
      ->check(CLI::IsMember({"embedded", "cluster"}));
  AddOutput(test, o);

  CLI::App* simulate = Verb(app, o, "simulate", "Run pipelines in simulated disorder");
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

  CLI::App* schema =
      Verb(app, o, "schema", "Print the JSON Schema of the YAML files, with the installed plugins");
  schema->add_option("kind", o.kind, "pipeline, runtime or test")
      ->check(CLI::IsMember({"pipeline", "runtime", "test"}));
  AddLoading(schema, o);

  CLI::App* config = Verb(app, o, "config", "The deployment file as it is in effect");
  config->require_subcommand(1);
  CLI::App* print = Action(config, o, "print", "Print it, secrets masked");
  AddPaths(print, o, false);
  AddLoading(print, o);

  CLI::App* bench = Verb(app, o, "bench", "Measure this machine");
  AddPaths(bench, o, false);
  AddLoading(bench, o);
  bench->add_option("--engine", o.engine, "embedded or cluster")
      ->check(CLI::IsMember({"embedded", "cluster"}));
  bench->add_option("--sagas", o.sagas, "how many");
  bench->add_option("--rate", o.rate, "sagas a second for the latency part");
  bench->add_option("--file", o.file, "measure the disk that this file is on; it is not touched");
  AddOutput(bench, o);
}

void AddPlugin(CLI::App& app, Options& o) {
  CLI::App* plugin = Verb(app, o, "plugin", "Make, list, describe and test plugins");
  plugin->require_subcommand(1);
  CLI::App* fresh = Action(plugin, o, "new", "Make the folder of a new plugin");
  fresh->add_option("name", o.name, "its name")->required();
  fresh->add_option("--dir", o.dir, "where; default a folder of its name");
  CLI::App* list = Action(plugin, o, "list", "What is installed");
  AddLoading(list, o);
  AddOutput(list, o);
  CLI::App* describe =
      Action(plugin, o, "describe", "Settings, actions, questions, events and errors of one");
  describe->add_option("name", o.name, "its name")->required();
  AddLoading(describe, o);
  AddOutput(describe, o);
  CLI::App* test = Action(plugin, o, "test", "Build a plugin and run its own tests");
  test->add_option("path", o.path, "its folder; default this one");
  AddOutput(test, o);
}

void AddSagaReading(CLI::App* saga, Options& o) {
  CLI::App* list = Action(saga, o, "list", "List sagas, newest first");
  AddWhere(list, o, true);
  list->add_option(
      "--state", o.state,
      "running, undoing, done, undone, stuck, retrying, held, failed; several with commas");
  list->add_option("--pipeline", o.pipeline, "of this pipeline");
  list->add_option("--subject,--key", o.subject, "about this");
  list->add_option("--step", o.step, "with this step failed, held, retrying or stuck");
  list->add_option("--older", o.older, "begun before: 10m ago, or an instant");
  list->add_option("--newer,--since", o.newer, "begun after: 1h ago, or an instant");
  list->add_option("--limit", o.limit, "at most this many")->check(CLI::Range(1, 500));
  list->add_option("--before", o.before, "the next page: those before this id");
  list->add_flag("--watch", o.watch, "again every two seconds");

  CLI::App* show = Action(saga, o, "show", "One saga's timeline of do and undo, and who did what");
  AddWhere(show, o, true);
  show->add_option("id", o.ids, "its id, or enough of it")->required();
  show->add_flag("--payloads", o.payloads, "with payloads and memos, secrets masked");
  show->add_flag("--watch", o.watch, "again every two seconds");
}

void AddSaga(CLI::App& app, Options& o) {
  CLI::App* saga = Verb(app, o, "saga", "Look at sagas and act on them");
  saga->require_subcommand(1);
  AddSagaReading(saga, o);
  const auto change = [&](const char* name, const char* about) {
    CLI::App* action = Action(saga, o, name, about);
    AddWhere(action, o, false);
    AddWho(action, o);
    // One word, although there is room for many: the next one is the step.
    action
        ->add_option_function<std::string>(
            "id", [&o](const std::string& id) { o.ids = {id}; }, "the saga's id, or enough of it")
        ->required();
    return action;
  };
  CLI::App* retry = change("retry", "Run a failed, held or stuck step again");
  retry->add_option("step", o.step, "which; default the only one");
  change("undo", "Undo the whole saga");
  CLI::App* skip = change("skip", "Count a failed or held step as done, without effects");
  skip->add_option("step", o.step, "which; default the only one");
  skip->add_option("--event", o.event, "the event that goes on");
  CLI::App* resolve = change("resolve", "Count a stuck undo as done");
  resolve->add_option("step", o.step, "which; default the only one");
  CLI::App* signal = change("signal", "Send a signal that a step waits for");
  signal->add_option("name", o.event, "the signal")->required();
  signal->add_option("--field", o.fields, "name=value; the value may be JSON");
}

void AddDlq(CLI::App& app, Options& o) {
  CLI::App* dlq = Verb(app, o, "dlq", "Look at dead letters and deal with them");
  dlq->require_subcommand(1);
  CLI::App* list = Action(dlq, o, "list", "Dead letters, grouped by where and why");
  AddWhere(list, o, true);
  list->add_option("--pipeline", o.pipeline, "of this pipeline");
  list->add_option("--step", o.step, "of this step");
  list->add_option("--code", o.code, "with this code");
  list->add_option("--state", o.state, "new, replayed or dropped")
      ->check(CLI::IsMember({"new", "replayed", "dropped"}));
  list->add_option("--limit", o.limit, "at most this many letters")->check(CLI::Range(1, 500));
  CLI::App* show = Action(dlq, o, "show", "One dead letter, or those of a group");
  AddWhere(show, o, true);
  show->add_option("id", o.ids, "numbers, or a group's name")->required();
  const auto change = [&](const char* name, const char* about) {
    CLI::App* action = Action(dlq, o, name, about);
    AddWhere(action, o, false);
    AddWho(action, o);
    action->add_option("id", o.ids, "numbers, or a group's name")->required();
  };
  change("replay", "Run the step of a dead letter again");
  change("drop", "Put a dead letter aside for good");
}

void AddLane(CLI::App& app, Options& o) {
  CLI::App* lane = Verb(app, o, "lane", "Look at lanes, and let go on those that stand still");
  lane->require_subcommand(1);
  CLI::App* list = Action(lane, o, "list", "Lanes that stand still, and why");
  AddWhere(list, o, false);
  list->add_flag("--all", o.all, "the others too");
  CLI::App* resume = Action(lane, o, "resume", "Let lanes go on that stand still");
  AddWhere(resume, o, false);
  AddWho(resume, o);
  resume->add_option("lane", o.ids, "TOPIC:PARTITION; TOPIC: all of it that stand still")
      ->required();
  resume
      ->add_option("--from", o.from,
                   "its offset; default the first that the topic still has, as what comes again "
                   "does nothing")
      ->check(CLI::NonNegativeNumber);
}

void AddOperating(CLI::App& app, Options& o) {
  CLI::App* publish =
      Verb(app, o, "publish", "Begin a saga for each line of a file; twice changes nothing");
  AddWhere(publish, o, false);
  publish->add_option("pipeline", o.pipeline, "its name; or topic:NAME, with no event")->required();
  publish->add_option("event", o.event, "an event that begins its sagas")->required();
  publish->add_option("file", o.path,
                      "JSON Lines, each a full root payload, or a record's value; - is stdin");

  CLI::App* backup = Verb(app, o, "backup", "Copy the journal, consistently, into a new file");
  AddWhere(backup, o, true);
  backup->add_option("to", o.path, "the new file, on the runtime's machine")->required();

  CLI::App* audit =
      Verb(app, o, "audit", "Whether a journal at rest keeps what is promised; 1 if it does not");
  AddPaths(audit, o, true);
  AddLoading(audit, o);
  audit->add_option("--engine", o.engine, "embedded or cluster")
      ->check(CLI::IsMember({"embedded", "cluster"}));
  audit->add_option("--file", o.file, "the embedded engine's file; its runtime is stopped");
  AddOutput(audit, o);

  CLI::App* doctor = Verb(app, o, "doctor", "What is wrong with a runtime and its surroundings");
  AddWhere(doctor, o, false);
  CLI::App* explain = Verb(app, o, "explain", "What an error code of lint means");
  explain->add_option("code", o.name, "such as RPR021")->required();
  CLI::App* version = Verb(app, o, "version", "Which reprise this is");
  AddOutput(version, o);
}

std::vector<std::string> NamesOf(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(sub->get_name());
  return names;
}

int Usage(const std::string& words, const std::string& help) {
  fmt::print(stderr, "reprise: {}\n{}", words, help);
  return exit_code::kUsage;
}

// An unknown verb is found before CLI11 looks: it would only say that a word was not expected.
std::optional<int> CheckWords(const CLI::App& app, int argc, const char* const* argv) {
  const CLI::App* at = &app;
  std::string said = "reprise";
  for (int i = 1; i < argc && argv[i][0] != '-'; ++i) {
    const std::vector<std::string> known = NamesOf(*at);
    if (known.empty()) return std::nullopt;  // arguments from here on
    const std::string word = argv[i];
    if (std::find(known.begin(), known.end(), word) == known.end()) {
      return Usage(fmt::format("unknown {} '{}'{}", at == &app ? "verb" : "action", word,
                               DidYouMean(word, known)),
                   fmt::format("{}: {}\n", said, fmt::join(known, ", ")));
    }
    at = at->get_subcommand(word);
    said += " " + word;
  }
  return std::nullopt;
}

// The innermost command that was named.
const CLI::App& Innermost(const CLI::App& app) {
  const CLI::App* at = &app;
  while (!at->get_subcommands().empty()) at = at->get_subcommands().front();
  return *at;
}

std::string Hint(const CLI::App& app, const std::string& word) {
  std::vector<std::string> known;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
  }
  return DidYouMean(word.substr(0, word.find('=')), known);
}

std::string Path(const CLI::App& app) {
  return app.get_parent() == nullptr ? app.get_name()
                                     : Path(*app.get_parent()) + " " + app.get_name();
}

int Mistake(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App& at = Innermost(app);
  std::string words = error.what();
  if (const std::vector<std::string> rest = app.remaining(true); !rest.empty()) {
    words = fmt::format("unexpected '{}'{}", rest.front(), Hint(at, rest.front()));
  }
  return Usage(words, fmt::format("usage: {} --help\n", Path(at)));
}

}  // namespace

Parsed ParseCommandLine(int argc, const char* const* argv) {
  Parsed parsed;
  Options& o = parsed.options;
  o.who = DefaultWho();
  o.server = Env("REPRISE_SERVER", o.server);

  CLI::App app("Reprise runs message-driven business processes whose every step can do and undo.",
               "reprise");
  app.require_subcommand(1);
  bool version = false;
  app.add_flag("--version", version, "the same as 'reprise version'");
  AddRun(app, o);
  AddAuthoring(app, o);
  AddPlugin(app, o);
  AddSaga(app, o);
  AddDlq(app, o);
  AddLane(app, o);
  AddOperating(app, o);

  if (argc == 2 && std::string(argv[1]) == "--version") {
    o.verb = "version";
    return parsed;
  }
  if (argc == 1) {
    fmt::print(stderr, "{}", app.help());
    parsed.exit = exit_code::kUsage;
    return parsed;
  }
  if ((parsed.exit = CheckWords(app, argc, argv))) return parsed;
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    fmt::print("{}", Innermost(app).help());
    parsed.exit = exit_code::kOk;
  } catch (const CLI::ParseError& error) {
    parsed.exit = Mistake(app, error);
  }
  return parsed;
}

}  // namespace reprise::runtime
