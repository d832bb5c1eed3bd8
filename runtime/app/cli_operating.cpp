// The verbs of those who look after a runtime.
#include "app/cli_parts.h"

namespace reprise::runtime {
namespace {

/// An action that changes something: where, who and why.
CLI::App* AddChange(CLI::App* verb, Options& o, const char* name, const char* about) {
  CLI::App* action = AddAction(verb, o, name, about);
  AddWhere(action, o, false);
  AddWho(action, o);
  return action;
}

void AddSagaReading(CLI::App* saga, Options& o) {
  CLI::App* list = AddAction(saga, o, "list", "List sagas, newest first");
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

  CLI::App* show =
      AddAction(saga, o, "show", "One saga's timeline of do and undo, and who did what");
  AddWhere(show, o, true);
  show->add_option("id", o.ids, "its id, or enough of it")->required();
  show->add_flag("--payloads", o.payloads, "with payloads and memos, secrets masked");
  show->add_flag("--watch", o.watch, "again every two seconds");
}

}  // namespace

void AddSaga(CLI::App& app, Options& o) {
  CLI::App* saga = AddVerb(app, o, "saga", "Look at sagas and act on them");
  saga->require_subcommand(1);
  AddSagaReading(saga, o);
  const auto change = [&](const char* name, const char* about) {
    CLI::App* action = AddChange(saga, o, name, about);
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
  CLI::App* dlq = AddVerb(app, o, "dlq", "Look at dead letters and deal with them");
  dlq->require_subcommand(1);
  CLI::App* list = AddAction(dlq, o, "list", "Dead letters, grouped by where and why");
  AddWhere(list, o, true);
  list->add_option("--pipeline", o.pipeline, "of this pipeline");
  list->add_option("--step", o.step, "of this step");
  list->add_option("--code", o.code, "with this code");
  list->add_option("--state", o.state, "new, replayed or dropped")
      ->check(CLI::IsMember({"new", "replayed", "dropped"}));
  list->add_option("--limit", o.limit, "at most this many letters")->check(CLI::Range(1, 500));
  CLI::App* show = AddAction(dlq, o, "show", "One dead letter, or those of a group");
  AddWhere(show, o, true);
  show->add_option("id", o.ids, "numbers, or a group's name")->required();
  for (CLI::App* change : {AddChange(dlq, o, "replay", "Run the step of a dead letter again"),
                           AddChange(dlq, o, "drop", "Put a dead letter aside for good")})
    change->add_option("id", o.ids, "numbers, or a group's name")->required();
}

void AddLane(CLI::App& app, Options& o) {
  CLI::App* lane = AddVerb(app, o, "lane", "Look at lanes, and let go on those that stand still");
  lane->require_subcommand(1);
  CLI::App* list = AddAction(lane, o, "list", "Lanes that stand still, and why");
  AddWhere(list, o, false);
  list->add_flag("--all", o.all, "the others too");
  CLI::App* resume = AddChange(lane, o, "resume", "Let lanes go on that stand still");
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
      AddVerb(app, o, "publish", "Begin a saga for each line of a file; twice changes nothing");
  AddWhere(publish, o, false);
  publish->add_option("pipeline", o.pipeline, "its name; or topic:NAME, with no event")->required();
  publish->add_option("event", o.event, "an event that begins its sagas")->required();
  publish->add_option("file", o.path,
                      "JSON Lines, each a full root payload, or a record's value; - is stdin");

  CLI::App* backup = AddVerb(app, o, "backup", "Copy the journal, consistently, into a new file");
  AddWhere(backup, o, true);
  backup->add_option("to", o.path, "the new file, on the runtime's machine")->required();

  CLI::App* audit = AddVerb(app, o, "audit",
                            "Whether a journal at rest keeps what is promised; 1 if it does not");
  AddPaths(audit, o, true);
  AddLoading(audit, o);
  AddEngine(audit, o);
  audit->add_option("--file", o.file, "the embedded engine's file; its runtime is stopped");
  AddOutput(audit, o);

  CLI::App* doctor = AddVerb(app, o, "doctor", "What is wrong with a runtime and its surroundings");
  AddWhere(doctor, o, false);
  CLI::App* explain = AddVerb(app, o, "explain", "What an error code of lint means");
  explain->add_option("code", o.name, "such as RPR021")->required();
  CLI::App* version = AddVerb(app, o, "version", "Which reprise this is");
  AddOutput(version, o);
}

}  // namespace reprise::runtime
