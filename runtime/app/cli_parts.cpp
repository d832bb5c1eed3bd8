#include "app/cli_parts.h"

namespace reprise::runtime {

CLI::App* AddVerb(CLI::App& app, Options& o, const std::string& name, const std::string& about) {
  CLI::App* verb = app.add_subcommand(name, about);
  verb->final_callback([&o, name] { o.verb = name; });
  return verb;
}

CLI::App* AddAction(CLI::App* verb, Options& o, const std::string& name, const std::string& about) {
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

void AddEngine(CLI::App* app, Options& o, const std::string& about) {
  app->add_option("--engine", o.engine, about)->check(CLI::IsMember({"embedded", "cluster"}));
}

}  // namespace reprise::runtime
