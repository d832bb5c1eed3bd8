// reprise saga list|show|retry|undo|skip|resolve|signal

#include <chrono>
#include <thread>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include "app/commands.h"
#include "app/fields.h"
#include "app/remote.h"
#include "app/saga_text.h"
#include "app/terminal.h"

namespace reprise::runtime {
namespace {

constexpr std::chrono::seconds kWatchEvery{2};

Query ListQuery(const Options& o) {
  Query query = {{"counts", "1"}};
  for (const auto& [name, value] : {std::pair{"state", o.state},
                                    {"pipeline", o.pipeline},
                                    {"subject", o.subject},
                                    {"step", o.step},
                                    {"older", o.older},
                                    {"newer", o.newer},
                                    {"before", o.before},
                                    {"limit", o.limit == 0 ? "" : std::to_string(o.limit)}}) {
    if (!value.empty()) query.emplace_back(name, value);
  }
  return query;
}

void PrintList(const json::object& body, const std::string& flags) {
  fmt::print("{}", SagaTable(body, StdoutLook()));
  std::fflush(stdout);
  const json::array& sagas = ItemsIn(body, "sagas");
  fmt::print(stderr, "{}", SagaCounts(body));
  if (const std::string next = TextIn(body, "next"); !next.empty()) {
    fmt::print(stderr, "   more: reprise saga list --before {}{}", next, flags);
  }
  if (sagas.empty()) {
    fmt::print(stderr, "   reprise saga list{}\n", flags);
  } else {
    fmt::print(stderr, "   reprise saga show {}{}\n", TextIn(AsObject(sagas[0]), "short"), flags);
  }
}

void PrintShow(const json::object& body, const std::string& flags) {
  fmt::print("{}", SagaTimeline(body, StdoutLook()));
  std::fflush(stdout);
  const std::string next = NextForSaga(body, flags);
  fmt::print(stderr, "next: {}\n", next.empty() ? "reprise saga list" + flags : next);
}

int Read(const Options& o, Remote& remote) {
  const bool list = o.action == "list";
  Query query = list ? ListQuery(o) : Query{};
  if (!list && o.payloads) query.emplace_back("payloads", "1");
  std::vector<std::string> path = {"sagas"};
  if (!list) path.push_back(o.ids.front());
  while (true) {
    const Answer answer = remote.Get(path, query);
    if (!answer.ok()) return ExitOf(answer);
    if (o.watch && StdoutLook().width != 0) fmt::print("\x1b[2J\x1b[H");
    if (o.json()) {
      fmt::print("{}\n", json::serialize(answer.body));
    } else {
      list ? PrintList(answer.body, remote.flags()) : PrintShow(answer.body, remote.flags());
    }
    if (!o.watch) return exit_code::kOk;
    std::fflush(stdout);
    std::this_thread::sleep_for(kWatchEvery);
  }
}

const json::object& StepOf(const json::object& saga, const std::string& name) {
  static const json::object kNone;
  for (const json::value& step : ItemsIn(saga, "steps")) {
    if (TextIn(AsObject(step), "name") == name) return AsObject(step);
  }
  return kNone;
}

std::string DoneSteps(const json::object& saga) {
  std::vector<std::string> names;
  for (const json::value& item : ItemsIn(saga, "steps")) {
    const json::object& step = AsObject(item);
    if (TextIn(step, "state") == "done" && !FlagIn(step, "side"))
      names.push_back(TextIn(step, "name"));
  }
  if (names.empty()) return "no step is done yet";
  return fmt::format("{} done {}: {}", names.size(), names.size() == 1 ? "step" : "steps",
                     fmt::join(names, ", "));
}

// What is about to happen, in a sentence.
std::string Question(const Options& o, const json::object& saga, const std::string& step) {
  const std::string what = TextIn(saga, "pipeline") + " " + TextIn(saga, "id").substr(0, 8);
  const std::string state = TextIn(StepOf(saga, step), "state");
  if (o.action == "undo") return fmt::format("This will undo {} ({}).", what, DoneSteps(saga));
  if (o.action == "retry")
    return fmt::format("This will run step '{}' ({}) of {} again.", step, state, what);
  if (o.action == "resolve") {
    return fmt::format("This will count the undo of '{}' of {} as done. Nothing runs.", step, what);
  }
  return fmt::format("This will count step '{}' ({}) of {} as done without effects{}.", step, state,
                     what, o.event.empty() ? "" : ", and go on with '" + o.event + "'");
}

// The step that was named, or the only one that the verb fits.
std::string PickStep(const Options& o, const json::object& saga) {
  if (!o.step.empty() || o.action == "undo") return o.step;
  const json::array& fitting = ItemsIn(ObjectIn(saga, "verbs"), o.action);
  return fitting.size() == 1 && fitting[0].is_string() ? std::string(fitting[0].get_string()) : "";
}

// name=value; a value that is JSON stays what it is, anything else is text.
bool AddFields(const Options& o, json::object& body) {
  json::object fields;
  for (const std::string& field : o.fields) {
    const std::size_t equals = field.find('=');
    if (equals == 0 || equals == std::string::npos) {
      fmt::print(stderr, "reprise: --field takes name=value, not '{}'\n", field);
      return false;
    }
    json::error_code error;
    const std::string text = field.substr(equals + 1);
    json::value value = json::parse(text, error);
    fields[field.substr(0, equals)] = error ? json::value(text) : std::move(value);
  }
  body["fields"] = std::move(fields);
  return true;
}

int Say(const Options& o, Remote& remote, const Answer& answer) {
  if (!answer.ok()) return ExitOf(answer);
  if (o.json()) {
    fmt::print("{}\n", json::serialize(answer.body));
    return exit_code::kOk;
  }
  const std::string id = TextIn(answer.body, "sagaId");
  const std::string step = TextIn(answer.body, "step");
  fmt::print(stderr, "✓ {}{}  recorded as {}   reprise saga show {}{}\n", o.action,
             step.empty() ? "" : " " + step, o.who, id.empty() ? o.ids.front() : id,
             remote.flags());
  return exit_code::kOk;
}

int Change(const Options& o, Remote& remote) {
  const std::string& id = o.ids.front();
  json::object body{{"who", o.who}, {"why", o.why}};
  if (!o.event.empty()) body["event"] = o.event;
  if (o.action == "signal") {
    if (!AddFields(o, body)) return exit_code::kUsage;
    return Say(o, remote, remote.Post({"sagas", id, "signal"}, body));
  }
  const Answer seen = remote.Get({"sagas", id}, {});
  if (!seen.ok()) return ExitOf(seen);
  const std::string whole = TextIn(seen.body, "id");
  const std::string step = PickStep(o, seen.body);
  if (!step.empty()) {
    body["step"] = step;
    const std::string state = TextIn(StepOf(seen.body, step), "state");
    if (!state.empty()) body["seen"] = state;
  }
  // A verb without a step that it fits is refused there, with the reason: nothing to ask.
  const bool asks = o.action == "undo" || !step.empty();
  if (asks && !Agreed(Question(o, seen.body, step), o.yes)) {
    fmt::print(stderr, "nothing was done\n");
    return exit_code::kProblems;
  }
  return Say(o, remote, remote.Post({"sagas", whole, o.action}, body));
}

}  // namespace

int RunSaga(const Options& options) {
  Answer failed;
  const std::unique_ptr<Remote> remote = OpenRemote(options, failed);
  if (!remote) return ExitOf(failed);
  return options.action == "list" || options.action == "show" ? Read(options, *remote)
                                                              : Change(options, *remote);
}

}  // namespace reprise::runtime
