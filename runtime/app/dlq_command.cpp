// reprise dlq list|show|replay|drop

#include <optional>

#include <fmt/core.h>

#include "app/commands.h"
#include "app/dlq_text.h"
#include "app/fields.h"
#include "app/remote.h"
#include "app/terminal.h"

namespace reprise::runtime {
namespace {

constexpr const char* kPage = "500";

bool IsGroup(const std::string& id) {
  return id.starts_with('g');
}

int List(const Options& o, Remote& remote) {
  Query query;
  for (const auto& [name, value] : {std::pair{"pipeline", o.pipeline},
                                    {"step", o.step},
                                    {"code", o.code},
                                    {"state", o.state},
                                    {"limit", o.limit == 0 ? "" : std::to_string(o.limit)}}) {
    if (!value.empty()) query.emplace_back(name, value);
  }
  const Answer answer = remote.Get({"dlq"}, query);
  if (!answer.ok()) return ExitOf(answer);
  if (o.json()) {
    fmt::print("{}\n", json::serialize(answer.body));
    return exit_code::kOk;
  }
  fmt::print("{}", GroupTable(answer.body, StdoutLook()));
  std::fflush(stdout);
  const json::array& groups = ItemsIn(answer.body, "groups");
  if (groups.empty()) {
    fmt::print(stderr, "no dead letters   reprise saga list --state stuck,held,retrying{}\n",
               remote.flags());
  } else {
    fmt::print(stderr, "next: reprise dlq show {}{}\n", TextIn(AsObject(groups[0]), "group"),
               remote.flags());
  }
  return exit_code::kOk;
}

int ShowGroup(const Options& o, Remote& remote, const std::string& group) {
  const Answer answer = remote.Get({"dlq"}, {{"group", group}, {"limit", kPage}});
  if (!answer.ok()) return ExitOf(answer);
  if (o.json()) {
    fmt::print("{}\n", json::serialize(answer.body));
  } else {
    fmt::print("{}", LetterTable(answer.body, StdoutLook()));
    std::fflush(stdout);
    fmt::print(stderr, "next: reprise dlq replay {0}{1}   ·   reprise dlq drop {0} --why ..{1}\n",
               group, remote.flags());
  }
  return exit_code::kOk;
}

// What can still be done with a letter; nothing with one that was dealt with.
std::string NextOf(const json::object& letter, const std::string& id) {
  if (TextIn(letter, "state") != "new") return "list";
  return (FlagIn(letter, "replayable") ? "replay " : "drop ") + id;
}

int Show(const Options& o, Remote& remote) {
  for (const std::string& id : o.ids) {
    if (IsGroup(id)) {
      if (const int code = ShowGroup(o, remote, id); code != exit_code::kOk) return code;
      continue;
    }
    const Answer answer = remote.Get({"dlq", id}, {});
    if (!answer.ok()) return ExitOf(answer);
    if (o.json()) {
      fmt::print("{}\n", json::serialize(answer.body));
      continue;
    }
    fmt::print("{}", LetterText(answer.body, StdoutLook()));
    std::fflush(stdout);
    fmt::print(stderr, "next: reprise dlq {}{}\n", NextOf(answer.body, id), remote.flags());
  }
  return exit_code::kOk;
}

// The numbers that the words mean, groups resolved, each once.  Nothing: `exit` is the exit code.
std::optional<std::vector<std::string>> Resolve(const Options& o, Remote& remote, int& exit) {
  std::vector<std::string> ids;
  const auto add = [&](std::string id) {
    if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(std::move(id));
  };
  for (const std::string& word : o.ids) {
    if (!IsGroup(word)) {
      add(word);
      continue;
    }
    Query query = {{"group", word}, {"limit", kPage}};
    while (true) {
      const Answer page = remote.Get({"dlq"}, query);
      if (!page.ok()) {
        exit = ExitOf(page);
        return std::nullopt;
      }
      for (const json::value& letter : ItemsIn(page.body, "letters"))
        add(std::to_string(NumberIn(AsObject(letter), "id")));
      const std::int64_t next = NumberIn(page.body, "next");
      if (next == 0) break;
      query = {{"group", word}, {"limit", kPage}, {"after", std::to_string(next)}};
    }
  }
  return ids;
}

int Change(const Options& o, Remote& remote) {
  int exit = exit_code::kOk;
  const auto ids = Resolve(o, remote, exit);
  if (!ids) return exit;
  const std::string question = fmt::format("This will {} {} dead {}.", o.action, ids->size(),
                                           ids->size() == 1 ? "letter" : "letters");
  if (!Agreed(question, o.yes)) {
    fmt::print(stderr, "nothing was done\n");
    return exit_code::kProblems;
  }
  const json::object body{{"who", o.who}, {"why", o.why}};
  std::size_t ok = 0, refused = 0;
  json::array results;
  {
    Progress progress(o.action, ids->size());
    for (const std::string& id : *ids) {
      const Answer answer = remote.Post({"dlq", id, o.action}, body);
      if (answer.status == 0 || answer.status == 401 || answer.status == 403) return ExitOf(answer);
      json::object result{{"id", id}, {"ok", answer.ok()}};
      if (answer.ok()) {
        ++ok;
      } else {
        ++refused;
        result["code"] = answer.code;
        exit = ExitOf(answer);
      }
      results.push_back(std::move(result));
      progress.Show(ok + refused, fmt::format("ok {}  refused {}", ok, refused));
    }
  }
  if (o.json()) fmt::print("{}\n", json::serialize(json::object{{"results", std::move(results)}}));
  fmt::print(stderr, "{}: {} ok, {} refused   reprise dlq list{}\n", o.action, ok, refused,
             remote.flags());
  return ids->size() == 1 || refused == 0 ? exit : exit_code::kProblems;
}

}  // namespace

int RunDlq(const Options& options) {
  Answer failed;
  const std::unique_ptr<Remote> remote = OpenRemote(options, failed);
  if (!remote) return ExitOf(failed);
  if (options.action == "list") return List(options, *remote);
  return options.action == "show" ? Show(options, *remote) : Change(options, *remote);
}

}  // namespace reprise::runtime
