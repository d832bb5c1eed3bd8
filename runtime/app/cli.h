/// The command line: words in, Options out, and the command that they name.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace reprise::runtime {

/// What a program answers to its shell.
namespace exit_code {
inline constexpr int kOk = 0;
inline constexpr int kProblems = 1;
inline constexpr int kUsage = 2;
inline constexpr int kUnreachable = 3;
inline constexpr int kNotFound = 4;
}  // namespace exit_code

/// Everything that can be said on a command line.  A command reads the part it knows.
struct Options {
  std::string verb, action;        // "saga", "list"; action is empty for most verbs
  std::vector<std::string> paths;  // folders and files of YAML
  std::string output = "table";    // -o table|json
  bool json() const { return output == "json"; }

  // which runtime, and as whom
  std::string server = "http://127.0.0.1:8080";
  std::optional<std::string> file;  // --file: a stopped runtime's; for `run` the file to use
  std::string who, why;
  bool yes = false;
  bool all = false;
  std::optional<std::int64_t> from;  // an offset

  // run, demo, test, simulate, bench
  std::optional<std::string> engine, listen;
  std::string config;                // --config: the deployment file
  std::vector<std::string> plugins;  // --plugins: folders, searched first
  std::vector<std::string> steps;    // --steps: a subset, and "http"
  bool check = false, supervise = false, once = false;
  std::vector<std::string> faults;  // [PIPELINE/]STEP.do=fail|retry:N|crash:N
  double clock_speed = 1;
  std::string log = "text";             // --log text|json
  std::uint64_t runs = 1000, seed = 0;  // simulate; seed 0: a fresh one, which is printed
  bool network = false;                 //   ... plugins may call out
  double minutes = 0;                   //   ... instead of a number of runs
  std::vector<std::string> only;        //   ... of a run's faults only these
  std::int64_t sagas = 0, rate = 0;     // bench; 0: the command's own default
  std::string filter;                   // test: cases whose name contains this

  // lint, graph, schema
  std::string format;
  std::string pipeline;  // graph, publish, saga list, dlq list
  std::string kind;      // schema

  // saga, dlq
  std::vector<std::string> ids;  // sagas (prefixes), dead letters or groups
  std::string state, subject, step, older, newer, before, event, code;
  std::vector<std::string> fields;  // signal: name=value
  std::uint32_t limit = 0;          // 0: the server's default
  bool watch = false, payloads = false;

  std::string name;  // plugin new|describe, explain CODE
  std::string path;  // publish FILE, backup FILE, plugin test FOLDER
  std::string dir;   // plugin new --dir
};

/// Either options, or the exit code of a command line that was answered already (help, a mistake).
struct Parsed {
  Options options;
  std::optional<int> exit;
};

/// Help goes to stdout, mistakes with the nearest known word to stderr.
Parsed ParseCommandLine(int argc, const char* const* argv);

/// Runs the command that the options name.
int Dispatch(const Options& options);

}  // namespace reprise::runtime
