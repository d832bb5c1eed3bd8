#include "app/cli.h"

#include <algorithm>
#include <climits>
#include <cstdlib>

#include <fmt/core.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include "app/cli_parts.h"
#include "base/suggest.h"

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
  AddRunning(app, o);
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
